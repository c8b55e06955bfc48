"""The search for a limit that nothing is known of."""

from __future__ import annotations

from replay_fetch.pacing.pace import Pace

FIRST_RATE = 5.0
DOUBLING = 1.0
# At one look. A process that was stopped for half an hour comes back to a gap of which a float holds no such power.
MOST_DOUBLINGS = 10.0


class SlowStart(Pace):
    """Doubles the rate every ``doubling`` seconds in which the pace is what holds requests back."""

    def __init__(self, now: float, rate: float = FIRST_RATE, doubling: float = DOUBLING) -> None:
        super().__init__(now, rate)
        self._doubling = doubling
        self._at = now

    def advance(self, now: float, *, paced: bool) -> None:
        """Time passed: the rate grows with it."""
        if paced:
            self.rate *= 2 ** min(MOST_DOUBLINGS, (now - self._at) / self._doubling)
        self._at = now
