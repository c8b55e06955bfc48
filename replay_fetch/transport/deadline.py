"""Deadlines of requests on their way, by which an answer that drips counts as stalled; one timer serves them all.

A timer for each request, moved as bytes came, took some 3 % of the CPU of a page.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

import aiohttp
from msgspec import Struct

from replay_fetch.transport.faults import LEAST_SPEED, TooSlow

_NEVER = float("inf")


class Deadline(Struct, eq=False):
    """The deadline of one request and its answer, within which the ``with`` block has to end.

    The block is cancelled at the deadline, and leaving it raises TooSlow then.
    """

    watch: DeadlineWatch
    task: asyncio.Task[Any] | None
    """The task that runs the block."""
    set_to: float
    """When the deadline is, by the event loop's clock, if no byte of the body comes; infinite while it is lifted."""
    body: aiohttp.StreamReader | None = None
    """The answer's body, once it is read: each byte that comes puts the deadline off by its time."""
    expired: bool = False

    @property
    def at(self) -> float:
        """Seconds of the event loop's clock; infinite while the deadline is lifted."""
        # A length is a promise: time is given for bytes that came, so that a large one does not buy a day of waiting.
        return self.set_to if self.body is None else self.set_to + self.body.total_bytes / LEAST_SPEED

    def lift(self) -> None:
        """Let time pass that is no fault of the server's, until `renew` is called."""
        self.set_to = _NEVER

    def renew(self, now: float) -> None:
        """Give the server its whole patience again, from ``now`` on."""
        self.set_to = now + self.watch.patience
        self.watch.over(self)

    def expire(self) -> None:
        """Cancel the block."""
        self.expired, self.set_to = True, _NEVER
        if self.task is not None:
            self.task.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.watch.forget(self)
        # As asyncio's own timeouts do: a cancellation that somebody else asked for besides goes on.
        if self.expired and self.task is not None and not self.task.uncancel() and kind is asyncio.CancelledError:
            raise TooSlow


class DeadlineWatch:
    """Watches over the deadlines of all requests on their way, which have ``patience`` seconds each to begin with."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self._loop = asyncio.get_running_loop()
        self._watched: set[Deadline] = set()
        self.forget = self._watched.discard
        # The timer is never later than the earliest deadline. It may be earlier: whatever puts a deadline off, or ends
        # a request, leaves the timer alone, which finds out when it fires.
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = _NEVER

    def begin(self, now: float) -> Deadline:
        """Begin the deadline of a request that the running task sends ``now``."""
        deadline = Deadline(self, asyncio.current_task(), now + self.patience)
        self.over(deadline)
        return deadline

    def over(self, deadline: Deadline) -> None:
        """Watch over a deadline that was set just now."""
        self._watched.add(deadline)
        if deadline.set_to < self._fires_at:
            self._fire_at(deadline.set_to)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._fires_at = None, _NEVER

    def _fire_at(self, at: float) -> None:
        self.close()
        if at < _NEVER:
            self._timer, self._fires_at = self._loop.call_at(at, self._look), at

    def _look(self) -> None:
        now = self._loop.time()
        for deadline in self._watched:
            if deadline.at <= now:
                deadline.expire()
        self._fire_at(min((deadline.at for deadline in self._watched), default=_NEVER))
