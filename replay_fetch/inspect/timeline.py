"""Read a session through, view by view, for a timeline: actions, idle time, gaps and types of records.

Only the bytes of the wanted session are read, by the manifest's offsets; no page is rebuilt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from replay_fetch.api.recording import labels, records
from replay_fetch.api.segment import facts
from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.read.views import view_segments
from replay_fetch.archive.shelf import Shelf
from replay_fetch.inspect.entries import session_entries
from replay_fetch.model import ViewRecord
from replay_fetch.replay.account import IDLE_MS

# Seconds without a hand's doing after which somebody counts as idle.
IDLE = IDLE_MS / 1000


class Stretch(NamedTuple):
    """A stretch of time, from one millisecond since 1970 up to another, which is not before the first."""

    start_ms: int
    end_ms: int

    @property
    def seconds(self) -> float:
        """The length of the stretch, in seconds."""
        return (self.end_ms - self.start_ms) / 1000


@dataclass(slots=True)
class ShownView:
    """A view read through for a timeline: the manifest's record, and the facts that only its segments tell."""

    record: ViewRecord
    sdk: str = ""
    href: str = ""
    span: Stretch | None = None
    """From the earliest start of a segment to the latest end; between two segments in a row nothing happened."""
    gaps: list[Stretch] = field(default_factory=list)
    """Between two segments whose indexes leave one out."""
    by_hand: list[int] = field(default_factory=list)
    """When somebody did something, in order; milliseconds since 1970."""
    types: Counter[int] = field(default_factory=Counter)

    @property
    def idle(self) -> list[Stretch]:
        """The stretches of `IDLE` seconds and more without an action; a gap in the recording does not count."""
        if self.span is None:
            return []
        # A gap's edges end a quiet stretch, too: nobody knows whether somebody acted inside it.
        edges = sorted({*self.span, *self.by_hand, *(edge for gap in self.gaps for edge in gap)})
        quiet = (Stretch(*pair) for pair in pairwise(edges))
        return [stretch for stretch in quiet if stretch.seconds >= IDLE and stretch not in self.gaps]

    def fields(self) -> dict[str, object]:
        """Return the columns of JSON and CSV by name; gaps are pairs of milliseconds since 1970."""
        view = self.record
        return {
            "session_id": view.planned.view.session_id,
            "view_id": view.planned.view.view_id,
            "outcome": view.outcome,
            "reason": view.reason or None,
            "url": self.href or None,
            "sdk": self.sdk or None,
            "start_ms": self.span.start_ms if self.span else None,
            "end_ms": self.span.end_ms if self.span else None,
            "segments": view.segments,
            "records": self.types.total(),
            "bytes": view.size,
            "actions": len(self.by_hand),
            "idle_seconds": round(sum(stretch.seconds for stretch in self.idle), 3),
            "gaps": [list(gap) for gap in self.gaps],
            "missing_segments": view.warnings.gaps,
            "repeated_segments": view.warnings.repeats,
            "lacks_full_snapshot": view.warnings.lacks_full_snapshot,
        }


def show_session(out: Shelf, wanted: str) -> list[ShownView]:
    """Read the views of the session whose id is, or alone begins with, ``wanted``.

    Raises InputError where no session or more than a single one begins so, ArchiveError where the session file
    is damaged.
    """
    return [_shown(out, entry) for entry in session_entries(out, wanted)]


def all_types(views: Iterable[ShownView]) -> Counter[int]:
    """Count the records of all views by rrweb's and the vendor's type numbers."""
    return sum((view.types for view in views), Counter())


def _shown(out: Shelf, entry: Entry) -> ShownView:
    """Read a view through.

    A gap is the time between two segments whose indexes leave a number out. Segments without a time count for
    their records alone.
    """
    shown = ShownView(entry.record)
    # Segments may come out of order or twice; only one past the highest index so far can show a gap.
    last = (-1, 0)  # the highest index so far, and its end
    for segment in view_segments(out, entry):
        shown.sdk = shown.sdk or labels(segment).source
        _take_records(shown, segment)
        place = facts(segment)
        if place.start_ms is None or place.end_ms is None:
            continue
        # A clock that was set back puts an end before its start; the span stays a span.
        start, end = place.start_ms, max(place.start_ms, place.end_ms)
        shown.span = Stretch(min(start, *shown.span), max(end, *shown.span)) if shown.span else Stretch(start, end)
        # Without an end before its start no stretch lies between the two: the clock was set.
        if place.index is not None and place.index > last[0]:
            if place.index > last[0] + 1 and 0 < last[1] < start:
                shown.gaps.append(Stretch(last[1], start))
            last = (place.index, end)
    shown.by_hand.sort()
    return shown


def _take_records(shown: ShownView, segment: bytes) -> None:
    """Count a segment's records by type, and keep the first URL and the times of actions by hand."""
    for record in records(segment):
        shown.types[record.type] += 1
        shown.href = shown.href or record.href
        if record.by_hand and record.at_ms is not None:
            shown.by_hand.append(record.at_ms)
