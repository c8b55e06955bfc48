"""When the accepted requests left."""

from __future__ import annotations

from collections import deque

# Ten seconds at 400/s: what is measured over longer stretches is measured at lower rates.
ROOM = 4096


class Accepted:
    """The send times of the latest accepted requests, in the order of their answers."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=ROOM)

    def __len__(self) -> int:
        return len(self._times)

    @property
    def first(self) -> float:
        """When the earliest that is remembered left; -inf where there is none."""
        return self._times[0] if self._times else float("-inf")

    def add(self, sent_at: float) -> None:
        """One more was accepted."""
        self._times.append(sent_at)

    def between(self, start: float, end: float) -> int:
        """How many left in [start, end)."""
        return sum(1 for time in self._times if start <= time < end)
