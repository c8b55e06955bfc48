"""The producer: hands the plan's unfinished views to the workers, session by session."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Self

import anyio
from anyio import to_thread

from replay_fetch.ledger import Ledger, ToDo
from replay_fetch.model import PlannedView

# Views a look into the ledger: its cost vanishes, and what is held stays small.
_AT_ONCE = 500


class Producer:
    """The views that are to do, for all workers to iterate over: each of them goes to one.

    ``expect`` is told of each session, and how many of its views are to do, before the first goes out.
    """

    def __init__(self, ledger: Ledger, todo: ToDo, expect: Callable[[int, int], None]) -> None:
        self._ledger = ledger
        self._todo = todo
        self._expect = expect
        self._ready: deque[PlannedView] = deque()
        self._views_of: Counter[int] = Counter()
        """Views to do in each session that has some ready."""
        self._last: PlannedView | None = None
        self._announced: int | None = None
        self._at_end = False
        """The ledger has no more."""
        self._stopped = False
        self._reading = anyio.Lock()

    @property
    def stopped(self) -> bool:
        """True where no more views go out, whether or not there are any."""
        return self._stopped

    @property
    def cut_short(self) -> bool:
        """True where it was stopped before the last view had gone out."""
        return self._stopped and (bool(self._ready) or not self._at_end)

    def stop(self) -> None:
        """No more views go out."""
        self._stopped = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> PlannedView:
        while not self._ready and not self._at_end and not self._stopped:
            async with self._reading:  # one asks the ledger, the others wait for what it finds
                if not self._ready and not self._at_end:
                    await self._read_on()
        if self._stopped or not self._ready:
            raise StopAsyncIteration
        planned = self._ready.popleft()
        if planned.session != self._announced:
            self._expect(planned.session, self._views_of[planned.session])
            self._announced = planned.session
        return planned

    async def _read_on(self) -> None:
        views, self._views_of, self._at_end = await to_thread.run_sync(self._next_views)
        self._ready.extend(views)
        self._last = views[-1] if views else None

    def _next_views(self) -> tuple[list[PlannedView], Counter[int], bool]:
        """The next views, how many are to do in the session of each, and whether these are the last."""
        views = self._ledger.to_do(self._todo, self._last, _AT_ONCE + 1)
        at_end = len(views) <= _AT_ONCE
        views = views[:_AT_ONCE]
        counts = Counter(planned.session for planned in views)
        if not at_end:  # the last session may go on behind them
            last = views[-1].session
            counts[last] = self._ledger.count_to_do(self._todo, last)
        return views, counts, at_end
