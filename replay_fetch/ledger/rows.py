"""Views to table rows and back."""

from __future__ import annotations

from typing import Any

import orjson

from replay_fetch.model import Outcome, PlannedView, Span, View, ViewRecord

_FINISHED = ", ".join(f"'{outcome}'" for outcome in Outcome if outcome.finished)
_UNFINISHED = f"(outcome IS NULL OR outcome NOT IN ({_FINISHED}))"

VIEWS = """
SELECT row, session, session_id, view_id, expected, outcome, reason, source, shape, pages, segments, size, sha256,
  checks, about, whole_offset, whole_length, whole_sha256, partial_offset, partial_length, partial_sha256
FROM session JOIN view USING (session) LEFT JOIN result USING (row)
"""
# CROSS JOIN holds sqlite to this order of loops: down the views by session, from where the last call ended.
TO_DO = f"""
SELECT row, view.session, session_id, view_id, expected
FROM view CROSS JOIN session ON session.session = view.session LEFT JOIN result USING (row)
WHERE view.session >= :session AND (view.session > :session OR row > :row) AND list = :list AND {_UNFINISHED}
ORDER BY view.session, row LIMIT :limit
"""
COUNT_TO_DO = f"""
SELECT count(*) FROM view LEFT JOIN result USING (row) WHERE list = ? AND session = ? AND {_UNFINISHED}
"""
RECORD = f"INSERT OR REPLACE INTO result VALUES ({', '.join('?' * 17)})"

_NO_SPAN = (None, None, None)


def planned_view(row: int, session: int, session_id: str, view_id: str, expected: int | None) -> PlannedView:
    """The view that the first five columns of `VIEWS` name."""
    return PlannedView(row, session, View(session_id, view_id), expected)


def view_record(columns: tuple[Any, ...]) -> ViewRecord:  # sqlite3 does not type its columns
    """The record that a row of `VIEWS` holds; one without outcome where the view has not ended."""
    planned = planned_view(*columns[:5])
    if columns[6] is None:  # no row in result
        return ViewRecord(planned)
    outcome, reason, source, shape, pages, segments, size, sha256, checks, about = columns[5:15]
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
        whole=_span(columns[15:18]),
        partial=_span(columns[18:21]),
    )


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
        *(record.whole or _NO_SPAN),
        *(record.partial or _NO_SPAN),
    )


def _span(columns: tuple[Any, ...]) -> Span | None:
    return None if columns[0] is None else Span(*columns)
