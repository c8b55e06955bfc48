"""A view's pages, from the first to the last, whatever it takes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from enum import Enum

from replay_fetch.errors import NotFound, TokenRefused
from replay_fetch.fetch.asking import Asking
from replay_fetch.fetch.chain import Chain
from replay_fetch.model import Answer, Page, Source, View
from replay_fetch.settings import SourceChoice


class Restart(Enum):
    """Comes between pages: the chain begins anew, what came before does not count."""

    RESTART = "restart"


Step = tuple[Page, Answer] | Restart

_SOURCES: dict[SourceChoice, tuple[Source, ...]] = {
    SourceChoice.AUTO: (Source.EVENT_PLATFORM, Source.BLOB),
    SourceChoice.EVENT_PLATFORM: (Source.EVENT_PLATFORM,),
    SourceChoice.BLOB: (Source.BLOB,),
}


class Walk:
    """The walk over one view's pages; ``source`` is the store that is being read."""

    def __init__(self, asking: Asking, view: View, choice: SourceChoice, max_pages: int) -> None:
        self._asking = asking
        self._view = view
        self._sources: Sequence[Source] = _SOURCES[choice]
        self._max_pages = max_pages
        self.source = self._sources[0]

    async def steps(self) -> AsyncGenerator[Step, None]:
        """Pages in order; a Restart where the ones before it are void.

        The next source is asked only where one has nothing: pages of two sources are never mixed.
        Raises NotFound where no source knows the view, another RequestError where the chain breaks.
        """
        missing: NotFound | None = None
        known = False
        for source in self._sources:
            self.source = source
            found = False
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
        """One source's pages; started once more when the API no longer takes its own token."""
        try:
            async for page in self._pages(source):
                yield page
        except TokenRefused:
            yield Restart.RESTART
            async for page in self._pages(source):
                yield page

    async def _pages(self, source: Source) -> AsyncGenerator[tuple[Page, Answer], None]:
        chain = Chain(self._max_pages)
        token: str | None = None
        while True:
            page, answer = await self._asking.page(self._view, source, token)
            yield page, answer
            token = chain.follow(page)
            if token is None:
                return
