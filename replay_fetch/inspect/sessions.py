"""List the sessions of an archive with the facts of a line each, as ``show OUT`` prints them.

The manifest has all facts but the SDK and the pages visited. For these two the first segment of each view is
read, on demand.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from replay_fetch.api.recording import labels, records
from replay_fetch.archive.folder import readable
from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.read.views import by_session, view_segments
from replay_fetch.inspect.entries import entries
from replay_fetch.model import ViewRecord

# A session of unknown time counts as the oldest, so that those whose time is known come first.
_UNKNOWN = 0


@dataclass(slots=True)
class ListedSession:
    """A session by its manifest. Times are milliseconds since 1970, sizes bytes uncompressed, counts of views."""

    session_id: str
    start_ms: int | None
    end_ms: int | None
    views: int
    unfinished: int
    segments: int
    records: int
    bytes: int
    noted: int
    """Views of which something is to note."""
    # Reading these two opens a file for each session, of which a season's archive may have a million: on demand only.
    sdk: str | None = None
    """What recorded it; this and the pages stand in the recordings alone."""
    pages: list[str] | None = None
    """Where its views were opened, in their order."""
    _entries: Sequence[Entry] = field(default=(), repr=False)

    @property
    def seconds(self) -> float:
        """The seconds from the first record to the last; 0 where nothing says when that was."""
        return (self.end_ms - self.start_ms) / 1000 if self.start_ms is not None and self.end_ms is not None else 0.0

    def fields(self) -> dict[str, object]:
        """Return the columns of JSON and CSV by name; ``sdk`` and ``pages`` are None until `look_inside`."""
        return {
            "session_id": self.session_id,
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "seconds": self.seconds,
            "views": self.views,
            "unfinished": self.unfinished,
            "segments": self.segments,
            "records": self.records,
            "bytes": self.bytes,
            "noted": self.noted,
            "sdk": self.sdk,
            "pages": self.pages,
        }


@dataclass(slots=True)
class Sums:
    """The sums over all sessions of an archive, listed or not, with the first and the last time."""

    sessions: int = 0
    views: int = 0
    unfinished: int = 0
    segments: int = 0
    bytes: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    def add(self, session: ListedSession) -> None:
        """Add one session to the sums; a session of unknown time leaves the span as it is."""
        self.sessions += 1
        self.views += session.views
        self.unfinished += session.unfinished
        self.segments += session.segments
        self.bytes += session.bytes
        self.first_ms = min(_there(self.first_ms, session.start_ms), default=None)
        self.last_ms = max(_there(self.last_ms, session.end_ms), default=None)


def list_sessions(out: Path) -> Iterator[ListedSession]:
    """Yield every session, in the archive's order, out of the manifest alone; raises ArchiveError for a bad line."""
    for session_id, views in by_session(entries(readable(out))):
        yield _listed(session_id, views)


def newest(sessions: Iterable[ListedSession], limit: int) -> tuple[Sums, list[ListedSession]]:
    """Return the sums over all sessions, and the ``limit`` sessions that began last, newest first; 0 is no limit.

    Every session is read and counted, but memory holds only the sessions returned.
    """
    sums = Sums()

    def counted() -> Iterator[ListedSession]:
        for session in sessions:
            sums.add(session)
            yield session

    def began(session: ListedSession) -> int:
        return session.start_ms or _UNKNOWN

    # A heap of ``limit`` sessions: an archive of millions must not be held to show twenty.
    if limit:
        return sums, heapq.nlargest(limit, counted(), key=began)
    return sums, sorted(counted(), key=began, reverse=True)


def look_inside(out: Path, session: ListedSession) -> None:
    """Fill in a session's SDK and pages, out of the first segment of each view; reads those segments only."""
    session.pages, session.sdk = [], ""
    for entry in session._entries:  # noqa: SLF001 - they are kept for this
        # The first segment has the page's address: it begins with a meta record, where nothing is missing.
        segment = next(view_segments(out, entry), None)
        if segment is not None:
            session.sdk = session.sdk or labels(segment).source
            session.pages += [record.href for record in records(segment) if record.href][:1]


def _listed(session_id: str, views: Sequence[Entry]) -> ListedSession:
    """Sum up the views of a session; the session's time is known as soon as a single view has a time."""
    found = [entry.record for entry in views]
    return ListedSession(
        session_id,
        start_ms=min(known(found, "start_ms"), default=None),
        end_ms=max(known(found, "end_ms"), default=None),
        views=len(found),
        unfinished=sum(not view.finished for view in found),
        segments=sum(view.segments for view in found),
        records=sum(known(found, "records")),
        bytes=sum(view.size for view in found),
        noted=sum(bool(view.warnings) for view in found),
        _entries=views,
    )


def known(records: Iterable[ViewRecord], name: str) -> list[int]:
    """Return the numbers of some views under a name, for example ``start_ms``; views without it are left out."""
    return _there(*(getattr(record.recording, name) for record in records))


def _there(*values: object) -> list[int]:
    return [value for value in values if isinstance(value, int)]
