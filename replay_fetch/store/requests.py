"""Requests of a reader: asked on one event loop of the process, in a thread of its own, and waited for in any thread.

Reading commands are synchronous, and the objects of a store are not. The loop also keeps connections alive from one
request to the next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import cache
from threading import Thread
from typing import Any, TypeVar

import anyio
from anyio.from_thread import BlockingPortal

_Value = TypeVar("_Value")


class Requests:
    """The requests of one reader, which are given up together."""

    def __init__(self) -> None:
        self._abandoned = False
        self._under_way: set[Future[Any]] = set()

    def ask(self, request: Callable[[], Awaitable[_Value]]) -> _Value:
        """Wait for a request on the process's event loop; Ctrl-C leaves no request behind."""
        answer = _portal().start_task_soon(request)
        self._under_way.add(answer)
        # Only now: a thread that asked a moment after `abandon` would otherwise wait for its answer.
        if self._abandoned:
            answer.cancel()
        try:
            return answer.result()
        finally:
            self._under_way.discard(answer)
            answer.cancel()

    def abandon(self) -> None:
        """Cancel all requests under way, in whatever thread they are waited for, and refuse later ones."""
        self._abandoned = True
        for answer in list(self._under_way):
            answer.cancel()


@cache
def _portal() -> BlockingPortal:
    """The process's event loop for requests to stores; its thread, a daemon, ends with the process.

    No context ends it earlier: an archive is read by functions that do not know of each other.
    """
    begun: Future[BlockingPortal] = Future()

    async def serve() -> None:
        async with BlockingPortal() as portal:
            begun.set_result(portal)
            await portal.sleep_until_stopped()

    Thread(target=anyio.run, args=(serve,), name="replay-fetch store", daemon=True).start()
    return begun.result()
