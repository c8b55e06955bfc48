"""The views that a search found, each once, in a database that vanishes with its connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from replay_fetch.api.events import FoundView
from replay_fetch.errors import ArchiveError
from replay_fetch.model import View

_TABLE = """
CREATE TABLE found (
  session_id TEXT NOT NULL, view_id TEXT NOT NULL, date TEXT NOT NULL, application_id TEXT NOT NULL,
  view_url BLOB NOT NULL, segments_count INTEGER, sdk TEXT NOT NULL, version INTEGER NOT NULL,
  UNIQUE (session_id, view_id)
)
"""
_ADD = """
INSERT INTO found VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_id, view_id) DO UPDATE SET
  date = excluded.date, application_id = excluded.application_id, view_url = excluded.view_url,
  segments_count = excluded.segments_count, sdk = excluded.sdk, version = excluded.version
WHERE excluded.version >= version
"""
# Sessions by when they began, so that the same views make the same list, in whatever order they were found.
_IN_ORDER = """
SELECT found.* FROM found JOIN (SELECT session_id, min(date) AS began FROM found GROUP BY session_id) USING (session_id)
ORDER BY began, session_id, date, view_id
"""


class FoundViews:
    """Holds millions of found views in little memory: the rest spills into a temporary file."""

    def __init__(self) -> None:
        self.size = 0
        """How many views there are."""
        self._db = scratch_database(_TABLE)

    def add(self, views: Iterable[FoundView]) -> None:
        """Take views in; of several events of a view the last version counts."""
        with explained():
            self._db.execute("BEGIN")
            self._db.executemany(_ADD, map(_columns, views))
            self._db.execute("COMMIT")
            # Nothing is ever removed, so the last row's number is the number of rows; counting them takes a while.
            self.size = self._db.execute("SELECT coalesce(max(rowid), 0) FROM found").fetchone()[0]

    def close(self) -> None:
        """Forget all views and remove the temporary file."""
        self._db.close()

    def sessions(self) -> int:
        """Count the sessions that the views belong to."""
        with explained():
            return int(self._db.execute("SELECT count(DISTINCT session_id) FROM found").fetchone()[0])

    def lacking(self, sessions: Iterable[str]) -> list[str]:
        """Return the session ids among ``sessions`` that no view belongs to."""
        any_view = "SELECT 1 FROM found WHERE session_id = ? LIMIT 1"
        with explained():
            return [each for each in sessions if self._db.execute(any_view, (each,)).fetchone() is None]

    def __iter__(self) -> Iterator[FoundView]:
        """Give the views, a session's together, by when sessions and views began."""
        with explained():
            for session_id, view_id, date, application_id, url, segments, sdk, version in self._db.execute(_IN_ORDER):
                url_text = url.decode("utf-8", "surrogatepass")
                yield FoundView(View(session_id, view_id), date, application_id, url_text, segments, sdk, version)


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
    )


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def scratch_database(table: str) -> sqlite3.Connection:
    """Open a database of one table that vanishes with its connection; past 16 MB it spills into a temporary file."""
    with explained():
        db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        for statement in ("PRAGMA temp_store = FILE", "PRAGMA cache_size = -16384", "PRAGMA synchronous = OFF"):
            db.execute(statement)
        db.execute(table)
    return db


@contextmanager
def explained() -> Iterator[None]:
    """Turn a database's refusal into an ArchiveError, which says where room may be lacking."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise ArchiveError(f"what was found cannot be kept: {error}; is there room in $TMPDIR?") from error
