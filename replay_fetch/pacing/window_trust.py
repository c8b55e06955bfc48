"""Whether a limit's windows are what its headers make of them."""

from __future__ import annotations

from replay_fetch.pacing.policy import Reading, Sent

SPAN = 1.5
"""Periods over which is added up what the server gives back: at least one edge lies in them, at most two."""
SHARE, LEAST = 0.25, 4.0
"""What may come back beside the two leaps, as a share of the limit and in requests: answers out of order, noise."""
DOUBTS = 2
"""Spans, or windows, in a row that speak against windows before these are given up."""
CONTRADICTED, WEIGHT = 0.2, 0.02
"""The largest share of resets that may contradict those before them, and the weight of one among the latest fifty."""


# Before the first answer.
UNKNOWN = -1


class WindowTrust:
    """Judges by what the server gives back: a window all of it in one leap, everything else bit by bit.

    ``remaining`` plus what we sent and were granted rises only where something is given back. New highs of it are
    added up over a span; of real windows two leaps make up most of them. A bucket, a log and a sliding counter
    give back as much in the same time, a request or two with every answer.
    """

    def __init__(self) -> None:
        self.lost = ""
        """Why windows are not believed in any more; empty while they are."""
        self.slides = False
        """What was seen is what a bucket, a log or a counter does."""
        self._high = UNKNOWN
        self._risen = self._leap = 0
        self._judge_at = 0.0
        self._rejected = 0
        self._doubts = self._refused = self._not_empty = 0
        self._late = False
        self._contradicted = 0.0

    def learn(self, now: float, sent: Sent, reading: Reading, *, accepted: bool, contradicted: bool) -> None:
        """Take in one answer; ``contradicted`` where its reset and those before it cannot both be true."""
        if not accepted:
            self._rejected += 1
        if contradicted or self._contradicted:
            self._contradicted += WEIGHT * (contradicted - self._contradicted)
            if self._contradicted > CONTRADICTED:
                self.lost = "its resets contradict each other"
        given = reading.remaining + sent.number - self._rejected
        if given > self._high:
            if self._high == UNKNOWN:
                self._judge_at = now + SPAN * reading.period
            else:
                self._risen += given - self._high
                self._leap = max(self._leap, given - self._high)
            self._high = given
        if now >= self._judge_at:
            self._judge(now, reading)

    def opening(self, *, refused: bool) -> None:
        """A request opened a window, or should have and was ``refused``: the one before was not over."""
        self._late = self._late or refused
        if refused:
            return
        self._refused, self._late = (self._refused + 1 if self._late else 0), False
        if self._refused >= DOUBTS:
            self.lost = "its windows begin when they are not due"

    def probed(self, *, empty: bool) -> None:
        """A window that was said to be empty, but not by us, was asked all the same."""
        self._not_empty = 0 if empty else self._not_empty + 1
        if self._not_empty >= DOUBTS:
            self.lost, self.slides = "it gives where it says that nothing remains", True

    def _judge(self, now: float, reading: Reading) -> None:
        bits = self._risen - 2 * self._leap
        self._doubts = self._doubts + 1 if bits > SHARE * reading.limit + LEAST else 0
        self._judge_at, self._risen, self._leap = now + SPAN * reading.period, 0, 0
        if self._doubts >= DOUBTS:
            self.lost, self.slides = "it gives back bit by bit", True


OURS = 0.1
"""Share of the limit from which on it was us who emptied a window."""
LOOK_AFTER = 0.08
"""Share of the period after which such a window is asked all the same: a sliding limit has given something back."""
RAREST = 64
"""Windows from one such look to the next, at most; each that finds nothing doubles them."""


class EmptyWindow:
    """Decides when to ask a window that somebody else has emptied, so it is said.

    Others may have: then the look costs a 429, and is repeated ever more rarely. Or nothing of a window is there: a
    sliding counter says 0 until the end of what it calls its window while it gives back all the time, and who
    believes it takes half of the limit, alternately all and nothing.
    """

    def __init__(self, period: float) -> None:
        self._period = period
        self._rarely = 1
        self._wait = 2  # not into the first window: how much of it was ours is not known
        """Windows that pass before the next look."""
        self._look_from = 0.0
        """When this window may be asked."""
        self.looked = 0
        """The send number of the look into this window; 0 where there was none."""
        self._may_look = self._found = False
        """The window may be asked; and it gave something before, so that what we spent of it proves nothing."""

    def opened(self, at: float) -> None:
        """The next window begins."""
        self._look_from = at + LOOK_AFTER * self._period
        self.looked, self._found = 0, False
        self._wait -= 1
        self._may_look = self._wait <= 0

    def look_at(self, spent: int, limit: int) -> float:
        """When to ask though nothing remains; infinite where it was us who ``spent`` it."""
        if not self._may_look or (spent >= OURS * limit and not self._found):
            return float("inf")
        return self._look_from

    def sent(self, number: int) -> None:
        """The look leaves."""
        self.looked, self._may_look = number, False

    def answered(self, now: float, *, empty: bool) -> None:
        """The look's answer: the rarer the next one where nothing was to be had, and soon again where something was."""
        self._rarely = min(RAREST, 2 * self._rarely) if empty else 1
        self._wait = self._rarely
        if not empty:
            self._look_from = now + LOOK_AFTER * self._period
            self._may_look = self._found = True
