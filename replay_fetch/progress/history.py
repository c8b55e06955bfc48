"""The history of a run for the report: few points, evenly spaced, however long the run was.

A run may last minutes or days, and its chart is as wide in either case.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from replay_fetch.progress.snapshot import ProgressSnapshot, RunSnapshot

_SLACK = 0.1  # seconds that a timer may be early or late


class HistoryPoint(NamedTuple):
    """The run at a single time: counts are since the run's start, times are seconds.

    ``limited_by`` is the bottleneck's word, such as ``API limit``, None for none.
    """

    time: float
    rate: float | None
    """Requests a second that were allowed then."""
    pages: int
    requests: int
    rate_limited: int
    limited_by: str | None


class History:
    """Keeps at most ``room`` points, evenly spaced over the run; is refreshed as the bar is.

    A full history drops every second point and doubles the step between points. So the same run leaves the same
    points, and no point is ever moved. The last snapshot is always kept.
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
        """Keep the snapshot as a point, if the next point is due; snapshots of other work than a run are ignored."""
        if not isinstance(snapshot, RunSnapshot):
            return
        # Kept beside the points, so that the curve ends where the run does and not up to a step before.
        self._last = point = _point(snapshot)
        if not self._points or point.time - self._points[-1].time >= self._step - _SLACK:
            self._points.append(point)
        # Every second one, counted from the start: the points that stay are those a slower step would have taken.
        if len(self._points) >= self._room:
            del self._points[1::2]
            self._step *= 2

    def close(self, snapshot: ProgressSnapshot) -> None:
        """Keep the last snapshot, due or not, so the history ends where the run does."""
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
