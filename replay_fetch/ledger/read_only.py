"""Reading a ledger without changing anything, whatever the folder allows."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

_PRIMARY = 0xFF  # the bits of an error code that are not a finer distinction


def connected_read_only(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing.

    A reader shares memory with writers through a file beside the ledger. Where that cannot be made, in a folder that is
    read-only, nobody writes either, and the ledger is read as it lies there.
    """
    uri = f"file:{quote(str(path))}"
    db = sqlite3.connect(f"{uri}?mode=ro", uri=True, check_same_thread=False, isolation_level=None)
    try:
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        db.close()
        if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_CANTOPEN or not path.is_file():
            raise
        db = sqlite3.connect(f"{uri}?immutable=1", uri=True, check_same_thread=False, isolation_level=None)
    except BaseException:
        db.close()
        raise
    return db
