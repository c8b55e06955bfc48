"""The line before the gates: whoever may not send yet, in the order of asking."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import anyio

from replay_fetch.clock import now

# Two reckonings of one moment differ by what is lost in rounding.
_SAME = 1e-7


class _Waiter:
    """One place in the line."""

    __slots__ = ("called", "error", "go")

    def __init__(self, go: Callable[[float], None]) -> None:
        self.go = go
        self.called = anyio.Event()
        self.error: Exception | None = None


class WaitQueue:
    """Lets through as many as the gates allow, whenever something may have opened them.

    All who may go are let go in one turn of the event loop. If each waiter woke the next, only one request
    would leave per turn of the event loop, and a queue, once formed, would never drain.
    """

    def __init__(self, wait: Callable[[float], float]) -> None:
        """``wait`` tells the seconds until the gates open: 0 where they are, infinite where nobody can say."""
        self._wait = wait
        self.waiters: deque[_Waiter] = deque()
        """Whoever stands, in the order of coming."""
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, go: Callable[[float], None]) -> None:
        """Wait for one's turn. ``go`` is told the moment it comes; what that or a gate raises is raised here."""
        place = _Waiter(go)
        self.waiters.append(place)
        if len(self.waiters) == 1:  # else the head's timer runs, or only an answer can tell
            self.release()
        try:
            await place.called.wait()
        finally:
            if not place.called.is_set():
                self.waiters.remove(place)
                self.release()
        if place.error is not None:
            raise place.error

    def release(self) -> None:
        """The gates may have opened, by an answer or by time: let those go who may."""
        wait = 0.0
        while self.waiters:
            place, moment = self.waiters[0], now()
            try:
                if wait := self._wait(moment):
                    break
                place.go(moment)
            except Exception as error:  # noqa: BLE001 - raised to whoever stands there, or nobody would hear of it
                place.error = error
            self.waiters.popleft()
            place.called.set()
        self._look_again(wait if self.waiters else float("inf"))

    def _look_again(self, wait: float) -> None:
        """One timer for the head of the line; an answer may let it go before."""
        loop, timer = asyncio.get_running_loop(), self._timer
        due = loop.time() + wait
        if timer is not None:
            if now() < timer.when() and abs(timer.when() - due) < _SAME:
                return  # most answers change nothing for the head of the line
            timer.cancel()
        self._timer = loop.call_at(due, self.release) if wait < float("inf") else None
