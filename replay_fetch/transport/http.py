"""Connections to the API, kept and shared by all workers, and the way of a single request through them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
from yarl import URL

from replay_fetch.clock import Spell
from replay_fetch.errors import ProxyRefused, TrustError, Unreachable
from replay_fetch.memory import WHILE_READ, Hold
from replay_fetch.model import Response
from replay_fetch.settings import ApiSettings, FetchSettings
from replay_fetch.transport.deadline import Deadline, DeadlineWatch
from replay_fetch.transport.faults import LONGEST_HEADER, MOST_HEADERS, TooLarge, TooSlow, translated
from replay_fetch.transport.proxy import Proxy, proxy_for
from replay_fetch.transport.trust import check_ca_file, trust_in

# An answer is read whole; it may be this much larger than a page may inflate to, never more.
_BODY_SLACK = 2**20
# How many times its length a body takes while it is read; a packed one grows about eightfold before that.
_PLAIN, _PACKED = WHILE_READ, 8 * WHILE_READ
# What takes less than this is not counted: all workers together take little with it.
_LIGHT = 2**18
# Bytes assumed for a body without Content-Length.
_UNTOLD = 2**20
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class _Way:
    """The proxy and CA between here and the API, the largest body in bytes, and the watch over all deadlines."""

    proxy: Proxy | None
    ca_file: Path | None
    max_body: int
    watch: DeadlineWatch


class Transport:
    """Sends requests over a shared set of connections; pacing, retries and judging the status are the caller's."""

    def __init__(self, http: aiohttp.ClientSession, origin: str, headers: Mapping[str, str], way: _Way) -> None:
        """Take the session and the ``headers`` that a request needs beyond the session's own."""
        self._http = http
        self._origin = origin
        scheme, _, authority = origin.partition("://")
        self._target = partial(URL.build, scheme=scheme.lower(), authority=authority, encoded=True)
        self._headers = headers
        self._way = way
        self._proxy = way.proxy.url if way.proxy else None
        self._for_proxy = way.proxy.headers if way.proxy else None
        self._max_body = way.max_body
        self._watch = way.watch
        self._now = asyncio.get_running_loop().time
        self._shut = Spell()

    def get(self, url: str, hold: Hold | None = None) -> Awaitable[Response]:
        """Ask once for ``url``, of the API's origin and already encoded, and read the answer to the end.

        Where ``hold`` is given, a large body waits for room in memory before reading begins, and ``hold`` is then as
        large as decoding may take. Raises TransportError when no whole answer came, Rejected for an answer larger
        than a page may be, TrustError for an untrusted certificate, ProxyRefused when a proxy wants another user; these
        two are TransportErrors until they are final, see `Spell`. A redirect is an answer like any other, and is not
        followed.
        """
        return self._ask("GET", url, None, hold)

    def post_json(self, url: str, body: bytes) -> Awaitable[Response]:
        """Post ``body``, which is JSON text, once to ``url``, for calls that only read; errors as of `get`."""
        return self._ask("POST", url, body, None)

    async def _ask(self, method: str, url: str, content: bytes | None, hold: Hold | None) -> Response:
        sent_at = self._now()
        # Put together of what is known: that is quicker than taking it apart, and no other origin can be asked.
        path, _, query = url.removeprefix(self._origin).partition("?")
        if path[:1] not in ("/", ""):
            raise ValueError(f"{url} is not of {self._origin}")
        target = self._target(path=path, query_string=query)
        headers = self._headers if content is None else {**self._headers, **_JSON}
        deadline = self._watch.begin(sent_at)
        try:
            with deadline:
                response = await self._http.request(
                    method,
                    target,
                    data=content,
                    headers=headers,
                    allow_redirects=False,
                    proxy=self._proxy,
                    proxy_headers=self._for_proxy,
                )
                try:
                    body = await self._body(response, hold, deadline)
                except RuntimeError as closed:  # how the library says that the connection went while nobody read
                    raise aiohttp.ClientPayloadError(str(closed)) from None
                finally:
                    response.release()
            self._shut.over()
            return Response(response.status, _joined(response.headers), body, sent_at=sent_at, received_at=self._now())
        except (aiohttp.ClientError, OSError, TimeoutError, TooLarge) as error:
            failure = translated(TooSlow() if deadline.expired else error, self._way.proxy, self._way.ca_file)
        if isinstance(failure, TrustError | ProxyRefused) and not self._shut.is_final(self._now()):
            failure = Unreachable(str(failure))
        raise failure

    async def _body(self, response: aiohttp.ClientResponse, hold: Hold | None, deadline: Deadline) -> bytes:
        length = response.content_length
        if length is not None and length > self._max_body:
            response.close()
            raise TooLarge
        times = _PACKED if "Content-Encoding" in response.headers else _PLAIN
        if hold is not None and (weight := (length or _UNTOLD) * times) > _LIGHT:
            deadline.lift()  # to wait for room is no fault of the server's
            await hold.take(weight)
            deadline.renew(self._now())
        deadline.body = response.content
        if length is not None:
            return await response.read()
        chunks, size = [], 0
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_body:
                response.close()
                raise TooLarge
            if hold is not None:
                hold.change(max(hold.size, size * times))
        return b"".join(chunks)


