"""The views of a run that took longest, for the report."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from replay_fetch.model import Outcome, View

_KEPT = 20


class SlowView(NamedTuple):
    """A view and how long it took, from its first request's place in line to its last answer, in seconds."""

    seconds: float
    view: View
    outcome: Outcome
    reason: str

    def fields(self) -> dict[str, object]:
        """As ``report.json`` has it."""
        return {
            "session_id": self.view.session_id,
            "view_id": self.view.view_id,
            "seconds": round(self.seconds, 3),
            "outcome": self.outcome,
            "reason": self.reason or None,
        }


class Slowest:
    """Keeps the slowest twenty of however many it is told."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, SlowView]] = []
        self._number = count()

    def __iter__(self) -> Iterator[SlowView]:
        """The slowest first."""
        return (slow for _, _, slow in sorted(self._heap, reverse=True))

    def note(self, slow: SlowView) -> None:
        """Take in one view."""
        entry = slow.seconds, next(self._number), slow
        if len(self._heap) < _KEPT:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)
