"""The paginator: a view's pages from the first to the last, over stores, refused tokens and interrupted runs."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from msgspec import Struct

from replay_fetch.api.trail import Trail
from replay_fetch.errors import ChainCut, NotFound, TokenRefused
from replay_fetch.fetch.chain import Chain
from replay_fetch.memory import Hold, Memory
from replay_fetch.model import Extent, Page, Response, Source, View, ViewRecord
from replay_fetch.settings import SourceChoice


class Restarted(Struct, frozen=True, gc=False):
    """The mark between two pages that the chain begins anew in ``source``: pages before the mark do not count."""

    source: Source


class PageSource(Protocol):
    """A source of pages: the API through a `Fetcher`, or the raw pages of an archive.

    ``memory`` bounds the pages on their way, None does not. Where ``keeps_answers``, the paginator keeps the latest
    answer beside its page.
    """

    memory: Memory | None
    keeps_answers: bool

    async def page(
        self, view: View, source: Source, token: str | None, hold: Hold | None = None, *, suspect: bool = False
    ) -> tuple[Page, Response]:
        """The page of a view behind ``token``, beside the answer as received.

        Raises a RequestError where no page can be had.
        """


SOURCES: dict[SourceChoice, tuple[Source, ...]] = {
    SourceChoice.AUTO: (Source.EVENT_PLATFORM, Source.BLOB),
    SourceChoice.EVENT_PLATFORM: (Source.EVENT_PLATFORM,),
    SourceChoice.BLOB: (Source.BLOB,),
}
"""The stores that are asked, in order: the next one only where one has nothing."""


class Start(NamedTuple):
    """The beginning of a chain: its first page, or behind pages that an earlier run has saved."""

    token: str | None = None
    pages: int = 0
    segments: int = 0
    """The number of segments on the saved pages."""
    trail: Trail | None = None
    """The tokens and empty pages on the way through the saved pages, and what these told of the whole list."""

    @classmethod
    def behind(cls, record: ViewRecord, next_path: str = "") -> Start:
        """The start behind the pages that an earlier run saved of a view, by the ledger's record.

        Where ``next_path`` is set, as --next-path, what the saved pages told of the whole list is not heard.
        """
        trail = Trail.of(record)
        # The pages may have been saved before the user overruled their counts.
        if next_path:
            trail.extent = Extent()
        return cls(record.token, record.pages, record.segments, trail)


class Paginator:
    """Walks through one view's pages; ``source`` is the store that is being read.

    The next store is asked only where one has nothing: pages of two stores are never mixed. A chain is begun once
    more when the API no longer takes its own token; the token of an earlier run may be refused besides, which does
    not count. No page is kept: the next one may need the room.
    """

    def __init__(self, pages: PageSource, view: View, choice: SourceChoice, max_pages: int) -> None:
        self._pages = pages
        self._view = view
        self._max_pages = max_pages
        self._sources = list(SOURCES[choice])
        self.source = self._sources.pop(0)
        self._hold = Hold(pages.memory) if pages.memory else None
        self._cut: ChainCut | None = None
        self._missing: NotFound | None = None
        # A store answered that the view is absent, or without a body: any box on the way can give such an answer.
        self.rests_on_absence = False
        # Faults are the view's own from the first: an earlier run gave the view up.
        self.suspect = False
        # The latest page as received, where answers are kept.
        self.answer: Response | None = None
        self._known = False
        self._begin(Start(), restarts=1)

    def go_on(self, source: Source, start: Start) -> None:
        """Begin behind the pages of an earlier run. Where their store is none of the walk's, nothing changes."""
        sources = [self.source, *self._sources]
        if source in sources:
            self.source, *self._sources = sources[sources.index(source) :]
            # A token that an earlier run left may have expired by now: that refusal is one more than the API's own.
            self._begin(start, restarts=1 if start.token is None else 2)
            if start.token is not None and start.trail is not None:
                self._recall(start.token, start.trail)

    def _recall(self, token: str, trail: Trail) -> None:
        try:
            self._chain.recall(token, trail)
        except ChainCut as cut:
            self._cut = cut

    def _begin(self, start: Start, *, restarts: int) -> None:
        self._chain = Chain(self._max_pages, start.token, start.pages, start.segments)
        self._token = start.token
        self._found = start.segments > 0
        self._at_end = False
        self._restarts = restarts

    def let_go(self) -> None:
        """Free the memory of the latest page, and drop its answer; the caller refers to neither any more."""
        self.answer = None
        if self._hold is not None:
            self._hold.let_go()

    async def next_page(self) -> Page | Restarted | None:
        """The next page; Restarted where all pages before are void; None behind the last one.

        Raises NotFound where no store knows the view, another RequestError where the chain breaks.
        """
        # A fault of the latest token, or the end, is told now, when the page itself has long been handed on.
        if self._cut is not None:
            raise self._cut
        if self._at_end:
            self._known = True
            return self._next_source()
        try:
            page, answer = await self._pages.page(
                self._view, self.source, self._token, self._hold, suspect=self.suspect
            )
        except NotFound as error:  # of this store; said of the view only where every store agrees
            self._missing, self.rests_on_absence = error, True
            return self._next_source()
        except TokenRefused:  # tokens expire: the chain begins anew, and its reader leaves out what it has
            if not self._restarts:
                raise
            self._begin(Start(), restarts=self._restarts - 1)
            return Restarted(self.source)
        self._found = self._found or bool(page.segments)
        self.rests_on_absence |= page.bodiless
        self._follow(page)
        if self._pages.keeps_answers:
            self.answer = answer
        return page

    def _follow(self, page: Page) -> None:
        """Take up the page's token; a fault of the token is raised by the next call, since the page itself is good."""
        try:
            self._token = self._chain.follow(page)
        except ChainCut as cut:
            self._cut = cut
        self._at_end = self._token is None

    def _next_source(self) -> Restarted | None:
        # 1. Segments were found: no other store is asked.  2. Another store may have the view.  3. None has it.
        if self._found:
            return None
        if self._sources:
            self.source = self._sources.pop(0)
            self._begin(Start(), restarts=1)
            return Restarted(self.source)
        if self._missing is not None and not self._known:
            raise self._missing
        return None
