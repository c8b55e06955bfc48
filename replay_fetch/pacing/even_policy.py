"""An even pace at what headers say that the limit sustains, less what 429s show to be too much."""

from __future__ import annotations

from replay_fetch.pacing.pace import SLACK
from replay_fetch.pacing.policy import Sent, State
from replay_fetch.pacing.reading import Reading

# Below this many seconds ``reset`` in whole seconds and answers half a second old say too little
# of where in the window we are.
SHORT = 3.0

FIRST_MARGIN, SMALLEST_MARGIN = 0.005, 0.003
# With fifty copies on one limit each may take a fiftieth of it: a margin that ends at a half let five copies draw
# 37 % of 429s for ever.
LARGEST_MARGIN = 0.98
STEP_UP, STEEPEST, LATEST = 0.008, 0.3, 40
"""Share of the pace given up for an episode of 429s: half the share of 429s among the latest so many answers, within
these bounds. In proportion, so that a jitter costs little and a limit that was halved is found in three episodes."""
STEP_DOWN, CALM = 0.0005, 30.0
"""Share of the limit taken back each second, and faster and faster after so many seconds without a 429. The same for
all copies, whatever they have: what is cut in proportion and regained alike converges."""
PAUSE_SHARE, LONGEST_PAUSE, LONGEST_SHARE = 0.1, 1.0, 0.25
"""Seconds of silence after a 429: this share of the period, a second at most; twice as many for each that follows
without an accepted request between, up to a quarter of the period."""


class EvenPolicy:
    """Sends at (1 - m) * limit / period: right for limits of every kind, as long as headers name those two."""

    def __init__(self, period: float, latest: Sent) -> None:
        self.period = period
        self.limit = 1
        self._margin = FIRST_MARGIN
        self._next = self._gate = float("-inf")
        self._latest = latest
        self._cut_at = float("-inf")
        """When the pace was cut last."""
        self._refused = 0.0
        """Share of 429s among the latest answers."""
        self._in_a_row = 0

    @property
    def holds(self) -> bool:
        """True while 429s keep the pace below what headers say that the limit sustains."""
        return self._margin > FIRST_MARGIN

    @property
    def rate(self) -> float:
        """Requests a second."""
        return (1 - self._margin) * self.limit / self.period

    def ready_at(self, now: float) -> float:
        """At the even pace."""
        return max(now, self._next, self._gate)

    def sent(self, sent: Sent) -> None:
        """The next may go one interval later."""
        calm = (sent.at - max(self._cut_at, 0.0)) / CALM
        regained = STEP_DOWN * (1 + calm * calm) * (sent.at - self._latest.at)
        self._margin = max(SMALLEST_MARGIN, self._margin - regained)
        self._latest = sent
        self._next = max(self._next, sent.at - SLACK) + 1 / self.rate

    def answered(self, now: float, sent: Sent, reading: Reading, *, accepted: bool) -> None:
        """Follows the limit; a 429 pauses everybody and cuts the pace once."""
        self.limit = reading.limit
        if accepted:
            self._refused -= self._refused / LATEST
            self._in_a_row = 0
        else:
            self.rejected(now, sent)

    def rejected(self, now: float, sent: Sent) -> None:
        """A 429: those of requests that left before the latest cut are of the episode that caused it."""
        if sent.at <= self._cut_at:
            return
        self._refused += (1 - self._refused) / LATEST
        if now < self._gate:
            return
        cut = max(STEP_UP, min(STEEPEST, self._refused / 2))
        self._margin = min(LARGEST_MARGIN, 1 - (1 - self._margin) * (1 - cut))
        self._cut_at = now
        pause = min(LONGEST_PAUSE, PAUSE_SHARE * self.period) * 2**self._in_a_row
        self._gate = now + min(pause, LONGEST_SHARE * self.period)
        self._in_a_row += 1

    def state(self, now: float) -> State:
        """The pace."""
        shut = now < self._gate
        return State("even", 0.0 if shut else self.rate, self._gate if shut else None, self.limit, self.period)
