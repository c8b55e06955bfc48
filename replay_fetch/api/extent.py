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

from replay_fetch.api.envelope import Envelope
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
_COUNTS = _PAGES | _SEGMENTS
_KEYS = _COUNTS | _FLAGS.keys()
PATHS = frozenset(
    f"{envelope}.{key}".lstrip(".")
    for envelope in ENVELOPES
    for key in (_KEYS if envelope in _ENVELOPES_OF_COUNTS else _FLAGS)
)
"""Every path that is read here."""
_OUTERMOST = frozenset(path.partition(".")[0] for path in PATHS)
# JSON numbers are read as floats by many; above this the count would be some other number there.
_MOST = 2**53
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
            path = f"{here}.{key}".lstrip(".")
            if path in PATHS:
                yield path, members[key]


def extent_of(texts: Mapping[str, bytes]) -> Extent | None:
    """Read the values at `PATHS`, given as exact JSON texts; the largest count of each kind is the one that counts."""
    more, pages, segments = "", (0, ""), (0, "")
    for path, text in texts.items():
        here, _, key = path.rpartition(".")
        if text == _FLAGS.get(key):
            # One of several is named, and always the same one, whatever the order of the keys.
            more = min(more, path) if more else path
        number = _count(text) if here in _ENVELOPES_OF_COUNTS else None
        if number is None:
            continue
        if key in _PAGES:
            pages = max(pages, (number, path))
        elif key in _SEGMENTS and not _is_filtered(here, key, texts):
            segments = max(segments, (number, path))
    return Extent(more, pages, segments) if more or pages[0] or segments[0] else None


def is_read(path: str, text: bytes) -> bool:
    """True of a value at one of `PATHS` that is a flag or a count, and so is no token, whatever its key is called."""
    if path not in PATHS:
        return False
    here, _, key = path.rpartition(".")
    if key in _FLAGS and text in _BOOLEANS:
        return True
    return key in _COUNTS and here in _ENVELOPES_OF_COUNTS and _count(text) is not None


def _is_filtered(here: str, key: str, texts: Mapping[str, bytes]) -> bool:
    filtered = texts.get(f"{here}.{_FILTERED.get(key, '')}".lstrip("."))
    return filtered is not None and _count(filtered) is not None


def _count(text: bytes) -> int | None:
    """The count in a JSON text, also where the digits stand in a string; None of a negative, a broken or a huge one."""
    digits = text.strip(b'"')
    if not digits.isdigit() or len(digits) > len(str(_MOST)):
        return None
    number = int(digits)
    return number if number <= _MOST else None
