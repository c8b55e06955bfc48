"""The queue before the gates: workers that may not send yet, in the order of asking."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import anyio

from replay_fetch.clock import now

# Two reckonings of one moment differ by what is lost in rounding.
_SAME = 1e-7


class _Waiter:
    """A worker in the queue: the call that gives the turn, and the event on which the worker sleeps."""

    __slots__ = ("called", "error", "go")

    def __init__(self, go: Callable[[float], None]) -> None:
        self.go = go
        self.called = anyio.Event()
        self.error: Exception | None = None


class WaitQueue:
    """Lets workers through, as many as the gates allow, whenever an answer or time may have opened the gates.

    All who may go are let go in one turn of the event loop. If each waiter woke the next, only one request would leave
    per turn of the event loop, and a queue, once formed, would never drain.
    """

    def __init__(self, wait: Callable[[float], float]) -> None:
        # ``wait`` tells the seconds until the gates open: 0 where they are open, infinite where no time can be said.
        self._wait = wait
        self.waiters: deque[_Waiter] = deque()
        """The workers in the order of coming."""
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, go: Callable[[float], None]) -> None:
        """Wait for a turn; ``go`` is called with the time at which it comes.

        Raises the errors of ``go`` and of the gates. A cancelled worker leaves the queue, and the next moves up.
        """
        waiter = _Waiter(go)
        self.waiters.append(waiter)
        if len(self.waiters) == 1:  # else the head's timer runs, or only an answer can tell
            self.release()
        # A worker may be cancelled after its call and before it runs on: then its turn is given back by the pacer, who
        # knows that it was given.
        try:
            await waiter.called.wait()
        finally:
            if not waiter.called.is_set():
                self.waiters.remove(waiter)
                self.release()
        if waiter.error is not None:
            raise waiter.error

    def release(self) -> None:
        """Let go all workers that may: the gates may have opened, by an answer or by time."""
        wait = 0.0
        while self.waiters:
            waiter, moment = self.waiters[0], now()
            try:
                if wait := self._wait(moment):
                    break
                waiter.go(moment)
            except Exception as error:  # noqa: BLE001 - raised to the worker, for a timer has no caller
                waiter.error = error
            # Out of the queue first: a worker that is called must not be found there by its own cancellation.
            self.waiters.popleft()
            waiter.called.set()
        self._look_again(wait if self.waiters else float("inf"))

    def _look_again(self, wait: float) -> None:
        # One timer for the head of the queue; an answer may let it go before.
        loop, timer = asyncio.get_running_loop(), self._timer
        due = loop.time() + wait
        if timer is not None:
            if now() < timer.when() and abs(timer.when() - due) < _SAME:
                return  # most answers change nothing for the head of the queue
            timer.cancel()
        self._timer = loop.call_at(due, self.release) if wait < float("inf") else None
