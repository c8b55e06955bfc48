"""Damage to a ledger: the errors that say so, and the command that makes a new ledger."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from replay_fetch.errors import ArchiveError

# Besides "corrupt" and "not a database", what SQLite says when a page's content makes no sense to a statement:
# a table is not there, a value has another type.
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH})
_PRIMARY = 0xFF
_FULL = "; free some room, there or in the folder for temporary files ($TMPDIR), and run the same command again"


def way_out(path: Path) -> str:
    """Name the command that makes a new ledger in place of the damaged file at ``path``, for the end of a message."""
    return f"`replay-fetch verify --rebuild {path.parent.parent}` makes a new one from manifest and files"


class DamagedRow(Exception):
    """Raised where a row holds a value that no version ever writes; the door turns the error into a DamagedLedger."""


class DamagedLedger(ArchiveError):
    """Raised where the ledger is damaged; a new ledger can be made without it, from manifest and files."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"the ledger {path} is damaged ({what}); {way_out(path)}")


def failure(path: Path, error: sqlite3.DatabaseError) -> ArchiveError:
    """Make the error for a refusal of the database: damage, a full disk, or another reason.

    The caller raises the result. Its message names the ledger's file, and the command or the room that helps.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code & _PRIMARY not in _DAMAGE:
        advice = _FULL if code == sqlite3.SQLITE_FULL else ""
        return ArchiveError(f"the ledger {path} cannot be used: {error}{advice}")
    return DamagedLedger(path, str(error))
