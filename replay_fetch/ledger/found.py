"""The views that a search found, each once, in a database that vanishes with its connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from replay_fetch.api.events import FoundView
from replay_fetch.errors import ArchiveError
from replay_fetch.model import View

_TABLE = """
CREATE TABLE found (
  session_id TEXT NOT NULL, view_id TEXT NOT NULL, date TEXT NOT NULL, application_id TEXT NOT NULL,
  view_url BLOB NOT NULL, segments_count INTEGER, sdk TEXT NOT NULL, version INTEGER NOT NULL,
  raw_bytes INTEGER, UNIQUE (session_id, view_id)
)
"""
_ADD = """
INSERT INTO found VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_id, view_id) DO UPDATE SET
  date = excluded.date, application_id = excluded.application_id, view_url = excluded.view_url,
  segments_count = excluded.segments_count, sdk = excluded.sdk, version = excluded.version,
  raw_bytes = excluded.raw_bytes
WHERE excluded.version >= version
"""
# Sessions by when they began, so that the same views make the same list, in whatever order they were found. Where not
# all are wanted, the oldest are, however many more came with the last page.
_WANTED = """
:most < 0 OR found.rowid IN (SELECT rowid FROM found ORDER BY date, session_id, view_id LIMIT :most)
"""
_IN_ORDER = f"""
SELECT found.* FROM found
JOIN (SELECT session_id, min(date) AS began FROM found WHERE {_WANTED} GROUP BY session_id) USING (session_id)
WHERE {_WANTED} ORDER BY began, session_id, date, view_id
"""  # noqa: S608 - a condition of our own
_SUMS = f"""
SELECT count(*), count(DISTINCT session_id), coalesce(sum(segments_count), 0), coalesce(sum(raw_bytes), 0),
count(*) - count(segments_count) FROM found WHERE {_WANTED}
"""  # noqa: S608 - a condition of our own


class FoundSums(NamedTuple):
    """Sums over the views that were found; segments and bytes are hints of the SDK, not proof."""

    views: int
    sessions: int
    segments: int
    raw_bytes: int
    uncounted: int
    """Views for which the SDK counted no segments."""


class FoundViews:
    """Holds millions of found views in little memory: the rest spills into a temporary file."""

    def __init__(self, limit: int | None = None) -> None:
        """Open the temporary database; of more than ``limit`` views the oldest are given out."""
        self.held = 0
        """How many views were found."""
        self._most = -1 if limit is None else limit
        self._db = scratch_database(_TABLE, 16_384)

    @property
    def size(self) -> int:
        """How many views there are, each counted once, at most as many as were wanted."""
        return self.held if self._most < 0 else min(self.held, self._most)

    @property
    def full(self) -> bool:
        """True where as many views are there as were wanted, so no further page need be asked for."""
        return 0 <= self._most <= self.held

    def add(self, views: Iterable[FoundView]) -> None:
        """Take views in, in one transaction; of several events of a view the last version counts, as with the API."""
        with explained():
            self._db.execute("BEGIN")
            self._db.executemany(_ADD, map(_columns, views))
            self._db.execute("COMMIT")
            # Nothing is ever removed, so the last row's number is the number of rows; counting them takes a while.
            self.held = self._db.execute("SELECT coalesce(max(rowid), 0) FROM found").fetchone()[0]

    def close(self) -> None:
        """Forget all views and remove the temporary file."""
        self._db.close()

    def sessions(self) -> int:
        """Count the sessions that the wanted views belong to."""
        with explained():
            return self.sums().sessions

    def sums(self) -> FoundSums:
        """Sum up the views that are wanted: views, sessions, and the SDK's hints on segments and bytes."""
        with explained():
            return FoundSums(*self._db.execute(_SUMS, {"most": self._most}).fetchone())

    def of_session(self, session_id: str) -> list[FoundView]:
        """Return the views of a session, by its id, in the order in which they began; [] of a session without any."""
        with explained():
            rows = self._db.execute("SELECT * FROM found WHERE session_id = ? ORDER BY date, view_id", (session_id,))
            return [_found(row) for row in rows]

    def lacking(self, sessions: Iterable[str]) -> list[str]:
        """Return the session ids among ``sessions`` that no view belongs to, in the order in which they were given."""
        any_view = "SELECT 1 FROM found WHERE session_id = ? LIMIT 1"
        with explained():
            return [each for each in sessions if self._db.execute(any_view, (each,)).fetchone() is None]

    def __iter__(self) -> Iterator[FoundView]:
        """Give the wanted views, a session's together, sessions and views in the order in which they began.

        The order hangs on no page: the same views make the same list.
        """
        with explained():
            yield from map(_found, self._db.execute(_IN_ORDER, {"most": self._most}))


def _found(row: Sequence[Any]) -> FoundView:
    session_id, view_id, date, application_id, url, segments, sdk, version, raw_bytes = row
    url_text = url.decode("utf-8", "surrogatepass")
    return FoundView(View(session_id, view_id), date, application_id, url_text, segments, sdk, version, raw_bytes)


def _columns(found: FoundView) -> tuple[object, ...]:
    return (
        *found.view,
        _plain(found.date),
        _plain(found.application_id),
        # As bytes: a URL may hold lone surrogates, which the database has no text for.
        found.view_url.encode("utf-8", "surrogatepass"),
        found.segments_count,
        _plain(found.sdk),
        found.version,
        found.raw_bytes,
    )


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def scratch_database(tables: str, cache_kib: int) -> sqlite3.Connection:
    """Open a database of some tables that vanishes with its connection; past ``cache_kib`` it spills into a file."""
    with explained():
        db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        # Nothing of it outlives the connection, so nothing has to reach the disk for certain.
        for statement in ("PRAGMA temp_store = FILE", f"PRAGMA cache_size = -{cache_kib}", "PRAGMA synchronous = OFF"):
            db.execute(statement)
        for statement in tables.split(";"):
            db.execute(statement)
    return db


@contextmanager
def explained() -> Iterator[None]:
    """Turn a database's refusal into an ArchiveError, which says where room may be lacking."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise ArchiveError(f"what was found cannot be kept: {error}; is there room in $TMPDIR?") from error
