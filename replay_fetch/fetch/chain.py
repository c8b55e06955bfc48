"""The chain of one view's pages: whether and how each page leads to the next; does no I/O."""

from __future__ import annotations

from collections.abc import Iterable

from replay_fetch.api.trail import Trail, mark, newer
from replay_fetch.errors import ChainCut
from replay_fetch.model import Extent, Page

# Empty pages with a token that are followed one after another. The vendor calls them normal in filtered lists and
# names no bound, so that hundreds must be walked over. But a chain that gives new tokens for ever must end: at 10
# requests in 10 s, the tightest limit seen on other calls of this API, so many pages take one view eight minutes.
_MOST_EMPTY_IN_A_ROW = 500

_NOTHING_TOLD = Extent()
# Only the user can tell whether the list is cut or the number is another's, and then a run with this flag settles it.
_OVERRULE = "ask again later, or say --next-path none if"


class Chain:
    """Follows the paging tokens of one chain of pages from one store.

    Raises ChainCut where the chain cannot be followed to its end:

    1. more was promised, but no token given; or a page behind a token has no body at all, which is no end;
    2. the pages told of more pages, or of more segments, than came until the last one;
    3. a token was seen before in the chain (a loop);
    4. too many empty pages in a row, or more pages than a view can have.
    """

    def __init__(self, max_pages: int, token: str | None = None, pages: int = 0, segments: int = 0) -> None:
        """Begin a chain at its first page.

        Or in the middle, behind ``pages`` pages with ``segments`` segments, the last of which gave ``token``.
        """
        self._max_pages = max_pages
        self._seen: set[str] | _Marked = set() if token is None else {token}
        self._empty = 0
        self.pages = pages
        self._segments = segments
        self._extent = _NOTHING_TOLD

    def recall(self, token: str, trail: Trail) -> None:
        """Take up the trail that an earlier run left of a chain which goes on in the middle, behind ``token``.

        The trail's last page is followed once more: the earlier run may have been killed before the verdict that
        the chain is cut there. Raises ChainCut where it is.
        """
        self._seen, self._empty = _Marked(trail.marks[:-1]), max(trail.empty - 1, 0)
        self._extent = trail.extent
        self.pages -= 1
        self.lead_on(token, empty=trail.empty > 0)

    def follow(self, page: Page) -> str | None:
        """The token of the page behind ``page``, None where ``page`` is the last one.

        Raises ChainCut as the class says.
        """
        self._segments += len(page.segments)
        if page.extent is not None:
            self._extent = newer(page.extent, self._extent)
        if page.token is None:
            self._require_end(page)
        return self.lead_on(page.token, empty=not page.segments)

    def _require_end(self, page: Page) -> None:
        """Raise ChainCut where a page without a token is not the last one, by its own word or an earlier page's."""
        number = self.pages + 1
        # A promise without a token cannot be kept: the end of such a page is not the end of the view.
        if page.has_more:
            raise ChainCut(f"page {number} says that more follows but gives no paging token")
        # Silence is an end on the first page alone: a later one was led to, and the API ends a list by an empty one.
        if page.bodiless and self.pages:
            raise ChainCut(f"page {number} has no body, though the page before it leads there")
        if page.extent is not None and page.extent.more:
            raise ChainCut(
                f"page {number} says by {page.extent.more} that more follows but gives no paging token: {_OVERRULE} "
                "that is said of something else"
            )
        (pages, pages_path), (segments, segments_path) = self._extent.pages, self._extent.segments
        if pages > number:
            raise ChainCut(
                f"the API counts {pages} pages ({pages_path}) and the chain ends on page {number}: {_OVERRULE} it "
                "counts something else"
            )
        if segments > self._segments:
            raise ChainCut(
                f"the API counts {segments} segments ({segments_path}) and the pages hold {self._segments}: "
                f"{_OVERRULE} it counts something else"
            )

    def lead_on(self, token: str | None, *, empty: bool) -> str | None:
        """Follow a page of any kind, given its token and whether the page was empty.

        Returns and raises as `follow` does.
        """
        self.pages += 1
        self._empty = self._empty + 1 if empty else 0
        if token is None:
            return None
        # A loop is looked for first: a chain of two pages that lead to each other would else look like a long one.
        if token in self._seen:
            raise ChainCut(f"paging loop: page {self.pages} gives a token that was followed before")
        if self._empty > _MOST_EMPTY_IN_A_ROW:
            raise ChainCut(f"{self._empty} empty pages in a row")
        if self.pages >= self._max_pages:
            raise ChainCut(f"more than {self._max_pages} pages")
        self._seen.add(token)
        return token


class _Marked:
    """A set of tokens, some of which are known by their marks alone: tokens of earlier runs are kept as hashes."""

    def __init__(self, marks: Iterable[str]) -> None:
        self._marks = set(marks)

    def __contains__(self, token: str) -> bool:
        return mark(token) in self._marks

    def add(self, token: str) -> None:
        self._marks.add(mark(token))
