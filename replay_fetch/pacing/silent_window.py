"""Pacing by windows that nobody describes, whose rhythm is known."""

from __future__ import annotations

from replay_fetch.pacing.allowance import Allowance
from replay_fetch.pacing.interval import Interval
from replay_fetch.pacing.policy import Sent

FASTEST = 2.0
"""Times the even pace; see ``WindowPolicy``."""
AFTER = 1e-6


class SilentWindow:
    """Spends one window's allowance after another, evenly.

    Windows are told apart by the middle of where their edge may be: spread evenly, requests near
    it count the same on either side.
    """

    def __init__(self, period: float, allowance: Allowance) -> None:
        self.period = period
        self.allowance = allowance
        self._edge = Interval(0.0, 0.0)
        self._first = self._latest = Sent(0, 0.0)
        self._rejected: list[Sent] = []

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.allowance.requests / self.period

    @property
    def left(self) -> int:
        """Requests that may still leave in this window."""
        return max(0, self.allowance.requests - self._used)

    def opened(self, edge: Interval, probe: Sent) -> None:
        """A window begins with an accepted probe; ``edge`` is where it ends."""
        if self._rejected:
            took = self._used - sum(self._holds(sent) for sent in self._rejected)
            self.allowance.ran_out(took, len(self._rejected), blur=self._edge.width * self.rate)
            self._rejected.clear()
        self._edge, self._first, self._latest = edge, probe, probe

    def ready_at(self, now: float) -> float:
        """Evenly over what is left of the window; when it is spent, at its end."""
        self._roll(now)
        if self.left == 0:
            return self._edge.centre + AFTER
        pace = self.left / max(self._edge.centre - now, 1e-3)
        return max(now, self._latest.at + 1 / min(pace, FASTEST * self.rate))

    def sent(self, sent: Sent) -> None:
        """It counts as spent."""
        self._roll(sent.at)
        self._latest = sent

    def ran_out(self, sent: Sent) -> bool:
        """Notes a 429; False where it is a straggler of the window before.

        So soon after the edge that the server may not have passed it, it means nothing but that.
        """
        if not self._holds(sent):
            return False
        if sent.at > self._edge.late - self.period:
            self._rejected.append(sent)
        return True

    def still_out(self, sent: Sent) -> None:
        """Another 429 while the gate is shut; it adds to the cost where the window ran out."""
        if self._rejected:
            self._rejected.append(sent)

    @property
    def _used(self) -> int:
        return self._latest.number - self._first.number + 1

    def _holds(self, sent: Sent) -> bool:
        return self._first.number <= sent.number <= self._latest.number

    def _roll(self, now: float) -> None:
        if now < self._edge.centre:
            return
        self.allowance.window_over(self._used)
        windows = 1 + (now - self._edge.centre) // self.period
        self._edge = self._edge.shifted(windows * self.period)
        self._first = Sent(self._latest.number + 1, now)
