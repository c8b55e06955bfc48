"""Addresses of archives and lists in an object store: ``s3://``, ``gs://`` and ``az://``.

An address names a place and nothing else. Credentials come from the environment or from the machine's role, so an
address may be logged, pickled, and handed to another machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from replay_fetch.errors import SettingsError

_SCHEMES = ("s3", "gs", "az")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
# Wider than any one store's rule, since MinIO and old buckets take more than AWS does today. It holds no character
# that could end the host part of a URL.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")
# Characters that all three stores and SeaweedFS keep as they are. Others are escaped by one client and not by the
# next, so `aws s3 ls` would show another name than the one that was typed.
_SEGMENT = re.compile(r"[A-Za-z0-9!_.'()=+,&$@:; -]+")
# S3 and GCS allow 1,024 bytes for a whole key. Ours end in at most 220: a session id, its folder, its suffix.
_LONGEST_PREFIX = 800

# Where each store's own tools look for another endpoint than the vendor's, and for the permission to use plain HTTP.
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
_ALLOW_HTTP = {"s3": "AWS_ALLOW_HTTP", "gs": "GOOGLE_ALLOW_HTTP", "az": "AZURE_ALLOW_HTTP"}
_YES = {"1", "true", "yes", "on"}


@dataclass(frozen=True)
class Location:
    """A place in a bucket, below which an archive lies; or the one object that a list is.

    ``prefix`` has no slash at either end and is empty for the bucket itself. An Azure ``bucket`` is a container, whose
    account stands in ``AZURE_STORAGE_ACCOUNT_NAME``.
    """

    scheme: str
    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")

    @property
    def parent(self) -> Location:
        """The folder around this place, for the address of an object; the bucket of a bucket."""
        return Location(self.scheme, self.bucket, self.prefix.rpartition("/")[0])

    @property
    def name(self) -> str:
        """The last part of the address: the object's name in its folder; empty for a whole bucket."""
        return self.prefix.rpartition("/")[2]


def is_url(text: str) -> bool:
    """True for a text that is meant as an address and never as a path: it has a scheme, whether known or not."""
    return _URL.match(text) is not None


def parse(url: str) -> Location:
    """Read an address; raises SettingsError, which shows no part of a URL that may be a password.

    Schemes are taken in upper and lower case. One slash at the end is dropped, as shells add it.
    """
    found = _URL.match(url)
    scheme = found[1].lower() if found else ""
    if found is None or scheme not in _SCHEMES:
        known = ", ".join(f"{name}://" for name in _SCHEMES)
        if scheme in _WEB:
            raise SettingsError(
                f"an {scheme}:// address stands where OUT belongs, the archive: a folder, or an address of {known}; "
                "is OUT missing?"
            )
        raise SettingsError(f"{scheme or 'this'}:// is no store that is known here; known are {known}, and folders")
    bucket, _, path = found[2].partition("/")
    if "@" in bucket or "?" in found[2] or "#" in found[2]:
        raise SettingsError(
            f"the {scheme}:// address holds more than a bucket and a path; `ps` shows it to everybody: "
            f"put credentials into the environment ({_CREDENTIALS[scheme]})"
        )
    if _BUCKET.fullmatch(bucket) is None:
        example = f"{scheme}://bucket/season"
        raise SettingsError(f"the {scheme}:// address names no bucket that can exist; write {example}")
    return Location(scheme, bucket, _prefix(path.removesuffix("/"), f"{scheme}://{bucket}"))


# A replay link and no OUT: people who hold a link have it on the command line.
_WEB = ("http", "https")

_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}


def _prefix(path: str, where: str) -> str:
    """The path below the bucket; raises SettingsError for one that two clients would read in two ways."""
    if not path:
        return ""
    for segment in path.split("/"):
        if not segment or segment in {".", ".."}:
            raise SettingsError(f"the path in {where} has an empty part, . or ..; a store keeps these as they stand")
        if _SEGMENT.fullmatch(segment) is None or segment != segment.strip():
            raise SettingsError(f"the path in {where} has a character that stores do not agree about; use letters")
    if len(path) > _LONGEST_PREFIX:
        raise SettingsError(f"the path in {where} is longer than {_LONGEST_PREFIX} characters")
    return path


def plain_http_allowed(scheme: str, environ: Mapping[str, str]) -> bool:
    """Whether requests may go over plain HTTP: to this machine, or where the vendor's own variable says so.

    Raises SettingsError for an endpoint elsewhere that the variable does not allow, or that holds a password.
    """
    name = next((name for name in _ENDPOINTS[scheme] if environ.get(name)), None)
    allowed = environ.get(_ALLOW_HTTP[scheme], "").strip().lower() in _YES
    if name is None:
        return allowed or (scheme == "az" and _emulated(environ))
    endpoint = urlsplit(environ[name])
    if endpoint.username is not None or endpoint.password is not None or endpoint.query:
        raise SettingsError(f"{name} holds more than a host and a port; credentials have variables of their own")
    if endpoint.scheme not in {"http", "https"} or not endpoint.hostname:
        raise SettingsError(f"{name} is no URL; write https://host:port")
    if endpoint.scheme == "https" or allowed:
        return allowed
    if not _is_loopback(endpoint.hostname):
        raise SettingsError(
            f"{name} is plain http:// to another machine, which shows recordings and keys to all between; "
            f"use https://, or set {_ALLOW_HTTP[scheme]}=true"
        )
    return True


def _emulated(environ: Mapping[str, str]) -> bool:
    """Azure's own variable for Azurite, whose endpoint is this machine's port 10000."""
    return environ.get("AZURE_STORAGE_USE_EMULATOR", "").strip().lower() in _YES


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
