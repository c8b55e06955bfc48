"""One archive's ledger: what was planned, how each view ended, where its bytes lie."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from replay_fetch.errors import ArchiveError
from replay_fetch.ledger.loading import LoadedList, load_rows
from replay_fetch.ledger.rows import COUNT_TO_DO, RECORD, TO_DO, VIEWS, planned_view, result_row, view_record
from replay_fetch.ledger.schema import APPLICATION_ID, FORMAT, PRAGMAS, TABLES
from replay_fetch.ledger.totals import Totals, sum_views
from replay_fetch.model import PlannedView, View, ViewRecord


class Ledger:
    """A connection to the ledger; threads that share it take turns.

    A transaction that cannot be written (disk full, damage) raises ArchiveError and changes nothing.
    """

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the ledger at ``path``, made anew where there is none."""
        with _explained(path):
            db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            ledger = cls(db, path)
            new = not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if not new:
                ledger._check_format()
            for pragma in PRAGMAS:
                db.execute(pragma)
            if new:
                with ledger._transaction():
                    for statement in TABLES.split(";"):
                        db.execute(statement)
                    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    db.execute(f"PRAGMA user_version = {FORMAT}")
        return ledger

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """Open an existing ledger for reading, also while a run writes to it."""
        with _explained(path):
            db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False, isolation_level=None)
            ledger = cls(db, path)
            ledger._check_format()
        return ledger

    def close(self) -> None:
        """Fold the write-ahead log back in and let go of the file."""
        self._db.close()

    def _check_format(self) -> None:
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise ArchiveError(f"{self._path} is not a ledger of replay-fetch; choose another OUT")
        if version != FORMAT:
            raise ArchiveError(
                f"{self._path} has format {version}, this version of replay-fetch reads format {FORMAT}; "
                "nothing was changed: use the version that made it, or another OUT",
            )

    # --- settings of the archive

    def setting(self, name: str) -> str | None:
        """A value kept with the archive, None where it was never set."""
        with self._using():
            row = self._db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_setting(self, name: str, value: str) -> None:
        """Keep a value with the archive."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    # --- the plan

    def known_list(self, fingerprint: str) -> LoadedList | None:
        """The newest list, if that is its fingerprint: then it need not be loaded again."""
        with self._using():
            newest = self._db.execute("SELECT * FROM list ORDER BY list DESC LIMIT 1").fetchone()
        if newest is None or newest[1] != fingerprint:
            return None
        number, _, rows, views, duplicates = newest
        return LoadedList(number, rows, views, duplicates, [])

    def load(self, rows: Iterable[tuple[int, View, int | None]]) -> LoadedList:
        """Add rows (line, view, expected segments) as a list of their own, in one transaction.

        An exception out of ``rows`` leaves the ledger as it was.
        """
        with self._transaction():
            (number,) = self._db.execute("SELECT coalesce(max(list), 0) + 1 FROM list").fetchone()
            loaded = load_rows(self._db, number, rows)
            columns = (number, loaded.rows, loaded.views, loaded.duplicates)
            self._db.execute("INSERT INTO list VALUES (?, NULL, ?, ?, ?)", columns)
        return loaded

    def rehearse(self, rows: Iterable[tuple[int, View, int | None]]) -> tuple[LoadedList, Totals]:
        """What `load` would return, and the sums over that list; the ledger stays as it is."""
        with self._transaction(keep=False):
            loaded = load_rows(self._db, 0, rows)
            return loaded, sum_views(self._db, 0)

    def remember_list(self, number: int, fingerprint: str) -> None:
        """Note what list ``number`` was made from, so that `known_list` finds it."""
        with self._transaction():
            self._db.execute("UPDATE list SET fingerprint = ? WHERE list = ?", (fingerprint, number))

    def to_do(self, list_number: int, after: PlannedView | None, limit: int) -> list[PlannedView]:
        """The next unfinished views of a list behind ``after``, grouped by session."""
        where = {"list": list_number, "limit": limit, "session": 0, "row": 0}
        if after is not None:
            where |= {"session": after.session, "row": after.row}
        with self._using():
            return [planned_view(row) for row in self._db.execute(TO_DO, where)]

    def to_do_in(self, list_number: int, session: int) -> int:
        """How many views of one session a list still has to do."""
        with self._using():
            return int(self._db.execute(COUNT_TO_DO, (list_number, session)).fetchone()[0])

    def forget_tokens(self) -> None:
        """Let every unfinished chain begin anew."""
        with self._transaction():
            self._db.execute("UPDATE result SET token = NULL WHERE token IS NOT NULL")

    # --- results

    def record(self, records: Iterable[ViewRecord]) -> None:
        """Keep how views ended and where their bytes lie, all or none of them."""
        with self._transaction():
            self._db.executemany(RECORD, map(result_row, records))

    def session_views(self, session: int) -> list[ViewRecord]:
        """All views of a session in list order, ended or not."""
        with self._using():
            return [
                view_record(row) for row in self._db.execute(f"{VIEWS} WHERE view.session = ? ORDER BY row", (session,))
            ]

    def has_part(self, row: int, part: int) -> bool:
        """True where the view's bytes lie in its part of that number."""
        with self._using():
            query = "SELECT 1 FROM result WHERE row = ? AND part = ? AND size > 0 AND whole_offset IS NULL"
            return self._db.execute(query, (row, part)).fetchone() is not None

    def is_whole(self, session_id: str) -> bool:
        """True where every view of the session is finished and lies in its finished file."""
        with self._using():
            row = self._db.execute("SELECT session FROM session WHERE session_id = ?", (session_id,)).fetchone()
            return row is not None and all(
                view.finished and (view.whole or not view.size) for view in self.session_views(row[0])
            )

    def views(self) -> Iterator[ViewRecord]:
        """All views, sessions and their views in order of first appearance.

        Other threads wait until the iterator is exhausted or closed.
        """
        with self._using():
            yield from map(view_record, self._db.execute(f"{VIEWS} ORDER BY view.session, row"))

    def totals(self, list_number: int | None = None) -> Totals:
        """Sums by outcome over one list, or over the whole archive."""
        with self._using():
            return sum_views(self._db, list_number)

    @contextmanager
    def _using(self) -> Iterator[None]:
        with self._lock, _explained(self._path):
            yield

    @contextmanager
    def _transaction(self, *, keep: bool = True) -> Iterator[None]:
        with self._using():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT" if keep else "ROLLBACK")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what the database refuses into an ArchiveError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise ArchiveError(f"the ledger {path} cannot be used: {error}") from error
