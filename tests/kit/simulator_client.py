"""A naive client for the simulator's own tests: it knows each shape and trusts what it is told."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
from yarl import URL

from replay_fetch.model import View
from replay_fetch.simulator import Shape, Simulator, SimulatorSettings

KEYS = {"DD-API-KEY": "simulator-api-key", "DD-APPLICATION-KEY": "simulator-app-key"}


@dataclass(frozen=True)
class Got:
    """One answer as it came over the wire, but for its content encoding."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # a test looks into bodies of every layout
        return json.loads(self.body)


@dataclass
class Client:
    """Asks one simulator; ``headers`` go with every request."""

    simulator: Simulator
    http: aiohttp.ClientSession

    async def page(self, view: View, headers: Mapping[str, str] = KEYS, /, **query: str | int) -> Got:
        """One page; values are escaped once, as they have to be."""
        path = f"/api/v2/rum/replay/sessions/{quote(view.session_id)}/views/{quote(view.view_id)}/segments"
        search = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
        return await self.get(f"{path}?{search}", headers)

    async def get(self, path: str, headers: Mapping[str, str] = KEYS) -> Got:
        async with self.http.get(URL(self.simulator.base_url + path, encoded=True), headers=headers) as response:
            body = await response.read()
        if response.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return Got(response.status, response.headers, body)

    async def pages(self, view: View, **query: str | int) -> list[Got]:
        """All pages of a view, at most 1000, each of which must be answered well."""
        shape = self.simulator.settings.paging.shape
        got = [await self.page(view, **query)]
        while (token := token_of(shape, got[-1])) is not None and len(got) < 1000:
            got.append(await self.page(view, **query, paging=token))
        assert all(each.status == 200 for each in got), got
        return got

    async def segments(self, view: View, **query: str | int) -> list[bytes]:
        shape = self.simulator.settings.paging.shape
        return [segment for page in await self.pages(view, **query) for segment in segments_of(shape, page.body)]


@asynccontextmanager
async def simulated(settings: SimulatorSettings | None = None) -> AsyncIterator[Client]:
    """A running simulator and a client for it."""
    async with (
        Simulator(settings) as simulator,
        aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)) as http,
    ):
        http._retry_connection = False  # aiohttp would ask again by itself when a connection is reset
        yield Client(simulator, http)


_LISTS = {
    Shape.LIST: (),
    Shape.SEGMENTS: ("segments",),
    Shape.JSON_API: ("data",),
    Shape.NESTED: ("data", "attributes", "segments"),
    Shape.CURSOR: ("data",),
    Shape.LINKS_NEXT: ("data",),
    Shape.LINK_HEADER: (),
    Shape.GZIP: ("segments",),
    Shape.UNKNOWN: ("payload", "chunks"),
    Shape.UNREAD: ("segments",),
}
_TOKENS = {
    Shape.SEGMENTS: ("paging",),
    Shape.JSON_API: ("meta", "page", "after"),
    Shape.NESTED: ("paging", "next"),
    Shape.CURSOR: ("meta", "pagination", "next_cursor"),
    Shape.LINKS_NEXT: ("links", "next"),
    Shape.GZIP: ("paging",),
    Shape.UNKNOWN: ("continuation",),
    Shape.UNREAD: ("meta", "resume_at"),
}


def segments_of(shape: Shape, body: bytes) -> list[bytes]:
    """The segments of a body, re-serialised the way the recordings are written."""
    if shape is Shape.NDJSON:
        return body.splitlines()
    if shape is Shape.ZLIB:
        return _inflate(body).splitlines()
    found = json.loads(body)
    if shape is Shape.BARE:
        return [_dump(found)] if found else []
    for name in _LISTS[shape]:
        found = found[name]
    return [_dump(each["attributes"] if shape is Shape.JSON_API else each) for each in found]


def token_of(shape: Shape, page: Got) -> str | None:
    """The token that a page leads on with."""
    if shape in (Shape.LINK_HEADER, Shape.BARE):
        link = re.fullmatch(r'<(.+)>; rel="next"', page.headers.get("Link", ""))
        return _paging(link[1]) if link else None
    found = page.json() if shape in _TOKENS else None
    for name in _TOKENS.get(shape, ()):
        found = found.get(name) if found else None
    if found is None:
        return None
    return _paging(found) if shape is Shape.LINKS_NEXT else str(found)


def _paging(url: str) -> str:
    return parse_qs(urlsplit(url).query)["paging"][0]


def _dump(segment: object) -> bytes:
    # The SDK writes with JSON.stringify: no spaces, lone surrogates escaped, everything else as UTF-8.
    text = json.dumps(segment, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[\ud800-\udfff]", lambda lone: f"\\u{ord(lone[0]):04x}", text).encode()


def _inflate(octets: bytes) -> bytes:
    parts = []
    while octets:
        stream = zlib.decompressobj()
        parts.append(stream.decompress(octets))
        if not stream.eof:
            raise EOFError
        octets = stream.unused_data
    return b"".join(parts)
