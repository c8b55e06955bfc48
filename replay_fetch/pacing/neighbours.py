"""What others spend from the same window."""

from __future__ import annotations

from typing import NamedTuple

from replay_fetch.pacing.policy import Sent

# Weight of a new reading; three of them carry four fifths of the figure.
SMOOTHING = 0.4


class _Mark(NamedTuple):
    at: float
    number: int
    remaining: int


class Neighbours:
    """The rate at which others spend, in requests a second, smoothed.

    What ``remaining`` falls by beyond our own sends is theirs. Readings closer together than
    ``span`` seconds are not compared: a request or two out of order would look like a neighbour.
    """

    def __init__(self, span: float) -> None:
        self.rate = 0.0
        self._span = span
        self._mark: _Mark | None = None

    def learn(self, sent: Sent, remaining: int) -> None:
        """Takes in an answer that lowered what is known to remain."""
        mark = _Mark(sent.at, sent.number, remaining)
        if self._mark is None:
            self._mark = mark
        elif mark.at - self._mark.at >= self._span:
            theirs = (self._mark.remaining - remaining) - (sent.number - self._mark.number)
            self.rate += SMOOTHING * (theirs / (mark.at - self._mark.at) - self.rate)
            self._mark = mark

    def restart(self) -> None:
        """A new window or another limit: what remained before says nothing now."""
        self._mark = None
