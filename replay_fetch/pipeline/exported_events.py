"""RUM events out of exported files: read through once, and kept aside for the sessions that lack theirs.

An export holds events that the API deleted long ago, and needs no permission. It may also hold a part of a season
alone: of a session that it does not name, nothing is recorded, and the API may still be asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from anyio import from_thread

from replay_fetch.api.events import RawEvent
from replay_fetch.api.exported import exported_events
from replay_fetch.archive.write.events_commit import SessionEvents
from replay_fetch.errors import InputError, ReplayFetchError
from replay_fetch.events_record import EventsOutcome, EventsRecord, EventsToDo
from replay_fetch.ledger.found_events import FoundEvents
from replay_fetch.progress.archive_snapshot import ListSnapshot
from replay_fetch.view_list.reading import Reading

log = logging.getLogger(__name__)

# Lines between two looks at whether the run is to stop, and events that are kept aside together.
_TOGETHER = 1000
# Bad lines that are named one by one.
_NAMED = 20


class DamagedExport(ReplayFetchError):
    """Exported files cannot be read to their end, though they could be begun; nothing of them was stored."""


class ExportedEvents:
    """The events of an export that belong to wanted sessions, in a temporary file past 16 MB."""

    def __init__(self, export: Path) -> None:
        self._reading = Reading(export)
        self._found = FoundEvents()
        self._lines = 0
        self._latest_ms = 0
        self.bad_lines = 0

    def close(self) -> None:
        """Forget all events and remove the temporary file."""
        self._found.close()

    def read(self, session_ids: Iterable[str], stopped: Callable[[], bool]) -> None:
        """Read all files, and keep the events of the sessions; in a thread of anyio's, which a cancel ends.

        Ends early where ``stopped`` says so. Raises DamagedExport for a file that cannot be read.
        """
        self._found.want(session_ids)
        try:
            with self._reading.lines() as lines:
                events = self._events(lines)
                while not stopped() and (some := list(islice(events, _TOGETHER))):
                    from_thread.check_cancelled()
                    self._found.add(some)
        except InputError as error:
            raise DamagedExport(f"{error}; no events of the export were stored") from None

    def to_commit(self, sessions: Sequence[EventsToDo], now: int) -> list[SessionEvents]:
        """Give the sessions of which there are events; ``now`` is in seconds since 1970.

        The events are known up to the export's latest one, not up to now: a session that ended shortly before may
        have more.
        """
        asked_at = min(now, self._latest_ms // 1000)
        return [
            SessionEvents(
                EventsRecord(each.session, each.session_id, EventsOutcome.NONE, asked_at=asked_at),
                self._found.of(each.session_id),
            )
            for each in sessions
            if self._found.holds(each.session_id)
        ]

    def snapshot(self) -> ListSnapshot:
        """Tell how far the files are read."""
        done, total = self._reading.bytes_read
        return ListSnapshot(total, done, self._lines, of="export")

    def _events(self, lines: Iterable[str]) -> Iterator[RawEvent]:
        for self._lines, line in enumerate(lines, start=1):
            text = line.strip("\ufeff \t\r\n,").encode("utf-8", "surrogateescape")
            if not text:
                continue
            try:
                for event in exported_events(text):
                    self._latest_ms = max(self._latest_ms, event.at_ms or 0)
                    yield event
            except ValueError as reason:
                self._reject(str(reason))

    def _reject(self, reason: str) -> None:
        self.bad_lines += 1
        if self.bad_lines <= _NAMED:
            name, place = self._reading.name, self._reading.place(self._lines)
            log.warning("%s, %s: no RUM event (%s); the line is left out", name, place, reason)
        elif self.bad_lines == _NAMED + 1:
            log.warning("more bad lines follow")


def check_export(export: Path | None) -> None:
    """Raise InputError or SettingsError where exported files cannot even be begun."""
    if export is not None:
        with Reading(export).lines() as lines:
            next(lines, None)
