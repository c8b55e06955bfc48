"""Shapes: the layouts of a page's body, with its segments and the way to the next page."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from replay_fetch.simulator.choices import Shape


class Way(NamedTuple):
    """The way to the next page: a token, the URL that holds the token, or neither at the end of a chain."""

    token: str | None = None
    url: str | None = None
    has_more: bool = False
    total: int | None = None
    """The number of the view's segments, where the page is to count them in place of a token."""
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """A body as it goes over the wire, already packed, with the headers that describe it."""

    octets: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Layout:
    """The text around the segments of a body: ``head``, segments, ``foot``, then in an object the token at ``path``."""

    head: str = "["
    foot: str = "]"
    path: Sequence[str] = field(default=())
    content_type: str = "application/json"


_SEGMENTS = _Layout('{"segments":[', "]", ("paging",))
_LAYOUTS = {
    Shape.LIST: _Layout(),
    Shape.SEGMENTS: _SEGMENTS,
    Shape.JSON_API: _Layout('{"data":[', "]", ("meta", "page", "after")),
    Shape.NESTED: _Layout(
        '{"data":{"type":"rum_replay_segments","id":"1","attributes":{"segments":[', "]}}", ("paging", "next")
    ),
    Shape.CURSOR: _Layout('{"data":[', "]", ("meta", "pagination", "next_cursor")),
    Shape.LINKS_NEXT: _Layout('{"data":[', "]", ("links", "next")),
    Shape.LINK_HEADER: _Layout(),
    Shape.BARE: _Layout(),
    Shape.NDJSON: _Layout("", "", (), "application/x-ndjson"),
    Shape.ZLIB: _Layout("", "", (), "application/octet-stream"),
    Shape.GZIP: _SEGMENTS,
    Shape.UNKNOWN: _Layout('{"payload":{"chunks":[', "]}", ("continuation",)),
    Shape.UNREAD: _Layout('{"segments":[', "]", ("meta", "resume_at")),
}


def item_of(position: int) -> bytes:
    """Make the JSON:API object around the segment at a position, without the segment itself."""
    return b'{"type":"rum_replay_segment","id":"segment-%d"}' % position


class Bodies:
    """A maker of bodies of one shape."""

    def __init__(self, shape: Shape, token_place: str = "") -> None:
        """Take a shape; ``token_place`` is a dotted path in place of the shape's own place for a token."""
        self._shape = shape
        layout = _LAYOUTS[shape]
        self._layout = replace(layout, path=tuple(token_place.split("."))) if token_place else layout

    def body(self, segments: Sequence[bytes], start: int, way: Way) -> Body:
        """Make the body that holds ``segments``; the first of them is number ``start`` of its view.

        The segments' bytes go in untouched, so an archive can be compared with the truth byte by byte.
        """
        octets = self._front(segments, start) + self._back(way)
        headers = {"Content-Type": self._layout.content_type}
        if self._shape is Shape.GZIP:
            # Without a time in gzip's header the same page has the same bytes at any time.
            octets = gzip.compress(octets, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        if self._shape in (Shape.LINK_HEADER, Shape.BARE) and way.url:
            headers["Link"] = f'<{way.url}>; rel="next"'
        return Body(octets, headers)

    def _front(self, segments: Sequence[bytes], start: int) -> bytes:
        match self._shape:
            case Shape.BARE if segments:
                return segments[0]
            case Shape.NDJSON:
                return b"".join(segment + b"\n" for segment in segments)
            case Shape.ZLIB:
                # As the SDK makes them: a stream for each segment, each ending in a newline.
                return b"".join(zlib.compress(segment + b"\n") for segment in segments)
            case Shape.JSON_API:
                numbered = enumerate(segments, start)
                inside = b",".join(b'%b,"attributes":%b}' % (item_of(at)[:-1], segment) for at, segment in numbered)
            case _:
                inside = b",".join(segments)
        return self._layout.head.encode() + inside + self._layout.foot.encode()

    def _back(self, way: Way) -> bytes:
        """Make the end of an object behind the list: the token's place, ``has_more`` or a count, and the brace."""
        if not self._layout.path:
            return b""
        keys: dict[str, object] = {}
        if way.has_more:
            keys = {"has_more": True}
        elif way.total is not None:
            keys = {"meta": {"page": {"total_count": way.total}}}
        elif not way.bare:
            in_link = self._layout.path == _LAYOUTS[Shape.LINKS_NEXT].path
            keys = _nest(self._layout.path, way.url if in_link else way.token)
        return ("," + json.dumps(keys)[1:] if keys else "}").encode()


def _nest(path: Sequence[str], value: object) -> dict[str, object]:
    """Nest a value in one object for each name of a path: ``a.b`` and 1 become ``{"a": {"b": 1}}``."""
    first, *rest = path
    return {first: _nest(rest, value) if rest else value}
