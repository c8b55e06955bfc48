"""The circuit breaker: view after view that fails in the same way is one failure of the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

import anyio

# So many different views where nothing has succeeded yet: fewer can be a session or two that are not for these keys.
IN_A_ROW = 50
# Where a view was fetched before, that one decides; the views that are in flight by then fail on top of these.
BESIDE_A_SUCCESS = 25


class State(Enum):
    """Whether views are asked for."""

    CLOSED = "closed"
    """They are."""
    HALF_OPEN = "half-open"
    """All wait while one that was fetched before is asked for again."""
    OPEN = "open"
    """That failed too: all wait until it no longer does, or the run is stopped."""


class CircuitBreaker:
    """Counts views that fail in the same way, one after another, and holds workers back while the API is tried."""

    def __init__(self) -> None:
        self._kind = ""
        self._fewest = IN_A_ROW
        self.count = 0
        """Views that failed in the same way since the latest success."""
        self.state = State.CLOSED
        self._closed = anyio.Event()

    async def passes(self) -> None:
        """Return when views may be asked for."""
        while self.state is not State.CLOSED:
            await self._closed.wait()

    @property
    def closed(self) -> bool:
        """True where views are asked for."""
        return self.state is State.CLOSED

    def succeeded(self) -> None:
        """A view ended well, or in a way that says that the API is well."""
        self.count, self._fewest = 0, BESIDE_A_SUCCESS

    def failed(self, kind: str) -> bool:
        """One more view failed; True where it is time to try one that was fetched before."""
        self.count = self.count + 1 if kind == self._kind else 1
        self._kind = kind
        return self.state is State.CLOSED and self.count >= self._fewest

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Hold everybody else back until it is over; where it ends in an exception, the run is."""
        self.state = State.HALF_OPEN
        yield
        self.state, self.count = State.CLOSED, 0
        self._closed.set()
        self._closed = anyio.Event()

    def open(self) -> None:
        """The trial has failed so far."""
        self.state = State.OPEN

    def __repr__(self) -> str:
        return f"<CircuitBreaker {self.state.value}, {self.count} of {self._fewest} {self._kind!r}>"
