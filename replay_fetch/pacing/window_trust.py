"""Trust in a limit's windows: whether the server behaves as the headers describe, and when to test an empty window."""

from __future__ import annotations

# Periods over which returned requests are added up: at least one edge lies in them, at most two.
SPAN = 1.5
# Requests that may come back beside the two leaps, as a share of the limit and in numbers: answers out of order, noise.
SHARE, LEAST = 0.25, 4.0
# Spans, or windows, in a row that speak against windows before these are given up.
DOUBTS = 2
# The largest share of resets that may contradict those before them, and the weight of one among the latest fifty.
CONTRADICTED, WEIGHT = 0.2, 0.02
# Before the first answer.
UNKNOWN = -1

# Share of the limit from which on it was us who emptied a window.
OURS = 0.1
# Share of the period after which an empty window is asked all the same: a sliding limit has given something back.
LOOK_AFTER = 0.08
# Windows from one look to the next, at most; each look that finds nothing doubles them.
RAREST = 64


class WindowTrust:
    """Judges windows by how the server gives back: a window gives all in a leap, every other limiter bit by bit.

    ``remaining`` plus our accepted sends rises only where something is given back. New highs of the sum are added up
    over a span; two leaps make up most of them where windows are real. A bucket, a log and a sliding counter give back
    as much in the same time, a request or two with every answer.
    """

    def __init__(self, period: float) -> None:
        self.lost = ""
        """Why windows are not believed in any more; empty while they are."""
        self.slides = False
        """The server was seen to act as a bucket, a log or a counter does."""
        self._period = period
        self._high = UNKNOWN
        self._risen = self._leap = 0
        self._judge_at = 0.0
        self._rejected = 0
        self._doubts = self._refused = self._not_empty = 0
        self._late = False
        self._contradicted = 0.0

    def learn(self, now: float, last: int, limit: int, *, accepted: bool, contradicted: bool) -> None:
        """Take in one answer.

        ``last`` is the send number plus ``remaining``; ``contradicted`` says that the reset and earlier resets cannot
        all be true.
        """
        if not accepted:
            self._rejected += 1
        if contradicted or self._contradicted:
            self._contradicted += WEIGHT * (contradicted - self._contradicted)
            if self._contradicted > CONTRADICTED:
                self.lost = "its resets contradict each other"
        given = last - self._rejected
        if given > self._high:
            if self._high == UNKNOWN:
                self._judge_at = now + SPAN * self._period
            else:
                self._risen += given - self._high
                self._leap = max(self._leap, given - self._high)
            self._high = given
        if now >= self._judge_at:
            self._judge(now, limit)

    def opening(self, *, refused: bool) -> None:
        """Take in the request that opened a window, or was ``refused`` where a window was due: the old was not over."""
        self._late = self._late or refused
        if refused:
            return
        self._refused, self._late = (self._refused + 1 if self._late else 0), False
        if self._refused >= DOUBTS:
            self.lost = "its windows begin when they are not due"

    def probed(self, *, empty: bool) -> None:
        """Take in the look into a window that the headers call empty; two in a row that give are no windows."""
        self._not_empty = 0 if empty else self._not_empty + 1
        if self._not_empty >= DOUBTS:
            self.lost, self.slides = "it gives where it says that nothing remains", True

    def _judge(self, now: float, limit: int) -> None:
        bits = self._risen - 2 * self._leap
        self._doubts = self._doubts + 1 if bits > SHARE * limit + LEAST else 0
        self._judge_at, self._risen, self._leap = now + SPAN * self._period, 0, 0
        if self._doubts >= DOUBTS:
            self.lost, self.slides = "it gives back bit by bit", True


class EmptyWindow:
    """Decides when to look into a window that is empty by the headers, though we have hardly spent anything.

    Neighbours may have been there: then the look costs a 429, and is repeated ever more rarely. Or the limit is no
    window: a sliding counter says 0 until the end of its so-called window and gives back all the time, and a client
    that believes the 0 takes half of the limit, alternately all and nothing.
    """

    def __init__(self, period: float) -> None:
        self._period = period
        self._rarely = 1
        # Windows that pass before the next look.
        self._wait = 2  # not into the first window: how much of it was ours is not known
        # When the present window may be asked.
        self._look_from = 0.0
        self.looked = 0
        """The send number of the look into the present window; 0 where there was none."""
        # The window may be asked; and it gave something before, so that our own spending proves nothing.
        self._may_look = self._found = False

    def opened(self, at: float) -> None:
        """Begin the next window, at second ``at``: a look, if due, is possible 8 % of the period later."""
        self._look_from = at + LOOK_AFTER * self._period
        self.looked, self._found = 0, False
        self._wait -= 1
        self._may_look = self._wait <= 0

    def look_at(self, spent: int, limit: int) -> float:
        """When to ask though nothing remains; infinite where we ``spent`` a tenth of the limit or more ourselves."""
        if not self._may_look or (spent >= OURS * limit and not self._found):
            return float("inf")
        return self._look_from

    def sent(self, number: int) -> None:
        """Count a request that leaves now as the look: by its send number the answer will be recognised."""
        self.looked, self._may_look = number, False

    def answered(self, now: float, *, empty: bool) -> None:
        """Take in the look's answer: an empty window makes the next look rarer, a request granted makes it soon."""
        self._rarely = min(RAREST, 2 * self._rarely) if empty else 1
        self._wait = self._rarely
        if not empty:
            self._look_from = now + LOOK_AFTER * self._period
            self._may_look = self._found = True
