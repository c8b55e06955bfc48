"""``show OUT``: the sessions of an archive, each in a line's worth of facts."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from replay_fetch.api.recording import labels, records
from replay_fetch.archive import Entry, by_session, entries, readable, view_segments
from replay_fetch.model import ViewRecord

_UNKNOWN = 0


@dataclass(slots=True)
class ListedSession:
    """A session as the manifest has it; times are milliseconds since 1970, sizes bytes uncompressed."""

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
    sdk: str | None = None
    """What recorded it; this and the pages stand in the recordings alone."""
    pages: list[str] | None = None
    """Where its views were opened, in their order."""
    _entries: Sequence[Entry] = field(default=(), repr=False)

    @property
    def seconds(self) -> float:
        """From its first record to its last."""
        return (self.end_ms - self.start_ms) / 1000 if self.start_ms is not None and self.end_ms is not None else 0.0

    def fields(self) -> dict[str, object]:
        """The columns that programs get."""
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
    """All sessions of an archive together."""

    sessions: int = 0
    views: int = 0
    unfinished: int = 0
    segments: int = 0
    bytes: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    def add(self, session: ListedSession) -> None:
        """Count one more."""
        self.sessions += 1
        self.views += session.views
        self.unfinished += session.unfinished
        self.segments += session.segments
        self.bytes += session.bytes
        self.first_ms = min(_there(self.first_ms, session.start_ms), default=None)
        self.last_ms = max(_there(self.last_ms, session.end_ms), default=None)


def list_sessions(out: Path) -> Iterator[ListedSession]:
    """Every session in the archive's order, by its manifest alone; raises ArchiveError where it cannot be read."""
    for session_id, views in by_session(entries(readable(out))):
        yield _listed(session_id, views)


def newest(sessions: Iterable[ListedSession], limit: int) -> tuple[Sums, list[ListedSession]]:
    """The sums over all, and the ``limit`` sessions that began last, newest first; 0 is no limit."""
    sums = Sums()

    def counted() -> Iterator[ListedSession]:
        for session in sessions:
            sums.add(session)
            yield session

    def began(session: ListedSession) -> int:
        return session.start_ms or _UNKNOWN

    if limit:
        return sums, heapq.nlargest(limit, counted(), key=began)
    return sums, sorted(counted(), key=began, reverse=True)


def look_inside(out: Path, session: ListedSession) -> None:
    """Fill in the SDK and the pages, out of the first segment of each view."""
    session.pages, session.sdk = [], ""
    for entry in session._entries:  # noqa: SLF001 - they are kept for this
        segment = next(view_segments(out, entry), None)
        if segment is not None:
            session.sdk = session.sdk or labels(segment).source
            session.pages += [record.href for record in records(segment) if record.href][:1]


def _listed(session_id: str, views: Sequence[Entry]) -> ListedSession:
    found = [entry.record for entry in views]
    return ListedSession(
        session_id,
        start_ms=min(told(found, "start_ms"), default=None),
        end_ms=max(told(found, "end_ms"), default=None),
        views=len(found),
        unfinished=sum(not view.finished for view in found),
        segments=sum(view.segments for view in found),
        records=sum(told(found, "records")),
        bytes=sum(view.size for view in found),
        noted=sum(bool(view.warnings) for view in found),
        _entries=views,
    )


def told(records: Iterable[ViewRecord], name: str) -> list[int]:
    """What the segments of these views say of the recording under a name, where they say it."""
    return _there(*(getattr(record.recording, name) for record in records))


def _there(*values: object) -> list[int]:
    return [value for value in values if isinstance(value, int)]
