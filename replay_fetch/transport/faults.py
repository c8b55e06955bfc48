"""Translation of aiohttp's exceptions into errors of ours, with no trace of the request inside."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import aiohttp

from replay_fetch.errors import (
    ProxyRefused,
    Rejected,
    ReplayFetchError,
    Stalled,
    TransportError,
    TrustError,
    Unreachable,
)
from replay_fetch.printable import printable
from replay_fetch.transport.proxy import Proxy
from replay_fetch.transport.trust import advice_on

# aiohttp's own are 8,190 bytes and 128; gateways send security policies and tracing that are longer. A bound stays:
# so much is held in memory for every connection.
LONGEST_HEADER, MOST_HEADERS = 64 * 2**10, 1_000
LEAST_SPEED = 1_000
"""Bytes a second of a body, below which it counts as stalled once ``--read-timeout`` is used up beside."""
_UNAUTHENTICATED = 407
_REFUSALS = set(range(400, 500)) - {408, 429}
# How the library begins what it says of them; only a Python parser has classes of their own for that.
_TOO_LONG = ("Got more than", "Too many headers")


class TooLarge(Exception):
    """A body grew past the bound on a page's bytes; raised here, never seen outside of the transport."""


class TooSlow(TimeoutError):
    """An answer came a few bytes at a time, each within the timeout; never seen outside of the transport."""


def translated(error: Exception, proxy: Proxy | None, ca_file: Path | None) -> ReplayFetchError:
    """Translate an exception of the library, or of the operating system, into an error of ours.

    An untrusted certificate and a proxy that wants another user end the run where they are final. The messages quote
    the operating system and a proxy's status line, and of the library's words only words without any part of an answer.
    """
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError)):
        cause = getattr(error, "certificate_error", error)
        return TrustError(f"the server's certificate is not trusted {advice_on(cause, ca_file)}")
    if isinstance(error, TooLarge):
        return Rejected("the answer is larger than a page may be; ask for smaller ones with --max-list-size")
    if isinstance(error, aiohttp.ClientHttpProxyError) and proxy:
        return _of_proxy(error, proxy)
    if isinstance(error, aiohttp.ClientResponseError):
        return _not_http(error.message)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Unreachable(_unresolved(error, proxy))
    return _on_the_way(error, proxy)


def _of_proxy(error: aiohttp.ClientHttpProxyError, proxy: Proxy) -> ReplayFetchError:
    said = f"the proxy {proxy.host} refused the connection: {error.status} {error.message}".rstrip()
    if wanted := error.headers and error.headers.get("Proxy-Authenticate"):
        said = f"{said} ({wanted})"
    said = printable(proxy.without_password(said), 300)
    if error.status == _UNAUTHENTICATED:
        advice = (
            "look at the user and the password in it" if proxy.user else "name a user: http://user:password@host:port"
        )
        return ProxyRefused(f"{said}; it is named by {proxy.variable}: {advice}")
    return Unreachable(said) if error.status in _REFUSALS else TransportError(said)


def _not_http(message: str) -> ReplayFetchError:
    if message.startswith(_TOO_LONG):
        return Rejected(
            f"the answer has a header over {LONGEST_HEADER // 2**10} kB, or more than {MOST_HEADERS:,} headers; "
            "look at what stands between here and the API"
        )
    # Behind a colon or a quotation mark it quotes the answer, which may say a key back.
    words = re.match(r"(?:[A-Za-z -]|(?<=[a-z])'(?=[a-z])){5,70}(?=:|\s['\"]|$)", message)
    return TransportError(f"the answer is not valid HTTP ({words[0].strip().lower()})" if words else _NO_HTTP)


_NO_HTTP = "the answer is not valid HTTP"


def _unresolved(error: aiohttp.ClientConnectorDNSError, proxy: Proxy | None) -> str:
    whose = f"the name of the proxy {proxy.host}, which {proxy.variable} names," if proxy else f"the name {error.host}"
    return f"{whose} cannot be resolved: {(error.os_error.strerror or 'no address').lower()}"


def _on_the_way(error: Exception, proxy: Proxy | None) -> TransportError:
    """The error for a connection that broke, stalled, or could never be made."""
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return Stalled(words) if kind in (TooSlow, TimeoutError) else TransportError(words)
    if isinstance(error, (aiohttp.ClientConnectorSSLError, ssl.SSLError)):
        reason = getattr(error, "reason", None) or getattr(getattr(error, "os_error", None), "reason", None)
        return Unreachable(f"no TLS with the server: {(reason or 'handshake failed').lower().replace('_', ' ')}")
    said = error.strerror.lower() if isinstance(error, OSError) and error.strerror else "no answer"
    if isinstance(error, aiohttp.ClientProxyConnectionError) and proxy:
        return TransportError(f"no connection to the proxy {proxy.host}, which {proxy.variable} names: {said}")
    return TransportError(said)


# From the particular to the general: the first class that fits gives the words.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (TooSlow, f"stalled: after --read-timeout, the answer still comes at under {LEAST_SPEED // 1000} kB a second"),
    (aiohttp.ConnectionTimeoutError, "no connection within --connect-timeout"),
    (TimeoutError, "stalled: no byte within --read-timeout"),
    (aiohttp.ClientPayloadError, "the answer's body ended early"),
    (aiohttp.ServerDisconnectedError, "the server closed the connection without an answer"),
)
