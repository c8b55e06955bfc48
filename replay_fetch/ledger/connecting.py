"""Connections to SQLite: how a file is opened for writing, and how without changing anything."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import WeakSet

PRIMARY = 0xFF
"""The bits of SQLite's error codes that are not a finer distinction."""
_NOT_WRITABLE = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})


def connected_read_only(path: Path) -> sqlite3.Connection:
    """Connect without changing anything; readers share memory with writers through files beside the ledger.

    1. Where these files are, a run is going on or was killed: the files stay as they are.
    2. Where they are absent, the connection makes them, and removes them when it is closed. Only a connection that
       might write does so.
    3. Where they cannot be made nobody writes, and the ledger is read as it lies there.
    """
    shared = Path(f"{path}-wal").exists()
    db = _by_uri(path, "mode=ro" if shared else "mode=rw")
    try:
        db.execute("PRAGMA query_only = ON")
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        db.close()
        if error.sqlite_errorcode & PRIMARY not in _NOT_WRITABLE or not path.is_file():
            raise
        return _by_uri(path, "immutable=1")
    except BaseException:
        db.close()
        raise
    return db


def connected(path: Path | str, *, uri: bool = False) -> sqlite3.Connection:
    """Connect to a file, or to a database in memory or in a temporary file by SQLite's names for these."""
    # check_same_thread: the package's own lock lets threads take turns. isolation_level: Python's module would begin
    # transactions by itself, and never an immediate one.
    return sqlite3.connect(path, uri=uri, check_same_thread=False, isolation_level=None, factory=_Connection)


def _by_uri(path: Path, how: str) -> sqlite3.Connection:
    """Connect by a URI, which is the only way to say how the file is opened."""
    return connected(f"file:{quote(str(path))}?{how}", uri=True)


class _Connection(sqlite3.Connection):
    """A connection that lets go of its file when it is closed, whatever is still being read.

    From Python 3.12 on, a cursor in the middle of its rows, as in the traceback of an error, keeps the file open behind
    `close`. When that cursor goes at last, SQLite removes the write-ahead log by its name: by then it may belong to a
    new ledger, which a rebuild has put in the place.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:  # Any: whatever the module passes on
        super().__init__(*arguments, **more)
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()

    def execute(self, *arguments: Any) -> sqlite3.Cursor:  # Any: as above
        cursor = super().execute(*arguments)
        self._cursors.add(cursor)
        return cursor

    def close(self) -> None:
        for cursor in list(self._cursors):
            cursor.close()
        super().close()
