"""Know the vendor's sites and this machine's names, and refuse every other server that would get the keys.

A SettingsError names the flag and the site that was probably meant.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from replay_fetch.errors import SettingsError

# The vendor's sites. Another name is refused: it gets both keys, and may be a stranger's. --base-url is the way to
# a new one.
SITES = (
    "datadoghq.com",
    "us3.datadoghq.com",
    "us5.datadoghq.com",
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
    "uk1.datadoghq.com",
    "datadoghq.eu",
    "ddog-gov.com",
    "us2.ddog-gov.com",
)


def site_of_host(host: str) -> str | None:
    """Return the vendor's site that a web page's host belongs to; None for any other host.

    The application lies at ``app.SITE`` or, on the numbered sites, at the site's own name. An organisation may have
    a name of its own in front.
    """
    name = host.lower().rstrip(".")
    # The longest first: us3.datadoghq.com ends in another site's name.
    ordered = sorted(SITES, key=len, reverse=True)
    return next((site for site in ordered if name == site or name.endswith(f".{site}")), None)


def is_loopback(host: str) -> bool:
    """Return True for a host that is this machine itself, so plain http exposes no key."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_site(site: str) -> None:
    """Refuse a site that is none of the vendor's: a mistyped name may be a stranger's, and would get both keys."""
    name = site.lower()
    if name in SITES:
        return
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes only

    meant = [known for known in SITES if name.endswith(f".{known}")] or get_close_matches(name, SITES, n=1)
    advice = f"did you mean {meant[-1]}?" if meant else f"there are {', '.join(SITES)};"
    raise SettingsError(
        f"--site {site!r} is none of Datadog's, and would get the keys: {advice} --base-url names another server"
    )


def check_base_url(origin: str) -> None:
    """Refuse a URL that is more than scheme, host and port, or that would send the keys in the clear."""
    try:
        url = urlsplit(origin)
        _ = url.port
        (url.hostname or "").encode("idna")  # as the resolver will
    except ValueError:
        raise SettingsError(f"--base-url {origin!r} is not a URL") from None
    for holds, refusal in (
        (url.scheme in ("https", "http") and bool(url.hostname), f"{origin!r} needs https:// and a host"),
        (url.username is None and url.password is None, "must not hold a user name or password"),
        (not (url.path or url.query or url.fragment), f"{origin!r} must be scheme, host and port only"),
        (
            url.scheme == "https" or is_loopback(url.hostname or ""),
            f"{origin!r} would send the keys in the clear; plain http is only for loopback",
        ),
    ):
        if not holds:
            raise SettingsError(f"--base-url {refusal}")
