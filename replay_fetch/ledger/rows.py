"""Rows: views and their records as columns of the ledger's tables, and back."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from msgspec import json
from msgspec.structs import replace

from replay_fetch.ledger.database import DamagedRow
from replay_fetch.model import Outcome, PlannedView, Recording, Span, View, ViewRecord, Warnings

_FINISHED = ", ".join(f"'{outcome}'" for outcome in Outcome if outcome.finished)
_UNFINISHED = f"(outcome IS NULL OR outcome NOT IN ({_FINISHED}))"

# Columns that are read and written, in this order; where a column stands in a row is worked out from here alone.
_PLANNED = ("row", "view.session", "session_id", "view_id", "expected")
_FIELDS = (
    "outcome",
    "reason",
    "source",
    "shape",
    "pages",
    "segments",
    "size",
    "sha256",
    "checks",
    "about",
    "token",
    "part",
)
_SPANS = tuple(f"{span}_{column}" for span in ("whole", "partial") for column in Span._fields)
_RESULT = (*_FIELDS, *_SPANS)
_READ = (*_PLANNED, *_RESULT)

_COLUMNS = ", ".join(_READ)
VIEWS = f"SELECT {_COLUMNS} FROM session JOIN view USING (session) LEFT JOIN result USING (row)"
# A walk over the views in their order, from behind the last one read. CROSS JOIN holds sqlite to this order of loops:
# down the views by session, from where the last block ended.
_WALKED = "FROM view CROSS JOIN session ON session.session = view.session LEFT JOIN result USING (row)"
_BEHIND_LAST = "view.session >= :session AND (view.session > :session OR row > :row)"
_IN_ORDER = "ORDER BY view.session, row LIMIT :limit"
_BEHIND = f"SELECT {_COLUMNS} {_WALKED} WHERE {_BEHIND_LAST} {_IN_ORDER}"
# With :young (seconds since 1970) also finished views whose recording ended, or that were last asked for, since.
_YOUNG = "coalesce(json_extract(about, '$.end_ms') / 1000, ended_at) >= :young"
_OPEN = f"list = :list AND ({_UNFINISHED} OR {_YOUNG})"
TO_DO = f"""
SELECT {_COLUMNS}, dated.at {_WALKED} LEFT JOIN dated USING (row) WHERE {_BEHIND_LAST} AND {_OPEN} {_IN_ORDER}
"""
COUNT_TO_DO = f"""
SELECT count(*) FROM view LEFT JOIN result USING (row) WHERE (:session IS NULL OR session = :session) AND {_OPEN}
"""
LACKING_PARTIAL = """
SELECT DISTINCT session FROM view JOIN result USING (row)
WHERE size > 0 AND whole_offset IS NULL AND partial_offset IS NULL ORDER BY session
"""
LATEST_FETCHED = f"""
SELECT {_COLUMNS} FROM view CROSS JOIN result USING (row) CROSS JOIN session ON session.session = view.session
WHERE (:list IS NULL OR list = :list) AND outcome = '{Outcome.FETCHED}' ORDER BY view.session DESC LIMIT :limit
"""
# The last view of the session at the end of each part: sessions have the numbers of the rows that named them.
SPREAD = """
WITH RECURSIVE
  ends AS (SELECT min(session) AS first, max(session) AS last FROM view WHERE list = :list),
  part (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM part WHERE n < :parts)
SELECT DISTINCT session_id, view_id FROM part JOIN ends JOIN view ON (view.session, view.view_id) = (
  SELECT session, view_id FROM view
  WHERE list = :list AND session <= first + (last - first) * n / :parts ORDER BY session DESC, view_id DESC LIMIT 1
) JOIN session USING (session)
"""
RECORD = f"""
INSERT OR REPLACE INTO result (row, {", ".join(_RESULT)}, ended_at)
VALUES (?, {", ".join("?" * len(_RESULT))}, CAST(strftime('%s', 'now') AS INTEGER))
"""

_OF_PLAN = slice(len(_PLANNED))
_OF_RECORD = slice(_OF_PLAN.stop, _OF_PLAN.stop + len(_FIELDS))
_OF_WHOLE = slice(_OF_RECORD.stop, _OF_RECORD.stop + len(Span._fields))
_OF_PARTIAL = slice(_OF_WHOLE.stop, _OF_WHOLE.stop + len(Span._fields))
_DATED = len(_READ)  # in a row of TO_DO alone
_REASON = _READ.index("reason")  # NULL where there is no row in result
_warnings, _recording = json.Decoder(Warnings), json.Decoder(Recording)
# Of a thousand shards that are merged a block each is held: 200 MB.
_VIEWS_A_BLOCK = 200
_NO_SPAN = (None,) * len(Span._fields)


def planned_view(columns: tuple[Any, ...]) -> PlannedView:  # sqlite3 does not type its columns
    """Make the planned view of a row of `TO_DO`, with the record that an earlier run left."""
    if columns[_REASON] is not None:
        record = view_record(columns)
        return replace(record.planned, earlier=record)
    return _planned(columns)


def view_record(columns: tuple[Any, ...]) -> ViewRecord:
    """Make the record of a row of `VIEWS`; it has no outcome where the view has not ended.

    Raises DamagedRow where a column holds a value that was never written.
    """
    try:
        return _view_record(columns)
    except (ValueError, TypeError) as error:
        raise DamagedRow(str(error)) from error


def next_views(db: Connection, block: Sequence[ViewRecord]) -> list[ViewRecord]:
    """Read the block of records that follows on a block, by session and row; the first behind [], and [] at the end.

    Raises DamagedRow.
    """
    session, row, limit = -1, -1, _VIEWS_A_BLOCK
    if block:
        first, last = block[0].planned, block[-1].planned
        session, row = last.session, last.row
        # A block in the middle of a session begins with a walk over its views before: a long one is taken in few.
        limit = 2 * len(block) if first.session == session else limit
    rows = db.execute(_BEHIND, {"session": session, "row": row, "limit": limit})
    return [view_record(columns) for columns in rows]


def _view_record(columns: tuple[Any, ...]) -> ViewRecord:
    planned = _planned(columns)
    if columns[_REASON] is None:
        return ViewRecord(planned)
    outcome, reason, source, shape, pages, segments, size, sha256, checks, about, token, part = columns[_OF_RECORD]
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
        warnings=replace(_warnings.decode(checks), segments_expected=planned.lacking(segments)),
        recording=_recording.decode(about),
        token=token,
        part=part,
        whole=_span(columns[_OF_WHOLE]),
        partial=_span(columns[_OF_PARTIAL]),
    )


def _planned(columns: tuple[Any, ...]) -> PlannedView:
    row, session, session_id, view_id, expected = columns[_OF_PLAN]
    dated = columns[_DATED] if len(columns) > _DATED else None
    return PlannedView(row, session, View(session_id, view_id), expected, None, dated)


def result_row(record: ViewRecord) -> tuple[object, ...]:
    """Return a record's columns in the order in which `RECORD` writes them; the time of writing is SQLite's."""
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
        # A later list may count other segments: its count is not kept.
        json.encode(replace(record.warnings, segments_expected=None)).decode(),
        json.encode(record.recording).decode(),
        record.token,
        record.part,
        *(record.whole or _NO_SPAN),
        *(record.partial or _NO_SPAN),
    )


def _span(columns: tuple[Any, ...]) -> Span | None:
    return None if columns[0] is None else Span(*columns)
