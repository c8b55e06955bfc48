"""A worker: walks one view after another and tells the writer, page by page."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import nullcontext

from msgspec.structs import replace

from replay_fetch.archive.write.messages import ChainRestarted, Message, PageArrived, ViewEnded
from replay_fetch.archive.write.writer import Writer
from replay_fetch.clock import now
from replay_fetch.fetch.fetcher import Fetcher
from replay_fetch.fetch.paginator import Paginator, Start
from replay_fetch.model import Outcome, PlannedView, Source
from replay_fetch.pipeline.outcome_log import Slowest, SlowView
from replay_fetch.pipeline.producer import Producer
from replay_fetch.pipeline.verdicts import Verdicts
from replay_fetch.pipeline.view_walk import walk_view
from replay_fetch.settings import Settings

_NOT_THERE = frozenset({Outcome.EMPTY, Outcome.MISSING})


class Worker:
    """Turns planned views into messages for the writer; a view's failure is a value, a run's failure an exception."""

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
        self._waited: dict[Hashable, float] = {}
        fetcher.waited = self._waited

    async def work(self, producer: Producer) -> None:
        """Fetch views until there are no more; many tasks do so at once.

        The writer keeps a task waiting while the disk is behind: then no request is made either.
        """
        while (planned := await self._verdicts.next_view(producer)) is not None:
            began = now()
            paginator = Paginator(
                self._fetcher, planned.view, self._settings.api.source, self._settings.fetch.max_pages
            )
            ended = await self._fetch(planned, paginator)
            # Without the wait in line, which is the limit's doing: the slowest views are to show where the API is slow.
            took = now() - began - self._waited.pop(planned.view, 0.0)
            self._slowest.note(SlowView(took, planned.view, ended.outcome, ended.reason))
            # An empty list is the API's own word; a 404 or a missing body can come from any box on the way.
            absent = ended.outcome in _NOT_THERE
            await self._verdicts.ended(ended, absent=absent, told=not paginator.rests_on_absence)

    async def _fetch(self, planned: PlannedView, paginator: Paginator) -> ViewEnded:
        """Walk a view from the beginning of the chain, or behind the pages saved by an earlier run."""
        # 1. Asked for again in this run: what came the first time is void.  2. Saved by an earlier run: on from there.
        earlier, segments = planned.earlier, 0
        if self._verdicts.asked_before(planned):
            await self._writer.put(ChainRestarted(planned))
        elif earlier is not None and earlier.token is not None:
            paginator.go_on(Source(earlier.source), Start.behind(earlier, self._settings.api.next_path))
            segments = earlier.segments
        # A view that an earlier run gave up, or was refused, says less of the API the second time.
        before = None if earlier is None else earlier.outcome
        if before is Outcome.FAILED:
            paginator.suspect = self._fetcher.pacer.breaker.doubts()
        keys = self._fetcher.keys
        with keys.known_forbidden(planned.view) if before is Outcome.FORBIDDEN else nullcontext():
            ended = await walk_view(planned, paginator, self._put, segments)
        return replace(ended, at=int(self._fetcher.epoch()))

    async def _put(self, message: Message) -> None:
        # Each page with a body is a witness for the views that were absent before it.
        if isinstance(message, PageArrived) and not message.page.bodiless and self._verdicts.is_well(message.page):
            await self._verdicts.pass_on()
        await self._writer.put(message)
