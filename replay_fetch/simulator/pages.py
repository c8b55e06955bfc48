"""Where one page of a view ends and what leads to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from replay_fetch.simulator.choices import Chain, LastPage, Shape
from replay_fetch.simulator.settings import PagingSettings

_WHOLE_VIEWS = frozenset({Shape.LIST, Shape.NDJSON, Shape.ZLIB})  # they have no place for a token


class Cursor(NamedTuple):
    """A place in a view's chain of pages; what a token stands for."""

    page: int = 1
    position: int = 0
    """The first segment that no earlier page has held."""
    empties: int = 0
    """Empty pages still to come before that segment."""
    chain: int = 0
    """How many chains of this view had begun when this one did."""


class Cut(NamedTuple):
    """One page: the segments from ``start`` to ``end`` and how it leads on."""

    start: int
    end: int
    following: Cursor | None
    has_more: bool = False
    """It says that more follows and gives no token."""
    bare: bool = False
    """Neither a token nor a place for one."""


def cut(segments: Sequence[bytes], at: Cursor, paging: PagingSettings, max_bytes: int) -> Cut:
    """The page that begins at a cursor."""
    if at.empties:
        return Cut(at.position, at.position, at._replace(page=at.page + 1, empties=at.empties - 1))
    end = _end(segments, at.position, paging, max_bytes)
    empties = paging.empty_pages if at.page == 1 else 0
    following = Cursor(at.page + 1, end, empties, at.chain)
    extra = paging.last_page is LastPage.EXTRA
    if end < len(segments) or (extra and at.position < len(segments)):
        return Cut(at.position, end, following)
    return Cut(at.position, end, None, bare=paging.last_page is not LastPage.NULL)


def spoil(page: Cut, at: Cursor, chain: Chain, second: Cursor) -> Cut:
    """The same page as a faulty API would lead on from it; ``second`` is the chain's second page.

    1. repeated: the last page of several leads back to the second;
    2. echoed: the second page leads to itself;
    3. has-more: the first page of several promises more and gives no token.
    """
    last = page.following is None
    if chain is Chain.REPEATED and last and at.page > 1:
        return page._replace(following=second, bare=False)
    if chain is Chain.ECHOED and at.page == 2:  # noqa: PLR2004 - the second page, as the rule says
        return page._replace(following=at, bare=False)
    if chain is Chain.HAS_MORE and at.page == 1 and not last:
        return page._replace(following=None, has_more=True)
    return page


def _end(segments: Sequence[bytes], start: int, paging: PagingSettings, max_bytes: int) -> int:
    """The end of the page that starts at ``start``; it holds one segment at least, where one is left."""
    if paging.shape in _WHOLE_VIEWS:
        return len(segments)
    if paging.pages and paging.shape is not Shape.BARE:
        return _even_end(len(segments), start, paging.pages)
    most = 1 if paging.shape is Shape.BARE else paging.page_segments or len(segments)
    end = min(start + 1, len(segments))
    size = sum(map(len, segments[start:end]))
    while end < len(segments) and end - start < most and size + len(segments[end]) <= max_bytes:
        size += len(segments[end])
        end += 1
    return end


def _even_end(length: int, start: int, pages: int) -> int:
    """The first of ``pages`` even boundaries behind ``start``."""
    return next((end for n in range(1, pages + 1) if (end := n * length // pages) > start), length)
