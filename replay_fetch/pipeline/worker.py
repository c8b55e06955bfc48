"""A worker: fetches one view after another and tells the writer, page by page."""

from __future__ import annotations

from replay_fetch.archive import ChainRestarted, PageArrived, ViewEnded, Writer
from replay_fetch.clock import now
from replay_fetch.errors import RequestError
from replay_fetch.fetch import Fetcher, Paginator, Restart, Start, answer_of, outcome_of
from replay_fetch.model import Outcome, PlannedView, Source
from replay_fetch.pipeline.producer import Producer
from replay_fetch.pipeline.slowest import Slowest, SlowView
from replay_fetch.pipeline.verdicts import Verdicts
from replay_fetch.settings import Settings

_NOT_THERE = frozenset({Outcome.EMPTY, Outcome.MISSING})


class Worker:
    """Turns planned views into messages; a view's failure is a value, a run's an exception."""

    def __init__(
        self,
        fetcher: Fetcher,
        settings: Settings,
        writer: Writer,
        verdicts: Verdicts,
        slowest: Slowest,
    ) -> None:
        self._fetcher = fetcher
        self._settings = settings
        self._writer = writer
        self._verdicts = verdicts
        self._slowest = slowest

    async def work(self, producer: Producer) -> None:
        """Fetch views until there are no more.

        The writer keeps one waiting while the disk is behind: then nobody asks.
        """
        while (planned := await self._verdicts.next_view(producer)) is not None:
            began = now()
            walk = Paginator(self._fetcher, planned.view, self._settings.api.source, self._settings.fetch.max_pages)
            ended = await self._fetch(planned, walk)
            took = now() - began
            self._slowest.note(SlowView(took, planned.view, ended.outcome, ended.reason))
            absent = walk.rests_on_absence and ended.outcome in _NOT_THERE
            await self._verdicts.ended(ended, absent=absent)

    async def _fetch(self, planned: PlannedView, walk: Paginator) -> ViewEnded:
        earlier = planned.earlier
        if self._verdicts.asked_before(planned):
            await self._writer.put(ChainRestarted(planned))
        elif earlier is not None and earlier.token is not None:
            walk.go_on(Source(earlier.source), Start.behind(earlier))
        if earlier is not None and earlier.outcome is Outcome.FAILED:
            walk.suspect = self._fetcher.faults.doubt()
        keys = self._fetcher.keys
        if _forbidden_before(planned):
            keys.forbidden_before.add(planned.view)
        try:
            segments = await self._pages(planned, walk)
        except RequestError as error:
            return ViewEnded(planned, outcome_of(error), str(error), walk.source, answer_of(error), self._at())
        finally:
            keys.forbidden_before.discard(planned.view)
            walk.let_go()
        return ViewEnded(planned, Outcome.FETCHED if segments else Outcome.EMPTY, source=walk.source, at=self._at())

    def _at(self) -> int:
        return int(self._fetcher.epoch())

    async def _pages(self, planned: PlannedView, walk: Paginator) -> int:
        """Send a view's pages; returns how many segments its last chain held."""
        goes_on = planned.earlier and planned.earlier.token and not self._verdicts.asked_before(planned)
        segments = planned.earlier.segments if planned.earlier and goes_on else 0
        keep_raw = self._settings.archive.keep_raw
        while (step := await walk.step()) is not None:
            if step is Restart.RESTART:
                segments = 0
                await self._writer.put(ChainRestarted(planned))
                continue
            page, answer = step
            if not page.bodiless and self._verdicts.is_well():
                await self._verdicts.pass_on()
            segments += len(page.segments)
            arrived = PageArrived(planned, page, walk.source, answer if keep_raw else None)
            del step, page, answer  # the body need not wait for the disk
            await self._writer.put(arrived)
            del arrived  # nothing refers to the page any more: the next one may need the room
            walk.let_go()
        return segments


def _forbidden_before(planned: PlannedView) -> bool:
    return planned.earlier is not None and planned.earlier.outcome is Outcome.FORBIDDEN
