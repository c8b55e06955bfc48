"""The rate over time, for the report: few points however long the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Point(NamedTuple):
    """The allowed rate and the count of 429s at one time, in seconds since the first turn."""

    time: float
    rate: float
    rate_limited: int


class History:
    """At most ``room`` points, evenly spaced over the run.

    When it is full every second point goes and the step between points doubles: the same run
    leaves the same points, and none is moved.
    """

    def __init__(self, room: int = 500, step: float = 1.0) -> None:
        self._room = room
        self._step = step
        self._points: list[Point] = []

    def __iter__(self) -> Iterator[Point]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)

    def due(self, time: float) -> bool:
        """True where a point at ``time`` would be kept."""
        return not self._points or time - self._points[-1].time >= self._step

    def add(self, point: Point) -> None:
        """Keeps a point that is due."""
        self._points.append(point)
        if len(self._points) >= self._room:
            del self._points[1::2]
            self._step *= 2
