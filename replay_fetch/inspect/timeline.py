"""``show OUT SESSION``: what one session's recording holds, view by view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from replay_fetch.api import facts
from replay_fetch.api.recording import labels, records
from replay_fetch.archive import Entry, session_entries, view_segments
from replay_fetch.model import ViewRecord
from replay_fetch.replay import IDLE_MS

# Seconds without a hand's doing after which somebody counts as idle.
IDLE = IDLE_MS / 1000


class Stretch(NamedTuple):
    """A time from one millisecond since 1970 to another."""

    start_ms: int
    end_ms: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end_ms - self.start_ms) / 1000


@dataclass(slots=True)
class ShownView:
    """One view, read through."""

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
        """Where nobody did anything for long, gaps left out."""
        if self.span is None:
            return []
        edges = sorted({*self.span, *self.by_hand, *(edge for gap in self.gaps for edge in gap)})
        quiet = (Stretch(*pair) for pair in pairwise(edges))
        return [stretch for stretch in quiet if stretch.seconds >= IDLE and stretch not in self.gaps]

    def fields(self) -> dict[str, object]:
        """What programs get."""
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


def show_session(out: Path, wanted: str) -> list[ShownView]:
    """The views of the session whose id is, or alone begins with, ``wanted``; reads no other session's bytes.

    Raises InputError where there is none or more than one.
    """
    return [_shown(out, entry) for entry in session_entries(out, wanted)]


def all_types(views: Iterable[ShownView]) -> Counter[int]:
    """Records by type, of all views."""
    return sum((view.types for view in views), Counter())


def _shown(out: Path, entry: Entry) -> ShownView:
    shown = ShownView(entry.record)
    last = (-1, 0)  # the highest index so far, and its end
    for segment in view_segments(out, entry):
        shown.sdk = shown.sdk or labels(segment).source
        _take_records(shown, segment)
        place = facts(segment)
        if place.start_ms is None or place.end_ms is None:
            continue
        start, end = place.start_ms, max(place.start_ms, place.end_ms)
        shown.span = Stretch(min(start, *shown.span), max(end, *shown.span)) if shown.span else Stretch(start, end)
        if place.index is not None and place.index > last[0]:
            if place.index > last[0] + 1 and 0 < last[1] < start:
                shown.gaps.append(Stretch(last[1], start))
            last = (place.index, end)
    shown.by_hand.sort()
    return shown


def _take_records(shown: ShownView, segment: bytes) -> None:
    for record in records(segment):
        shown.types[record.type] += 1
        shown.href = shown.href or record.href
        if record.by_hand and record.at_ms is not None:
            shown.by_hand.append(record.at_ms)
