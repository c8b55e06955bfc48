"""The RUM events that a search found, each once and in one order, until each session's file is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from replay_fetch.api.events import RawEvent
from replay_fetch.ledger.found import explained, scratch_database

_TABLE = """
CREATE TABLE found (
  session_id TEXT NOT NULL, event_id TEXT NOT NULL, at INTEGER, version INTEGER NOT NULL, text BLOB NOT NULL,
  UNIQUE (session_id, event_id)
)
"""
# Pages overlap where a search was split, and an event may have grown in between. The last version stays and, of one
# version, the text that sorts last: which page came first must not show in the archive.
_ADD = """
INSERT INTO found VALUES (?, ?, ?, ?, ?) ON CONFLICT (session_id, event_id) DO UPDATE SET
  at = excluded.at, version = excluded.version, text = excluded.text
WHERE (excluded.version, excluded.text) > (version, text)
"""
_WANTED = "CREATE TABLE wanted (session_id TEXT PRIMARY KEY) WITHOUT ROWID"
# The search sorts by time and says nothing of events of one millisecond; the id settles their order.
_IN_ORDER = "SELECT text FROM found WHERE session_id = ? ORDER BY at, event_id"


class FoundEvents:
    """Holds the events of some sessions in little memory: past 16 MB the rest lies in a temporary file."""

    def __init__(self) -> None:
        self._db = scratch_database(_TABLE, 16_384)
        self._all_wanted = True

    def want(self, session_ids: Iterable[str]) -> None:
        """Name sessions: from now on `add` takes in events of the named ones alone."""
        with explained():
            if self._all_wanted:
                self._db.execute(_WANTED)
            self._all_wanted = False
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", ((each,) for each in session_ids))
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Forget all events and remove the temporary file."""
        self._db.close()

    def add(self, events: Iterable[RawEvent]) -> None:
        """Take events in; an event that is known already is kept once, in its last version."""
        with explained():
            self._db.execute("BEGIN")
            self._db.executemany(_ADD, (event for event in events if self._all_wanted or self._is_wanted(event)))
            self._db.execute("COMMIT")

    def holds(self, session_id: str) -> bool:
        """Tell whether there are events of a session, by its id, without reading one."""
        with explained():
            found = self._db.execute("SELECT 1 FROM found WHERE session_id = ? LIMIT 1", (session_id,)).fetchone()
        return found is not None

    def _is_wanted(self, event: RawEvent) -> bool:
        wanted = self._db.execute("SELECT 1 FROM wanted WHERE session_id = ?", (event.session_id,)).fetchone()
        return wanted is not None

    def sessions(self) -> set[str]:
        """Return the ids of all sessions with events, each once."""
        with explained():
            return {session_id for (session_id,) in self._db.execute("SELECT DISTINCT session_id FROM found")}

    def of(self, session_id: str) -> Iterator[bytes]:
        """Give the texts of a session's events by time, and of one time by id: the order hangs on no page."""
        with explained():
            for (text,) in self._db.execute(_IN_ORDER, (session_id,)):
                yield text
