"""Whether a view's chain of pages goes on, decided page by page."""

from __future__ import annotations

from collections.abc import Iterable

from replay_fetch.api import Trail, mark
from replay_fetch.errors import ChainCut
from replay_fetch.model import Page

_MOST_EMPTY_IN_A_ROW = 500
"""Empty pages with a token that are followed one after another.

The vendor calls them normal in filtered lists and names no bound, so that hundreds must be walked over. But a
chain that gives new tokens for ever must end: at 10 requests in 10 s, the tightest limit seen on other calls of
this API, so many pages take one view eight minutes.
"""


class Chain:
    """Follows the paging tokens of one chain; does no I/O.

    Raises ChainCut where the chain cannot be followed to its end:

    1. more was promised, but no token given; a page behind a token that has no body at all is no end;
    2. a token was seen before in this chain (a loop);
    3. too many empty pages in a row, or more pages than a view can have.
    """

    def __init__(self, max_pages: int, token: str | None = None, pages: int = 0) -> None:
        """``token`` and ``pages`` are those of a chain that goes on in the middle."""
        self._max_pages = max_pages
        self._seen: set[str] | _Marked = set() if token is None else {token}
        self._empty = 0
        self.pages = pages

    def recall(self, token: str, trail: Trail) -> None:
        """Take up what an earlier run saw of the chain, which goes on in the middle.

        Its last page is followed once more: that run may have been killed before it could say that the
        chain is cut there.
        """
        self._seen, self._empty = _Marked(trail.marks[:-1]), max(trail.empty - 1, 0)
        self.pages -= 1
        self.lead_on(token, empty=trail.empty > 0)

    def follow(self, page: Page) -> str | None:
        """The next page's token, None where ``page`` is the last one."""
        if page.token is None and page.has_more:
            raise ChainCut(f"page {self.pages + 1} says that more follows but gives no paging token")
        if page.bodiless and page.token is None and self.pages:
            raise ChainCut(f"page {self.pages + 1} has no body, though the page before it leads there")
        return self.lead_on(page.token, empty=not page.segments)

    def lead_on(self, token: str | None, *, empty: bool) -> str | None:
        """The same for a page of anything, told of its token and whether it held nothing."""
        self.pages += 1
        self._empty = self._empty + 1 if empty else 0
        if token is None:
            return None
        if token in self._seen:
            raise ChainCut(f"paging loop: page {self.pages} gives a token that was followed before")
        if self._empty > _MOST_EMPTY_IN_A_ROW:
            raise ChainCut(f"{self._empty} empty pages in a row")
        if self.pages >= self._max_pages:
            raise ChainCut(f"more than {self._max_pages} pages")
        self._seen.add(token)
        return token


class _Marked:
    """The same as a set of tokens, some of which are known by their marks alone."""

    def __init__(self, marks: Iterable[str]) -> None:
        self._marks = set(marks)

    def __contains__(self, token: str) -> bool:
        return mark(token) in self._marks

    def add(self, token: str) -> None:
        self._marks.add(mark(token))
