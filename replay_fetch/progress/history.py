"""A run over time, for the report: few points however long it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from replay_fetch.progress.snapshot import Moment, Shown

_SLACK = 0.1  # seconds that a timer may be early or late


class Point(NamedTuple):
    """The run at one time: counts are since its start, times seconds."""

    time: float
    rate: float | None
    """Requests a second that were allowed then."""
    pages: int
    requests: int
    rate_limited: int
    limited_by: str | None


class Course:
    """At most ``room`` points, evenly spaced over the run; is told of it as the bar is.

    When it is full every second point goes and the step between points doubles: the same run leaves the
    same points, and none is moved. The last moment is always there.
    """

    period = 1.0

    def __init__(self, room: int = 500) -> None:
        self._room = room
        self._step = self.period
        self._points: list[Point] = []
        self._last: Point | None = None

    def __iter__(self) -> Iterator[Point]:
        yield from self._points
        if self._last is not None and self._last is not self._points[-1]:
            yield self._last

    def refresh(self, moment: Shown) -> None:
        """Keep the moment as a point if the next one is due."""
        if not isinstance(moment, Moment):
            return
        self._last = point = _point(moment)
        if not self._points or point.time - self._points[-1].time >= self._step - _SLACK:
            self._points.append(point)
        if len(self._points) >= self._room:
            del self._points[1::2]
            self._step *= 2

    def close(self, moment: Shown) -> None:
        """Keep the last moment."""
        self.refresh(moment)


def _point(moment: Moment) -> Point:
    stats = moment.stats
    return Point(
        round(moment.seconds, 3),
        moment.pacer.rate_per_s,
        stats.pages,
        stats.requests,
        stats.rate_limited,
        moment.limited_by,
    )
