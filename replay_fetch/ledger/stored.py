"""The ledger of an archive that lies in an object store: beside the views, the store's objects and the places in them.

Such a ledger may vanish with its machine. The store's log is the truth, and this is its shape for quick questions.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from replay_fetch.api.events import FoundView
from replay_fetch.erased import ErasedSession, mark_of, session_in
from replay_fetch.events_record import EventsRecord
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.loading import last_row
from replay_fetch.ledger.rows import RECORD, result_row
from replay_fetch.ledger.schema import Setting
from replay_fetch.ledger.searched import SearchedSessions
from replay_fetch.ledger.tombstones import ERASING, TOMBSTONE
from replay_fetch.model import View, ViewRecord

_TABLES = (
    """
CREATE TABLE IF NOT EXISTS object (
  name TEXT PRIMARY KEY, size INTEGER NOT NULL, sha256 TEXT NOT NULL, etag TEXT, version TEXT, staged TEXT NOT NULL
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS place (
  row INTEGER, part INTEGER NOT NULL, start INTEGER, blob TEXT NOT NULL, offset INTEGER NOT NULL,
  length INTEGER NOT NULL, PRIMARY KEY (row, start)
) WITHOUT ROWID
""",
    "CREATE INDEX IF NOT EXISTS staged ON object (name) WHERE staged <> ''",
    # It may be lost at any time, with everything else on its disk; then the log gives it back.
    "PRAGMA synchronous = OFF",
)
# A view whose lines lie in a session file needs no place, and no other part than the record's counts.
_DROP_PLACES = "DELETE FROM place WHERE row = ? AND (? OR part <> ?)"
_MAKE_ROOM = "DELETE FROM place WHERE row = ? AND (part <> ? OR start >= ?)"
_ADD_PLACE = "INSERT INTO place VALUES (?, ?, ?, ?, ?, ?)"
_ADD_OBJECT = "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?)"
_ERASING_OF = """
INSERT OR IGNORE INTO erasing SELECT session_id, 0, 0, 0, 0, 0 FROM {}
WHERE mark_of(session_id) IN (SELECT mark FROM erased)
"""
_FORGET_STRAYS = (
    "DELETE FROM erasing",
    "DELETE FROM object WHERE mark_of(session_in(name)) IN (SELECT mark FROM erased)",
    "DELETE FROM place WHERE row NOT IN (SELECT row FROM view)",
    "DELETE FROM result WHERE row NOT IN (SELECT row FROM view)",
    "DELETE FROM events WHERE session NOT IN (SELECT session FROM session)",
)
_RECORD_AT = RECORD.replace("CAST(strftime('%s', 'now') AS INTEGER)", "?")


class ObjectRow(NamedTuple):
    """A file of the archive as an object: its name, size and sha256, its version, and where staged bytes wait."""

    name: str
    size: int
    sha256: str
    etag: str | None
    version: str | None
    staged: str


class PlaceRow(NamedTuple):
    """A stretch of a view's part: ``length`` bytes at ``offset`` of a blob, which begin at ``start`` of the part."""

    row: int
    part: int
    start: int
    blob: str
    offset: int
    length: int


_Searched = list[FoundView]
"""The views of a session that was searched for, one at least."""
Fact = tuple[ViewRecord, int] | EventsRecord | PlaceRow | ObjectRow | str | bytes | _Searched
"""A fact of the log.

A record and its time, a record of events, a place, an object, a removed file's name, an erased session's mark, or found
views.
"""


class StoredLedger(Ledger, SearchedSessions):
    """The ledger of a run into a store. Each commit's records have one time of their own, `recorded_at`."""

    recorded_at = 0
    """Seconds since 1970 of the latest record, which the log keeps: ``--refresh-window`` goes by it."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the ledger at ``path`` for writing, made anew where no file is, with the tables of a store.

        Raises ArchiveError, with nothing changed, where something else is there or the disk refuses.
        """
        ledger = super().open(path)
        ledger._add_tables()  # noqa: SLF001 - of this class
        return ledger

    def _add_tables(self) -> None:
        with self._exclusive:
            for statement in _TABLES:
                self._db.execute(statement)

    def record(
        self,
        records: Iterable[ViewRecord],
        redo: Iterable[int] = (),  # noqa: ARG002 - see below
        understood: Sequence[View] = (),  # noqa: ARG002 - see below
    ) -> None:
        """Record a commit as `Ledger.record` does, at one time for all of its views; places are dropped as in `lay`.

        The scratch has no steps to redo, so ``redo`` and ``understood`` are not kept.
        """
        with self._transaction():
            (self.recorded_at,) = self._db.execute("SELECT CAST(strftime('%s', 'now') AS INTEGER)").fetchone()
            self._lay_records((record, self.recorded_at) for record in records)

    def lay(self, chunks: Iterable[Sequence[Fact]]) -> None:
        """Take in facts of the log in one transaction; a chunk holds facts of one kind.

        A record whose lines lie in a file, or in a part of another number, drops the view's places.
        """
        with self._transaction():
            for chunk in chunks:
                self._lay_chunk(chunk)

    def _lay_chunk(self, chunk: Sequence[Fact]) -> None:
        match chunk[0]:
            case PlaceRow():
                places = [place for place in chunk if isinstance(place, PlaceRow)]
                for place in places:
                    self._db.execute(_MAKE_ROOM, (place.row, place.part, place.start))
                    self._db.execute(_ADD_PLACE, place)
            case ObjectRow():
                self._db.executemany(_ADD_OBJECT, (each for each in chunk if isinstance(each, ObjectRow)))
            case str():
                names = ((name,) for name in chunk if isinstance(name, str))
                self._db.executemany("DELETE FROM object WHERE name = ?", names)
            case EventsRecord():
                self._lay_events(each for each in chunk if isinstance(each, EventsRecord))
            case bytes():
                self._db.executemany(TOMBSTONE, ((mark,) for mark in chunk))
            case list():
                self._lay_searched(each for each in chunk if isinstance(each, list))
            case _:
                self._lay_records(each for each in chunk if isinstance(each, tuple) and len(each) == 2)  # noqa: PLR2004

    def _lay_records(self, records: Iterable[tuple[ViewRecord, int]]) -> None:
        drops: list[tuple[int, bool, int]] = []

        def rows() -> Iterable[tuple[object, ...]]:
            for record, at in records:
                drops.append((record.planned.row, record.whole is not None, record.part))
                yield (*result_row(record), at)

        self._db.executemany(_RECORD_AT, rows())
        # Behind the records, which fill ``drops`` as they are read. Without any place a statement for each view is
        # saved.
        if self._db.execute("SELECT 1 FROM place LIMIT 1").fetchone():
            self._db.executemany(_DROP_PLACES, drops)

    def hold_erasing(self, sessions: Iterable[ErasedSession]) -> None:
        """Hold sessions that are to be erased, for `erasing` to give them in the order of their ids."""
        with self._transaction():
            self._db.execute("DELETE FROM erasing")
            self._db.executemany(ERASING, sessions)

    def forget_erased(self, about: str) -> None:
        """Forget all that is known of sessions with a tombstone; ``about`` names the erasure until it is finished.

        Facts of the log may name rows that no list has any more, if the erasure was on its way through the log when the
        log was read. They go, too.
        """
        with self._transaction():
            self._db.create_function("mark_of", 1, mark_of, deterministic=True)
            self._db.create_function("session_in", 1, session_in, deterministic=True)
            for table in ("session", "searched"):
                if self._db.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone():
                    self._db.execute(_ERASING_OF.format(table))
            self._forget()
            for statement in _FORGET_STRAYS:
                self._db.execute(statement)
            self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (Setting.ERASURE, about))

    def note_chains(self, chains: str) -> None:
        """Keep by which settings chains are asked for; where they changed, unfinished chains begin anew."""
        if self.setting(Setting.CHAINS) != chains:
            self.forget_tokens()
            self.set_setting(Setting.CHAINS, chains)

    # --- questions

    def last_row(self) -> int:
        """Return the number of the last view of the plan."""
        with self._exclusive:
            return last_row(self._db)

    def object(self, name: str) -> ObjectRow | None:
        """Return the latest facts that the log holds about an object, by its name; None for a name without any."""
        with self._exclusive:
            row = self._db.execute("SELECT * FROM object WHERE name = ?", (name,)).fetchone()
        return ObjectRow(*row) if row else None

    def objects_below(self, folder: str) -> list[str]:
        """List the names of the objects in a folder, whose name ends in no slash."""
        between = (f"{folder}/", f"{folder}0")  # 0 is the character behind the slash
        with self._exclusive:
            found = self._db.execute("SELECT name FROM object WHERE name > ? AND name < ?", between)
            return [name for (name,) in found]

    def staged_objects(self) -> list[ObjectRow]:
        """List the objects whose bytes still wait, under a staged name, to be copied to the object's own name."""
        with self._exclusive:
            return [ObjectRow(*row) for row in self._db.execute("SELECT * FROM object WHERE staged <> ''")]

    def places(self, row: int, part: int) -> list[PlaceRow]:
        """List the stretches of the part of a view, by the view's row and the part's number, in their order."""
        query = "SELECT * FROM place WHERE row = ? AND part = ? ORDER BY start"
        with self._exclusive:
            return [PlaceRow(*each) for each in self._db.execute(query, (row, part))]

    def places_in(self, blob: str) -> list[PlaceRow]:
        """List the stretches of a blob that are of use, in their order."""
        with self._exclusive:
            query = "SELECT * FROM place WHERE blob = ? ORDER BY offset"
            return [PlaceRow(*each) for each in self._db.execute(query, (blob,))]

    def blobs(self) -> set[str]:
        """List the names of all blobs in which lines of a view lie."""
        with self._exclusive:
            return {name for (name,) in self._db.execute("SELECT DISTINCT blob FROM place")}

    def snapshot(self, target: Path) -> None:
        """Write a copy of the ledger, without a journal beside it, into the new file ``target``, for our eyes only."""
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        with self._exclusive:
            self._db.execute("VACUUM INTO ?", (str(target),))
