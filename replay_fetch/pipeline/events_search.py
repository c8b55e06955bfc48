"""The search for the RUM events of some sessions: around their recordings, then as far back as events are kept."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from anyio import to_thread

from replay_fetch.api.events import FoundPage, events_page
from replay_fetch.api.search import Window, events_query
from replay_fetch.archive.write.events_commit import SessionEvents
from replay_fetch.events_record import (
    DAY_MS,
    RETENTION_DAYS,
    SHORT_RETENTION_DAYS,
    EventsOutcome,
    EventsRecord,
    EventsToDo,
)
from replay_fetch.fetch.fetcher import Fetcher
from replay_fetch.fetch.searching import Search, Stride
from replay_fetch.ledger.found_events import FoundEvents
from replay_fetch.progress.units import some

log = logging.getLogger(__name__)

# Around a session's recordings: a session lasts four hours at most, and clocks are set wrong by more than that.
_MARGIN_MS = DAY_MS
# Longer than any window: the first search of each is undivided.
WHOLE_MS = 2**50
_PAST = f"events are kept for {RETENTION_DAYS} days, and those of this session are gone"
_PARTLY_PAST = f"requests, long tasks and vitals are kept for {SHORT_RETENTION_DAYS} days, and are gone"
_NOT_FOUND = "the search has no event of this session"


@dataclass(slots=True)
class EventsBatch:
    """A batch of sessions and the events found so far, in a temporary file until the commit."""

    sessions: Sequence[EventsToDo]
    found: FoundEvents = field(default_factory=FoundEvents)

    def add(self, page: FoundPage, windows: Mapping[str, Window]) -> None:
        """Take in a page: of each session the events in the session's own window.

        Sessions share a search. Which other sessions shared one must not show in a session's events in the archive.
        """
        self.found.add(
            event
            for event in page.raw
            if event.session_id in windows and (event.at_ms is None or _holds(windows[event.session_id], event.at_ms))
        )

    def lacking(self) -> list[str]:
        """Return the ids of the sessions without events so far; reads the temporary file."""
        found = self.found.sessions()
        return [each.session_id for each in self.sessions if each.session_id not in found]

    def to_commit(self, now_ms: int, asked_at: int) -> list[SessionEvents]:
        """Give each session with its events, and the reasons to note where there are none, or only some kinds."""
        return [self._to_commit(each, now_ms, asked_at) for each in self.sessions]

    def _to_commit(self, session: EventsToDo, now_ms: int, asked_at: int) -> SessionEvents:
        days = (now_ms - session.end_ms) / DAY_MS if session.end_ms is not None else 0.0
        why_none = _PAST if days > RETENTION_DAYS else _NOT_FOUND
        record = EventsRecord(session.session, session.session_id, EventsOutcome.NONE, why_none, asked_at=asked_at)
        lacking = _PARTLY_PAST if days > SHORT_RETENTION_DAYS else ""
        return SessionEvents(record, self.found.of(session.session_id), lacking)


@dataclass(frozen=True, slots=True)
class EventsChain:
    """One of the chains of searches that go on side by side: the fetcher, the stride, and the time of the run."""

    fetcher: Fetcher
    stride: Stride
    now_ms: int

    async def search(self, batch: EventsBatch) -> str:
        """Search around the recordings, then, for sessions not found there, as far back as events are kept.

        A device's clock may be wrong by years, and of some sessions no recording says when they were. Returns a
        warning of the API, which means that the search may not be whole; empty where there was none.
        """
        windows = {each.session_id: window for each in batch.sessions if (window := _window(each, self.now_ms))}
        doubt = await self._search_in(batch, windows)
        return doubt or await self._search_for_lacking(batch)

    async def _search_for_lacking(self, batch: EventsBatch) -> str:
        """Search as far back as events are kept for the sessions not found so far, until a search finds none of them.

        A search that stops without a word looks like its end. A search that finds some of these sessions left others
        out, perhaps, and is repeated without the found ones; sessions without events are final in one search for all.
        """
        kept = Window(max(self.now_ms - RETENTION_DAYS * DAY_MS, 0), self.now_ms + 1)
        lacking = await to_thread.run_sync(batch.lacking)
        doubt = await self._search_in(batch, dict.fromkeys(lacking, kept))
        left = left_at_first = await to_thread.run_sync(batch.lacking)
        while not doubt and 0 < len(left) < len(lacking):
            doubt = await self._search_in(batch, dict.fromkeys(left, kept))
            lacking, left = left, await to_thread.run_sync(batch.lacking)
        if len(left) < len(left_at_first):
            left_out = some(len(left_at_first) - len(left), "session")
            log.warning("the events search left out %s, found when named again", left_out)
        return doubt

    async def _search_in(self, batch: EventsBatch, windows: Mapping[str, Window]) -> str:
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


def _window(session: EventsToDo, now_ms: int) -> Window | None:
    """The stretch around a session's recordings; None where no recording says when it was, or says nonsense."""
    start_ms, end_ms = session.start_ms, session.end_ms
    if start_ms is None or end_ms is None or start_ms > now_ms + _MARGIN_MS:
        return None
    last = min(max(start_ms, end_ms), now_ms + _MARGIN_MS)
    return Window(max(start_ms - _MARGIN_MS, 0), last + _MARGIN_MS)


def _holds(window: Window, at_ms: int) -> bool:
    return window.start_ms <= at_ms <= window.end_ms
