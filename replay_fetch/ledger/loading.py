"""Loading a list into the plan: duplicates and clashing ids are found by the database."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from replay_fetch.model import View

# Rows a statement: large enough that its fixed cost vanishes, and half a megabyte in memory.
_CHUNK = 2_000
# Kibibytes of the ledger that are kept in memory meanwhile: rows come in no order, and with what is enough
# otherwise the trees of a million are read from the disk again and again, a fifth of all the time.
_CACHE = 12 * 1024

_INCOMING = """
CREATE TEMP TABLE IF NOT EXISTS incoming (
  n INTEGER PRIMARY KEY, line INTEGER, session_id TEXT COLLATE NOCASE, view_id TEXT, expected INTEGER
)
"""
_ADD_SESSIONS = "INSERT OR IGNORE INTO session (session_id) SELECT session_id FROM incoming ORDER BY n"
_FIND_CLASHES = """
SELECT line, incoming.session_id, session.session_id FROM incoming JOIN session USING (session_id)
WHERE incoming.session_id <> session.session_id COLLATE BINARY ORDER BY n
"""
# A view that an earlier list named is named again: it moves to this list, its row stays. The second
# time within one list changes nothing, which is how duplicates are counted.
_ADD_VIEWS = """
INSERT INTO view (session, view_id, row, list, expected)
SELECT session.session, view_id, :first_row + n, :list, expected FROM incoming JOIN session USING (session_id)
WHERE incoming.session_id = session.session_id COLLATE BINARY ORDER BY n
ON CONFLICT (session, view_id) DO UPDATE SET list = excluded.list, expected = coalesce(excluded.expected, expected)
WHERE list <> excluded.list
"""


class Clash(NamedTuple):
    """A row whose session id differs from an earlier one in upper and lower case only."""

    line: int
    session_id: str
    earlier: str


class LoadedList(NamedTuple):
    """What one list came to: ``rows`` = ``views`` + ``duplicates`` + ``clashes``."""

    number: int
    rows: int
    views: int
    duplicates: int
    clashes: list[Clash]


def load_rows(db: sqlite3.Connection, number: int, rows: Iterable[tuple[int, View, int | None]]) -> LoadedList:
    """Add the rows (line, view, expected segments) to the plan as list ``number``.

    Runs inside the caller's transaction; memory does not grow with the rows beyond the cache.
    """
    (usual,) = db.execute("PRAGMA cache_size").fetchone()
    db.execute(f"PRAGMA cache_size = -{_CACHE}")
    try:
        return _load_rows(db, number, rows)
    finally:
        db.execute(f"PRAGMA cache_size = {usual}")


def _load_rows(db: sqlite3.Connection, number: int, rows: Iterable[tuple[int, View, int | None]]) -> LoadedList:
    db.execute(_INCOMING)
    (first_row,) = db.execute("SELECT coalesce(max(row), 0) FROM view").fetchone()
    total = views = 0
    clashes: list[Clash] = []
    for chunk in _chunks(rows):
        db.execute("DELETE FROM incoming")
        db.executemany("INSERT INTO incoming (line, session_id, view_id, expected) VALUES (?, ?, ?, ?)", chunk)
        db.execute(_ADD_SESSIONS)
        clashes.extend(Clash(*row) for row in db.execute(_FIND_CLASHES))
        views += db.execute(_ADD_VIEWS, {"first_row": first_row + total, "list": number}).rowcount
        total += len(chunk)
    db.execute("DELETE FROM incoming")
    return LoadedList(number, total, views, total - views - len(clashes), clashes)


def _chunks(
    rows: Iterable[tuple[int, View, int | None]],
) -> Iterator[list[tuple[int, str, str, int | None]]]:
    flat = ((line, view.session_id, view.view_id, expected) for line, view, expected in rows)
    while chunk := list(itertools.islice(flat, _CHUNK)):
        yield chunk
