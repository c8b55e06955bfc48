"""Pacing while headers name the window: spread what is left over the time left."""

from __future__ import annotations

from replay_fetch.pacing.budget import Budget
from replay_fetch.pacing.margin import Margin
from replay_fetch.pacing.neighbours import Neighbours
from replay_fetch.pacing.policy import Sent, State
from replay_fetch.pacing.reading import Reading
from replay_fetch.pacing.window import WindowClock

# Never faster than twice the even pace: bursts meet a burst of 429s where the server counts on
# several nodes, and starve a second client.
FASTEST = 2.0
# Never slower than half the even pace: who yields fully to a neighbour is starved by its own twin.
SLOWEST = 0.5
# Others' use below this share of the limit is taken for answers out of order.
NOISE = 0.06
# A 429 with budget left comes from another limit, or from counters on several nodes that agree soon.
PAUSE_SHARE, LONGEST_PAUSE = 0.1, 1.0
# Past the window's end by this much, so that a timer that fires early does not find it still there.
AFTER = 1e-6


class WindowPolicy:
    """Spends one window after another, evenly, leaving others their share.

    One is made for one limit's name and period; a changed limit is followed at once. ``latest``
    is the last send before its first answer: what left since that answer's request counts too.
    """

    def __init__(self, period: float, latest: Sent) -> None:
        self.period = period
        self.limit = 0
        self._latest = latest
        self._clock = WindowClock(period)
        self._margin = Margin()
        self._neighbours = Neighbours(span=max(0.5, 0.1 * period))
        self._budget = Budget(0, 0)
        self._ends_at: float | None = None
        self._gate = float("-inf")

    def ready_at(self, now: float) -> float:
        """At the even pace after the latest send; when the window is spent, at its end."""
        self._roll(now)
        pace = self._pace(now)
        if pace == 0:
            return max(self._gate, self._end + AFTER)
        return max(now, self._gate, self._latest.at + 1 / pace)

    def sent(self, sent: Sent) -> None:
        """It counts as spent from now on."""
        self._latest = sent

    def answered(self, now: float, sent: Sent, reading: Reading, *, accepted: bool) -> None:
        """Takes in what the headers say of the window in which the request was counted."""
        changed = reading.limit != self.limit
        self.limit = reading.limit
        end = self._clock.learn(sent.at, now, reading.reset)
        if self._ends_at is None:
            self._open(end)
        self._roll(now)
        if end < self._end - self.period / 2:  # counted in the window before
            if accepted or sent.at < self._end - self.period:
                if not accepted:
                    self._margin.miss(self.limit)
                return
            self._open(self._clock.doubt())  # it was thought to be over when this left
        if end > self._end + self.period / 2:  # the server is already in the next
            self._margin.window_over()
            self._open(end)
        elif end > now:
            self._ends_at = end
        self._learn(sent, reading.remaining, changed=changed)
        if not accepted:
            self._rejected(now, reading.remaining)

    def rejected_without_headers(self, now: float) -> None:
        """A 429 that names no window, among answers that do: another limit's."""
        self._margin.miss(self.limit)
        self._pause(now)

    def state(self, now: float) -> State:
        """The window and what is left of it."""
        self._roll(now)
        pace = 0.0 if now < self._gate else self._pace(now)
        opens_at = None if pace > 0 else max(self._gate, self._end if self._spent else now)
        left = max(0, self._budget.left(self._latest.number))
        return State("window", pace, opens_at, self.limit, self.period, left)

    @property
    def _end(self) -> float:
        return self._ends_at if self._ends_at is not None else float("-inf")

    @property
    def _spent(self) -> bool:
        return self._budget.left(self._latest.number) - self._margin.requests < 1

    def _pace(self, now: float) -> float:
        """Requests a second; 0 where less than one is left."""
        if self._spent:
            return 0.0
        left = self._budget.left(self._latest.number) - self._margin.requests
        even = left / max(self._end - now, 1e-3)
        usual = self.limit / self.period
        theirs = self._neighbours.rate if self._neighbours.rate > NOISE * usual else 0.0
        return min(max(even - theirs, SLOWEST * even), FASTEST * usual)

    def _roll(self, now: float) -> None:
        if now < self._end:
            return
        self._margin.window_over()
        windows = 1 + (now - self._end) // self.period
        self._open(self._end + windows * self.period)

    def _open(self, ends_at: float) -> None:
        self._ends_at = ends_at
        self._budget = Budget(self.limit, self._latest.number)
        self._neighbours.restart()

    def _learn(self, sent: Sent, remaining: int, *, changed: bool) -> None:
        if changed:
            self._budget = Budget(self.limit, self._latest.number)
            self._neighbours.restart()
        if self._budget.learn(sent, remaining):
            self._neighbours.learn(sent, remaining)

    def _rejected(self, now: float, remaining: int) -> None:
        self._margin.miss(self.limit)
        if remaining == 0:
            self._budget.exhaust(self._latest.number)
        else:
            self._pause(now)

    def _pause(self, now: float) -> None:
        self._gate = max(self._gate, now + min(LONGEST_PAUSE, PAUSE_SHARE * self.period))
