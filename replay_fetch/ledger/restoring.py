"""Filling an empty ledger with what is known of an archive's views."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable

from replay_fetch.ledger.rows import RECORD, result_row
from replay_fetch.model import ViewRecord

_CHUNK = 5_000
# A list of its own, which nothing is known of: the next list that names these views takes them over.
_LIST = 1


def restore_rows(db: sqlite3.Connection, records: Iterable[ViewRecord]) -> int:
    """Add the views of ``records``, sessions together and rows ascending; returns how many.

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
