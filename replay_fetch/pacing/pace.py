"""The pace under a limit without headers: a request every so many seconds, at a rate that searches or holds."""

from __future__ import annotations

from replay_fetch.pacing.policy import SLACK, Sent

FIRST_RATE = 5.0  # requests a second: less than any limit that is worth a bulk export
DOUBLING = 1.0
# At one look. A process that was stopped for half an hour comes back to a gap of which a float holds no such power.
MOST_DOUBLINGS = 10.0

# Share of the measured rate that the curve starts below it; seconds after which it crosses the rate. So it is within
# 0.5 % of the rate from 7 s to 23 s.
DEPTH, PLATEAU = 0.03, 15.0
# Times the measured rate at which the limit counts as unknown again; reached after some 53 s.
REBASE, REBASED_AT = 2.0, 2.5 * PLATEAU


class Pace:
    """Sends every 1 / ``rate`` seconds (``rate`` is requests a second), without bursts; subclasses move the rate."""

    def __init__(self, now: float, rate: float) -> None:
        self.rate = rate
        self._next = now
        self._paced = False

    def ready_at(self, now: float) -> float:
        """When the next request may go: one interval after the latest, and not before ``now``."""
        self._paced = self._paced or self._next > now
        return max(now, self._next)

    def sent(self, sent: Sent) -> None:
        """Count a request: the rate moves by the time passed, and the next request may go one interval later."""
        self.advance(sent.at, paced=self._paced)
        self._paced = False
        self._next = max(self._next, sent.at - SLACK) + 1 / self.rate

    def advance(self, now: float, *, paced: bool) -> None:
        """Move the rate to ``now``; ``paced`` is False where too few workers, and not the pace, were the limit."""


class SlowStart(Pace):
    """The search for a limit of which nothing is known.

    The rate doubles every ``doubling`` seconds in which the pace holds requests back. A rate beyond the reach of the
    workers proves nothing, and the first 429 would come at a rate far beyond the limit.
    """

    def __init__(self, now: float, rate: float = FIRST_RATE, doubling: float = DOUBLING) -> None:
        super().__init__(now, rate)
        self._doubling = doubling
        self._at = now

    def advance(self, now: float, *, paced: bool) -> None:
        """Double the rate for every ``doubling`` seconds since the last look, at most ten times."""
        if paced:
            self.rate *= 2 ** min(MOST_DOUBLINGS, (now - self._at) / self._doubling)
        self._at = now


class SlowCubic(Pace):
    """The rate held between two 429s: a long plateau at the measured rate, then faster and faster.

    rate(t) = measured * (1 + 0.03 * (t / 15 - 1) ** 3), with t in seconds since the gate opened. A straight line would
    either leave the plateau at once or take minutes to find a raised limit.
    """

    def __init__(self, now: float, measured: float) -> None:
        super().__init__(now, (1 - DEPTH) * measured)
        self._next = now + 1 / self.rate
        self._measured = measured
        self._since = self._at = now

    def advance(self, now: float, *, paced: bool) -> None:
        """Move along the curve; while too few workers are the limit the curve stays on its plateau."""
        if not paced and now - self._since > PLATEAU:
            self._since += min(now - self._at, now - self._since - PLATEAU)
        self._at = now
        x = (now - self._since) / PLATEAU
        self.rate = self._measured * (1 + DEPTH * (x - 1) ** 3)
        if self.rate >= REBASE * self._measured:
            self._measured, self._since = self.rate, now - REBASED_AT
