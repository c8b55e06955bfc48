"""The door to SQLite: the file is recognised, opened and locked, and its complaints become errors of ours.

A damaged ledger's error names the command that makes a new one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from replay_fetch.errors import ArchiveError
from replay_fetch.ledger.connecting import PRIMARY, connected, connected_read_only
from replay_fetch.ledger.schema import APPLICATION_ID, FORMAT, LATER_TABLES, PRAGMAS, TABLES
from replay_fetch.printable import as_argument

# Of SQLite's file format: where its header holds the numbers that PRAGMA user_version and application_id set.
_MAGIC = b"SQLite format 3\x00"
_USER_VERSION = slice(60, 64)
_APPLICATION_ID = slice(68, 72)

# Besides "corrupt" and "not a database", what SQLite says when a page's content makes no sense to a statement:
# a table is not there, a value has another type.
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH})
_FULL = "; free some room, there or in the folder for temporary files ($TMPDIR), and run the same command again"


def way_out(path: Path) -> str:
    """Name the command that makes a new ledger in place of the damaged file at ``path``, for the end of a message."""
    return f"`replay-fetch verify --rebuild {as_argument(path.parent.parent)}` makes a new one from manifest and files"


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
    if code is None or code & PRIMARY not in _DAMAGE:
        advice = _FULL if code == sqlite3.SQLITE_FULL else ""
        return ArchiveError(f"the ledger {path} cannot be used: {error}{advice}")
    return DamagedLedger(path, str(error))


def check_file(path: Path) -> bool:
    """Tell whether a ledger of ours is at ``path``; False where no file is.

    Raises ArchiveError where something else is there, or a ledger of another format; the file stays as it is.
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


class _Exclusive:
    """A thread's exclusive use of a database; the database's refusals meanwhile become ArchiveErrors.

    No generator, which costs ten times as much: a run enters it for each session.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # A thread that reads `events` or `marks` asks further questions between two rows.
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        self._lock.release()
        if isinstance(error, OSError):
            raise ArchiveError(f"the ledger {self._path} cannot be opened: {error.strerror}") from error
        if isinstance(error, DamagedRow):
            raise DamagedLedger(self._path, str(error)) from error
        if isinstance(error, sqlite3.DatabaseError):
            raise failure(self._path, error) from error


class Database:
    """Holds a connection that several threads share, one at a time; the others wait for their turn.

    A refusal of the database becomes an ArchiveError that names the file, a DamagedLedger where a rebuild helps.
    """

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self.blank = False
        """Nothing was ever kept: a run was killed before its first commit, or there is no ledger at all."""
        self._db = db
        self._path = path
        self._exclusive = _Exclusive(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the ledger at ``path`` for writing, made anew where no file is.

        Raises ArchiveError, with nothing changed, where something else is there.
        """
        check_file(path)
        with ExitStack() as opening, _Exclusive(path):
            # Recordings' ids are personal data too; the files that SQLite keeps beside it take over its mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            db = connected(path)
            opening.callback(db.close)
            ledger = cls(db, path)
            # Empty also where a run was killed while it made one: that is rolled back when it is first read.
            if not ledger._has_tables():
                ledger._make_tables()
            for statement in (*PRAGMAS, *LATER_TABLES):
                db.execute(statement)
            opening.pop_all()
        return ledger

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """Open a ledger for reading, also while a run writes to it, and where nobody can write.

        A ledger that is not there yet, or has no tables yet, reads as an empty one.
        """
        with _Exclusive(path):
            if check_file(path):
                ledger = cls(connected_read_only(path), path)
                if ledger._has_tables():
                    return ledger
                ledger.close()  # a first run was killed while it made them, which is rolled back
            ledger = cls(connected(":memory:"), path)
            ledger._make_tables()
            ledger.blank = True
            return ledger

    def copy_to(self, path: Path) -> Self:
        """Copy the database to the file ``path`` and open the copy for writing, to try changes in.

        The caller closes the copy and removes its file. Raises ArchiveError where there is no room for the copy.
        """
        copy = self.open(path)
        with self._exclusive:
            self._db.backup(copy._db)  # noqa: SLF001 - another of our own
        for statement in LATER_TABLES:  # the original may be older than these
            copy._db.execute(statement)  # noqa: SLF001
        return copy

    def close(self) -> None:
        """Fold the write-ahead log back into the file and let go of both; no method may be called from then on."""
        self._db.close()

    def _has_tables(self) -> bool:
        return bool(self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])

    def _make_tables(self) -> None:
        """Make the tables before the write-ahead log is switched on, so the file's header tells its format."""
        with self._transaction():
            for statement in TABLES.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {FORMAT}")

    @contextmanager
    def _transaction(self, *, keep: bool = True) -> Iterator[None]:
        """Have the database alone; keep all that is written meanwhile, or nothing, and with ``keep`` False nothing."""
        with self._exclusive:
            # Immediate: a transaction that turns from reading to writing half-way is refused where another writes.
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT" if keep else "ROLLBACK")
            except BaseException:
                # SQLite itself rolls back after some errors, as on a full disk; a second ROLLBACK would hide the first.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
