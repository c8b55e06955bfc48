"""Loading views into the plan: a list, whose duplicates the database finds, or the records of a rebuild."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from replay_fetch.ledger.rows import RECORD, result_row
from replay_fetch.ledger.tombstones import drop_erased
from replay_fetch.model import View, ViewRecord

# Rows that are arranged together. Lists come in any order, and the trees of millions of ids do not fit the
# cache: in the order of its keys, a batch goes through a tree once and not once a row.
_BATCH = 50_000
# Clashes that are kept with their ids; a list in another case than an earlier one has millions of them.
_NAMED = 100

# Batches lie in temporary files, not in memory: first as they come, then by session.
_INCOMING = """
CREATE TEMP TABLE IF NOT EXISTS incoming (
  n INTEGER PRIMARY KEY, line INTEGER, session_id TEXT COLLATE NOCASE, view_id TEXT, expected INTEGER, dated INTEGER
)
"""
_ARRANGED = "CREATE TEMP TABLE IF NOT EXISTS arranged AS SELECT * FROM incoming"
_TAKE = "INSERT INTO incoming (n, line, session_id, view_id, expected, dated) VALUES (?, ?, ?, ?, ?, ?)"
_ARRANGE = "INSERT INTO arranged SELECT * FROM incoming ORDER BY session_id, n"
# A session's number is that of the first row that named it: sessions keep the order of the list.
_ADD_SESSIONS = """
INSERT INTO session (session, session_id) SELECT :before + n, session_id FROM arranged WHERE true ORDER BY rowid
ON CONFLICT (session_id) DO NOTHING
"""
# CROSS JOIN holds sqlite to this order of loops.
_JOINED = "arranged CROSS JOIN session ON session.session_id = arranged.session_id"
_FIND_CLASHES = f"""
SELECT line, arranged.session_id, session.session_id FROM {_JOINED}
WHERE arranged.session_id <> session.session_id COLLATE BINARY ORDER BY n
"""  # noqa: S608 - names of tables
# A view that an earlier list named is named again: it moves to this list, its row stays. The second
# time within one list changes nothing, which is how duplicates are counted.
_ADD_VIEWS = f"""
INSERT INTO view (session, view_id, row, list, expected)
SELECT session, view_id, :before + n, :list, expected FROM {_JOINED}
WHERE arranged.session_id = session.session_id COLLATE BINARY ORDER BY session, view_id, n
ON CONFLICT (session, view_id) DO UPDATE SET list = excluded.list, expected = coalesce(excluded.expected, expected)
WHERE list <> excluded.list
"""  # noqa: S608 - names of tables
# An event of an export tells how many segments its view had by then: of several the last, the largest, counts.
_RAISE_EXPECTED = f"""
INSERT INTO view (session, view_id, row, list, expected)
SELECT session, view_id, 0, :list, max(expected) FROM {_JOINED}
WHERE arranged.session_id = session.session_id COLLATE BINARY GROUP BY session, view_id
ON CONFLICT (session, view_id) DO UPDATE SET expected = excluded.expected
WHERE excluded.expected > coalesce(expected, 0)
"""  # noqa: S608 - names of tables
# When views began that have a count of segments; most lists say neither.
_ADD_DATES = f"""
INSERT OR REPLACE INTO dated (row, at) SELECT row, dated FROM {_JOINED} CROSS JOIN view USING (session, view_id)
WHERE dated IS NOT NULL ORDER BY row
"""  # noqa: S608 - names of tables


ListRow = tuple[int, View, int | None] | tuple[int, View, int | None, int | None]
"""Line, view, expected segments and, in seconds since 1970, when the view began, where the list says both."""


class Clash(NamedTuple):
    """A row whose session id differs from an earlier id in case only: some disks would give both the same file."""

    line: int
    session_id: str
    earlier: str


class LoadedList(NamedTuple):
    """The figures of a loaded list: ``rows`` = ``views`` + ``duplicates`` + ``clashing`` + ``erased``."""

    number: int
    rows: int
    views: int
    duplicates: int
    clashes: list[Clash]
    """The first 100 of those that clash."""
    erased: int = 0
    """Rows of sessions that were erased, which are not planned again."""

    @property
    def clashing(self) -> int:
        """Count the rows that were left out since their session id clashes, also of those that are not named."""
        return self.rows - self.views - self.duplicates - self.erased


Mine = Callable[[str], bool]
"""Tells by a session's id whether its views are wanted: the rows of a shard."""


