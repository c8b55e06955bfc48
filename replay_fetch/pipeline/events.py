"""The run that stores sessions' RUM events: batches of sessions are searched for, and each batch is one commit.

A search that names a hundred sessions takes a page for every thousand of their events; a search for each session
would take a page or more for every one. A hundred thousand sessions of 200 events are 21,000 requests in place of
100,000. A killed run loses the batches it was at, at most `_AT_ONCE` of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import anyio
from anyio import to_thread

from replay_fetch.api.search import SESSIONS_A_QUERY
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.write.carrier import Carrier
from replay_fetch.archive.write.events_commit import EventsCommitter, SessionEvents
from replay_fetch.errors import Forbidden, RequestError
from replay_fetch.events_record import EventsToDo
from replay_fetch.fetch.credentials import CredentialCheck
from replay_fetch.fetch.fetcher import Fetcher
from replay_fetch.fetch.searching import Stride
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.pacing import Pacer
from replay_fetch.pipeline.connection import connected
from replay_fetch.pipeline.events_result import EventsSnapshot, StoredEvents
from replay_fetch.pipeline.events_search import WHOLE_MS, EventsBatch, EventsChain
from replay_fetch.pipeline.exported_events import ExportedEvents
from replay_fetch.pipeline.failure import FirstFailure
from replay_fetch.pipeline.opening import begin_run, bring_manifest_up_to_date
from replay_fetch.pipeline.progress_feed import PacerSnapshot, where_workers_stand
from replay_fetch.pipeline.stopping import Stop
from replay_fetch.progress.bottleneck import Bottleneck, WorkerCounts
from replay_fetch.progress.reporters import Reporter, follow, watch
from replay_fetch.progress.snapshot import ProgressSnapshot
from replay_fetch.settings import Credentials, Settings

PERMISSION = "rum_apps_read"
# Batches that are searched for side by side: each page needs the cursor of the one before, so that one chain alone
# leaves most of a limit unused. Each holds some 16 MB at most, the rest of its events lies in a temporary file.
_AT_ONCE = 4


class EventsRun:
    """Stores the events of the sessions in an open archive which lack theirs; used once."""

    def __init__(
        self,
        layout: Layout,
        ledger: Ledger,
        settings: Settings,
        credentials: Credentials,
        carrier: Carrier | None = None,
    ) -> None:
        """Take the open archive; the carrier ships commits where the archive lies in a store."""
        self._carrier = carrier
        self._layout = layout
        self._ledger = ledger
        self._settings = settings
        self._credentials = credentials
        self._pacer = Pacer(settings.fetch)
        self._bottleneck = Bottleneck()
        self._stopping = False
        self._failure = FirstFailure()
        self._committer = EventsCommitter(layout, ledger, carrier)
        # One commit at a time: the redo list is that of the latest.
        self._commits = anyio.Lock()
        self._exported: ExportedEvents | None = None
        self.epoch: Callable[[], float] = time.time
        """The time on the wall, in seconds since 1970, by which events are past their retention or not."""
        self.list_number: int | None = None
        """The list whose sessions are asked for; None for all sessions of the archive."""
        self.stored = StoredEvents()

    async def run(self, stop: Stop, reporter: Reporter | None = None) -> StoredEvents:
        """Ask and commit as `ask` does, then bring the manifests up to date."""
        stored, failure = await self.ask(stop, reporter), self._failure
        with failure.kept():
            await to_thread.run_sync(self._finish, failure.in_order)
        stored.failure = failure.error
        return stored

    @property
    def in_order(self) -> bool:
        """False where a write failed, so the ledger may be ahead of the files."""
        return self._failure.in_order

    def figures(self) -> dict[str, object]:
        """Return the progress by name, for whoever looks at a run into a store from elsewhere."""
        return {"sessions": self.stored.sessions, "sessions_done": self.stored.done, "events": self.stored.events}

    async def ask(self, stop: Stop, reporter: Reporter | None = None) -> StoredEvents:
        """Ask for the events that are lacking and commit them; ``stop`` ends it early and cleanly.

        A failure (AuthError, OutageError, TrustError, ArchiveError) is part of the result, not raised. A search that
        cannot be had to its end leaves its sessions without a file, for the next run.
        """
        began, stored = anyio.current_time(), self.stored
        stored.exported = str(self._settings.archive.events_from or "") or None
        # An export keeps what the API has deleted: for its files no recording is past.
        now_ms = 0 if self._settings.archive.events_from else int(self.epoch() * 1000)
        stored.sessions = await to_thread.run_sync(self._ledger.count_events_to_do, self.list_number, now_ms)
        if stored.sessions:
            with self._failure.kept():
                await self._ask_until_stopped(now_ms, stop, reporter)
        stored.totals = await to_thread.run_sync(self._ledger.events_totals)
        stored.failure, stored.seconds = self._failure.error, anyio.current_time() - began
        return stored

    def _finish(self, in_order: bool) -> None:  # noqa: FBT001 - a step of its own in a thread
        # Also where nothing was asked for: a manifest that somebody removed is made anew.
        lost = not self._layout.events_manifest.exists() and self._ledger.events_totals().asked
        bring_manifest_up_to_date(
            self._layout, self._ledger, changed=bool(lost), in_order=in_order, carrier=self._carrier
        )

    async def _ask_until_stopped(self, now_ms: int, stop: Stop, reporter: Reporter | None) -> None:
        await to_thread.run_sync(begin_run, self._ledger)
        asking = anyio.CancelScope()
        async with anyio.create_task_group() as beside:
            beside.start_soon(watch, self._bottleneck, self._worker_counts)
            beside.start_soon(follow, self._snapshot, reporter)
            beside.start_soon(self._stop_on_request, stop, asking)
            with asking:
                export = self._settings.archive.events_from
                await (self._ask(now_ms) if export is None else self._take(export, now_ms))
            self.stored.interrupted = self._stopping and self.stored.done < self.stored.sessions
            beside.cancel_scope.cancel()

    async def _stop_on_request(self, stop: Stop, asking: anyio.CancelScope) -> None:
        """Wait for the stop; then let the searches at hand come to their end, for the grace at most."""
        await stop.wait()
        self._stopping = True
        asking.deadline = anyio.current_time() + self._settings.fetch.grace

    async def _ask(self, now_ms: int) -> None:
        """Search for all batches, some side by side."""
        keys = CredentialCheck(PERMISSION)
        batches, turn = self._to_do(now_ms), anyio.Lock()

        async def work(fetcher: Fetcher) -> None:
            stride = Stride(WHOLE_MS)
            while True:
                async with turn:  # an iterator is asked by one at a time
                    sessions = None if self._stopping else await to_thread.run_sync(next, batches, None)
                if sessions is None:
                    return
                await self._batch(EventsChain(fetcher, stride, now_ms), sessions)

        async with (
            connected(self._settings, self._credentials, self._pacer, self.stored.stats, keys) as fetcher,
            anyio.create_task_group() as workers,
        ):
            for _ in range(min(_AT_ONCE, self._settings.fetch.workers)):
                workers.start_soon(work, fetcher)

    def _to_do(self, now_ms: int) -> Iterator[list[EventsToDo]]:
        """Give the sessions to do, a hundred together; each step asks the ledger, in a thread."""
        after = 0
        while sessions := self._ledger.events_to_do(self.list_number, now_ms, after, SESSIONS_A_QUERY):
            after = sessions[-1].session
            yield sessions

    async def _take(self, export: Path, now_ms: int) -> None:
        """Read exported files through, then commit the events of the sessions that they name."""
        with closing(ExportedEvents(export)) as exported:
            self._exported = exported
            wanted = (each.session_id for sessions in self._to_do(now_ms) for each in sessions)
            await to_thread.run_sync(exported.read, wanted, lambda: self._stopping)
            self._exported, self.stored.bad_lines = None, exported.bad_lines
            batches = self._to_do(now_ms)
            while not self._stopping and (sessions := await to_thread.run_sync(next, batches, None)):
                made = await to_thread.run_sync(exported.to_commit, sessions, int(self.epoch()))
                lacking = len(sessions) - len(made)
                if lacking:
                    self.stored.cut(lacking, "the export holds no event of these sessions")
                await self._keep(made)

    async def _batch(self, asking: EventsChain, sessions: Sequence[EventsToDo]) -> None:
        """Search for a batch and commit it; where the search fails, each half is tried alone, down to one session."""
        batch = EventsBatch(sessions)
        try:
            doubt = await asking.search(batch)
            if doubt:
                self.stored.cut(len(sessions), f"the API warned: {doubt}")
            else:
                await self._commit(batch, asking.now_ms)
        except Forbidden as error:
            # A search has no view that could be forbidden alone: the permission is lacking.
            raise asking.fetcher.keys.auth_error(error) from None
        except RequestError as error:
            if len(sessions) == 1:
                self.stored.cut(1, str(error))
                return
            half = len(sessions) // 2
            for some in (sessions[:half], sessions[half:]):
                await self._batch(asking, some)
        finally:
            batch.found.close()

    async def _commit(self, batch: EventsBatch, now_ms: int) -> None:
        asked_at = int(self.epoch())
        await self._keep(batch.to_commit(now_ms, asked_at))

    async def _keep(self, made: Sequence[SessionEvents]) -> None:
        async with self._commits:
            with anyio.CancelScope(shield=True):
                self.stored.add(await to_thread.run_sync(self._committer.commit, made))

    def _snapshot(self) -> ProgressSnapshot:
        if self._exported is not None:
            return self._exported.snapshot()
        pacer = PacerSnapshot(self._pacer.snapshot(), self._settings.fetch.max_rate)
        return EventsSnapshot(self.stored, pacer, self._bottleneck.verdict)

    def _worker_counts(self) -> WorkerCounts:
        snapshot, stats = self._pacer.snapshot(), self.stored.stats
        return where_workers_stand(snapshot, self._settings.fetch.max_rate, stats.backing_off, handing_over=0)
