"""Witnesses: views that were there once, asked for again to see whether the API is well."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from anyio import to_thread

from replay_fetch.errors import NotFound, RequestError
from replay_fetch.fetch.fetcher import Fetcher
from replay_fetch.fetch.paginator import SOURCES
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.model import Source, View
from replay_fetch.settings import SourceChoice

# One view may have been deleted since: two that fail are the API's fault.
_ASKED = 2
# Views of the list, spread over it, that are tried where nothing was there yet: a list in order of time
# begins with what retention has deleted.
_SCOUTS = 4


_Asked = tuple[View, Sequence[Source]]


class Testimony(NamedTuple):
    """The result of asking witnesses: the API is well, or ill, or neither is known."""

    well: bool = False
    ill: bool = False
    """Views that were there in this run are not any more; where neither is set, nobody can tell."""
    error: RequestError | None = None
    """The latest refusal."""


class Witnesses:
    """Chooses views and asks for them: views fetched last in the run, else in an earlier run, else some listed."""

    def __init__(self, fetcher: Fetcher, ledger: Ledger, list_number: int, choice: SourceChoice) -> None:
        self._fetcher = fetcher
        self._ledger = ledger
        self._list = list_number
        self._sources = SOURCES[choice]
        self._fetched: deque[tuple[View, Source]] = deque(maxlen=_ASKED)

    @property
    def has_some(self) -> bool:
        """True where a view was fetched in this run: it can be asked for again."""
        return bool(self._fetched)

    def remember(self, view: View, source: Source) -> None:
        """Keep a view which has just been fetched as the next witness; only the last two are kept."""
        if (view, source) not in self._fetched:
            self._fetched.append((view, source))

    async def testify(self, *, scouting: bool = True) -> Testimony:
        """Ask witnesses, in turn, until a view is there; views never fetched before only where ``scouting``."""
        # The view fetched last is the likeliest to be there still, and asking it is the fairest trial.
        error: RequestError | None = None
        for view, source in reversed(tuple(self._fetched)):
            found = await self._find(view, [source])
            if isinstance(found, Source):
                return Testimony(well=True)
            error = found
        # A view that was there minutes ago is not any more: nothing that other views say could excuse that.
        if self._fetched:
            return Testimony(ill=True, error=error)
        for view, sources in await to_thread.run_sync(self._of_the_list, scouting):
            found = await self._find(view, sources)
            if isinstance(found, Source):
                self.remember(view, found)
                return Testimony(well=True)
            error = found
        return Testimony(error=error)

    async def testify_to_keys(self) -> Testimony:
        """Ask as `testify` does, with views of other lists too.

        Views of another list show good keys and readable pages, but say nothing of whether the list at hand belongs
        to the organisation.
        """
        testimony = await self.testify()
        if testimony.well or testimony.ill:
            return testimony
        for view, sources in await to_thread.run_sync(self._fetched_before, None):
            if isinstance(await self._find(view, sources), Source):
                return Testimony(well=True)
        return testimony

    async def has(self, view: View) -> bool:
        """True where one of the API's stores has a view by the answer of a witness: the API is well."""
        return isinstance(await self._find(view, self._sources), Source)

    async def _find(self, view: View, sources: Sequence[Source]) -> Source | RequestError:
        """Ask the stores in turn for a view, and return the store that has it, or the error in the way."""
        error: RequestError = NotFound("the API answers, but has nothing of a view that was asked for as a trial")
        for source in sources:
            try:
                page = await self._fetcher.trial(view, source)
            except NotFound as not_there:  # in this store; the next may have it
                error = not_there
            except RequestError as failure:  # no answer about the view at all: another store would say no more
                return failure
            else:
                if page.segments or page.token:
                    return source
        return error

    def _of_the_list(self, scouting: bool) -> list[_Asked]:  # noqa: FBT001 - called through a thread
        """Choose views of the list to ask for: some that earlier runs fetched, and some never fetched."""
        spread = self._ledger.spread(self._list, _SCOUTS) if scouting else []
        return [*self._fetched_before(self._list), *((view, self._sources) for view in spread)]

    def _fetched_before(self, list_number: int | None) -> list[_Asked]:
        latest = self._ledger.latest_fetched(list_number, _ASKED)
        return [(record.planned.view, [Source(record.source)]) for record in latest]
