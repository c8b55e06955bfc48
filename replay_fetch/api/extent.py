"""The extent of the whole list, as a page tells it beside the paging token: that more follows, and two counts.

1. a flag that says that the list does not end on this page (``complete`` that is false, ``hasNextPage`` that is true),
   in any of the envelopes in which a token may stand
2. a count of the list's pages (``total_pages``) or of its segments (``total_count``), in an envelope of the paging

Each is normal on a page with a token. A chain of pages that ends short of any of them was not heard to its end. A
plain ``count`` is not taken, as it may be the page's own; ``total_count`` is not taken beside ``total_filtered_count``:
the vendor's other calls count there what no filter took away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from replay_fetch.api.envelope import Envelope, path_in
from replay_fetch.api.tokens import ENVELOPES
from replay_fetch.model import Extent

# What each flag has where more follows.
_AT_END = ("complete", "is_complete", "isComplete", "completed", "done", "finished")
_LAST = ("is_last", "isLast", "is_last_page", "isLastPage", "last_page", "lastPage")
_MORE = ("has_next", "hasNext", "has_next_page", "hasNextPage", "is_truncated", "isTruncated")
_FLAGS = dict.fromkeys((*_AT_END, *_LAST), b"false") | dict.fromkeys(_MORE, b"true")
_PAGES = frozenset({"total_pages", "totalPages", "page_count", "pageCount", "last_page", "lastPage"})
_SEGMENTS = frozenset(
    {"total", "total_count", "totalCount", "total_filtered_count", "totalFilteredCount"}
    | {"total_segments", "totalSegments", "segments_count", "segmentsCount", "segment_count", "segmentCount"}
    | {"total_results", "totalResults", "total_items", "totalItems", "total_elements", "totalElements"}
)
_FILTERED = {"total_count": "total_filtered_count", "totalCount": "totalFilteredCount"}
# Not in `data`: there a total may be the resource's own.
_ENVELOPES_OF_COUNTS = frozenset(
    {"", "meta", "meta.page", "meta.paging", "meta.pagination", "page", "pagination", "paging"}
)
_KEYS = _PAGES | _SEGMENTS | _FLAGS.keys()


class _Meaning(NamedTuple):
    """The meanings that a value at one path may have: a flag, a count of pages, a count of segments."""

    more: bytes | None
    """The text by which a flag says that more follows."""
    counts_pages: bool
    counts_segments: bool
    filtered: str
    """The path at which a count stands that is taken in place of this one."""


def _meanings() -> Iterator[tuple[str, _Meaning]]:
    for here in ENVELOPES:
        counts = here in _ENVELOPES_OF_COUNTS
        for key in _KEYS if counts else _FLAGS:
            filtered = path_in(here, _FILTERED[key]) if key in _FILTERED else ""
            yield (
                path_in(here, key),
                _Meaning(_FLAGS.get(key), counts and key in _PAGES, counts and key in _SEGMENTS, filtered),
            )


_MEANINGS = dict(_meanings())
PATHS = frozenset(_MEANINGS)
"""Every path that is read here."""
_OUTERMOST = frozenset(path.partition(".")[0] for path in PATHS)
# JSON numbers are read as floats by many; above this the count would be some other number there.
_MOST = 2**53
_DIGITS = len(str(_MOST))
_BOOLEANS = (b"true", b"false")


def find_extent(envelope: Envelope) -> Extent | None:
    """Find what the objects around a page's segments tell of the whole list; None where they tell nothing."""
    if _OUTERMOST.isdisjoint(envelope.members("")):
        return None
    return extent_of(dict(_texts(envelope)))


def _texts(envelope: Envelope) -> Iterator[tuple[str, bytes]]:
    for here in ENVELOPES:
        members = envelope.members(here)
        for key in _KEYS.intersection(members):
            path = path_in(here, key)
            if path in PATHS:
                yield path, members[key]


def extent_of(texts: Mapping[str, bytes]) -> Extent | None:
    """Read the values at `PATHS`, given as exact JSON texts; the largest count of each kind is the one that counts."""
    more, pages, segments = "", (0, ""), (0, "")
    for path, text in texts.items():
        flag, counts_pages, counts_segments, filtered = _MEANINGS[path]
        # Of several that say the same, the same one is named whatever the order of the keys.
        if text == flag:
            more = min(more, path) if more else path
        elif counts_pages:
            pages = _larger(pages, text, path)
        elif counts_segments and not (filtered in texts and _count(texts[filtered]) >= 0):
            segments = _larger(segments, text, path)
    return Extent(more, pages, segments) if more or pages[0] or segments[0] else None


def is_read(path: str, text: bytes) -> bool:
    """True of a value at one of `PATHS` that is a flag or a count, and so is no token, whatever its key is called."""
    meaning = _MEANINGS.get(path)
    if meaning is None:
        return False
    is_flag = meaning.more is not None and text in _BOOLEANS
    return is_flag or ((meaning.counts_pages or meaning.counts_segments) and _count(text) >= 0)


def _larger(known: tuple[int, str], text: bytes, path: str) -> tuple[int, str]:
    number = _count(text)
    return max(known, (number, path)) if number > 0 else known


def _count(text: bytes) -> int:
    """The count in a JSON text, also where the digits stand in a string; -1 where none can be meant (2.0, -3, 2^60)."""
    digits = text if text.isdigit() else text.strip(b'"')
    if not digits.isdigit() or len(digits) > _DIGITS:
        return -1
    number = int(digits)
    return number if number <= _MOST else -1
