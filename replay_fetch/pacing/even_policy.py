"""An even pace at the rate named by headers, less a margin: 429s widen the margin, calm narrows the margin again."""

from __future__ import annotations

import math

from replay_fetch.pacing.policy import SLACK, Reading, Sent, State

# Below this many seconds ``reset`` in whole seconds and answers half a second old say too little
# of where in the window we are.
SHORT = 3.0

FIRST_MARGIN, SMALLEST_MARGIN = 0.005, 0.003
# With fifty copies on one limit each may take a fiftieth of it: a margin that ended at a half let five copies draw
# 37 % of 429s for ever.
LARGEST_MARGIN = 0.98
# Share of the pace given up for an episode of 429s: half the share of 429s among the latest so many answers, within
# these bounds. Of 20 to 80 answers, 40 take most of a sliding limit for the least from a window of one second.
STEP_UP, STEEPEST, LATEST = 0.008, 0.3, 40
# Share of the limit taken back each second, and faster and faster after so many seconds, or periods, of calm. The same
# for all copies, small or large: a share that is cut in proportion and regained alike converges.
STEP_DOWN, CALM, CALM_PERIODS = 0.0005, 30.0, 2
# Growth each second beyond the limit that 429s alone tell of, faster and faster as above: no other sign would say
# that it was raised, and an attempt costs two or three 429s.
SEARCH = STEP_DOWN / 4
# Requests a second below which all of this is slower, by the square root: else a limit of one a second with
# neighbours would draw a 429 with every twelfth request. But no slower than this share of it.
USUAL, SLOWEST_SHARE = 10.0, 0.1
# Silence after a 429: this share of the period, a second at most; twice as long for each that follows in the same
# episode, up to a quarter of the period. At an even pace a window runs out in its last fiftieth, if at all; a tenth
# cost 3 % of a sliding limit.
PAUSE_SHARE, LONGEST_PAUSE, LONGEST_SHARE = 0.02, 1.0, 0.25
# Past the longest pause for every period up to a day, and never past a float: a neighbour that takes all of a limit
# leaves thousands of 429s in a row.
MOST_DOUBLINGS = 20


