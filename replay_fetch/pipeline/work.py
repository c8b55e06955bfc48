"""A worker: fetches one view after another and tells the writer, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterable

from replay_fetch.archive import ChainRestarted, PageArrived, ViewEnded, Writer
from replay_fetch.clock import now
from replay_fetch.errors import RequestError
from replay_fetch.fetch import Asking, Restart, Start, Walk, answer_of, outcome_of
from replay_fetch.model import Outcome, PlannedView, Source
from replay_fetch.pipeline.slowest import Slowest, SlowView
from replay_fetch.settings import Settings


class Worker:
    """Turns planned views into messages; a view's failure is a value, a run's an exception."""

    def __init__(
        self,
        asking: Asking,
        settings: Settings,
        writer: Writer,
        held: list[ViewEnded],
        slowest: Slowest,
    ) -> None:
        """``held`` is shared by all workers: views that are forbidden, until it is known that the keys are good.

        They are few: the third is taken to be the keys' fault. Views that were forbidden before are not
        among them: they say nothing of the keys, and may be all that is left of a list.
        """
        self._asking = asking
        self._settings = settings
        self._writer = writer
        self._held = held
        self._slowest = slowest

    async def work(self, views: AsyncIterable[PlannedView]) -> None:
        """Fetch views until there are no more.

        The writer keeps one waiting while the disk is behind: then nobody asks.
        """
        async for planned in views:
            began = now()
            ended = await self._fetch(planned)
            took = now() - began
            self._slowest.note(SlowView(took, planned.view, ended.outcome, ended.reason))
            self._held.append(ended)
            while self._held and (self._asking.keys.accepted or not _newly_forbidden(self._held[-1])):
                await self._writer.put(self._held.pop())

    async def _fetch(self, planned: PlannedView) -> ViewEnded:
        walk = Walk(self._asking, planned.view, self._settings.api.source, self._settings.fetch.max_pages)
        earlier = planned.earlier
        if earlier is not None and earlier.token is not None:
            walk.go_on(Source(earlier.source), Start.behind(earlier))
        if earlier is not None and earlier.outcome is Outcome.FAILED:
            walk.suspect = self._asking.faults.doubt()
        keys = self._asking.keys
        if _forbidden_before(planned):
            keys.forbidden_before.add(planned.view)
        try:
            segments = await self._pages(planned, walk)
        except RequestError as error:
            return ViewEnded(planned, outcome_of(error), str(error), walk.source, answer_of(error))
        finally:
            keys.forbidden_before.discard(planned.view)
            walk.let_go()
        return ViewEnded(planned, Outcome.FETCHED if segments else Outcome.EMPTY, source=walk.source)

    async def _pages(self, planned: PlannedView, walk: Walk) -> int:
        """Send a view's pages; returns how many segments its last chain held."""
        segments = planned.earlier.segments if planned.earlier and planned.earlier.token else 0
        keep_raw = self._settings.archive.keep_raw
        while (step := await walk.step()) is not None:
            if step is Restart.RESTART:
                segments = 0
                await self._writer.put(ChainRestarted(planned))
                continue
            page, answer = step
            segments += len(page.segments)
            arrived = PageArrived(planned, page, walk.source, answer if keep_raw else None)
            del step, page, answer  # the body need not wait for the disk
            await self._writer.put(arrived)
            del arrived  # nothing refers to the page any more: the next one may need the room
            walk.let_go()
        return segments


def _forbidden_before(planned: PlannedView) -> bool:
    return planned.earlier is not None and planned.earlier.outcome is Outcome.FORBIDDEN


def _newly_forbidden(ended: ViewEnded) -> bool:
    return ended.outcome is Outcome.FORBIDDEN and not _forbidden_before(ended.planned)
