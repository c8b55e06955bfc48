"""The budget of one window: requests left by send number, a margin kept back, and the rate of neighbours."""

from __future__ import annotations

STEP_UP, STEP_DOWN = 1.0, 0.05
# Beyond a twentieth of the limit it is not our aim that is off: somebody else spends.
LARGEST_SHARE = 0.05

# Weight of a new reading of the neighbours' rate; three readings carry four fifths of the figure.
SMOOTHING = 0.4


class Budget:
    """Requests left in one window; requests on their way count as spent.

    The answer to send *i* says how much remained when send *i* was counted. Later sends may not have been counted yet,
    so all of them are taken off: requests in flight can never overdraw the window.
    """

    def __init__(self, limit: int, latest: int) -> None:
        self._remaining = limit
        self.last = latest + limit
        """The send number of the last request that there is room for."""

    def learn(self, number: int, remaining: int) -> bool:
        """Take in the answer to a send of the present window; False where an earlier answer says more."""
        last = number + remaining
        # Answers come out of order. The one with the smallest ``remaining`` was counted last and says most; of two
        # that say the same, the later send leaves more room.
        if remaining >= self._remaining and (remaining > self._remaining or last <= self.last):
            return False
        self._remaining, self.last = remaining, last
        return True

    def exhaust(self, latest: int) -> None:
        """Take in a 429 with nothing remaining: there is no room behind the latest send."""
        # Requests on their way will be refused as well, and must not be sent again before the window ends.
        self._remaining, self.last = 0, latest


class Margin:
    """Requests kept unspent in each window, as many as the last windows showed to be needed.

    A request more after a window with a 429, a twentieth less after a window without: in the long run one window in
    twenty sees a 429 where the server's count is not as the headers say, and none where the count is exact.
    """

    def __init__(self) -> None:
        self._requests = 0.0
        self._missed = False

    def of(self, limit: int) -> float:
        """Requests to keep; a limit of 1 keeps none, or the run would be silent for twenty windows."""
        return min(self._requests, limit - 1.0)

    def miss(self, limit: int) -> None:
        """Take in a 429; several 429s in a window are one miss, for all have the same cause."""
        if not self._missed:
            self._missed = True
            self._requests = min(self._requests + STEP_UP, max(STEP_UP, LARGEST_SHARE * limit))

    def window_over(self) -> None:
        """Begin the next window; after a window without a miss the margin shrinks."""
        if not self._missed:
            self._requests = max(0.0, self._requests - STEP_DOWN)
        self._missed = False


class Neighbours:
    """The rate at which other clients spend from the same window, in requests a second, smoothed.

    Where ``remaining`` falls by more than our own sends, a neighbour has spent the difference.
    """

    def __init__(self, span: float) -> None:
        self.rate = 0.0
        # Readings closer together than so many seconds are not compared: a request or two out of order would look
        # like a neighbour.
        self._span = span
        # Number and time of the send with whose reading the next is compared.
        self._since: tuple[int, float] | None = None
        # Requests that remained after it.
        self._had = 0

    def learn(self, number: int, at: float, remaining: int) -> None:
        """Take in an answer that lowered the budget: the number and time of its send, and the requests remaining."""
        if self._since is not None:
            sent, since = number - self._since[0], self._since[1]
            if at - since < self._span:
                return
            theirs = self._had - remaining - sent
            self.rate += SMOOTHING * (theirs / (at - since) - self.rate)
        self._since, self._had = (number, at), remaining

    def restart(self) -> None:
        """Begin a new window or another limit: earlier readings of ``remaining`` cannot be compared with new ones."""
        self._since = None
