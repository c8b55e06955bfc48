"""Make the rows of an archive's tables, for DuckDB and pandas, and write the tables as Parquet files.

A row stands for a view, for a segment without its records, or for an action of the visitor. Times have a zone
(UTC).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from replay_fetch.api.recording import labels
from replay_fetch.api.segment import facts
from replay_fetch.archive.durable import explained
from replay_fetch.archive.folder import readable
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.read.views import by_session, view_segments
from replay_fetch.errors import SettingsError
from replay_fetch.inspect.entries import entries
from replay_fetch.inspect.events import event_row, session_events
from replay_fetch.progress.reporters import Reporter, Ticker
from replay_fetch.progress.units import duration, size, some
from replay_fetch.replay import Recording

if TYPE_CHECKING:
    from replay_fetch.inspect.parquet import Table

Row = Mapping[str, object]

# Whole milliseconds are added to it, exactly; datetime.fromtimestamp takes a float of seconds, and rounds.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def view_row(entry: Entry) -> Row:
    """Make the row of a view out of the manifest's line; a time is a time with its zone, and absent text is None."""
    record, span = entry.record, entry.span
    return {
        "session_id": record.planned.view.session_id,
        "view_id": record.planned.view.view_id,
        "outcome": record.outcome,
        "reason": record.reason or None,
        "source": record.source or None,
        "shape": record.shape or None,
        "pages": record.pages,
        "segments": record.segments,
        "records": record.recording.records,
        "bytes": record.size,
        "sha256": record.sha256 or None,
        "start": _time(record.recording.start_ms),
        "end": _time(record.recording.end_ms),
        "file": entry.file,
        "offset": span.offset if span else None,
        "length": span.length if span else None,
        "gaps": record.warnings.gaps,
        "repeats": record.warnings.repeats,
        "lacks_full_snapshot": record.warnings.lacks_full_snapshot,
        "segments_expected": record.warnings.segments_expected,
    }


def segment_rows(root: Path, entry: Entry) -> Iterator[Row]:
    """Yield the rows of a view's segments, by position in the view.

    A fact that the segment leaves out, or tells in an odd form, is None. Raises ArchiveError where the session
    file is damaged.
    """
    session_id, view_id = entry.record.planned.view
    for position, segment in enumerate(view_segments(root, entry)):
        known, named = facts(segment), labels(segment)
        yield {
            "session_id": session_id,
            "view_id": view_id,
            "position": position,
            "index": known.index,
            "start": _time(known.start_ms),
            "end": _time(known.end_ms),
            "records": known.records,
            "has_full_snapshot": known.has_full_snapshot,
            "creation_reason": named.creation_reason or None,
            "sdk": named.source or None,
            "application_id": named.application_id or None,
            "bytes": len(segment),
        }


def action_rows(root: Path, entry: Entry) -> Iterator[Row]:
    """Yield the rows of a view's actions in order of time, as the transcript has them.

    The recording is watched from its start, since an element is only known by the page around it. Raises
    ArchiveError where the session file is damaged.
    """
    session_id, view_id = entry.record.planned.view
    # A view without bytes has no recording to watch.
    if entry.span is None:
        return
    for action in Recording(view_segments(root, entry)).watch().actions:
        yield {
            "session_id": session_id,
            "view_id": view_id,
            "at": _time(action.at_ms),
            "until": _time(action.until_ms),
            **action.fields(),
        }


def _time(at_ms: object) -> datetime | None:
    """Convert milliseconds since 1970 to a time; None for no number, and for a number past the year 9999."""
    if not isinstance(at_ms, int):
        return None
    try:
        return _EPOCH + timedelta(milliseconds=at_ms)
    except OverflowError:
        return None


class Exported(NamedTuple):
    """A written table: the path of its file, and the number of rows in the file."""

    path: Path
    rows: int


@dataclass(frozen=True, slots=True)
class ExportSnapshot:
    """The progress of an export: bytes read of the session files, segments, and seconds since the start."""

    total: int
    done: int
    segments: int
    seconds: float

    def words(self) -> list[str]:
        """Format the progress for people, the most important part first: a narrow terminal cuts the rest."""
        per_second = self.done / self.seconds if self.seconds else 0.0
        said = [f"{size(self.done)} of {size(self.total)} read", some(self.segments, "segment")]
        if per_second:
            said += [f"{size(per_second)}/s", f"{duration((self.total - self.done) / per_second)} left"]
        return said

    def fields(self) -> dict[str, int | float | None]:
        """Return the progress as numbers, for the log in JSON."""
        return {"bytes_total": self.total, "bytes_read": self.done, "segments": self.segments}


def export_parquet(out: Path, folder: Path, reporter: Reporter | None) -> list[Exported]:
    """Write ``views.parquet``, ``segments.parquet`` and ``actions.parquet`` into a folder, made if it is missing.

    Where the archive holds RUM events there is ``events.parquet``, too.
    Memory does not grow with the archive. Raises SettingsError where pyarrow is missing or the folder is a
    file, ArchiveError where the archive cannot be read or a table not be written; older tables then stay.
    """
    from replay_fetch.inspect.parquet import ACTIONS, EVENTS, SEGMENTS, VIEWS, Table  # noqa: PLC0415 - an optional extra

    layout = readable(out)
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"--parquet {folder} is a file; it must be a folder, made if it is not there")
    with explained(f"making {folder}"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    total = sum(file.stat().st_size for file in layout.sessions.glob("*")) if reporter else 0
    done = 0
    views, segments = Table(folder / "views.parquet", VIEWS), Table(folder / "segments.parquet", SEGMENTS)
    # The manifest's views are counted by their bytes: a view of four hours is no view of four seconds.
    ticker = Ticker(reporter, lambda seconds: ExportSnapshot(total, done, segments.rows, seconds))
    actions = Table(folder / "actions.parquet", ACTIONS)
    # All three in one pass over the manifest; each gets its name when it is whole.
    with views, segments, actions:
        for entry in entries(layout):
            views.add(view_row(entry))
            for row in segment_rows(out, entry):
                segments.add(row)
            for row in action_rows(out, entry):
                actions.add(row)
            done += entry.span.length if entry.span else 0
            ticker.beat()
    ticker.close()
    tables = [views, segments, actions]
    if layout.events.is_dir():
        tables.append(_export_events(layout, Table(folder / "events.parquet", EVENTS)))
    return [Exported(table.path, table.rows) for table in tables]


def _export_events(layout: Layout, table: Table) -> Table:
    """Write the events of all sessions, in the archive's order."""
    with table:
        for session_id, _ in by_session(entries(layout)):
            for event in session_events(layout.root, session_id):
                row = event_row(session_id, event)
                table.add({**row, "at": _time(row["at_ms"])})
    return table
