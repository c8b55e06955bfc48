"""Views to table rows and back."""

from __future__ import annotations

from typing import Any

import orjson
from msgspec.structs import replace

from replay_fetch.model import Outcome, PlannedView, Span, View, ViewRecord

_FINISHED = ", ".join(f"'{outcome}'" for outcome in Outcome if outcome.finished)
_UNFINISHED = f"(outcome IS NULL OR outcome NOT IN ({_FINISHED}))"

_COLUMNS = """
  row, view.session, session_id, view_id, expected, outcome, reason, source, shape, pages, segments, size, sha256,
  checks, about, token, part, whole_offset, whole_length, whole_sha256, partial_offset, partial_length, partial_sha256
"""
VIEWS = f"SELECT {_COLUMNS} FROM session JOIN view USING (session) LEFT JOIN result USING (row)"
# With :young (seconds since 1970) also finished views whose recording ended, or that were last asked for, since.
_YOUNG = "coalesce(json_extract(about, '$.end_ms') / 1000, ended_at) >= :young"
_OPEN = f"list = :list AND ({_UNFINISHED} OR {_YOUNG})"
# CROSS JOIN holds sqlite to this order of loops: down the views by session, from where the last call ended.
TO_DO = f"""
SELECT {_COLUMNS} FROM view CROSS JOIN session ON session.session = view.session LEFT JOIN result USING (row)
WHERE view.session >= :session AND (view.session > :session OR row > :row) AND {_OPEN}
ORDER BY view.session, row LIMIT :limit
"""
COUNT_TO_DO = f"""
SELECT count(*) FROM view LEFT JOIN result USING (row) WHERE (:session IS NULL OR session = :session) AND {_OPEN}
"""
LACKING_PARTIAL = """
SELECT DISTINCT session FROM view JOIN result USING (row)
WHERE size > 0 AND whole_offset IS NULL AND partial_offset IS NULL ORDER BY session
"""
RECORD = f"INSERT OR REPLACE INTO result VALUES ({', '.join('?' * 19)}, CAST(strftime('%s', 'now') AS INTEGER))"

_NO_SPAN = (None, None, None)


def planned_view(columns: tuple[Any, ...]) -> PlannedView:  # sqlite3 does not type its columns
    """The view that a row of `TO_DO` names, with what an earlier run kept of it."""
    if columns[6] is not None:  # a row in result
        record = view_record(columns)
        return replace(record.planned, earlier=record)
    return _planned(columns)


def view_record(columns: tuple[Any, ...]) -> ViewRecord:
    """The record that a row of `VIEWS` holds; one without outcome where the view has not ended."""
    planned = _planned(columns)
    if columns[6] is None:  # no row in result
        return ViewRecord(planned)
    outcome, reason, source, shape, pages, segments, size, sha256, checks, about, token, part = columns[5:17]
    return ViewRecord(
        planned,
        outcome=Outcome(outcome) if outcome else None,
        reason=reason,
        source=source,
        shape=shape,
        pages=pages,
        segments=segments,
        size=size,
        sha256=sha256,
        checks=orjson.loads(checks),
        about=orjson.loads(about),
        token=token,
        part=part,
        whole=_span(columns[17:20]),
        partial=_span(columns[20:23]),
    )


def _planned(columns: tuple[Any, ...]) -> PlannedView:
    row, session, session_id, view_id, expected = columns[:5]
    return PlannedView(row, session, View(session_id, view_id), expected)


def result_row(record: ViewRecord) -> tuple[object, ...]:
    """The columns of the table ``result``, in its order."""
    return (
        record.planned.row,
        record.outcome,
        record.reason,
        record.source,
        record.shape,
        record.pages,
        record.segments,
        record.size,
        record.sha256,
        orjson.dumps(record.checks).decode(),
        orjson.dumps(record.about).decode(),
        record.token,
        record.part,
        *(record.whole or _NO_SPAN),
        *(record.partial or _NO_SPAN),
    )


def _span(columns: tuple[Any, ...]) -> Span | None:
    return None if columns[0] is None else Span(*columns)
