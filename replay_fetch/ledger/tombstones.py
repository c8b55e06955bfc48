"""Tombstones of a ledger: marks of erased sessions, which keep later lists from bringing these sessions back.

An erasure goes in three steps, and a kill between two of them loses none: `begin_erasure` lays the tombstones and
forgets the views in a single transaction, `files_are_gone` forgets the ids, `compact` takes the last traces of the
ids out of the database's own files.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from replay_fetch.erased import ErasedSession, mark_of
from replay_fetch.ledger.database import Database
from replay_fetch.ledger.schema import Setting, State

TOMBSTONE = "INSERT OR IGNORE INTO erased VALUES (?)"
ERASING = "INSERT OR IGNORE INTO erasing VALUES (?, ?, ?, ?, ?, ?)"
# Found by their columns, so that a table that comes later is not forgotten here.
_KEYED = """
SELECT tables.name, columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
WHERE tables.type = 'table' AND tables.name NOT IN ('view', 'session') AND columns.name IN ('row', 'session')
  OR tables.type = 'table' AND tables.name = 'searched' AND columns.name = 'session_id'
"""
_DOOMED = {
    "row": "SELECT row FROM erasing CROSS JOIN session USING (session_id) CROSS JOIN view USING (session)",
    "session": "SELECT session FROM erasing CROSS JOIN session USING (session_id)",
    "session_id": """
        SELECT searched.session_id FROM searched JOIN erasing ON searched.session_id = erasing.session_id COLLATE NOCASE
    """,
}
_OLDER = """
SELECT session_id FROM session CROSS JOIN view USING (session) JOIN result USING (row)
GROUP BY session HAVING min(json_extract(about, '$.start_ms')) < :before ORDER BY session
"""
_UNDATED = """
SELECT count(*) FROM (
  SELECT count(*) AS views FROM session CROSS JOIN view USING (session) LEFT JOIN result USING (row)
  GROUP BY session HAVING min(json_extract(about, '$.start_ms')) IS NULL
)
"""


def drop_erased(db: sqlite3.Connection, table: str) -> int:
    """Delete the rows of erased sessions from a table of incoming rows; returns their number.

    Costs little in a ledger without tombstones, and a hash for each row in any other. A row without an id is one out of
    which an erasure took it.
    """
    blank = db.execute(f"DELETE FROM {table} WHERE session_id = ''").rowcount  # noqa: S608 - a name of ours
    if db.execute("SELECT 1 FROM erased LIMIT 1").fetchone() is None:
        return blank
    db.create_function("mark_of", 1, mark_of, deterministic=True)
    query = f"DELETE FROM {table} WHERE mark_of(session_id) IN (SELECT mark FROM erased)"  # noqa: S608 - a name of ours
    return blank + db.execute(query).rowcount


class Tombstones(Database):
    """Keeps the marks of erased sessions, and the erasure that is going on; a `Ledger` is one of these."""

    def erased_sessions(self) -> int:
        """Count the sessions that were erased for good; 0 in a ledger that an older version made."""
        with self._exclusive:
            return int(self._db.execute("SELECT count(*) FROM erased").fetchone()[0]) if self._has_erased() else 0

    def is_erased(self, session_id: str) -> bool:
        """Tell whether there is a tombstone of the session, in any case of its letters."""
        with self._exclusive:
            query = "SELECT 1 FROM erased WHERE mark = ?"
            return self._has_erased() and self._db.execute(query, (mark_of(session_id),)).fetchone() is not None

    def marks(self) -> Iterator[bytes]:
        """Give the marks, which are hashes of ids, of all erased sessions; no id can be read out of a mark."""
        with self._exclusive:
            if self._has_erased():
                yield from (mark for (mark,) in self._db.execute("SELECT mark FROM erased"))

    def restore_marks(self, marks: Iterable[bytes]) -> None:
        """Lay tombstones by their marks, for a ledger that a rebuild makes anew; marks that are there already stay."""
        with self._transaction():
            self._db.executemany(TOMBSTONE, ((mark,) for mark in marks))

    def sessions_before(self, before_ms: int) -> Iterator[str]:
        """Give the ids of the sessions whose recording began before a time, in milliseconds since 1970."""
        with self._exclusive:
            yield from (session_id for (session_id,) in self._db.execute(_OLDER, {"before": before_ms}))

    def session_beginning_with(self, text: str) -> str | None:
        """Return the id of a session that goes on where ``text`` ends; None where there is none."""
        with self._exclusive:
            # Behind every character that an id may have.
            query = "SELECT session_id FROM session WHERE session_id > ? AND session_id < ? || '~' LIMIT 1"
            row = self._db.execute(query, (text, text)).fetchone()
        return row[0] if row else None

    def sessions_without_start(self) -> int:
        """Count the sessions of which no view says when its recording began, so no age can be told."""
        with self._exclusive:
            return int(self._db.execute(_UNDATED).fetchone()[0])

    # --- an erasure, in its steps

    def begin_erasure(self, about: str, sessions: Iterable[ErasedSession]) -> None:
        """Lay the tombstones and forget the views, all in one transaction: the instant of an erasure.

        ``about`` is kept for the report of the erasure, with the sessions, until `files_are_gone`.
        """
        with self._exclusive:
            # From here on a deleted row is overwritten by zeros where it lies.
            self._db.execute("PRAGMA secure_delete = ON")
        with self._transaction():
            self._db.executemany(ERASING, sessions)
            ids = self._db.execute("SELECT session_id FROM erasing")
            self._db.executemany(TOMBSTONE, ((mark_of(session_id),) for (session_id,) in ids))
            self._forget()
            # Views whose raw pages have gone by now: their ids are of no use, and may be those of an erased session.
            self._db.execute("DELETE FROM setting WHERE name = ?", (Setting.UNDERSTOOD,))
            for setting in ((Setting.STATE, State.RUNNING), (Setting.ERASURE, about)):
                self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", setting)

    def _forget(self) -> None:
        """Delete the rows of the sessions in ``erasing``: the views last, since other rows are found by them."""
        tables = [*self._db.execute(_KEYED).fetchall(), ("view", "session"), ("session", "session")]
        for table, column in tables:
            self._db.execute(f"DELETE FROM {table} WHERE {column} IN ({_DOOMED[column]})")  # noqa: S608 - names of ours
        # A list that is known by its fingerprint is not read again, and its rows would not be counted as erased.
        self._db.execute("UPDATE list SET fingerprint = NULL")

    def erasing(self) -> Iterator[ErasedSession]:
        """Give the sessions whose files are to go, or have just gone; none where no erasure is going on."""
        with self._exclusive:
            if self._has_erased():
                yield from map(ErasedSession._make, self._db.execute("SELECT * FROM erasing ORDER BY session_id"))

    def files_are_gone(self) -> None:
        """Forget the ids of the erased sessions: their files are gone, and the report of the erasure is written."""
        with self._exclusive:
            self._db.execute("PRAGMA secure_delete = ON")
        with self._transaction():
            self._db.execute("DELETE FROM erasing")
            self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, '')", (Setting.ERASURE,))

    def compact(self) -> bool:
        """Write the database anew and empty its log, since pages may hold copies of rows that were moved or replaced.

        Takes the time and twice the room of the ledger. Returns False where a reader has the log open: the traces
        are then taken out by the next `compact`.
        """
        with self._exclusive:
            self._db.execute("VACUUM")
            (busy, *_) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            with self._transaction():
                self._db.execute("DELETE FROM setting WHERE name = ?", (Setting.ERASURE,))
        return not busy

    def _has_erased(self) -> bool:
        query = "SELECT count(*) FROM sqlite_schema WHERE name IN ('erased', 'erasing')"
        both = 2
        return bool(self._db.execute(query).fetchone()[0] == both)
