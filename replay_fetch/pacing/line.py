"""The line before the gates: whoever may not send yet, in the order of asking."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import anyio

from replay_fetch.clock import now

# Two reckonings of one moment differ by what is lost in rounding.
_SAME = 1e-7


class _Place:
    """One place in the line."""

    __slots__ = ("called", "error", "go")

    def __init__(self, go: Callable[[float], None]) -> None:
        self.go = go
        self.called = anyio.Event()
        self.error: Exception | None = None


class Line:
    """Lets through as many as the gates allow, whenever something may have opened them.

    All who may go are let go in one turn of the event loop. If each waiter woke the next, only one request
    would leave per turn of the event loop, and a queue, once formed, would never drain.
    """

    def __init__(self, wait: Callable[[float], float]) -> None:
        """``wait`` tells the seconds until the gates open: 0 where they are, infinite where nobody can say."""
        self._wait = wait
        self.places: deque[_Place] = deque()
        """Whoever stands, in the order of coming."""
        self._timer: asyncio.TimerHandle | None = None

    async def stand(self, go: Callable[[float], None]) -> None:
        """Wait for one's turn. ``go`` is told the moment it comes; what that or a gate raises is raised here."""
        place = _Place(go)
        self.places.append(place)
        if len(self.places) == 1:  # else the head's timer runs, or only an answer can tell
            self.move()
        try:
            await place.called.wait()
        finally:
            if not place.called.is_set():
                self.places.remove(place)
                self.move()
        if place.error is not None:
            raise place.error

    def move(self) -> None:
        """The gates may have opened, by an answer or by time: let those go who may."""
        wait = 0.0
        while self.places:
            place, moment = self.places[0], now()
            try:
                if wait := self._wait(moment):
                    break
                place.go(moment)
            except Exception as error:  # noqa: BLE001 - raised to whoever stands there, or nobody would hear of it
                place.error = error
            self.places.popleft()
            place.called.set()
        self._look_again(wait if self.places else float("inf"))

    def _look_again(self, wait: float) -> None:
        """One timer for the head of the line; an answer may let it go before."""
        loop, timer = asyncio.get_running_loop(), self._timer
        due = loop.time() + wait
        if timer is not None:
            if now() < timer.when() and abs(timer.when() - due) < _SAME:
                return  # most answers change nothing for the head of the line
            timer.cancel()
        self._timer = loop.call_at(due, self.move) if wait < float("inf") else None
