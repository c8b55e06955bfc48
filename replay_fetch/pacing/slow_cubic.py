"""The rate held between two 429s: a long plateau at what was measured, then faster and faster."""

from __future__ import annotations

DEPTH = 0.03
"""Share of the measured rate that the curve starts below it."""
PLATEAU = 15.0
"""Seconds after which the curve crosses the measured rate; within 0.5 % of it from 7 s to 23 s."""


class SlowCubic:
    """rate(t) = measured * (1 + 0.03 * (t / 15 - 1) ** 3), with t in seconds since the gate opened."""

    def __init__(self, now: float, measured: float) -> None:
        self.measured = measured
        self.rate = (1 - DEPTH) * measured
        self._since = now
        self._at = now

    def advance(self, now: float, *, paced: bool) -> None:
        """Time passed; while the workers and not the pace are the limit the curve stays on its plateau."""
        if not paced and now - self._since > PLATEAU:
            self._since += min(now - self._at, now - self._since - PLATEAU)
        self._at = now
        x = (now - self._since) / PLATEAU
        self.rate = self.measured * (1 + DEPTH * (x - 1) ** 3)
        if self.rate >= 2 * self.measured:  # the limit is unknown again: keep growing from here
            self.measured, self._since = self.rate, now - 2.5 * PLATEAU
