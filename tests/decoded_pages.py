"""Pages for tests of decoding, and how they are decoded."""

from __future__ import annotations

from replay_fetch.api import PageDecoder
from replay_fetch.model import Answer, Page
from replay_fetch.settings import ApiSettings

SEGMENT = b'{"records":[{"type":4}],"start":1,"big":123456789012345678901234567890}'


def decode(body: bytes, *, link: str = "", status: int = 200, **settings: str) -> Page:
    """The page in ``body``, asked for twice: the second time the decoder knows its layout."""
    headers = {"link": link} if link else {}
    decoder = PageDecoder(ApiSettings(**settings))  # type: ignore[arg-type] # only text settings are given
    first = decoder.decode(Answer(status, headers, body))
    assert decoder.decode(Answer(status, headers, body)) == first, "the quick way says something else"
    return first
