"""Pages for tests of decoding, and how they are decoded."""

from __future__ import annotations

from collections.abc import Iterable

from replay_fetch.api.page import PageDecoder
from replay_fetch.model import Page, Response
from replay_fetch.settings import ApiSettings

SEGMENT = b'{"records":[{"type":4}],"start":1,"big":123456789012345678901234567890}'


def object_of(members: Iterable[bytes]) -> bytes:
    """The JSON object of these members."""
    return b"{" + b",".join(members) + b"}"


def member_at(path: str, value: bytes) -> bytes:
    """The member through which a dotted path leads to ``value``, and to nothing else."""
    key, _, rest = path.partition(".")
    return b'"%b":%b' % (key.encode(), object_of([member_at(rest, value)]) if rest else value)


def decode(body: bytes, *, link: str = "", status: int = 200, **settings: str) -> Page:
    """The page in ``body``, asked for twice: the second time the decoder knows its layout."""
    headers = {"content-length": str(len(body))} | ({"link": link} if link else {})
    decoder = PageDecoder(ApiSettings(**settings))  # type: ignore[arg-type] # only text settings are given
    first = decoder.decode(Response(status, headers, body))
    assert decoder.decode(Response(status, headers, body)) == first, "the quick way says something else"
    return first
