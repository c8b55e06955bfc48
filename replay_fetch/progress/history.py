"""A run over time, for the report: few points however long it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from replay_fetch.progress.snapshot import ProgressSnapshot, RunSnapshot

_SLACK = 0.1  # seconds that a timer may be early or late


class HistoryPoint(NamedTuple):
    """The run at one time: counts are since its start, times seconds."""

    time: float
    rate: float | None
    """Requests a second that were allowed then."""
    pages: int
    requests: int
    rate_limited: int
    limited_by: str | None


class History:
    """At most ``room`` points, evenly spaced over the run; is told of it as the bar is.

    When it is full every second point goes and the step between points doubles: the same run leaves the
    same points, and none is moved. The last snapshot is always there.
    """

    period = 1.0

    def __init__(self, room: int = 500) -> None:
        self._room = room
        self._step = self.period
        self._points: list[HistoryPoint] = []
        self._last: HistoryPoint | None = None

    def __iter__(self) -> Iterator[HistoryPoint]:
        yield from self._points
        if self._last is not None and self._last is not self._points[-1]:
            yield self._last

    def refresh(self, snapshot: ProgressSnapshot) -> None:
        """Keep the snapshot as a point if the next one is due."""
        if not isinstance(snapshot, RunSnapshot):
            return
        self._last = point = _point(snapshot)
        if not self._points or point.time - self._points[-1].time >= self._step - _SLACK:
            self._points.append(point)
        if len(self._points) >= self._room:
            del self._points[1::2]
            self._step *= 2

    def close(self, snapshot: ProgressSnapshot) -> None:
        """Keep the last snapshot."""
        self.refresh(snapshot)


def _point(snapshot: RunSnapshot) -> HistoryPoint:
    stats = snapshot.stats
    return HistoryPoint(
        round(snapshot.seconds, 3),
        snapshot.pacer.rate_per_s,
        stats.pages,
        stats.requests,
        stats.rate_limited,
        snapshot.limited_by,
    )
