"""The rate held between two 429s: a long plateau at what was measured, then faster and faster."""

from __future__ import annotations

from replay_fetch.pacing.pace import Pace

DEPTH = 0.03
"""Share of the measured rate that the curve starts below it."""
PLATEAU = 15.0
"""Seconds after which the curve crosses the measured rate; within 0.5 % of it from 7 s to 23 s."""
REBASE = 2.0
"""Times the measured rate at which the limit counts as unknown again; reached after some 53 s."""
REBASED_AT = 2.5 * PLATEAU


class SlowCubic(Pace):
    """rate(t) = measured * (1 + 0.03 * (t / 15 - 1) ** 3), with t in seconds since the gate opened."""

    def __init__(self, now: float, measured: float) -> None:
        super().__init__(now, (1 - DEPTH) * measured)
        self._next = now + 1 / self.rate
        self._measured = measured
        self._since = self._at = now

    def advance(self, now: float, *, paced: bool) -> None:
        """Time passed; while the workers are the limit the curve stays on its plateau."""
        if not paced and now - self._since > PLATEAU:
            self._since += min(now - self._at, now - self._since - PLATEAU)
        self._at = now
        x = (now - self._since) / PLATEAU
        self.rate = self._measured * (1 + DEPTH * (x - 1) ** 3)
        if self.rate >= REBASE * self._measured:
            self._measured, self._since = self.rate, now - REBASED_AT
