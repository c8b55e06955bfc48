"""An asyncio loop whose clock jumps to the next timer when there is nothing else to do.

Timing tests on it are exact and take no time. Real sockets work: while bytes are in flight the clock
stands still. Two traps:

1. A perfectly frozen clock spins for ever on a timer that a rounding error puts in the future,
   so every turn of the loop costs a nanosecond.
2. ``select`` does not see worker threads, so ``is_busy`` tells the loop when one is running;
   the ``virtual_clock`` fixture sets it for anyio's own threads.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable

_TICK = 1e-9
_THREAD_POLL = 0.001  # real seconds; a thread that ends wakes the loop at once anyway


def _never() -> bool:
    return False


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """Time stands still while there is work or I/O and jumps to the next timer when there is none."""

    def __init__(self, *, io_grace: float = 0.0) -> None:
        """``io_grace``: real seconds that bytes on their way get before the clock jumps."""
        self.now = 0.0
        self.late = 0.0
        """Seconds by which every timer wakes late."""
        self.is_busy: Callable[[], bool] = _never
        super().__init__(_AutojumpSelector(self, io_grace))

    def time(self) -> float:
        return self.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - as its base
        """Wait as long as it takes: five minutes of this clock are no time at all."""
        await super().shutdown_default_executor()


class _AutojumpSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualClockLoop, io_grace: float) -> None:
        super().__init__()
        self._loop = loop
        self._io_grace = io_grace

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._loop.now += _TICK
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(self._io_grace)
        while not ready and self._loop.is_busy():
            ready = super().select(_THREAD_POLL)
        if not ready:
            self._loop.now += timeout + self._loop.late
        return ready
