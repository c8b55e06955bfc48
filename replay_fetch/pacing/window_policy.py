"""Pacing by the windows of the headers: the requests left are spread evenly over the time left."""

from __future__ import annotations

from replay_fetch.pacing.policy import SLACK, Reading, Sent, State
from replay_fetch.pacing.window_budget import Budget, Margin, Neighbours
from replay_fetch.pacing.window_clock import WindowClock
from replay_fetch.pacing.window_trust import EmptyWindow, WindowTrust

# Never faster than twice the even pace: bursts meet a burst of 429s where the server counts on
# several nodes, and starve a second client.
FASTEST = 2.0
# Never slower than half the even pace: who yields fully to a neighbour is starved by its own twin.
SLOWEST = 0.5
# Gaps between the last request of a window and its end. With none it falls on the end and is lost: limits of 2, 3
# and 5 a window came to 50, 67 and 84 %. Beside a neighbour 1.5 would take 0.7 % more, and 4 % of what a neighbour
# gets where limits are small: it is left to them.
LAST_GAP = 0.75
# Others' use below this share of the limit is taken for answers out of order.
NOISE = 0.06
# A 429 with budget left comes from another limit, or from counters on several nodes that agree soon.
PAUSE_SHARE, LONGEST_PAUSE = 0.1, 1.0
# Past the window's end by this much, so that a timer that fires early does not find it still there.
AFTER = 1e-6
# The window's end before the first answer.
UNKNOWN = float("-inf")