@asynccontextmanager
async def open_transport(
    api: ApiSettings, fetch: FetchSettings, headers: Mapping[str, str]
) -> AsyncIterator[Transport]:
    """Open the connections to the API; leaving the context closes all connections.

    ``headers`` go out with every request and nowhere else. The usual proxy variables of the environment are
    respected. ``~/.netrc`` is not read, as a password in there is not meant for this program.
    """
    connector = aiohttp.TCPConnector(limit=fetch.workers, ssl=trust_in(api.origin, fetch), ttl_dns_cache=300)
    # No total timeout: a long answer is fine while bytes come; a stall is what sock_read sees. A byte now and then
    # would put that off for ever, so an answer has a deadline besides, which every byte moves by its own time alone.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=fetch.connect_timeout, sock_read=fetch.read_timeout)
    watch = DeadlineWatch(patience=fetch.connect_timeout + fetch.read_timeout)
    way = _Way(proxy_for(api.origin), fetch.ca_file, api.max_page_bytes + _BODY_SLACK, watch)
    # The session's own headers cost least, but the library sends them to a proxy as well, with the CONNECT.
    of_session, of_request = ({}, headers) if way.proxy else (headers, {})
    async with aiohttp.ClientSession(
        connector=connector,
        headers=of_session,
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # the body layer inflates, with a bound
        requote_redirect_url=False,
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
        max_headers=MOST_HEADERS,
    ) as http:
        # The library would send a GET again by itself when a connection breaks: past the pacer, uncounted, and
        # not once but whenever it likes. There is no public switch.
        http._retry_connection = False  # noqa: SLF001 - see above
        with closing(watch):
            yield Transport(http, api.origin, of_request, way)


def check_connection(api: ApiSettings, fetch: FetchSettings) -> None:
    """Find out whether opening would be refused, before an archive is made; raises SettingsError as opening does."""
    check_ca_file(fetch)
    proxy_for(api.origin)


def _joined(sent: Mapping[str, str]) -> dict[str, str]:
    """The headers by name in lower case; values of a repeated name are joined by a comma."""
    # Where a name is repeated they do not line up, and there are fewer.
    headers = dict(zip(map(str.lower, sent), sent.values(), strict=False))
    if len(headers) == len(sent) and "".join(headers.values()).isascii():
        return headers
    headers.clear()
    for name, raw in sent.items():
        key, value = name.lower(), raw
        # The library smuggles bytes that are not UTF-8 through as surrogates, which no file takes.
        if not raw.isascii():
            value = raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers
