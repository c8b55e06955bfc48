"""Make the rows of an archive's tables, for DuckDB and pandas, and write the tables as Parquet files.

A row stands for a view, for a segment without its records, or for an action of the visitor. Times have a zone
(UTC).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from replay_fetch.api.recording import labels
from replay_fetch.api.segment import facts
from replay_fetch.archive.durable import explained
from replay_fetch.archive.layout import EVENTS as EVENTS_FOLDER
from replay_fetch.archive.layout import SESSIONS
from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.read.readers import Readers, spread
from replay_fetch.archive.read.sweep import Session, batches
from replay_fetch.archive.read.views import by_session, view_segments
from replay_fetch.archive.shelf import Shelf, readable
from replay_fetch.inspect.entries import entries
from replay_fetch.inspect.events import event_row, session_events
from replay_fetch.named_file import require_folder_place
from replay_fetch.progress.reporters import Reporter, Ticker
from replay_fetch.progress.units import duration, size, some
from replay_fetch.replay.recording import Recording

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


def segment_rows(shelf: Shelf, entry: Entry) -> Iterator[Row]:
    """Yield the rows of a view's segments, by position in the view.

    A fact that the segment leaves out, or tells in an odd form, is None. Raises ArchiveError where the session
    file is damaged.
    """
    session_id, view_id = entry.record.planned.view
    for position, segment in enumerate(view_segments(shelf, entry)):
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


def action_rows(shelf: Shelf, entry: Entry) -> Iterator[Row]:
    """Yield the rows of a view's actions in order of time, as the transcript has them.

    The recording is watched from its start, since an element is only known by the page around it. Raises
    ArchiveError where the session file is damaged.
    """
    session_id, view_id = entry.record.planned.view
    # A view without bytes has no recording to watch.
    if entry.span is None:
        return
    for action in Recording(view_segments(shelf, entry)).watch().actions:
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


class TableRows(NamedTuple):
    """The rows that some views have in each table, and the stored bytes that were read for them."""

    views: list[Row]
    segments: list[Row]
    actions: list[Row]
    read: int


def rows_of(shelf: Shelf, sessions: Iterable[Session]) -> TableRows:
    """Make all rows of some sessions; raises ArchiveError where a session file is damaged."""
    rows = TableRows([], [], [], 0)
    read = 0
    for entry in chain.from_iterable(sessions):
        rows.views.append(view_row(entry))
        rows.segments.extend(segment_rows(shelf, entry))
        rows.actions.extend(action_rows(shelf, entry))
        read += entry.span.length if entry.span else 0
    return rows._replace(read=read)


def export_parquet(out: Shelf, folder: Path, readers: Readers, reporter: Reporter | None) -> list[Exported]:
    """Write ``views.parquet``, ``segments.parquet`` and ``actions.parquet`` into a folder, made if it is missing.

    Where the archive holds RUM events there is ``events.parquet``, too. The tables are the same whoever the
    ``readers`` are. Memory does not grow with the archive. Raises SettingsError where
    pyarrow is missing or the folder is a file, ArchiveError where the archive cannot be read or a table not be written;
    older tables then stay.
    """
    readable(out)
    total = sum(file.size for file in out.files(SESSIONS))
    sessions = (views for _, views in by_session(entries(out)))
    made = spread(partial(rows_of, out), small_batches(sessions), readers, total)
    tables = write_tables(folder, (rows for _, rows in made), reporter=reporter, total=total)
    return [*tables, *_export_events(out, folder)]


def small_batches(sessions: Iterable[Session]) -> Iterator[list[Session]]:
    """Put sessions together for `rows_of`; a recording takes twenty times as long to watch as to check."""
    return batches(sessions, most_bytes=2**19, most_views=50)


def write_tables(
    folder: Path, made: Iterable[TableRows], suffix: str = "", *, reporter: Reporter | None = None, total: int = 0
) -> list[Exported]:
    """Write the rows of some views into three tables, whose names end in ``suffix``; raises as `export_parquet`.

    ``total`` is the bytes that there are to read, for ``reporter``.
    """
    from replay_fetch.inspect.parquet import ACTIONS, SEGMENTS, VIEWS, Table  # noqa: PLC0415 - an optional extra

    require_folder_place("--parquet", folder)
    with explained(f"making {folder}"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kinds = {"views": VIEWS, "segments": SEGMENTS, "actions": ACTIONS}
    tables = [Table(folder / f"{name}{suffix}.parquet", schema) for name, schema in kinds.items()]
    done = 0
    # The manifest's views are counted by their bytes: a view of four hours is no view of four seconds.
    ticker = Ticker(reporter, lambda seconds: ExportSnapshot(total, done, tables[1].rows, seconds))
    # All three in one pass over the manifest; each gets its name when it is whole.
    with tables[0], tables[1], tables[2]:
        for rows in made:
            for table, added in zip(tables, rows[:3], strict=True):
                for row in added:
                    table.add(row)
            done += rows.read
            ticker.beat()
    ticker.close()
    return [Exported(table.path, table.rows) for table in tables]


def _export_events(out: Shelf, folder: Path) -> Iterator[Exported]:
    """Write the events of all sessions, in the archive's order; nothing where the archive keeps no events."""
    from replay_fetch.inspect.parquet import EVENTS, Table  # noqa: PLC0415 - an optional extra

    if not out.is_folder(EVENTS_FOLDER):
        return
    with Table(folder / "events.parquet", EVENTS) as table:
        for session_id, _ in by_session(entries(out)):
            for event in session_events(out, session_id):
                row = event_row(session_id, event)
                table.add({**row, "at": _time(row["at_ms"])})
    yield Exported(table.path, table.rows)
