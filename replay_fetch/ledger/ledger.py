"""The ledger of an archive: its plan, how each view ended, and where each view's bytes lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import orjson

from replay_fetch.ledger.database import DamagedLedger
from replay_fetch.ledger.events import EventsLedger
from replay_fetch.ledger.loading import ListRow, LoadedList, Mine, load_rows, restore_rows
from replay_fetch.ledger.rows import (
    COUNT_TO_DO,
    LACKING_PARTIAL,
    LATEST_FETCHED,
    RECORD,
    SPREAD,
    TO_DO,
    VIEWS,
    next_views,
    planned_view,
    result_row,
    view_record,
)
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.ledger.tombstones import Tombstones
from replay_fetch.ledger.totals import Need, Reason, Totals, sum_need, sum_reasons, sum_views
from replay_fetch.model import Outcome, PlannedView, View, ViewRecord


class ToDo(NamedTuple):
    """Says which views of a list a run asks for: unfinished views, and finished views that are young."""

    list_number: int
    young: int | None = None
    """Seconds since 1970: views that ended since are asked for again."""


class Ledger(EventsLedger, Tombstones):
    """Keeps the plan, the views' states and the archive's settings; threads that share a ledger take turns.

    A transaction that cannot be written (disk full, damage) raises ArchiveError and changes nothing. A question raises
    ArchiveError where the database cannot be read. Every call blocks its thread until the disk has answered.
    """

    _understood = False
    """The latest commit named views whose raw pages go."""

    # --- settings of the archive

    def setting(self, name: str) -> str | None:
        """Return the text kept with the archive under a name of `Setting`; None where the name was never set."""
        with self._exclusive:
            row = self._db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_setting(self, name: str, value: str) -> None:
        """Keep a text with the archive under a name of `Setting`, in a transaction of its own, durably."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def drop_setting(self, name: str) -> None:
        """Forget the text that was kept with the archive under a name; a name that was never set is no error."""
        with self._transaction():
            self._db.execute("DELETE FROM setting WHERE name = ?", (name,))

    # --- the plan

    def known_list(self, fingerprint: str) -> LoadedList | None:
        """Return the newest list if its fingerprint is the same, so it need not be loaded again."""
        with self._exclusive:
            newest = self._db.execute("SELECT * FROM list ORDER BY list DESC LIMIT 1").fetchone()
        if newest is None or newest[1] != fingerprint:
            return None
        number, _, rows, views, duplicates = newest
        # A list with bad rows is never known again, so what is left of its rows is of erased sessions.
        return LoadedList(number, rows, views, duplicates, [], erased=rows - views - duplicates)

    def newest_list(self) -> int | None:
        """Return the number of the newest list, counted from 1; None where no list was ever loaded to its end."""
        with self._exclusive:
            number: int | None = self._db.execute("SELECT max(list) FROM list").fetchone()[0]
        return number

    def load(self, rows: Iterable[ListRow], mine: Mine | None = None, before: int | None = None) -> LoadedList:
        """Load rows (line, view, expected segments, perhaps its date) as a list of their own, in a transaction.

        ``mine`` picks sessions by their ids; rows have the numbers that they would have without it. They are counted
        from behind ``before``, or else from behind all views that are there. An exception out of ``rows`` leaves the
        ledger as it was.
        """
        with self._transaction():
            (number,) = self._db.execute("SELECT coalesce(max(list), 0) + 1 FROM list").fetchone()
            loaded = load_rows(self._db, number, rows, mine, before)
            of_list = (number, loaded.rows, loaded.views, loaded.duplicates)
            self._db.execute("INSERT INTO list VALUES (?, NULL, ?, ?, ?)", of_list)
            # Not where a run was killed: RUNNING must stay there, or nothing is recovered.
            came_in = "UPDATE setting SET value = ? WHERE name = ? AND value = ?"
            self._db.execute(came_in, (State.LOADED, Setting.STATE, State.CLEAN))
        return loaded

    def rehearse(self, rows: Iterable[ListRow], mine: Mine | None = None) -> tuple[LoadedList, Totals]:
        """Return the results of loading ``rows``, and the sums over them; the ledger stays as it is."""
        with self._transaction(keep=False):
            loaded = load_rows(self._db, 0, rows, mine)
            totals = sum_views(self._db, 0)
            totals.need = sum_need(self._db, 0)
            return loaded, totals

    def remember_list(self, number: int, fingerprint: str) -> None:
        """Note the fingerprint of list ``number``, by which `known_list` tells that the same file is unchanged."""
        with self._transaction():
            self._db.execute("UPDATE list SET fingerprint = ? WHERE list = ?", (fingerprint, number))

    def to_do(self, todo: ToDo, after: PlannedView | None, limit: int) -> list[PlannedView]:
        """Return at most ``limit`` views to do, sessions in the order of the list, behind ``after``; [] at the end."""
        where = {"list": todo.list_number, "young": todo.young, "limit": limit, "session": 0, "row": 0}
        where |= {"session": after.session, "row": after.row} if after else {}
        with self._exclusive:
            return [planned_view(row) for row in self._db.execute(TO_DO, where)]

    def count_to_do(self, todo: ToDo, session: int | None = None) -> int:
        """Count the views that `to_do` would return in all, of all sessions or of the session of a number."""
        where = {"list": todo.list_number, "young": todo.young, "session": session}
        with self._exclusive:
            return int(self._db.execute(COUNT_TO_DO, where).fetchone()[0])

    def latest_fetched(self, list_number: int | None, at_most: int) -> list[ViewRecord]:
        """Return at most ``at_most`` fetched views of a list, or of any list for None; the latest sessions first."""
        with self._exclusive:
            rows = self._db.execute(LATEST_FETCHED, {"list": list_number, "limit": at_most}).fetchall()
        return [view_record(row) for row in rows]

    def spread(self, list_number: int, at_most: int) -> list[View]:
        """Return at most ``at_most`` views of different sessions, evenly spread over the sessions of a list."""
        with self._exclusive:
            return [View(*row) for row in self._db.execute(SPREAD, {"list": list_number, "parts": at_most})]

    def forget_tokens(self, but: Outcome | None = None) -> None:
        """Drop the paging tokens: unfinished chains begin anew, except chains of views that ended in ``but``."""
        with self._transaction():
            unless = "UPDATE result SET token = NULL WHERE token IS NOT NULL AND outcome IS NOT ?"
            self._db.execute(unless, (but or "",))

    def forget_partial_files(self) -> None:
        """Forget where views lie in partial files, before or after the files themselves are removed: none counts."""
        with self._transaction():
            self._db.execute("UPDATE result SET partial_offset = NULL WHERE partial_offset IS NOT NULL")

    def lacking_partial_files(self) -> list[int]:
        """List the numbers of sessions with saved views that lie in no file for people, in ascending order."""
        with self._exclusive:
            return [number for (number,) in self._db.execute(LACKING_PARTIAL)]

    # --- results

    def record(self, records: Iterable[ViewRecord], redo: Iterable[int] = (), understood: Sequence[View] = ()) -> None:
        """Record how views ended and where their bytes lie, all of them or none: the instant of a commit.

        ``redo`` are sessions whose staged file is published only after this; they take the place of the
        sessions of the record before, which are published by now. ``understood`` are views whose raw pages are
        removed then.
        """
        with self._transaction():
            self._db.executemany(RECORD, map(result_row, records))
            # In the same transaction: the list never holds sessions of two commits.
            self._db.execute("DELETE FROM unnamed")
            self._db.executemany("INSERT OR IGNORE INTO unnamed VALUES (?)", ((session,) for session in redo))
            # Most commits name none: written only to name some, or to take back those of the commit before.
            if understood or self._understood:
                views = orjson.dumps([list(view) for view in understood]).decode()
                self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (Setting.UNDERSTOOD, views))
        self._understood = bool(understood)

    def understood(self) -> list[View]:
        """List the views that are understood by now, whose raw pages a killed run may have left in the archive."""
        return [View(*ids) for ids in orjson.loads(self.setting(Setting.UNDERSTOOD) or "[]")]

    def raw_removed(self) -> None:
        """Forget the views that `understood` lists: their raw pages are removed, so none is left to be looked for."""
        self.drop_setting(Setting.UNDERSTOOD)

    def redo_list(self) -> list[tuple[int, str]]:
        """List the sessions, by number and id, whose staged files the latest record was to publish; [] at rest."""
        with self._exclusive:
            return self._db.execute("SELECT session, session_id FROM unnamed JOIN session USING (session)").fetchall()

    def published(self) -> None:
        """Empty the redo list, once every file in it has its final name and the folder is on the disk."""
        with self._transaction():
            self._db.execute("DELETE FROM unnamed")

    def session_views(self, session: int) -> list[ViewRecord]:
        """Return the records of the views of a session, by its number, in list order, ended or not; [] of none."""
        with self._exclusive:
            of_session = f"{VIEWS} WHERE view.session = ? ORDER BY row"
            return list(map(view_record, self._db.execute(of_session, (session,))))

    def planned_session(self, session_id: str) -> list[PlannedView]:
        """Return a session's planned views in list order, with their earlier records; none of an unknown session."""
        with self._exclusive:
            return list(
                map(planned_view, self._db.execute(f"{VIEWS} WHERE session_id = ? ORDER BY row", (session_id,)))
            )

    def has_part(self, row: int, part: int) -> bool:
        """Tell whether the view of a row has lines in its part of that number, and in no session file yet."""
        query = "SELECT 1 FROM result WHERE row = ? AND part = ? AND size > 0 AND whole_offset IS NULL"
        with self._exclusive:
            return self._db.execute(query, (row, part)).fetchone() is not None

    def views(self) -> Iterator[ViewRecord]:
        """Give all views' records, sessions in order of first appearance; other threads have turns between blocks."""
        block = self._next_views([])
        while block:
            yield from block
            block = self._next_views(block)

    def _next_views(self, block: list[ViewRecord]) -> list[ViewRecord]:
        # Taken whole: a question open for hours, as of `verify`, would keep a run from folding its log back.
        with self._exclusive:
            return next_views(self._db, block)

    def restore(self, records: Iterable[ViewRecord]) -> int:
        """Fill an empty ledger with ``records``, sessions together and rows ascending; returns their number."""
        with self._transaction():
            return restore_rows(self._db, records)

    def check(self) -> None:
        """Read every page of the ledger's file, which takes seconds a gigabyte; raises ArchiveError at damage."""
        with self._exclusive:
            (verdict,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise DamagedLedger(self._path, verdict)

    def totals(self, list_number: int | None = None) -> Totals:
        """Sum views, segments, pages and bytes by outcome over a list, or over the whole archive for None."""
        with self._exclusive:
            return sum_views(self._db, list_number)

    def need(self, list_number: int) -> Need:
        """Sum up the figures by which the room for what is to come of a list is foreseen."""
        with self._exclusive:
            return sum_need(self._db, list_number)

    def reasons(self, list_number: int) -> list[Reason]:
        """Count the reasons for which views of a list are not finished, the most frequent first, 20 an outcome."""
        with self._exclusive:
            return sum_reasons(self._db, list_number)
