"""Reading a ledger without changing anything, whatever the folder allows."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

_PRIMARY = 0xFF  # the bits of an error code that are not a finer distinction
_NOT_WRITABLE = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})


def connected_read_only(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing. Readers share memory with writers through files beside the ledger.

    1. Where these are, a run is going on or was killed: they stay as they are.
    2. Where they are not, the connection makes them, and removes them again when it is closed, which only one that
       might write does.
    3. Where they cannot be made nobody writes, and the ledger is read as it lies there.
    """
    shared = Path(f"{path}-wal").exists()
    db = _connected(path, "mode=ro" if shared else "mode=rw")
    try:
        db.execute("PRAGMA query_only = ON")
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        db.close()
        if error.sqlite_errorcode & _PRIMARY not in _NOT_WRITABLE or not path.is_file():
            raise
        return _connected(path, "immutable=1")
    except BaseException:
        db.close()
        raise
    return db


def _connected(path: Path, how: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path))}?{how}"
    return sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None)
