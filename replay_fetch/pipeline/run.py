"""The run: a list of views is fetched and committed, and a single result comes out.

::

    ledger ─► producer ─► worker 1..N ─► writer ─► archive
                  views               messages

A worker takes a view from the producer when free for the next. The writer takes messages as fast as the disk
allows, and makes workers wait when out of room. No queue is without a bound, and no task asks in a loop whether
another has ended: an iterator ends, a writer is closed, an event is set.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import anyio
from anyio import to_thread

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.report import Report, write_report
from replay_fetch.archive.shards import drop_merged
from replay_fetch.archive.write.writer import STANDSTILL, CommitTerms, Writer
from replay_fetch.errors import ArchiveError, ReplayFetchError
from replay_fetch.fetch.credentials import CredentialCheck
from replay_fetch.fetch.fetcher import Fetcher
from replay_fetch.ledger.ledger import Ledger, ToDo
from replay_fetch.memory import for_pages
from replay_fetch.pacing import Pacer
from replay_fetch.pipeline.connection import connected
from replay_fetch.pipeline.disk import warn_of_lacking_room
from replay_fetch.pipeline.events import EventsRun
from replay_fetch.pipeline.failure import FirstFailure, beside_writer
from replay_fetch.pipeline.opening import begin_run, bring_manifest_up_to_date
from replay_fetch.pipeline.plan import Plan
from replay_fetch.pipeline.producer import Producer
from replay_fetch.pipeline.progress_feed import ProgressFeed
from replay_fetch.pipeline.stopping import Stop, stoppable
from replay_fetch.pipeline.verdicts import LOOK_AT, Verdicts
from replay_fetch.pipeline.witnesses import Witnesses
from replay_fetch.pipeline.worker import Worker
from replay_fetch.progress.reporters import Reporter
from replay_fetch.settings import Credentials, Settings

if TYPE_CHECKING:
    from replay_fetch.pipeline.stored import StoredArchive

log = logging.getLogger(__name__)

# Seconds without any request on its way after which nothing is in flight: what is left waits for a backoff or a limit.
_QUIET = 1.0


class Ended(NamedTuple):
    """The result of a run: the report and, for a run ended before the list, the failure."""

    report: Report
    failure: ReplayFetchError | None


@dataclass(frozen=True, slots=True)
class _Crew:
    """The parts that work together while a list is fetched."""

    fetcher: Fetcher
    producer: Producer
    verdicts: Verdicts
    worker: Worker


class Run:
    """Carries out a job over a loaded list into an open archive; used once."""

    def __init__(
        self, layout: Layout, ledger: Ledger, plan: Plan, settings: Settings, credentials: Credentials
    ) -> None:
        self._layout = layout
        self._ledger = ledger
        self._plan = plan
        self._settings = settings
        self._credentials = credentials
        self._pacer = Pacer(settings.fetch)
        self._feed = ProgressFeed(settings, self._pacer, layout.root if layout.lasting else None)
        self._failure = FirstFailure()
        self._cut_short = False
        # Seconds for which the event loop may stand still for a commit: see the writer's.
        self.standstill = 0.0
        self.grace = settings.fetch.grace
        # The figures of the search that found the list's views, where there was one.
        self.search: Mapping[str, int | float] | None = None
        # The archive's keep, where it lies in an object store.
        self.stored: StoredArchive | None = None
        # The time on the wall, by which a recording is young or not.
        self.epoch: Callable[[], float] = time.time

    async def run(self, stop: Stop, reporter: Reporter | None = None) -> Ended:
        """Fetch and commit, then write manifest and report; ``stop`` ends it early and cleanly.

        A failure of the run (AuthError, OutageError, TrustError, ArchiveError) is part of the result, not raised. Only
        Fenced is raised, where another run is known to have taken a stored archive: nothing is written any more.
        """
        if self.stored is None:
            return await self._run(stop, reporter)
        return await self.stored.beside(partial(self._run, stop, reporter), self._feed.figures)

    async def _run(self, stop: Stop, reporter: Reporter | None) -> Ended:
        started, began = datetime.now(UTC), anyio.current_time()
        young = self._settings.plan.refresh_window
        todo = ToDo(self._plan.list_number, None if young is None else int(started.timestamp() - young))
        views_to_do = await to_thread.run_sync(self._ledger.count_to_do, todo)
        self._feed.begin(self._plan, views_to_do)
        # Steps that are done whatever became of the one before: what is committed is listed, and told of.
        if views_to_do:
            if self._layout.lasting:  # the scratch of a stored archive is cleared with each commit
                need = await to_thread.run_sync(self._ledger.need, self._plan.list_number)
                warn_of_lacking_room(need, self._layout.root)
            with self._failure.kept():
                await self._fetch(todo, stop, reporter)
        events = await self._store_events(stop, reporter)
        with self._failure.kept():
            await self._finish()
        report = await self._report(started.isoformat(timespec="seconds"), began)
        report = dataclasses.replace(report, events=events, search=self.search)
        with self._failure.kept():
            await to_thread.run_sync(write_report, self._layout, report)
            # A scratch that is not in order may be ahead of the log, and so would be the manifest.
            if self.stored is not None and self._failure.in_order:
                await self.stored.finish(report)
        self._feed.finish(report)
        return Ended(report, self._failure.error)

    async def _fetch(self, todo: ToDo, stop: Stop, reporter: Reporter | None) -> None:
        """Fetch every view still to do and commit each; the display runs meanwhile."""
        # Noted before the first file is touched: a run that is killed from here on is cleared up after by the next.
        await to_thread.run_sync(drop_merged, self._layout)
        await to_thread.run_sync(begin_run, self._ledger)
        settings, feed = self._settings, self._feed
        _, room = for_pages(settings.fetch.memory_limit)
        keys = CredentialCheck(alone=False)
        async with (
            self._terms(CommitTerms(room)) as terms,
            connected(settings, self._credentials, self._pacer, feed.stats, keys) as fetcher,
            feed.shown(reporter, lambda: writer.kept_waiting),
        ):
            writer = Writer(self._layout, self._ledger, settings.archive, feed.recorded, terms)
            writer.standstill = 0.0 if self.stored else self.standstill
            fetcher.epoch = self.epoch
            witnesses = Witnesses(fetcher, self._ledger, todo.list_number, settings.api.source)
            verdicts = Verdicts(fetcher, writer, witnesses, settings.fetch.give_up_after)
            producer = Producer(self._ledger, todo, writer.expect)
            worker = Worker(fetcher, settings, writer, verdicts, feed.slowest)
            crew = _Crew(fetcher, producer, verdicts, worker)
            await beside_writer(writer, partial(self._ask, crew, stop), self._failure)

    async def _store_events(self, stop: Stop, reporter: Reporter | None) -> dict[str, object] | None:
        """Store the RUM events of the list's sessions, where asked for and the views came to their end; the figures."""
        wanted = self._settings.archive.events or self._settings.archive.events_from
        if not wanted or self._failure.error is not None or self._cut_short:
            return None
        async with self._terms(CommitTerms()) as terms:
            run = EventsRun(self._layout, self._ledger, self._settings, self._credentials, terms.carrier)
            run.list_number, run.epoch = self._plan.list_number, self.epoch
            stored = await run.ask(stop, reporter)
        self._cut_short = stored.interrupted
        if stored.failure is not None:
            self._failure.keep(stored.failure)
        return stored.fields()

    async def _ask(self, crew: _Crew, stop: Stop) -> None:
        with self._failure.kept():  # inside the writer's group, which a failure of the workers must not cancel
            await self._ask_until_stopped(crew, stop)
        # After a failure, too: held views end unconfirmed, so that a second answer to a later run can confirm them.
        await crew.verdicts.give_up()

    async def _ask_until_stopped(self, crew: _Crew, stop: Stop) -> None:
        """Keep the workers busy until the list is done, or a stop is asked for and its grace is over."""
        producer, verdicts, asking = crew.producer, crew.verdicts, anyio.CancelScope()
        async with anyio.create_task_group() as brakes:
            brakes.start_soon(_stop_on_request, stop, crew, asking, self.grace)
            with asking:
                await self._work(crew)
                # Views that were absent are asked for again when the list is done, until all are decided on.
                while not producer.stopped and await verdicts.settle():
                    await self._work(crew)
                await verdicts.believe()
            brakes.cancel_scope.cancel()
        self._cut_short = producer.cut_short or asking.cancelled_caught or (producer.stopped and verdicts.undecided)
        if not self._cut_short:  # a run that was stopped has not heard all there is to hear of the keys
            await verdicts.finish()

    async def _work(self, crew: _Crew) -> None:
        async with anyio.create_task_group() as workers:
            for _ in range(self._settings.fetch.workers):
                workers.start_soon(crew.worker.work, crew.producer)

    async def _finish(self) -> None:
        """Bring the manifest up to date with the ledger, where it is not; the work is a thread's."""
        async with self._terms(CommitTerms()) as terms:
            bring = partial(bring_manifest_up_to_date, self._layout, self._ledger, carrier=terms.carrier)
            await to_thread.run_sync(partial(bring, changed=self._plan.loaded, in_order=self._failure.in_order))

    def _terms(self, terms: CommitTerms) -> AbstractAsyncContextManager[CommitTerms]:
        """Give the terms of commits: as they are, or with the carrier of a stored archive."""
        return nullcontext(terms) if self.stored is None else self.stored.carrying(terms)

    async def _report(self, started: str, began: float) -> Report:
        """Sum up the ledger's state of the list; a view without an outcome is a defect, which the run then fails by."""
        totals = await to_thread.run_sync(self._ledger.totals, self._plan.list_number)
        # Rows in, outcomes out: the one check that no path through workers, verdicts and writer loses a view.
        if totals.unasked and self._failure.error is None and not self._cut_short:
            defect = f"{totals.unasked} views ended without an outcome: a defect, please report it"
            self._failure.error = ArchiveError(defect)
        reasons = await to_thread.run_sync(self._ledger.reasons, self._plan.list_number)
        report = dataclasses.replace(
            self._feed.report(self._plan, totals, reasons),
            stopped=str(self._failure.error) if self._failure.error else None,
            started=started,
            seconds=round(anyio.current_time() - began, 3),
            interrupted=self._cut_short,
        )
        if report.nothing_there:
            log.warning("not one view of the list is there: %s", LOOK_AT)
        return report


async def run_until_signal(run: Run, reporter: Reporter | None) -> Ended:
    """Carry a run out to the end of the list or to a signal; the event loop is the run's own.

    Raises KeyboardInterrupt at a second signal.
    """
    run.standstill = STANDSTILL
    async with stoppable(grace=run.grace) as stop:
        return await run.run(stop, reporter)


async def _stop_on_request(stop: Stop, crew: _Crew, asking: anyio.CancelScope, grace: float) -> None:
    """Wait for the stop; then let the requests in flight come to their end, for ``grace`` seconds at most."""
    await stop.wait()
    crew.producer.stop()
    asking.deadline = anyio.current_time() + grace
    await crew.fetcher.quiet(_QUIET)
    asking.cancel()
