"""Windows without headers, detected by the times at which the gate of 429s opens: a rhythm shows the period."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple


class Interval(NamedTuple):
    """A stretch of time, in seconds of our clock, that holds an instant which is not known exactly."""

    early: float
    late: float

    @property
    def centre(self) -> float:
        """The middle of the stretch: the best guess at the instant, and where to look for it next."""
        return (self.early + self.late) / 2

    @property
    def width(self) -> float:
        """The length in seconds; negative where two readings contradict each other."""
        return self.late - self.early

    def shifted(self, by: float) -> Interval:
        """The stretch moved ``by`` seconds, a whole number of periods, to the same edge of a later window."""
        return Interval(self.early + by, self.late + by)


# Limits come in calendar-aligned windows of such lengths, in seconds.
PERIODS = (2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1800, 3600)
# Openings that must fit one period; older ones may be from before a change.
FEWEST, MOST = 3, 6
# The largest probability with which openings at random may fall into step.
CHANCE = 0.005
# Share of the period to which the edge is narrowed down; a window's count is not exact to more.
SHARP = 0.01


class WindowDetector:
    """Detects windows by the gate's openings: the period at which they fall into step, and the edge.

    An opening is known to lie between the last rejected and the first accepted request. A period fits when some
    instant, modulo the period, lies in all openings. The longest fitting period is taken, where the shorter fitting
    periods divide the longest: a window with requests to spare opens unnoticed.
    """

    def __init__(self) -> None:
        self.period: float | None = None
        self._edge: Interval | None = None
        self._openings: deque[Interval] = deque(maxlen=MOST)
        self._fewest = FEWEST

    def opened(self, opening: Interval) -> None:
        """Take in an opening of the gate; an opening out of step starts the search anew, and more openings must fit."""
        self._openings.append(opening)
        known = self.period
        if known is None:
            self._fit(PERIODS)
        # Three openings are enough to stay in step; more would hold on to an edge that has drifted.
        elif edge := _common(list(self._openings)[-3:], known):
            self._edge = edge
        else:
            self.period = self._edge = None
            if not self._fit([period for period in PERIODS if known % period == 0]):
                self._openings = deque([opening], maxlen=MOST)
                self._fewest = min(MOST, self._fewest + 1)

    def edge_after(self, now: float) -> Interval | None:
        """The interval in which the window that holds ``now`` ends; None while no period is known."""
        if self.period is None or self._edge is None:
            return None
        windows = 1 + math.floor((now - self._edge.centre) / self.period)
        return self._edge.shifted(windows * self.period)

    def look_at(self, now: float) -> float | None:
        """When to probe for the edge: in the middle of its interval, until the interval is narrow."""
        edge = self.edge_after(now)
        if edge is None or self.period is None:
            return None
        return edge.centre if edge.width > SHARP * self.period else edge.late

    def _fit(self, periods: Sequence[float]) -> bool:
        openings = list(self._openings)
        for count in range(len(openings), self._fewest - 1, -1):
            recent = openings[-count:]
            fits = [(period, edge) for period in periods if (edge := _common(recent, period))]
            if fits and not any(fits[-1][0] % period for period, _ in fits):
                self.period, self._edge = fits[-1]
                self._openings = deque(recent, maxlen=MOST)
                return True
        return False


def _common(openings: Sequence[Interval], period: float) -> Interval | None:
    # The latest opening narrowed down by the earlier ones; None where they do not meet, or may by chance.
    latest = common = openings[-1]
    chance = 1.0
    for opening in openings[:-1]:
        windows = round((latest.centre - opening.centre) / period)
        # Two openings inside one period: it cannot be the length of a window.
        if windows == 0:
            return None
        early, late = opening.shifted(windows * period)
        common = Interval(max(common.early, early), min(common.late, late))
        chance *= min(1.0, (opening.width + latest.width) / period)
    return common if common.width >= 0 and chance < CHANCE else None
