"""Virtual time: events in order, each run at its moment."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class Events:
    """What is still to happen; ``now`` jumps from one event to the next."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Runs ``action`` at ``time``, or at once where that is past; equal times keep their order."""
        heapq.heappush(self._heap, (max(time, self.now), next(self._order), action))

    def run(self, until: float) -> None:
        """Lets time pass."""
        while self._heap and self._heap[0][0] <= until:
            self.now, _, action = heapq.heappop(self._heap)
            action()
        self.now = until
