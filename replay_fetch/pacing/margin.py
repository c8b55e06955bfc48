"""Requests kept unspent, as many as the last windows showed to be needed."""

from __future__ import annotations

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
