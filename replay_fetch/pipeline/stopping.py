"""Ctrl-C, SIGTERM and SIGHUP: the first signal stops a run cleanly, the second at once.

A signal that is ignored, as SIGHUP is under nohup, stays ignored.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Protocol

import anyio

from replay_fetch.errors import ReplayFetchError

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(Protocol):
    """An event to end a run early and cleanly: asyncio's Event, anyio's, or any object that is awaited as they are."""

    def wait(self) -> Awaitable[object]:
        """Return when it is set."""


@asynccontextmanager
async def stoppable(*, at_once: bool = False, grace: float = 10.0) -> AsyncIterator[anyio.Event]:
    """Give an event for the first signal to set; the second signal raises KeyboardInterrupt out of the context.

    With ``at_once`` the first signal raises already: for work of which a part is worth nothing. Everything
    committed until then is safe in either case. Errors of our own pass through unwrapped. ``grace`` is how many seconds
    requests in flight get, as the log says.
    """
    stop = anyio.Event()
    if at_once:
        stop.set()
    failure: ReplayFetchError | None = None
    with anyio.CancelScope() as everything:
        async with anyio.create_task_group() as group:
            await group.start(partial(_watch, stop, everything, grace, may_tell=not at_once))
            try:
                yield stop
            except ReplayFetchError as error:  # carried past the group, which would wrap it
                failure = error
            group.cancel_scope.cancel()
    # Behind the group, which would wrap an exception that is raised inside.
    if everything.cancel_called:
        raise KeyboardInterrupt
    if failure is not None:
        raise failure


async def _watch(
    stop: anyio.Event,
    everything: anyio.CancelScope,
    grace: float,
    *,
    may_tell: bool,
    task_status: anyio.abc.TaskStatus[None],
) -> None:
    # An ignored signal stays ignored: under nohup a closed terminal is no reason to stop.
    before = {one: signal.getsignal(one) for one in SIGNALS}
    heard = [one for one, handler in before.items() if handler is not signal.SIG_IGN]
    with _put_back(before), anyio.open_signal_receiver(*heard) as signals:
        task_status.started()
        async for received in signals:
            name = signal.Signals(received).name
            if stop.is_set():
                if may_tell:
                    log.warning("%s again: stopped at once; what is committed is safe, run again to go on", name)
                everything.cancel()
                return
            log.warning("%s: finishing what is in flight, at most %.0f s; once more stops at once", name, grace)
            stop.set()


@contextmanager
def _put_back(handlers: Mapping[signal.Signals, object]) -> Iterator[None]:
    """Put handlers of signals back at the end.

    The event loop leaves the system's own behind. A signal to a process that is ending, such as one that gives a lease
    back, would kill it: no clearing up, and an exit code of 143.
    """
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if callable(handler) or isinstance(handler, signal.Handlers):  # None: not set by Python, as by a debugger
                signal.signal(number, handler)
