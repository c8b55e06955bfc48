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
        self._number = latest

    def left(self, latest: int) -> int:
        """Requests left after the send numbered ``latest``; negative where others spent them."""
        return self._remaining - (latest - self._number)

    def learn(self, sent: Sent, remaining: int) -> bool:
        """Takes an answer of this window in; False where an earlier one says more."""
        if (remaining, -sent.number) >= (self._remaining, -self._number):
            return False
        self._remaining, self._number = remaining, sent.number
        return True

    def exhaust(self, latest: int) -> None:
        """The server says that nothing is left."""
        self._remaining, self._number = 0, latest
