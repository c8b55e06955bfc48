"""What is left of the window, by send number."""

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
