"""The door to SQLite: opening, transactions, and its complaints in our words."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from replay_fetch.errors import ArchiveError
from replay_fetch.ledger.damage import DamagedLedger, DamagedRow, failure
from replay_fetch.ledger.header import check_file
from replay_fetch.ledger.read_only import connected_read_only
from replay_fetch.ledger.schema import APPLICATION_ID, FORMAT, LATER_TABLES, PRAGMAS, TABLES


class _Turn:
    """A thread's turn with a database, whose refusals meanwhile become ArchiveErrors.

    No generator, which costs ten times as much: a run takes a turn for each session.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
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
    """A connection that threads may share: one uses it at a time."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self.blank = False
        """Nothing was ever kept: a run was killed before its first commit, or there is no ledger at all."""
        self._db = db
        self._path = path
        self._turn = _Turn(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the ledger at ``path``, made anew where there is none.

        Raises ArchiveError, with nothing changed, where something else is there.
        """
        check_file(path)
        with ExitStack() as opening, _Turn(path):
            # Recordings' ids are personal data too; the files that SQLite keeps beside it take over its mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            opening.callback(db.close)
            ledger = cls(db, path)
            # Empty also where a run was killed while it made one: that is rolled back when it is first read.
            if not ledger._has_tables():
                ledger._make_tables()
            for pragma in PRAGMAS:
                db.execute(pragma)
            db.execute(LATER_TABLES)
            opening.pop_all()
        return ledger

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """Open a ledger for reading, also while a run writes to it and where nobody can write.

        One that is not there yet, or has no tables yet, reads as one that is empty.
        """
        with _Turn(path):
            if check_file(path):
                ledger = cls(connected_read_only(path), path)
                if ledger._has_tables():
                    return ledger
                ledger.close()  # a first run was killed while it made them, which is rolled back
            ledger = cls(sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None), path)
            ledger._make_tables()
            ledger.blank = True
            return ledger

    def copy_to(self, path: Path) -> Self:
        """One with the same content at ``path``, to try things with."""
        copy = self.open(path)
        with self._turn:
            self._db.backup(copy._db)  # noqa: SLF001 - another of our own
        return copy

    def close(self) -> None:
        """Fold the write-ahead log back in and let go of the file."""
        self._db.close()

    def _has_tables(self) -> bool:
        return bool(self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])

    def _make_tables(self) -> None:
        """Before the write-ahead log is switched on, so that the file's own header tells what it is."""
        with self._transaction():
            for statement in TABLES.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {FORMAT}")

    @contextmanager
    def _transaction(self, *, keep: bool = True) -> Iterator[None]:
        with self._turn:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT" if keep else "ROLLBACK")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
