"""One request after another, a rate's interval apart; and two ways to move the rate."""

from __future__ import annotations

from replay_fetch.pacing.policy import Sent

# Timers wake a millisecond or two late, and now and then the event loop is busy: a debt of so many seconds is paid
# back. Without that, a pace of 600 a second came to 480.
SLACK = 0.02


class Pace:
    """Sends every 1 / ``rate`` seconds, without bursts; subclasses move the rate."""

    def __init__(self, now: float, rate: float) -> None:
        self.rate = rate
        self._next = now
        self._paced = False

    def ready_at(self, now: float) -> float:
        """One interval after the latest."""
        self._paced = self._paced or self._next > now
        return max(now, self._next)

    def sent(self, sent: Sent) -> None:
        """The next may go one interval later."""
        self.advance(sent.at, paced=self._paced)
        self._paced = False
        self._next = max(self._next, sent.at - SLACK) + 1 / self.rate

    def advance(self, now: float, *, paced: bool) -> None:
        """Moves the rate; ``paced`` is False where the workers and not the pace were the limit."""


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
