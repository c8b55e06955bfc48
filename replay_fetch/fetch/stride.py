"""The length of the windows that a search takes a stretch of time in: as long as the server can hold."""

from __future__ import annotations

from dataclasses import dataclass

# Windows that must hold before a longer one is tried; twice as many where the longer one did not last, half as many
# where it did. A month that holds by the hour costs 1,024 windows and some 25 that time out; by the day 32 and eight.
_FEWEST, _MOST = 4, 64


@dataclass(slots=True)
class Stride:
    """The length at which the last window held; doubled now and then, halved where a window is too long."""

    length_ms: int
    _held: int = 0
    """Windows of this length that held, in a row."""
    _patience: int = _FEWEST
    _grown: bool = False
    """Whether it was doubled since it was last halved."""

    def held(self, length_ms: int) -> None:
        """A window was searched to its end; the last of a search may be shorter, and proves nothing."""
        if length_ms < self.length_ms:
            return
        self._held += 1
        if self._held >= self._patience:
            if self._grown:
                self._patience = max(self._patience // 2, _FEWEST)
            self.length_ms, self._held, self._grown = 2 * self.length_ms, 0, True

    def too_long(self, length_ms: int) -> None:
        """A window could not be held."""
        if self._grown:
            self._patience = min(2 * self._patience, _MOST)
        self.length_ms, self._held, self._grown = max(length_ms // 2, 1), 0, False
