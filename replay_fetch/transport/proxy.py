"""The proxy that the environment names, read and checked before anything is asked."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined] # typeshed lacks them

from yarl import URL

from replay_fetch.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's address, user and password; no message and no ``repr`` shows the user or the password."""

    variable: str
    """The variable that names it, for messages."""
    url: URL
    """Without user and password."""
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers for the proxy alone, in UTF-8 as browsers send; the library's own way knows Latin-1 only."""
        if not self.user:
            return {}
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Proxy-Authorization": f"Basic {pair}"}

    @property
    def host(self) -> str:
        """The proxy's host and port, as messages show both."""
        return f"{self.url.host}:{self.url.port}"

    def without_password(self, words: str) -> str:
        """The proxy's words without the password, which some proxies say back."""
        return words.replace(self.password, "***") if self.password else words


def proxy_for(origin: str) -> Proxy | None:
    """Find the proxy that the environment names for ``origin``, unless NO_PROXY exempts the host.

    Plain http is for loopback alone, and a proxy in between would read the keys, so http gets no proxy. Raises
    SettingsError for text that is no proxy's URL, and for kinds of proxies that are not spoken here.
    """
    parts = urlsplit(origin)
    proxies = getproxies_environment()
    variable = "HTTPS_PROXY" if proxies.get("https") else "ALL_PROXY"
    named = proxies.get("https") or proxies.get("all")
    if not named or parts.scheme == "http" or proxy_bypass_environment(parts.netloc, proxies):
        return None
    kind, colon, _ = named.partition("://")
    if not colon:
        kind, named = "http", f"http://{named}"
    if kind.lower() not in ("http", "https"):
        raise SettingsError(
            f"{variable} names a {kind} proxy; name an http one, or exempt {parts.netloc} with NO_PROXY"
        )
    try:
        return _parsed(variable, named)
    except ValueError as reason:  # ours and the libraries' own: none of their texts is shown, they quote the URL
        said = str(reason) if isinstance(reason, _Unreadable) else "it is no URL"
    raise SettingsError(
        f"{variable} cannot be used: {said}; write http://host:port or http://user:password@host:port, with what is "
        "no letter and no digit in a password written as in URLs (# is %23, / is %2F)"
    )


class _Unreadable(ValueError):
    """A proxy's URL cannot be read; the message shows no part of the URL, which may hold a password."""


def _parsed(variable: str, named: str) -> Proxy:
    parts = urlsplit(named)
    if any("@" in part for part in (parts.path, parts.query, parts.fragment)):
        raise _Unreadable("a character of its user or password ends the host's part of the URL")
    if not parts.hostname or set(parts.hostname) & set(' \t<>"\\^`{|}'):
        raise _Unreadable("it names no host")
    parts.hostname.encode("idna")  # as the resolver will, whose UnicodeError would end the run
    url = URL.build(scheme=parts.scheme, host=parts.hostname, port=_port(parts))
    user = unquote(parts.username or "")
    if ":" in user:
        raise _Unreadable("its user holds a colon")
    return Proxy(variable, url, user, unquote(parts.password or ""))


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise _Unreadable("its port is no number from 1 to 65535") from None
    if port is None:
        return 443 if parts.scheme == "https" else 80
    if not port:
        raise _Unreadable("its port is no number from 1 to 65535")
    return port
