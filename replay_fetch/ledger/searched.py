"""The sessions whose views a search has found, kept with the archive: a run that goes on does not search again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec

from replay_fetch.api.events import FoundView
from replay_fetch.ledger.tombstones import Tombstones
from replay_fetch.model import View

# A row for each session with its views as JSON: sessions are asked for one by one, and never by a view.
_TABLE = "CREATE TABLE IF NOT EXISTS searched (session_id TEXT PRIMARY KEY, views BLOB NOT NULL) WITHOUT ROWID"
_THERE = "SELECT count(*) FROM sqlite_schema WHERE name = 'searched'"
KeptView = tuple[str, str, int | None]
"""What is kept of a view: its id, date, count of segments. The rest is for lists that people read."""
_decode = msgspec.json.Decoder(list[KeptView]).decode


class SearchedSessions(Tombstones):
    """Keeps in the ledger's file which views each session has, as the events search said; threads take turns."""

    def know(self, session_id: str) -> list[FoundView] | None:
        """Return the views of a session, by its id, as an earlier run's search found them; None where no run has."""
        with self._exclusive:
            if not self._there():
                return None
            row = self._db.execute("SELECT views FROM searched WHERE session_id = ?", (session_id,)).fetchone()
        if row is None:
            return None
        with suppress(msgspec.DecodeError):  # searched for again, and replaced
            return found_of(session_id, _decode(row[0]))
        return None

    def keep(self, sessions: Iterable[Sequence[FoundView]]) -> None:
        """Keep the views of sessions, all of them or none; a session without views is not kept, and asked for again."""
        with self._transaction():
            self._lay_searched(views for views in sessions if views)

    def _lay_searched(self, sessions: Iterable[Sequence[FoundView]]) -> None:
        """Keep sessions with their views, inside of the caller's transaction."""
        rows = (
            (views[0].view.session_id, msgspec.json.encode([kept_of(found) for found in views])) for views in sessions
        )
        self._db.execute(_TABLE)
        self._db.executemany("INSERT OR REPLACE INTO searched VALUES (?, ?)", rows)

    def forget(self, sessions: Iterable[str]) -> None:
        """Forget sessions, by their ids: the next run of a list that names them searches for their views anew."""
        with self._transaction():
            if self._there():
                self._db.executemany("DELETE FROM searched WHERE session_id = ?", ((each,) for each in sessions))

    def _there(self) -> bool:
        return bool(self._db.execute(_THERE).fetchone()[0])


def kept_of(found: FoundView) -> KeptView:
    """Return what is kept of a view."""
    date = found.date.encode("utf-8", "replace").decode()
    return found.view.view_id, date, found.segments_count


def found_of(session_id: str, views: Iterable[KeptView]) -> list[FoundView]:
    """Return a session's views as a search would have found them."""
    return [FoundView(View(session_id, view_id), date, "", "", count, "") for view_id, date, count in views]
