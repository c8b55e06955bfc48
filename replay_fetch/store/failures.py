"""Refusals of a store in our words: which bucket, what it said, what to do next.

The text of a store's own error is read here and never shown: S3 repeats the access key and the signed request in it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from replay_fetch.errors import ArchiveError, ReplayFetchError, SettingsError
from replay_fetch.store.location import Location

_CODE = re.compile(r"<Code>([A-Za-z.]{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_DENIED = "allow reading and listing below it, and for a download writing and deleting"

# Meanings of stores' codes, in words that end a sentence about the bucket, each with advice.
_NO_BUCKET = ("does not exist", "make it, or correct the address or the endpoint")
_REFUSED = ("is not open to these credentials", _DENIED)
_UNKNOWN_KEY = ("does not know these credentials", "set those of this store, or give the machine a role")
_EXPIRED = ("says that the credentials have expired", "renew them and run the same command again")
_SKEWED = ("says that this machine's clock is wrong", "set the clock (NTP) and run the same command again")
_REGION = ("lies in another region", "set AWS_REGION to the bucket's own")
_UNABLE = ("cannot write on a condition", "use a store with If-None-Match and If-Match (S3, Azure, MinIO, SeaweedFS)")
_BY_CODE = {
    "NoSuchBucket": _NO_BUCKET,
    "ContainerNotFound": _NO_BUCKET,
    "AccessDenied": _REFUSED,
    "AllAccessDisabled": _REFUSED,
    "AuthorizationFailure": _REFUSED,
    "AuthorizationPermissionMismatch": _REFUSED,
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "SignatureDoesNotMatch": _UNKNOWN_KEY,
    "InvalidToken": _UNKNOWN_KEY,
    "AuthenticationFailed": _UNKNOWN_KEY,
    "InvalidAuthenticationInfo": _UNKNOWN_KEY,
    "NoAuthenticationInformation": _UNKNOWN_KEY,
    "ExpiredToken": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "RequestTimeTooSkewed": _SKEWED,
    "RequestExpired": _SKEWED,
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "NotImplemented": _UNABLE,
}
_BY_STATUS = {"301": _REGION, "401": _UNKNOWN_KEY, "403": _REFUSED, "501": _UNABLE}
# Mistakes in what was typed. Before the first answer nothing was asked of the API, so these end with 2, not 3.
_OF_SETTINGS = {_NO_BUCKET, _REGION, _UNABLE}
# The links of EC2 and ECS that give a role's credentials: asked when the environment has none.
_NO_CREDENTIALS = ("was not asked: there are no credentials", _UNKNOWN_KEY[1])
_ROLE_SERVERS = ("169.254.169.254", "169.254.170.2", "metadata.google.internal")


class StoreError(ArchiveError):
    """The store refuses, or contradicts the log; the run stops with 3 and may be started again."""


class Fenced(StoreError):
    """A later run has taken the archive over; the earlier run writes nothing more and ends with 3."""


class LeaseHeld(StoreError):
    """Another run holds the archive's lease and is alive; the message names that run, and how long to wait for it."""


class StoreDead(StoreError):
    """The store answered nothing but faults for longer than ``--give-up-after``; what was committed before stays."""


class Refusal(Exception):
    """A request was refused, and would be again; `told` turns the refusal into an error for users."""

    def __init__(self, said: str, todo: str, code: str = "") -> None:
        super().__init__(said)
        self.said, self.todo, self.code = said, todo, code

    @property
    def of_bucket(self) -> bool:
        """True for a missing bucket, which answers 404 as a missing object does."""
        return (self.said, self.todo) == _NO_BUCKET

    @property
    def of_role(self) -> bool:
        """True where the machine's own server of credentials failed; in a run that had some, this may pass."""
        return (self.said, self.todo) == _NO_CREDENTIALS

    def told(self, location: Location, *, answered: bool) -> ReplayFetchError:
        """The error with which the run ends; ``answered`` says whether the store had taken a request of the run before.

        A missing bucket is a mistake in the settings (2) at first, and a stopped run (3) once the run was under way.
        """
        code = f" ({self.code})" if self.code else ""
        message = f"{location}: the bucket {self.said}{code}; {self.todo}"
        of_settings = (self.said, self.todo) in _OF_SETTINGS
        return SettingsError(message) if of_settings and not answered else StoreError(message)


class Fault(Exception):
    """A request failed in a way that may pass: 5xx, 429, a cut connection. The message is a few words for the log."""


class Judgement(NamedTuple):
    """A store's error sorted: as a refusal, or as a fault where ``refusal`` is None."""

    refusal: Refusal | None
    words: str
    """For a log line: the status, or that no answer came."""


def judge(text: str) -> Judgement:
    """Sort the text of an error by the store's own code first and by its status second.

    A text that names neither comes from the way to the store: no name, no connection, a time-out.
    """
    code, status = _CODE.search(text), _STATUS.search(text)
    # Ahead of all, since such an error has a status as well, which is not the bucket's.
    if any(server in text for server in _ROLE_SERVERS):
        return Judgement(Refusal(*_NO_CREDENTIALS), "no credentials")
    if "date header too old" in text:  # Azure's detail of its code for wrong keys
        return Judgement(Refusal(*_SKEWED, "AuthenticationFailed"), "refused")
    if "incorrectly configured region" in text:
        return Judgement(Refusal(*_REGION), "redirected")
    known = _BY_CODE.get(code[1] if code else "") or _BY_STATUS.get(status[1] if status else "")
    if known:
        return Judgement(Refusal(*known, code[1] if code else status[1] if status else ""), "refused")
    if status and status[1].startswith("4") and status[1] not in {"408", "425", "429"}:
        shown = code[1] if code else status[1]
        return Judgement(Refusal("refuses a request", "look this code up at its vendor", shown), "refused")
    return Judgement(None, f"status {status[1]}" if status else "no answer")
