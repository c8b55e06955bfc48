"""Sums over the views of a list or of the whole archive, by outcome.

The database sums, so no view's record is held in memory.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import astuple, dataclass, field
from operator import add
from typing import NamedTuple

from replay_fetch.ledger.database import DamagedRow
from replay_fetch.model import Noted, Outcome

# ``checks`` is JSON without a space: its keys are found as they stand, for no value in it is text.
_SUMS = """
SELECT outcome, count(*), coalesce(sum(segments), 0), coalesce(sum(pages), 0), coalesce(sum(size), 0),
  count(CASE WHEN {gaps} OR {repeats} OR {lacks} OR {fewer} THEN 1 END),
  count(CASE WHEN {gaps} THEN 1 END),
  count(CASE WHEN {repeats} THEN 1 END),
  count(CASE WHEN {lacks} THEN 1 END),
  count(CASE WHEN {fewer} THEN 1 END)
FROM view LEFT JOIN result USING (row) {where} GROUP BY outcome
"""
# The last one hangs on the list, which may be newer than what is kept with the view.
_WARNINGS = {
    "gaps": """instr(checks, '"gaps"')""",
    "repeats": """instr(checks, '"repeats"')""",
    "lacks": """instr(checks, '"lacks_full_snapshot"')""",
    "fewer": "expected > segments",
}
_REASONS = """
SELECT outcome, reason, count(*) AS views FROM view JOIN result USING (row)
WHERE list = :list AND outcome NOT IN ({finished}) GROUP BY outcome, reason ORDER BY views DESC, outcome, reason
"""
# Reasons that name a number of their own are as many as the views.
MOST_REASONS = 20
OTHER_REASONS = "other reasons"
_SESSIONS = "SELECT count(DISTINCT session) FROM view {where}"


_STORED = """
SELECT count(*), coalesce(sum(segments), 0), coalesce(sum(coalesce(whole_length, 0)), 0)
FROM result WHERE outcome IN ({finished})
"""
_TO_COME = """
SELECT count(*), count(expected), coalesce(sum(expected), 0) FROM view LEFT JOIN result USING (row)
WHERE list = :list AND (outcome IS NULL OR outcome NOT IN ({finished}))
"""


class Need(NamedTuple):
    """The figures by which the room for a list is foreseen: what the archive holds, and what is to come of the list."""

    stored_views: int = 0
    """Finished, those without a segment among them."""
    stored_segments: int = 0
    stored_bytes: int = 0
    """As they lie in session files, compressed where the archive is."""
    views: int = 0
    """Of the list, not finished."""
    counted_views: int = 0
    """Those of them for which the list counts the segments."""
    counted_segments: int = 0

    @property
    def bytes(self) -> int | None:
        """The bytes to come, as the views so far and the list's counts tell; None while no view is stored."""
        if not self.stored_bytes:
            return None
        segments_a_view = self.stored_segments / self.stored_views
        segments = self.counted_segments + (self.views - self.counted_views) * segments_a_view
        return round(segments * self.stored_bytes / self.stored_segments)


class Reason(NamedTuple):
    """A reason for which views of an outcome are not finished, in the API's words or ours, and their number."""

    outcome: Outcome
    reason: str
    views: int


@dataclass(slots=True)
class Totals:
    """Counts views by outcome, with sums of segments, pages and bytes; ``unasked`` views have no outcome yet."""

    outcomes: dict[Outcome, int] = field(default_factory=dict)
    sessions: int = 0
    unasked: int = 0
    segments: int = 0
    pages: int = 0
    size: int = 0
    """Bytes of all lines, uncompressed."""
    noted: Noted = field(default_factory=Noted)
    need: Need = field(default_factory=Need)
    """Of a rehearsal alone."""

    @property
    def views(self) -> int:
        """Count all views of the list or the archive, with an outcome or without."""
        return self.unasked + sum(self.outcomes.values())

    @property
    def finished(self) -> int:
        """Count the views that are never asked for again, whatever a later run is told of them, but for a refresh."""
        return sum(n for outcome, n in self.outcomes.items() if outcome.finished)


def sum_views(db: sqlite3.Connection, list_number: int | None) -> Totals:
    """Sum over the views of list ``list_number``, or of all lists for None; raises DamagedRow at an unknown outcome."""
    where = "" if list_number is None else "WHERE list = :list"
    totals = Totals()
    for outcome, views, segments, pages, size, *noted in db.execute(
        _SUMS.format(where=where, **_WARNINGS), {"list": list_number}
    ):
        if outcome is None:
            totals.unasked += views
        else:
            totals.outcomes[_known(outcome)] = views
        totals.segments += segments
        totals.pages += pages
        totals.size += size
        totals.noted = Noted(*map(add, astuple(totals.noted), noted))
    (totals.sessions,) = db.execute(_SESSIONS.format(where=where), {"list": list_number}).fetchone()
    return totals


def _known(outcome: str) -> Outcome:
    try:
        return Outcome(outcome)
    except ValueError as error:
        raise DamagedRow(str(error)) from error


def sum_reasons(db: sqlite3.Connection, list_number: int) -> list[Reason]:
    """Count why views of list ``list_number`` are not finished, the most frequent reasons first.

    Twenty reasons an outcome are named, since some reasons hold a number and are as many as the views. All further ones
    are counted together.
    """
    finished = ", ".join(f"'{outcome}'" for outcome in Outcome if outcome.finished)
    found: list[Reason] = []
    named: Counter[Outcome] = Counter()
    others: Counter[Outcome] = Counter()
    for text, reason, views in db.execute(_REASONS.format(finished=finished), {"list": list_number}):
        outcome = _known(text)
        named[outcome] += 1
        if named[outcome] <= MOST_REASONS:
            found.append(Reason(outcome, reason, views))
        else:
            others[outcome] += views
    return found + [Reason(outcome, OTHER_REASONS, views) for outcome, views in others.items()]


def sum_need(db: sqlite3.Connection, list_number: int) -> Need:
    """Sum up the stored views of the archive, and the views of list ``list_number`` that are to come."""
    finished = ", ".join(f"'{outcome}'" for outcome in Outcome if outcome.finished)
    stored = db.execute(_STORED.format(finished=finished)).fetchone()
    return Need(*stored, *db.execute(_TO_COME.format(finished=finished), {"list": list_number}).fetchone())
