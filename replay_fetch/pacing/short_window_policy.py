"""Pacing for windows too short to be followed: an even pace a little below the limit."""

from __future__ import annotations

from replay_fetch.pacing.pace import SLACK
from replay_fetch.pacing.policy import Sent, State
from replay_fetch.pacing.reading import Reading

# Below this many seconds ``reset`` in whole seconds and answers half a second old say too little
# of where in the window we are.
SHORT = 3.0

# The largest leaves room for a neighbour that spends half of the limit.
FIRST_MARGIN, SMALLEST_MARGIN, LARGEST_MARGIN = 0.005, 0.003, 0.5
STEP_UP = 0.008
"""Share of the limit given up for each episode of 429s."""
STEP_DOWN = 0.0005
"""Share of the limit taken back each second, so that an episode comes every 16 s at most."""


class ShortWindowPolicy:
    """Sends at (1 - m) * limit / period, with m the share that keeps jitter from a 429."""

    def __init__(self, period: float, latest: Sent) -> None:
        self.period = period
        self.limit = 1
        self._margin = FIRST_MARGIN
        self._next = float("-inf")
        self._gate = float("-inf")
        self._latest = latest

    @property
    def _rate(self) -> float:
        return (1 - self._margin) * self.limit / self.period

    def ready_at(self, now: float) -> float:
        """At the even pace."""
        return max(now, self._next, self._gate)

    def sent(self, sent: Sent) -> None:
        """The next may go one interval later."""
        self._margin = max(SMALLEST_MARGIN, self._margin - STEP_DOWN * (sent.at - self._latest.at))
        self._latest = sent
        self._next = max(self._next, sent.at - SLACK) + 1 / self._rate

    def answered(self, now: float, sent: Sent, reading: Reading, *, accepted: bool) -> None:  # noqa: ARG002 - as others
        """Follows the limit; a 429 pauses everybody and widens the margin once."""
        self.limit = reading.limit
        if not accepted:
            self.rejected_without_headers(now)

    def rejected_without_headers(self, now: float) -> None:
        """A 429: pauses a tenth of the period; those that come meanwhile are the same episode."""
        if now >= self._gate:
            self._margin = min(LARGEST_MARGIN, self._margin + STEP_UP)
            self._gate = now + 0.1 * self.period

    def state(self, now: float) -> State:
        """The pace."""
        shut = now < self._gate
        return State("window", 0.0 if shut else self._rate, self._gate if shut else None, self.limit, self.period)