class EvenPolicy:
    """Sends at (1 - m) * limit / period: right for limits of every kind, as long as headers name limit and period.

    An episode begins with a 429 and ends with an accepted request that left after the 429. An episode cuts the pace
    once for all the requests on their way, and again for each request refused behind the pause. ``on_429s`` is for a
    limit named by 429s alone: 429s behind the pause then only say that the window is not over.
    """

    def __init__(self, period: float, latest: Sent, *, on_429s: bool = False) -> None:
        self.period = period
        self.limit = 1
        self._on_429s = on_429s
        # The 429 by which the search found the limit has been waited out.
        self._found = not on_429s
        self._margin = SMALLEST_MARGIN if on_429s else FIRST_MARGIN
        # When the margin was last larger than the smallest.
        self._smallest_at = latest.at
        self._next = self._gate = float("-inf")
        # When the margin was last looked at.
        self._at = latest.at
        # When the latest episode began.
        self._cut_at = float("-inf")
        # Share of 429s among the latest answers.
        self._refused = 0.0
        # 429s of the present episode; 0 where it is over.
        self._in_a_row = 0

    @property
    def holds(self) -> bool:
        """True while 429s keep the pace below the rate of the headers: only then does the pace hold requests back."""
        return self._margin > FIRST_MARGIN

    @property
    def rate(self) -> float:
        """Requests a second to be sent: limit ÷ period less the margin, from 2 % of the rate upwards."""
        return (1 - self._margin) * self.limit / self.period

    def ready_at(self, now: float) -> float:
        """When the next request may go: at the even pace, and not before the pause after a 429 is over."""
        return max(now, self._next, self._gate)

    def sent(self, sent: Sent) -> None:
        """Count a request: the margin narrows by the time passed, and the next may go an interval later."""
        self._regain(sent.at)
        # From when it was due, not from when it left: a timer that wakes late must not slow the pace.
        self._next = max(self._next, sent.at - SLACK) + 1 / self.rate

    def answered(self, now: float, sent: Sent, reading: Reading, *, accepted: bool) -> None:
        """Follow the limit that headers name; a 429 pauses all workers and cuts the pace once."""
        self.limit = reading.limit
        if accepted:
            self.accepted(sent)
        else:
            self.rejected(now, sent, reading)

    def accepted(self, sent: Sent) -> None:
        """Take in an accepted request: where it left after the episode began, the episode is over."""
        self._refused -= self._refused / LATEST
        if sent.at > self._cut_at:
            self._in_a_row = 0

    def rejected(self, now: float, sent: Sent, reading: Reading | None = None) -> None:
        """Take in a 429; a request that left before the episode began, or met the shut gate, belongs to the episode."""
        if sent.at <= self._cut_at:
            return
        self._refused += (1 - self._refused) / LATEST
        # Requests in flight when the gate shut were sent at the old pace: a cut for each would stop the run.
        if now < self._gate:
            return
        doublings = min(self._in_a_row, MOST_DOUBLINGS)
        pause = min(LONGEST_PAUSE, PAUSE_SHARE * self.period) * 2**doublings
        pause = min(pause, LONGEST_SHARE * self.period)
        # Behind a pause a 429 cuts again: the pace is still too high. Where only 429s name the limit it may as well
        # say that the window is not over, so the pace stays.
        if not self._in_a_row or not self._on_429s:
            self._cut(now)
        if self._on_429s and reading is not None and reading.remaining == 0:
            pause = max(pause, self._reset(reading))
        self._gate = now + pause
        self._in_a_row += 1

    def state(self, now: float) -> State:
        """The state at ``now``, in seconds: the pace in requests a second, or the end of the pause."""
        shut = now < self._gate
        return State("even", 0.0 if shut else self.rate, self._gate if shut else None, self.limit, self.period)

    def _cut(self, now: float) -> None:
        self._cut_at = self._at = now
        if self._on_429s and self._margin <= SMALLEST_MARGIN:  # all of the limit was asked for, or more
            self._margin = FIRST_MARGIN
            return
        self._keep(1 - max(STEP_UP, min(STEEPEST, self._refused / 2)))

    def _reset(self, reading: Reading) -> float:
        # Seconds to wait for a window that is empty; 0 where that is not certain yet.
        # 1. The search ran into the limit: of whatever kind the limit is, the burst has used it up.
        # 2. Refused again after a pause: a window, and neighbours spend from it. So long before its end it was empty,
        # and the pace would have lasted for as much less of it. Reset may be rounded up by a second.
        # 3. The first 429 of an episode: a sliding limit gives something back at once.
        if not self._found:
            self._found = True
            return reading.reset
        if self._in_a_row == 1:
            self._keep(1 - min(STEEPEST, max(0.0, reading.reset - 1) / self.period))
        return reading.reset if self._in_a_row else 0.0

    def _keep(self, share: float) -> None:
        self._margin = min(LARGEST_MARGIN, 1 - (1 - self._margin) * share)

    def _regain(self, now: float) -> None:
        # The margin shrinks with time; beyond the limit only where nothing else would tell that it was raised.
        since_then, self._at = now - self._at, now
        if self._in_a_row:  # nothing is known before the episode is over
            return
        slowly = min(1.0, max(SLOWEST_SHARE, math.sqrt(self.limit / self.period / USUAL)))
        since = self._cut_at if self._margin > SMALLEST_MARGIN else self._smallest_at
        calm = (now - since) / max(CALM, CALM_PERIODS * self.period) if since > float("-inf") else 0.0
        grown = slowly * (1 + calm * calm) * since_then
        if self._margin > SMALLEST_MARGIN:
            self._margin = max(SMALLEST_MARGIN, self._margin - STEP_DOWN * grown)
            self._smallest_at = now
        elif self._on_429s:
            self._margin = 1 - (1 - self._margin) * math.exp(min(1.0, SEARCH * grown))
