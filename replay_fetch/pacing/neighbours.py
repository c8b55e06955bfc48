"""What others spend from the same window."""

from __future__ import annotations

from replay_fetch.pacing.policy import Sent

# Weight of a new reading; three of them carry four fifths of the figure.
SMOOTHING = 0.4


class Neighbours:
    """The rate at which others spend, in requests a second, smoothed.

    What ``remaining`` falls by beyond our own sends is theirs. Readings closer together than
    ``span`` seconds are not compared: a request or two out of order would look like a neighbour.
    """

    def __init__(self, span: float) -> None:
        self.rate = 0.0
        self._span = span
        self._since: Sent | None = None
        """The send with whose reading the next is compared."""
        self._had = 0
        """What remained after it."""

    def learn(self, sent: Sent, remaining: int) -> None:
        """Takes in an answer that lowered what is known to remain."""
        since = self._since
        if since is not None:
            seconds = sent.at - since.at
            if seconds < self._span:
                return
            theirs = (self._had - remaining) - (sent.number - since.number)
            self.rate += SMOOTHING * (theirs / seconds - self.rate)
        self._since, self._had = sent, remaining

    def restart(self) -> None:
        """A new window or another limit: what remained before says nothing now."""
        self._since = None
