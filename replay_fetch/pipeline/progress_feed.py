"""The feed of a run's display and report: counters, the pacer's state, and where the workers stand."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio

from replay_fetch.archive.report import Report
from replay_fetch.ledger.totals import Reason, Totals
from replay_fetch.model import ViewRecord
from replay_fetch.pacing import Pacer, Snapshot
from replay_fetch.pipeline.copies import Copies
from replay_fetch.pipeline.disk import DiskWatch, disk_free
from replay_fetch.pipeline.outcome_log import OutcomeLog, Slowest, count_records
from replay_fetch.pipeline.plan import Plan
from replay_fetch.progress.bottleneck import Bottleneck, Limit, WorkerCounts
from replay_fetch.progress.history import History
from replay_fetch.progress.metrics import MetricsFile
from replay_fetch.progress.reporters import Reporter, report, watch
from replay_fetch.progress.snapshot import RunSnapshot
from replay_fetch.progress.stats import RunStats, Speed
from replay_fetch.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PacerSnapshot:
    """A pacer's snapshot in the words of the display, read when a frame is drawn, and never kept."""

    snapshot: Snapshot
    max_rate: float | None = None

    @property
    def rate_per_s(self) -> float | None:
        """Requests a second that are allowed now; while a gate is shut, the rate of a whole window."""
        seen = self.snapshot
        rate = seen.rate or (seen.limit / seen.period if seen.limit and seen.period else 0.0)
        return min(rate, self.max_rate) if self.max_rate else rate

    @property
    def gate_shut_s(self) -> float:
        """Seconds until the next request may go."""
        return self.snapshot.gate_shut

    @property
    def limiter(self) -> str:
        """The limiter's kind, as in ``Snapshot``."""
        return self.snapshot.limiter


def where_workers_stand(
    snapshot: Snapshot, max_rate: float | None, backing_off: int, handing_over: int
) -> WorkerCounts:
    """Count the workers by their present wait, and name the limit that holds the line."""
    held_by = Limit.API
    # A full brake with workers in line has been tightened by faults; it is never tighter than they are many otherwise.
    if snapshot.mode == "outage" or snapshot.in_use >= snapshot.slots:
        held_by = Limit.RETRIES
    elif max_rate and snapshot.gate_shut == 0 and not 0 < snapshot.rate < max_rate:
        held_by = Limit.MAX_RATE
    return WorkerCounts(snapshot.waiting, held_by, snapshot.in_use, backing_off, handing_over)


class ProgressFeed:
    """Feeds the display while a run goes on, and the report at the end.

    Raises SettingsError for an unwritable metrics file.
    """

    def __init__(self, settings: Settings, pacer: Pacer, root: Path | None) -> None:
        self._settings = settings
        self._pacer = pacer
        # The scratch of a stored archive is cleared with each commit, so its disk foretells nothing.
        self._disk_free: Callable[[], int | None] = partial(disk_free, root) if root else lambda: None
        self._history = History()
        self._log = OutcomeLog()
        metrics = settings.show.metrics_file
        self._metrics = MetricsFile(metrics) if metrics else None
        shard = settings.plan.shard
        self._copies = Copies(shard, settings.fetch.max_rate) if shard else None
        self.stats = RunStats()
        self.slowest = Slowest()

    def begin(self, plan: Plan, views_to_do: int) -> None:
        """Take over the plan's figures, and how many of its views are to be asked for."""
        self.stats.views_total, self.stats.finished_before = plan.views, plan.views - views_to_do
        self.stats.bad_rows, self.stats.duplicates = plan.bad_rows, plan.duplicates
        if views_to_do and self._copies and (advice := self._copies.advice()):
            log.info("%s", advice)

    def recorded(self, records: Sequence[ViewRecord]) -> None:
        """Count views which have become durable, and log each with a bad ending."""
        count_records(self.stats, self._log, records)

    @asynccontextmanager
    async def shown(self, reporter: Reporter | None, handing_over: Callable[[], int]) -> AsyncIterator[None]:
        """Show the run until the context is left, and record the course of the run.

        ``handing_over`` counts the workers waiting for the disk. The display looks at the run by the clock, as
        displays do; the run waits for no display.
        """

        def worker_counts() -> WorkerCounts:
            seen, max_rate = self._pacer.snapshot(), self._settings.fetch.max_rate
            return where_workers_stand(seen, max_rate, self.stats.backing_off, handing_over())

        bottleneck = Bottleneck()
        async with anyio.create_task_group() as shown:
            shown.start_soon(watch, bottleneck, worker_counts)
            if self._copies:
                shown.start_soon(self._copies.watch, self._pacer.snapshot)
            # All are told of the same run alike; whichever is None shows nothing.
            for watcher in (reporter, self._history, self._metrics, DiskWatch()):
                shown.start_soon(report, self.stats, self._pacer_snapshot, watcher, bottleneck, self._disk_free)
            yield
            shown.cancel_scope.cancel()

    def figures(self) -> dict[str, object]:
        """Give the run's figures by name, for others who ask how far a run into a store has come."""
        stats, moment = self.stats, self._pacer_snapshot()
        return {
            "views": stats.views_total,
            "ended": stats.ended,
            "finished_before": stats.finished_before,
            "requests": stats.requests,
            "pages": stats.pages,
            "segments": stats.segments,
            "wire_bytes": stats.wire_bytes,
            "rate_per_s": moment.rate_per_s,
        }

    def finish(self, ended: Report) -> None:
        """Write the last metrics of a run that has ended, so a file that is scraped later shows the end."""
        if self._metrics is not None:
            last = RunSnapshot(self.stats, Speed(), self._pacer_snapshot(), ended.seconds)
            self._metrics.finish(last, ended.exit_code)

    def report(self, plan: Plan, totals: Totals, reasons: Sequence[Reason]) -> Report:
        """The figures of a run for the report: from the list and the ledger, from the counters and the pacer."""
        # Of the list the ledger's word counts, which holds earlier runs too; of this run the counters' word.
        stats, snapshot = self.stats, self._pacer.snapshot()
        return Report(
            list_name=plan.list_name,
            rows=plan.rows,
            duplicates=plan.duplicates,
            bad_rows=plan.bad_rows,
            erased=plan.erased,
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
            limiter=snapshot.recognised,
            bad_row_reasons=plan.reasons,
            pacing=[point._asdict() for point in self._history],
            slowest=[slow.fields() for slow in self.slowest],
            settings=plain_settings(self._settings),
        )

    def _pacer_snapshot(self) -> PacerSnapshot:
        return PacerSnapshot(self._pacer.snapshot(), self._settings.fetch.max_rate)


def plain_settings(settings: Settings) -> dict[str, object]:
    """The settings for the report, by group; keys are not among them, paths become text."""

    def plain(value: object) -> object:
        return str(value) if isinstance(value, Path) else value

    groups = dataclasses.asdict(settings)
    return {group: {name: plain(value) for name, value in values.items()} for group, values in groups.items()}
