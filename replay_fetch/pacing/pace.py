"""One request after another, a rate's interval apart."""

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
