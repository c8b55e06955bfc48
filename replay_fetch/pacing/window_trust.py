"""Whether a limit's windows are what its headers make of them."""

from __future__ import annotations

from replay_fetch.pacing.policy import Sent
from replay_fetch.pacing.reading import Reading

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
