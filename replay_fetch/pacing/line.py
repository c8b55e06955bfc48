"""The line before the gates: whoever may not send yet, in the order of asking."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import anyio

from replay_fetch.clock import now
from replay_fetch.errors import ReplayFetchError


class _Place:
    """One place in the line."""

    __slots__ = ("called", "error", "go")

    def __init__(self, go: Callable[[], None]) -> None:
        self.go = go
        self.called = anyio.Event()
        self.error: ReplayFetchError | None = None


class Line:
    """Lets through as many as the gates allow, whenever something may have opened them.

    All who may go are let go in one turn of the event loop. Would each of them wake the next, there
    were one request for each turn of the loop, and a line that once had formed would never end.
    """

    def __init__(self, wait: Callable[[float], float]) -> None:
        """``wait`` tells the seconds until the gates open: 0 where they are, infinite where nobody can say."""
        self._wait = wait
        self._places: deque[_Place] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._places)

    async def stand(self, go: Callable[[], None]) -> None:
        """Wait for one's turn. ``go`` is called the moment it comes; what that raises is raised here."""
        place = _Place(go)
        self._places.append(place)
        self.move()
        try:
            await place.called.wait()
        finally:
            if not place.called.is_set():
                self._places.remove(place)
                self.move()
        if place.error is not None:
            raise place.error

    def move(self) -> None:
        """The gates may have opened, by an answer or by time: let those go who may."""
        wait = float("inf")
        while self._places and not (wait := self._wait(now())):
            place = self._places.popleft()
            try:
                place.go()
            except ReplayFetchError as error:
                place.error = error
            place.called.set()
        self._look_again(wait if self._places else float("inf"))

    def _look_again(self, wait: float) -> None:
        """One timer for the head of the line; an answer may let it go before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(wait, self.move) if wait < float("inf") else None
