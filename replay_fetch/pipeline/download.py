"""Bringing a list of views into an archive: plan, run, manifest, report."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from replay_fetch.archive import Layout, Report, Writer, write_report
from replay_fetch.archive.write.session_file import DamagedFile
from replay_fetch.errors import ArchiveError, ReplayFetchError
from replay_fetch.fetch import KeyWatch
from replay_fetch.ledger import Ledger, Reason, ToDo, Totals
from replay_fetch.memory import for_pages
from replay_fetch.pacing import Pacer
from replay_fetch.pipeline.connection import connected
from replay_fetch.pipeline.opening import begin_run, bring_manifest_up_to_date
from replay_fetch.pipeline.planning import Plan
from replay_fetch.pipeline.run import Run, Stop
from replay_fetch.pipeline.show import Complaints, PacerMoment, count_records, where_workers_stand
from replay_fetch.pipeline.slowest import Slowest
from replay_fetch.pipeline.verdicts import LOOK_AT
from replay_fetch.progress import (
    Course,
    Limiting,
    MetricsFile,
    Moment,
    Reporter,
    RunStats,
    Speed,
    Standing,
    report,
    watch,
)
from replay_fetch.settings import Credentials, Settings

log = logging.getLogger(__name__)


class Download:
    """One run over one list into an open archive; used once."""

    def __init__(self, layout: Layout, ledger: Ledger, settings: Settings, credentials: Credentials) -> None:
        self._layout = layout
        self._ledger = ledger
        self._settings = settings
        self._credentials = credentials
        self._pacer = Pacer(settings.fetch)
        self._stats = RunStats()
        self._course = Course()
        self._slowest = Slowest()
        self._metrics = MetricsFile(settings.show.metrics_file) if settings.show.metrics_file else None
        self._cut_short = False
        self.standstill = 0.0
        """Seconds for which the event loop may stand still for a commit: see the writer's."""
        self.epoch: Callable[[], float] = time.time
        """The time on the wall, by which a recording is young or not."""
        self.failure: ReplayFetchError | None = None
        """Why the run ended before its list did; what was fetched until then is kept and reported."""

    async def run(self, plan: Plan, stop: Stop, shown_by: Reporter | None = None) -> Report:
        """Fetch and commit, then write manifest and report; ``stop`` ends it early and cleanly.

        A failure of the run is kept in ``failure``, not raised.
        """
        started, began = datetime.now(UTC), anyio.current_time()
        todo = self._todo(plan, started)
        views_to_do = await to_thread.run_sync(self._ledger.count_to_do, todo)
        self._count(plan, views_to_do)
        if views_to_do:
            await self._stage(self._fetch(todo, stop, shown_by))
        await self._stage(to_thread.run_sync(self._finish, plan.loaded))
        totals = await to_thread.run_sync(self._ledger.totals, plan.list_number)
        if totals.unasked and self.failure is None and not self._cut_short:
            self.failure = ArchiveError(f"{totals.unasked} views ended without an outcome: a defect, please report it")
        reasons = await to_thread.run_sync(self._ledger.reasons, plan.list_number)
        summed = self._report(plan, totals, reasons)
        summed = dataclasses.replace(
            summed,
            started=started.isoformat(timespec="seconds"),
            seconds=round(anyio.current_time() - began, 3),
            interrupted=self._cut_short,
        )
        if summed.nothing_there:
            log.warning("not one view of the list is there: %s", LOOK_AT)
        await self._stage(to_thread.run_sync(write_report, self._layout, summed))
        if self._metrics is not None:
            last = Moment(self._stats, Speed(), self._pacer_moment(), summed.seconds)
            self._metrics.finish(last, summed.exit_code)
        return summed

    async def _stage(self, work: Awaitable[None]) -> None:
        try:
            await work
        except ReplayFetchError as error:
            self.failure = self.failure or error

    async def _fetch(self, todo: ToDo, stop: Stop, shown_by: Reporter | None) -> None:
        await to_thread.run_sync(begin_run, self._ledger)
        settings, stats = self._settings, self._stats
        _, room = for_pages(settings.fetch.memory_limit)
        writer = Writer(self._layout, self._ledger, settings.archive, partial(count_records, stats, Complaints()), room)
        writer.standstill = self.standstill
        keys = KeyWatch(alone=False)
        async with connected(settings, self._credentials, self._pacer, stats, keys) as asking:
            asking.epoch = self.epoch
            run = Run(self._ledger, todo, asking, writer, settings, stop, self._slowest)
            async with anyio.create_task_group() as shown:
                limiting = Limiting()
                shown.start_soon(watch, limiting, partial(self._standing, run))
                for watcher in (shown_by, self._course, self._metrics):
                    shown.start_soon(report, stats, self._pacer_moment, watcher, limiting)
                await self._stage(run.run())
                self._cut_short = run.cut_short
                shown.cancel_scope.cancel()

    def _pacer_moment(self) -> PacerMoment:
        return PacerMoment(self._pacer.snapshot(), self._settings.fetch.max_rate)

    def _standing(self, run: Run) -> Standing:
        snapshot, max_rate = self._pacer.snapshot(), self._settings.fetch.max_rate
        return where_workers_stand(snapshot, max_rate, self._stats.backing_off, run.writer.kept_waiting)

    def _finish(self, newly_loaded: bool) -> None:  # noqa: FBT001 - called through a thread, by position
        """Bring the manifest up to date with the ledger, unless it is."""
        # A session's file that was damaged before is not the run's: what that wrote is in order.
        in_order = isinstance(self.failure, DamagedFile) or not isinstance(self.failure, ArchiveError)
        bring_manifest_up_to_date(self._layout, self._ledger, changed=newly_loaded, in_order=in_order)

    def _todo(self, plan: Plan, now: datetime) -> ToDo:
        window = self._settings.plan.refresh_window
        return ToDo(plan.list_number, None if window is None else int(now.timestamp() - window))

    def _count(self, plan: Plan, views_to_do: int) -> None:
        self._stats.views_total, self._stats.finished_before = plan.views, plan.views - views_to_do
        self._stats.bad_rows, self._stats.duplicates = plan.bad_rows, plan.duplicates

    def _report(self, plan: Plan, totals: Totals, reasons: Sequence[Reason]) -> Report:
        stats, snapshot = self._stats, self._pacer.snapshot()
        return Report(
            list_name=plan.list_name,
            rows=plan.rows,
            duplicates=plan.duplicates,
            bad_rows=plan.bad_rows,
            outcomes=totals.outcomes,
            unasked=totals.unasked,
            finished_before=stats.finished_before,
            noted=totals.noted,
            reasons=[reason._asdict() for reason in reasons],
            segments=totals.segments,
            bytes=totals.size,
            requests=stats.requests,
            retries=stats.retries,
            rate_limited=stats.rate_limited,
            pages=stats.pages,
            wire_bytes=stats.wire_bytes,
            waited_seconds=round(snapshot.waited, 3),
            stopped=str(self.failure) if self.failure else None,
            limiter=snapshot.recognised,
            bad_row_reasons=plan.reasons,
            pacing=[point._asdict() for point in self._course],
            slowest=[slow.fields() for slow in self._slowest],
            settings=_shown(self._settings),
        )


def _shown(settings: Settings) -> dict[str, object]:
    """The settings for the report, by group; keys are not among them, paths as text."""

    def plain(value: object) -> object:
        return str(value) if isinstance(value, Path) else value

    groups = dataclasses.asdict(settings)
    return {group: {name: plain(value) for name, value in values.items()} for group, values in groups.items()}
