"""The archive as tables: one row a view, one a segment without its records, one for each thing somebody did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from replay_fetch.api import facts
from replay_fetch.api.recording import labels
from replay_fetch.archive import Entry, view_segments
from replay_fetch.replay import Recording

Row = Mapping[str, object]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def view_row(entry: Entry) -> Row:
    """A line of the manifest; times as times."""
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
    """A view's segments by position; raises ArchiveError where its file is damaged."""
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
    """A view's actions in order of time; raises ArchiveError where its file is damaged."""
    session_id, view_id = entry.record.planned.view
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
    """The time, None where there is none or where calendars do not reach."""
    if not isinstance(at_ms, int):
        return None
    try:
        return _EPOCH + timedelta(milliseconds=at_ms)
    except OverflowError:
        return None
