"""The sessions that a list names, in the order of the list, in a database that vanishes with its connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from replay_fetch.ledger.found import explained, scratch_database

_TABLES = """
CREATE TABLE entry (n INTEGER PRIMARY KEY, line INTEGER NOT NULL, session_id TEXT UNIQUE, reason TEXT);
CREATE TABLE named (session_id TEXT NOT NULL, view_id TEXT NOT NULL, UNIQUE (session_id, view_id));
CREATE TABLE done (session_id TEXT PRIMARY KEY) WITHOUT ROWID
"""
_ENTRY = "INSERT OR IGNORE INTO entry (line, session_id, reason) VALUES (?, ?, ?)"
_NAMED = "INSERT OR IGNORE INTO named VALUES (?, ?)"
_TO_SEARCH = "FROM entry WHERE session_id IS NOT NULL AND session_id NOT IN (SELECT session_id FROM done)"
# Entries that are written together, and sessions that are read together.
_BATCH = 5_000


class SessionEntry(NamedTuple):
    """An entry of a list: a session or, with a ``reason``, a row that cannot be used."""

    line: int
    session_id: str | None
    view_id: str | None = None
    """The view that a link names."""
    reason: str | None = None


class WantedSessions:
    """Holds the sessions of a list, each once, in little memory; knows which of them are still to be searched for.

    Iterating gives the ids of those, and ``len`` counts them.
    """

    def __init__(self) -> None:
        with explained():
            self._db = scratch_database(_TABLES, 4_096)

    def close(self) -> None:
        """Forget all sessions and remove the temporary file; nothing can be asked of this object afterwards."""
        self._db.close()

    def take(self, entries: Iterable[SessionEntry]) -> int:
        """Take a list in, in batches; returns the number of entries, those that name a session again among them."""
        taken = 0
        unread = iter(entries)
        while batch := list(islice(unread, _BATCH)):
            with explained():
                self._db.execute("BEGIN")
                self._db.executemany(_ENTRY, ((each.line, each.session_id, each.reason) for each in batch))
                self._db.executemany(_NAMED, ((each.session_id, each.view_id) for each in batch if each.view_id))
                self._db.execute("COMMIT")
            taken += len(batch)
        return taken

    def searched(self, sessions: Iterable[str]) -> None:
        """Note sessions, by their ids, that need not be searched for any more, whether or not views were found."""
        with explained():
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR IGNORE INTO done VALUES (?)", ((each,) for each in sessions))
            self._db.execute("COMMIT")

    def is_searched(self, session_id: str) -> bool:
        """Tell whether the views of a session are known, or known to be none."""
        with explained():
            return self._db.execute("SELECT 1 FROM done WHERE session_id = ?", (session_id,)).fetchone() is not None

    @property
    def sessions(self) -> int:
        """Count the sessions of the list, each once, whether or not they were searched for."""
        with explained():
            return int(self._db.execute("SELECT count(session_id) FROM entry").fetchone()[0])

    def __len__(self) -> int:
        with explained():
            return int(self._db.execute(f"SELECT count(*) {_TO_SEARCH}").fetchone()[0])

    def __iter__(self) -> Iterator[str]:
        """Give the sessions that were to be searched for when the iteration began, in the order of the list."""
        return (str(each) for (each,) in self._read(f"SELECT n, session_id {_TO_SEARCH} AND n > ? ORDER BY n LIMIT ?"))

    def all(self) -> Iterator[str]:
        """Give all sessions in the order of the list, searched for or not."""
        every = "SELECT n, session_id FROM entry WHERE session_id IS NOT NULL AND n > ? ORDER BY n LIMIT ?"
        return (str(each) for (each,) in self._read(every))

    def entries(self) -> Iterator[SessionEntry]:
        """Give the entries in the order of the list, a session's first alone, and no view beside a session."""
        every = "SELECT n, line, session_id, NULL, reason FROM entry WHERE n > ? ORDER BY n LIMIT ?"
        return (SessionEntry(*row) for row in self._read(every))

    def unusable(self) -> Iterator[SessionEntry]:
        """Give the rows that name no session, each with its line and the reason, in the order of the list."""
        bad = "SELECT n, line, NULL, NULL, reason FROM entry WHERE session_id IS NULL AND n > ? ORDER BY n LIMIT ?"
        return (SessionEntry(*row) for row in self._read(bad))

    @property
    def unusable_rows(self) -> int:
        """Count the rows that name no session; the run's exit code tells of them."""
        with explained():
            return int(self._db.execute("SELECT count(*) - count(session_id) FROM entry").fetchone()[0])

    def named_views(self, session_id: str) -> list[str]:
        """Return the ids of the views that links of the list name in a session, in the order of the list."""
        with explained():
            rows = self._db.execute("SELECT view_id FROM named WHERE session_id = ? ORDER BY rowid", (session_id,))
            return [view_id for (view_id,) in rows]

    def _read(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Read rows batch by batch, so no query is open while the tables change."""
        after = 0
        while True:
            with explained():
                batch: list[tuple[Any, ...]] = self._db.execute(query, (after, _BATCH)).fetchall()
            if not batch:
                return
            after = batch[-1][0]
            yield from (row[1:] for row in batch)
