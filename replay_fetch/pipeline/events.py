"""The run that stores sessions' RUM events: batches of sessions are searched for, and each batch is one commit.

A search that names a hundred sessions takes a page for every thousand of their events; a search for each session
would take a page or more for every one. A hundred thousand sessions of 200 events are 21,000 requests in place of
100,000. A killed run loses the batches it was at, at most `_AT_ONCE` of them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

import anyio
from anyio import to_thread

from replay_fetch.api import SESSIONS_A_QUERY, FoundPage, Window, events_page, events_query
from replay_fetch.archive import EventsCommitter, Layout, SessionEvents
from replay_fetch.errors import Forbidden, RequestError
from replay_fetch.events_record import (
    DAY_MS,
    RETENTION_DAYS,
    SHORT_RETENTION_DAYS,
    EventsOutcome,
    EventsRecord,
    EventsToDo,
)
from replay_fetch.fetch import CredentialCheck, Fetcher, Search, Stride
from replay_fetch.ledger import FoundEvents, Ledger
from replay_fetch.pacing import Pacer
from replay_fetch.pipeline.connection import connected
from replay_fetch.pipeline.events_result import EventsMoment, StoredEvents
from replay_fetch.pipeline.failure import FirstFailure
from replay_fetch.pipeline.opening import begin_run, bring_manifest_up_to_date
from replay_fetch.pipeline.progress_feed import PacerMoment, where_workers_stand
from replay_fetch.progress import Bottleneck, Reporter, WorkerCounts, follow, watch
from replay_fetch.settings import Credentials, Settings

log = logging.getLogger(__name__)

PERMISSION = "rum_apps_read"
# Batches that are searched for side by side: each page needs the cursor of the one before, so that one chain alone
# leaves most of a limit unused. Each holds some 16 MB at most, the rest of its events lies in a temporary file.
_AT_ONCE = 4
# Around a session's recordings: a session lasts four hours at most, and clocks are set wrong by more than that.
_MARGIN_MS = DAY_MS
# Longer than any window: the first search of each is undivided.
_WHOLE_MS = 2**50
_PAST = f"events are kept for {RETENTION_DAYS} days, and those of this session are gone"
_PARTLY_PAST = f"requests, long tasks and vitals are kept for {SHORT_RETENTION_DAYS} days, and are gone"
_NOT_FOUND = "the search has no event of this session"


@dataclass(slots=True)
class _Batch:
    """Some sessions and the events found of them so far, in a temporary file until they are committed."""

    sessions: Sequence[EventsToDo]
    found: FoundEvents = field(default_factory=FoundEvents)

    def add(self, page: FoundPage, windows: Mapping[str, Window]) -> None:
        """Take in a page: of each session what lies in its own window.

        Sessions share a search. That a session's events hung on which others were in it must not show in the archive.
        """
        self.found.add(
            event
            for event in page.raw
            if event.session_id in windows and (event.at_ms is None or _holds(windows[event.session_id], event.at_ms))
        )


@dataclass(frozen=True, slots=True)
class _Asking:
    """One of the chains of searches that go on side by side: the fetcher, the stride, and the time of the run."""

    fetcher: Fetcher
    stride: Stride
    now_ms: int

    async def search(self, batch: _Batch) -> str:
        """Search around the recordings, then, for sessions not found there, as far back as events are kept.

        A device's clock may be wrong by years, and of some sessions no recording says when they were. Returns a
        warning of the API, which means that the search may not be whole; empty where there was none.
        """
        windows = {each.session_id: window for each in batch.sessions if (window := _window(each, self.now_ms))}
        doubt = await self._search_in(batch, windows)
        found = await to_thread.run_sync(batch.found.sessions)
        kept = Window(max(self.now_ms - RETENTION_DAYS * DAY_MS, 0), self.now_ms + 1)
        rest = {each.session_id: kept for each in batch.sessions if each.session_id not in found}
        return doubt or await self._search_in(batch, rest)

    async def _search_in(self, batch: _Batch, windows: Mapping[str, Window]) -> str:
        if not windows:
            return ""
        over = Window(min(each.start_ms for each in windows.values()), max(each.end_ms for each in windows.values()))
        search = Search(self.fetcher, events_query(list(windows)), over, self.stride, events_page)
        async with aclosing(search.pages()) as pages:
            async for page in pages:
                if page.warnings:
                    return page.warnings[0]
                await to_thread.run_sync(batch.add, page, windows)
        return ""


class EventsRun:
    """Stores the events of the sessions in an open archive which lack theirs; used once."""

    def __init__(self, layout: Layout, ledger: Ledger, settings: Settings, credentials: Credentials) -> None:
        self._layout = layout
        self._ledger = ledger
        self._settings = settings
        self._credentials = credentials
        self._pacer = Pacer(settings.fetch)
        self._limiting = Bottleneck()
        self._committer = EventsCommitter(layout, ledger)
        # One commit at a time: the redo list is that of the latest.
        self._commits = anyio.Lock()
        self._strides: list[Stride] = []
        self.epoch: Callable[[], float] = time.time
        """The time on the wall, in seconds since 1970, by which events are past their retention or not."""
        self.list_number: int | None = None
        """The list whose sessions are asked for; None for all sessions of the archive."""
        self.stored = StoredEvents()

    async def run(self, stop: anyio.Event, shown_by: Reporter | None = None) -> StoredEvents:
        """Ask, commit, and bring the manifests up to date; ``stop`` ends the run early, batches at hand are dropped.

        A failure of the run (AuthError, OutageError, TrustError, ArchiveError) is part of the result, not raised. A
        search that cannot be had to its end leaves its sessions without a file, for the next run.
        """
        began, failure, stored = anyio.current_time(), FirstFailure(), self.stored
        now_ms = int(self.epoch() * 1000)
        stored.sessions = await to_thread.run_sync(self._ledger.count_events_to_do, self.list_number, now_ms)
        if stored.sessions:
            with failure.kept():
                await self._ask_until_stopped(now_ms, stop, shown_by)
            with failure.kept():
                await to_thread.run_sync(self._finish, failure.in_order)
        stored.totals = await to_thread.run_sync(self._ledger.events_totals)
        stored.failure, stored.seconds = failure.error, anyio.current_time() - began
        return stored

    def _finish(self, in_order: bool) -> None:  # noqa: FBT001 - a step of its own in a thread
        bring_manifest_up_to_date(self._layout, self._ledger, changed=False, in_order=in_order)

    async def _ask_until_stopped(self, now_ms: int, stop: anyio.Event, shown_by: Reporter | None) -> None:
        await to_thread.run_sync(begin_run, self._ledger)
        asking = anyio.CancelScope()
        async with anyio.create_task_group() as beside:
            beside.start_soon(watch, self._limiting, self._standing)
            beside.start_soon(follow, self._moment, shown_by)
            beside.start_soon(_cancel_at, stop, asking)
            with asking:
                await self._ask(now_ms)
            self.stored.interrupted = asking.cancelled_caught
            beside.cancel_scope.cancel()

    async def _ask(self, now_ms: int) -> None:
        """Search for all batches, some side by side."""
        keys = CredentialCheck(PERMISSION)
        batches, turn = self._batches(now_ms), anyio.Lock()

        async def work(fetcher: Fetcher) -> None:
            stride = Stride(_WHOLE_MS)
            while True:
                async with turn:  # an iterator is asked by one at a time
                    sessions = await anext(batches, None)
                if sessions is None:
                    return
                await self._batch(_Asking(fetcher, stride, now_ms), sessions)

        async with (
            connected(self._settings, self._credentials, self._pacer, self.stored.stats, keys) as fetcher,
            anyio.create_task_group() as workers,
        ):
            for _ in range(min(_AT_ONCE, self._settings.fetch.workers)):
                workers.start_soon(work, fetcher)

    async def _batches(self, now_ms: int) -> AsyncGenerator[list[EventsToDo], None]:
        after = 0
        next_sessions = partial(self._ledger.events_to_do, self.list_number, now_ms, limit=SESSIONS_A_QUERY)
        while sessions := await to_thread.run_sync(next_sessions, after):
            after = sessions[-1].session
            yield sessions

    async def _batch(self, asking: _Asking, sessions: Sequence[EventsToDo]) -> None:
        """Search for a batch and commit it; where the search fails, each half is tried alone, down to one session."""
        batch = _Batch(sessions)
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

    async def _commit(self, batch: _Batch, now_ms: int) -> None:
        asked_at = int(self.epoch())
        made = [_to_commit(batch, each, now_ms, asked_at) for each in batch.sessions]
        async with self._commits:
            with anyio.CancelScope(shield=True):
                self.stored.add(await to_thread.run_sync(self._committer.commit, made))

    def _moment(self) -> EventsMoment:
        pacer = PacerMoment(self._pacer.snapshot(), self._settings.fetch.max_rate)
        return EventsMoment(self.stored, pacer, self._limiting.verdict)

    def _standing(self) -> WorkerCounts:
        snapshot, stats = self._pacer.snapshot(), self.stored.stats
        return where_workers_stand(snapshot, self._settings.fetch.max_rate, stats.backing_off, handing_over=0)


async def _cancel_at(stop: anyio.Event, asking: anyio.CancelScope) -> None:
    await stop.wait()
    asking.cancel()


def _window(session: EventsToDo, now_ms: int) -> Window | None:
    """The stretch around a session's recordings; None where no recording says when it was, or says nonsense."""
    start_ms, end_ms = session.start_ms, session.end_ms
    if start_ms is None or end_ms is None or start_ms > now_ms + _MARGIN_MS:
        return None
    last = min(max(start_ms, end_ms), now_ms + _MARGIN_MS)
    return Window(max(start_ms - _MARGIN_MS, 0), last + _MARGIN_MS)


def _holds(window: Window, at_ms: int) -> bool:
    return window.start_ms <= at_ms <= window.end_ms


def _to_commit(batch: _Batch, session: EventsToDo, now_ms: int, asked_at: int) -> SessionEvents:
    """A session with the events found of it, and the reasons to give where there are none, or only some kinds."""
    days = (now_ms - session.end_ms) / DAY_MS if session.end_ms is not None else 0.0
    why_none = _PAST if days > RETENTION_DAYS else _NOT_FOUND
    record = EventsRecord(session.session, session.session_id, EventsOutcome.NONE, why_none, asked_at=asked_at)
    lacking = _PARTLY_PAST if days > SHORT_RETENTION_DAYS else ""
    return SessionEvents(record, batch.found.of(session.session_id), lacking)
