"""A view's pages, from the first to the last, whatever it takes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from enum import Enum
from typing import NamedTuple

from replay_fetch.errors import NotFound, TokenRefused
from replay_fetch.fetch.asking import Asking
from replay_fetch.fetch.chain import Chain
from replay_fetch.model import Answer, Page, Source, View
from replay_fetch.settings import SourceChoice


class Restart(Enum):
    """Comes between pages: the chain begins anew, what came before does not count."""

    RESTART = "restart"


Step = tuple[Page, Answer] | Restart

SOURCES: dict[SourceChoice, tuple[Source, ...]] = {
    SourceChoice.AUTO: (Source.EVENT_PLATFORM, Source.BLOB),
    SourceChoice.EVENT_PLATFORM: (Source.EVENT_PLATFORM,),
    SourceChoice.BLOB: (Source.BLOB,),
}
"""The stores that are asked, in order: the next one only where one has nothing."""


class Start(NamedTuple):
    """Where a chain begins: at its first page, or behind pages that are there already."""

    token: str | None = None
    pages: int = 0
    found: bool = False
    """Segments were among those pages."""


class Walk:
    """The walk over one view's pages; ``source`` is the store that is being read."""

    def __init__(self, asking: Asking, view: View, choice: SourceChoice, max_pages: int) -> None:
        self._asking = asking
        self._view = view
        self._sources: Sequence[Source] = SOURCES[choice]
        self._max_pages = max_pages
        self._start = Start()
        self.source = self._sources[0]

    def go_on(self, source: Source, start: Start) -> None:
        """Begin behind the pages of an earlier walk, where its source is one of this walk's."""
        if source in self._sources:
            self._sources = self._sources[self._sources.index(source) :]
            self._start = start

    async def steps(self) -> AsyncGenerator[Step, None]:
        """Pages in order; a Restart where the ones before it are void.

        The next source is asked only where one has nothing: pages of two sources are never mixed.
        Raises NotFound where no source knows the view, another RequestError where the chain breaks.
        """
        missing: NotFound | None = None
        known = False
        for source in self._sources:
            self.source = source
            found = self._start.found
            try:
                async with aclosing(self._chain(source)) as steps:
                    async for step in steps:
                        found = step is not Restart.RESTART and (found or bool(step[0].segments))
                        yield step
                known = True
            except NotFound as error:
                missing = error
            if found:
                return
            if source is not self._sources[-1]:
                yield Restart.RESTART
        if missing is not None and not known:
            raise missing

    async def _chain(self, source: Source) -> AsyncGenerator[Step, None]:
        """One source's pages; begun once more when the API no longer takes its own token.

        A token from an earlier walk may be refused as well: that does not count.
        """
        start, self._start = self._start, Start()
        chances = 2 if start.token is None else 3
        while chances:
            chances -= 1
            try:
                async for page in self._pages(source, start):
                    yield page
            except TokenRefused:
                if not chances:
                    raise
                start = Start()
                yield Restart.RESTART
            else:
                return

    async def _pages(self, source: Source, start: Start) -> AsyncGenerator[tuple[Page, Answer], None]:
        chain = Chain(self._max_pages, start.token, start.pages)
        token = start.token
        while True:
            page, answer = await self._asking.page(self._view, source, token)
            yield page, answer
            token = chain.follow(page)
            if token is None:
                return
