"""The search for a limit that nothing is known of: the pace doubles every second."""

from __future__ import annotations

FIRST_RATE = 5.0


class SlowStart:
    """Doubles the rate every ``doubling`` seconds in which the pace is what holds requests back."""

    def __init__(self, now: float, rate: float = FIRST_RATE, doubling: float = 1.0) -> None:
        self.rate = rate
        self._doubling = doubling
        self._at = now

    def advance(self, now: float, *, paced: bool) -> None:
        """Time passed; ``paced`` says whether a request waited for the pace in it."""
        if paced:
            self.rate *= 2 ** ((now - self._at) / self._doubling)
        self._at = now
