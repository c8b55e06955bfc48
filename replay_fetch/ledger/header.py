"""Recognising a ledger by its first bytes, before anything is opened or changed."""

from __future__ import annotations

from pathlib import Path

from replay_fetch.errors import ArchiveError
from replay_fetch.ledger.damage import DamagedLedger
from replay_fetch.ledger.schema import APPLICATION_ID, FORMAT

# Of SQLite's file format: where its header holds the numbers that PRAGMA user_version and application_id set.
_MAGIC = b"SQLite format 3\x00"
_USER_VERSION = slice(60, 64)
_APPLICATION_ID = slice(68, 72)


def check_file(path: Path) -> bool:
    """True where a ledger of ours is at ``path``, False where nothing is.

    Raises ArchiveError where something else is, or a ledger of another format; it stays as it is.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ArchiveError(f"the ledger {path} cannot be read: {error.strerror}") from None
    if not header:
        return False
    if not header.startswith(_MAGIC):
        raise DamagedLedger(path, "not a database")
    if int.from_bytes(header[_APPLICATION_ID]) != APPLICATION_ID:
        raise DamagedLedger(path, "not one of replay-fetch")
    version = int.from_bytes(header[_USER_VERSION])
    if version != FORMAT:
        raise ArchiveError(
            f"{path} has format {version}, this version of replay-fetch reads format {FORMAT}; "
            "nothing was changed: use the version that made it, or another OUT",
        )
    return True