def load_rows(
    db: sqlite3.Connection,
    number: int,
    rows: Iterable[ListRow],
    mine: Mine | None = None,
    before: int | None = None,
) -> LoadedList:
    """Add the rows to the plan as list ``number``, counted from behind ``before``, or from behind all that are there.

    With ``mine`` only those of some sessions.

    A row without ids, out of which an erasure took them, counts as erased. Runs inside the caller's transaction; memory
    does not grow with the rows.
    """
    for table in (_INCOMING, _ARRANGED):
        db.execute(table)
    before = last_row(db) if before is None else before
    total = views = clashing = erased = 0
    clashes: list[Clash] = []
    place = {"before": before, "list": number}
    unread = (
        (n, line, *view, expected, *(dated or (None,))) for n, (line, view, expected, *dated) in _numbered(rows, mine)
    )
    while taken := db.executemany(_TAKE, itertools.islice(unread, _BATCH)).rowcount:
        erased += drop_erased(db, "incoming")
        db.execute(_ARRANGE)
        db.execute(_ADD_SESSIONS, place)
        found = db.execute(_FIND_CLASHES)
        named = [Clash(*row) for row in itertools.islice(found, _NAMED - len(clashes))]
        clashing += len(named) + sum(1 for _ in found)
        clashes += named
        added = db.execute(_ADD_VIEWS, place).rowcount
        views += added
        if added < taken:  # most lists name each view once
            db.execute(_RAISE_EXPECTED, place)
        db.execute(_ADD_DATES)
        total += taken
        for emptied in ("incoming", "arranged"):
            db.execute(f"DELETE FROM {emptied}")  # noqa: S608 - names of tables
    return LoadedList(number, total, views, total - views - clashing - erased, clashes, erased)


def last_row(db: sqlite3.Connection) -> int:
    """The number of the last view of the plan, behind which the rows of a new list are counted."""
    return int(db.execute("SELECT coalesce(max(row), 0) FROM view").fetchone()[0])


def _numbered(rows: Iterable[ListRow], mine: Mine | None) -> Iterator[tuple[int, ListRow]]:
    """Number all rows from 1, then leave those of other shards out: the order of sessions is that of a single run."""
    numbered = enumerate(rows, start=1)
    if mine is None:
        return numbered
    return (pair for pair in numbered if mine(pair[1][1].session_id))


# Records that are held at a time.
_CHUNK = 5_000
# A list of its own, which nothing is known of: the next list that names these views takes them over.
_LIST = 1


def restore_rows(db: sqlite3.Connection, records: Iterable[ViewRecord]) -> int:
    """Add the views of ``records``, sessions together and rows ascending; returns their number.

    Runs inside the caller's transaction; memory does not grow with the records.
    """
    views = 0
    unread = iter(records)
    while chunk := list(itertools.islice(unread, _CHUNK)):
        sessions = [(record.planned.view.session_id,) for record in chunk]
        db.executemany("INSERT OR IGNORE INTO session (session_id) VALUES (?)", sessions)
        db.executemany(
            "INSERT INTO view SELECT session, ?, ?, ?, ? FROM session WHERE session_id = ?",
            (
                (record.planned.view.view_id, record.planned.row, _LIST, record.planned.expected, session_id)
                for record, (session_id,) in zip(chunk, sessions, strict=True)
            ),
        )
        db.executemany(RECORD, (result_row(record) for record in chunk if record.outcome or record.size))
        views += len(chunk)
    db.execute("INSERT INTO list VALUES (?, NULL, ?, ?, 0)", (_LIST, views, views))
    return views
