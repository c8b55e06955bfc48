"""The ledger's table of RUM events: for each session how the asking ended, and what its file must hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from replay_fetch.events_record import DAY_MS, RETENTION_DAYS, SETTLED_MS, EventsRecord, EventsToDo, EventsTotals
from replay_fetch.events_record import EventsOutcome as Outcome
from replay_fetch.ledger.database import DamagedRow, Database

_COLUMNS = "outcome, reason, n, size, sha256, length, stored_sha256, asked_at"
_ALL = f"SELECT events.session, session_id, {_COLUMNS} FROM events JOIN session USING (session)"  # noqa: S608 - names
_RECORD = "INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
# Asked for again: what was asked for while the session might still grow, and, as long as events are kept, a session
# for which there were none: an API that answers "nothing" by mistake must not cost the events of a season.
_TO_DO = f"""
SELECT view.session, session_id, min(json_extract(about, '$.start_ms')), max(json_extract(about, '$.end_ms')) AS ended
FROM view CROSS JOIN session ON session.session = view.session LEFT JOIN result USING (row)
LEFT JOIN events ON events.session = view.session
WHERE view.session > :after
  AND (:list IS NULL OR EXISTS (SELECT 1 FROM view AS named WHERE named.session = view.session AND list = :list))
GROUP BY view.session
HAVING events.outcome IS NULL OR ended + {SETTLED_MS} > asked_at * 1000
  OR (events.outcome = '{Outcome.NONE}' AND ended + {RETENTION_DAYS * DAY_MS} > :now)
ORDER BY view.session LIMIT :limit
"""  # noqa: S608 - numbers of ours
_SUMS = "SELECT outcome, count(*), coalesce(sum(n), 0), coalesce(sum(size), 0) FROM events GROUP BY outcome"


class EventsLedger(Database):
    """Keeps the records of sessions' events; a ledger of an older version has none, and reads as one without."""

    def events_to_do(self, list_number: int | None, now_ms: int, after: int, limit: int) -> list[EventsToDo]:
        """Return the next sessions behind number ``after``, of a list or of all, whose events are to be asked for."""
        where = {"list": list_number, "now": now_ms, "after": after, "limit": limit}
        with self._exclusive:
            return [EventsToDo(*row) for row in self._db.execute(_TO_DO, where)]

    def count_events_to_do(self, list_number: int | None, now_ms: int) -> int:
        """Count the sessions that `events_to_do` would return in all, of a list, or of the archive for None."""
        where = {"list": list_number, "now": now_ms, "after": 0, "limit": -1}
        with self._exclusive:
            return int(self._db.execute(f"SELECT count(*) FROM ({_TO_DO})", where).fetchone()[0])  # noqa: S608

    def record_events(self, records: Iterable[EventsRecord], redo: Iterable[int] = ()) -> None:
        """Record how the asking ended, all of the records or none: the instant of a commit.

        ``redo`` are sessions whose staged file is published only after this; they take the place of the sessions
        of the record before, which are published by now.
        """
        with self._transaction():
            self._lay_events(records)
            self._db.execute("DELETE FROM events_unnamed")
            self._db.executemany("INSERT INTO events_unnamed VALUES (?)", ((session,) for session in redo))

    def _lay_events(self, records: Iterable[EventsRecord]) -> None:
        """Take records of sessions' events in, inside of the caller's transaction."""
        self._db.executemany(_RECORD, (tuple(record.columns) for record in records))

    def events_redo_list(self) -> list[tuple[int, str]]:
        """List the sessions, by number and id, whose staged events the latest record was to publish; [] at rest."""
        if not self._knows_events():
            return []
        with self._exclusive:
            query = "SELECT session, session_id FROM events_unnamed JOIN session USING (session)"
            return self._db.execute(query).fetchall()

    def events_published(self) -> None:
        """Empty the redo list of events, once every file in it has its final name and the folder is on the disk."""
        with self._transaction():
            self._db.execute("DELETE FROM events_unnamed")

    def forget_events(self, sessions: Iterable[int]) -> None:
        """Forget the events of sessions, by their numbers, whose files are gone or go next; the next run asks anew."""
        with self._transaction():
            self._db.executemany("DELETE FROM events WHERE session = ?", ((session,) for session in sessions))

    def restore_events(self, records: Iterable[EventsRecord]) -> int:
        """Fill a new ledger with records of sessions that it knows by their ids; returns the number kept."""
        number = "SELECT session FROM session WHERE session_id = ? COLLATE BINARY"
        kept = 0
        with self._transaction():
            for record in records:
                for (session,) in self._db.execute(number, (record.session_id,)).fetchall():
                    _, *columns = record.columns
                    self._db.execute(_RECORD, (session, *columns))
                    kept += 1
            # When they were asked for, no manifest tells: at the latest now, and whole ones are not asked for again.
            self._db.execute("UPDATE events SET asked_at = CAST(strftime('%s', 'now') AS INTEGER)")
        return kept

    def events(self) -> Iterator[EventsRecord]:
        """Give the records of all sessions in order of first appearance; other threads wait meanwhile."""
        if self._knows_events():
            with self._exclusive:
                for row in self._db.execute(f"{_ALL} ORDER BY events.session"):
                    yield _record(row)

    def session_of_events(self, session_id: str) -> EventsRecord | None:
        """Return the record of a session's events, by the session's id; None where they were never asked for."""
        if not self._knows_events():
            return None
        with self._exclusive:
            row = self._db.execute(f"{_ALL} WHERE session_id = ?", (session_id,)).fetchone()
            return _record(row) if row else None

    def events_totals(self) -> EventsTotals:
        """Sum the events, their bytes (uncompressed) and the sessions with and without any, over the whole archive."""
        if not self._knows_events():
            return EventsTotals()
        with self._exclusive:
            sums = {outcome: numbers for outcome, *numbers in self._db.execute(_SUMS)}
            (sessions,) = self._db.execute("SELECT count(*) FROM session").fetchone()
        fetched, events, size = sums.get(Outcome.FETCHED, (0, 0, 0))
        none = sums.get(Outcome.NONE, (0,))[0]
        return EventsTotals(fetched, none, sessions - fetched - none, events, size)

    def _knows_events(self) -> bool:
        with self._exclusive:
            found = self._db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'events'").fetchone()
        return found is not None


def _record(row: Sequence[object]) -> EventsRecord:
    session, session_id, outcome, *rest = row
    try:
        return EventsRecord(session, session_id, Outcome(str(outcome)), *rest)  # type: ignore[arg-type] # the table's
    except (ValueError, TypeError) as error:
        raise DamagedRow(f"events of session {session_id}: {error}") from error
