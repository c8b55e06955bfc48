"""What is left of a window: by send number, less a margin, beside what others spend."""

from __future__ import annotations

from replay_fetch.pacing.policy import Sent


class Budget:
    """Requests left in one window; those on their way count as spent.

    The answer to send *i* says what remained when it was counted. Everything sent after *i* may
    not have been, so it is taken off: what is in flight can never overdraw the window. The answer
    with the smallest ``remaining`` was counted last and says most.
    """

    def __init__(self, limit: int, latest: int) -> None:
        self._remaining = limit
        self.last = latest + limit
        """The send number of the last request that there is room for."""

    def learn(self, sent: Sent, remaining: int) -> bool:
        """Takes an answer of this window in; False where an earlier one says more."""
        last = sent.number + remaining
        if remaining >= self._remaining and (remaining > self._remaining or last <= self.last):
            return False
        self._remaining, self.last = remaining, last
        return True

    def exhaust(self, latest: int) -> None:
        """The server says that nothing is left."""
        self._remaining, self.last = 0, latest


STEP_UP = 1.0
STEP_DOWN = 0.05
# Beyond a twentieth of the limit it is not our aim that is off, but somebody else who spends.
LARGEST_SHARE = 0.05


class Margin:
    """One request more after a window that saw a 429, a twentieth less after one that did not.

    So in the long run one window in twenty sees a 429 where the server's count is not what its
    headers say, and none where it is.
    """

    def __init__(self) -> None:
        self._requests = 0.0
        self._missed = False

    def of(self, limit: int) -> float:
        """Requests to keep; at least one is left to be sent, or a limit of one would be silent for twenty windows."""
        return min(self._requests, limit - 1.0)

    def miss(self, limit: int) -> None:
        """A 429 came; several in one window are one miss."""
        if not self._missed:
            self._missed = True
            self._requests = min(self._requests + STEP_UP, max(STEP_UP, LARGEST_SHARE * limit))

    def window_over(self) -> None:
        """The next window begins."""
        if not self._missed:
            self._requests = max(0.0, self._requests - STEP_DOWN)
        self._missed = False


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