class WindowPolicy:
    """Spends the windows of a limit one after another, evenly, and leaves neighbours their share.

    A policy is made for a limit's name and period; a changed limit is followed at once. ``latest`` is the last send
    before the first answer with the limit's name: requests on their way by then count, too.
    """

    def __init__(self, period: float, latest: Sent) -> None:
        self.period = period
        self.limit = 0
        self._latest = latest
        self._clock = WindowClock(period)
        self._margin = Margin()
        self._neighbours = Neighbours(span=max(0.5, 0.1 * period))
        self._budget = Budget(0, 0)
        self._empty = EmptyWindow(period)
        self.trust = WindowTrust(period)
        # The last send before this window.
        self._first = latest.number
        # No request has been accepted in this window yet.
        self._fresh = True
        self._ends_at = UNKNOWN
        self._gate = float("-inf")
        # When the next request may go, as last told, and when the latest was due, or not long before it left.
        self._ready_at = self._due_at = latest.at

    def ready_at(self, now: float) -> float:
        """When the next request may go: an interval after the latest was due, or at the end of a spent window."""
        self._roll(now)
        # From when the latest was due, not from when it left: a timer that wakes late must not slow the pace.
        pace = self._pace(self._due_at)
        wanted = self._due_at + 1 / pace if pace else min(self._ends_at + AFTER, self._look_at)
        self._ready_at = max(self._gate, wanted)
        return max(now, self._ready_at)

    def sent(self, sent: Sent) -> None:
        """Count a request: spent from now on, though the server has not counted the request yet."""
        # Sent though nothing is left: only a look into an empty window is.
        if self._budget.last - self._latest.number < 1:
            self._empty.sent(sent.number)
        self._latest = sent
        self._due_at = max(self._ready_at, sent.at - SLACK)

    def answered(self, now: float, sent: Sent, reading: Reading, *, accepted: bool) -> None:
        """Take in the headers of an answer: the headers describe the window in which the request was counted."""
        changed = reading.limit != self.limit
        self.limit = reading.limit
        end = self._clock.learn(sent.at, now, reading.reset, absolute=reading.absolute)
        self.trust.learn(
            now,
            sent.number + reading.remaining,
            reading.limit,
            accepted=accepted,
            contradicted=self._clock.contradicted,
        )
        if self._ends_at == UNKNOWN:
            self._open(end)
        self._roll(now)
        # An answer belongs to the window whose end is nearest: latencies of up to half a period are told apart.
        if abs(end - self._ends_at) > self.period / 2 and not self._turned(sent, end, accepted=accepted):
            return
        # An end that is over already is the end of the window before: ``_roll`` has gone on from it.
        if end > now:
            self._ends_at = end
        if changed:
            self._restart()
        # The look says whether the window was empty; its ``remaining`` is of no use to the budget before.
        if sent.number == self._empty.looked:
            self._looked(now, reading.remaining, accepted=accepted)
            return
        if accepted and self._fresh:
            self._fresh = False
            self.trust.opening(refused=False)
        # Only an answer that lowered the budget compares: a late one would show neighbours that spend nothing.
        if self._budget.learn(sent.number, reading.remaining):
            self._neighbours.learn(sent.number, sent.at, reading.remaining)
        if not accepted:
            self._rejected(now, reading.remaining)

    def rejected_without_headers(self, now: float) -> None:
        """Take in a 429 without headers among answers with headers: some limit is not announced."""
        self._margin.miss(self.limit)
        self._pause(now)

    def state(self, now: float) -> State:
        """The state at ``now``: the window, the pace, and the requests that are left."""
        self._roll(now)
        left, pace = max(0, self._budget.last - self._latest.number), self._pace(now)
        if now < self._gate or pace == 0:
            opens_at = max(self._gate, self._ends_at if pace == 0 else now)
            return State("window", 0.0, opens_at, self.limit, self.period, left)
        return State("window", pace, None, self.limit, self.period, left)

    def _pace(self, since: float) -> float:
        # Requests a second from ``since`` to the window's end; 0 where less than one is left.
        left = self._budget.last - self._latest.number - self._margin.of(self.limit)
        if left < 1:
            return 0.0
        pace = (left + LAST_GAP) / max(self._ends_at - since, 1e-3)
        usual, theirs = self.limit / self.period, self._neighbours.rate
        if theirs > NOISE * usual:
            pace = max(pace - theirs, SLOWEST * pace)
        return min(pace, FASTEST * usual)

    def _turned(self, sent: Sent, end: float, *, accepted: bool) -> bool:
        # Goes on to the window of an answer that was counted in another; False where that one is over.
        if end > self._ends_at:  # the server is already in the next
            self._margin.window_over()
            self._open(end)
            return True
        # An answer of a window that is over changes nothing. A 429 of a request that left before the present window
        # is one: the budget of that window was overdrawn.
        if accepted or sent.at < self._ends_at - self.period:
            if not accepted:
                self._margin.miss(self.limit)
            return False
        self.trust.opening(refused=True)
        self._open(self._clock.doubt())  # the window before was thought to be over when this left
        return True

    def _roll(self, now: float) -> None:
        # Where the window is over, goes on to the one that holds ``now``.
        if now < self._ends_at:
            return
        # Whole windows, so that a run that slept through some of them comes back in step.
        self._margin.window_over()
        windows = 1 + (now - self._ends_at) // self.period
        self._open(self._ends_at + windows * self.period)

    def _open(self, ends_at: float) -> None:
        self._ends_at = ends_at
        self._first, self._fresh = self._latest.number, True
        self._empty.opened(ends_at - self.period)
        self._restart()

    @property
    def _look_at(self) -> float:
        return self._empty.look_at(self._latest.number - self._first, self.limit)

    def _looked(self, now: float, remaining: int, *, accepted: bool) -> None:
        # An empty window was asked all the same: it was empty, or it is none.
        self._empty.answered(now, empty=not accepted)
        self.trust.probed(empty=not accepted)
        if accepted:
            self._budget = Budget(remaining, self._latest.number)

    def _restart(self) -> None:
        # By send number: whatever has left by now is on the window before.
        self._budget = Budget(self.limit, self._latest.number)
        self._neighbours.restart()

    def _rejected(self, now: float, remaining: int) -> None:
        self._margin.miss(self.limit)
        # Holds until the window ends where nothing remains; else for a moment, since the 429 has another cause.
        if remaining == 0:
            self._budget.exhaust(self._latest.number)
        else:
            self._pause(now)

    def _pause(self, now: float) -> None:
        self._gate = max(self._gate, now + min(LONGEST_PAUSE, PAUSE_SHARE * self.period))
