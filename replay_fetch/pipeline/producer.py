"""The producer: hands the plan's unfinished views to the workers, session by session, as the ledger orders them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Self

import anyio
from anyio import to_thread

from replay_fetch.ledger.ledger import Ledger, ToDo
from replay_fetch.model import PlannedView

# Views a look into the ledger: its cost vanishes, and what is held stays small.
_AT_ONCE = 500


class Producer:
    """Iterates over the views to do, for all workers at once: each view goes to a single worker.

    ``expect`` is called for each session with the session's number and the count of its views to do, before the
    first of the views goes out: the writer knows by the count when a session is whole.
    """

    def __init__(self, ledger: Ledger, todo: ToDo, expect: Callable[[int, int], None]) -> None:
        self._ledger = ledger
        self._todo = todo
        self._expect = expect
        self._ready: deque[PlannedView] = deque()
        # Views to do in each session that has some ready.
        self._views_of: Counter[int] = Counter()
        self._last: PlannedView | None = None
        self._announced: int | None = None
        # The ledger has no more.
        self._at_end = False
        self._stopped = False
        self._reading = anyio.Lock()

    @property
    def stopped(self) -> bool:
        """True where no more views go out, whether or not any are left."""
        return self._stopped

    @property
    def cut_short(self) -> bool:
        """True where the producer was stopped before the last view had gone out."""
        return self._stopped and (bool(self._ready) or not self._at_end)

    def stop(self) -> None:
        """Let no more views go out; workers end with the view at hand."""
        self._stopped = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> PlannedView:
        # Both conditions are looked at again behind the lock: while one waited, another may have read on.
        while not self._ready and not self._at_end and not self._stopped:
            async with self._reading:  # one asks the ledger, the others wait for what it finds
                if not self._ready and not self._at_end:
                    await self._read_on()
        if self._stopped or not self._ready:
            raise StopAsyncIteration
        planned = self._ready.popleft()
        # Told before the view goes out: the writer must not take the first views for the whole session.
        if planned.session != self._announced:
            self._expect(planned.session, self._views_of[planned.session])
            self._announced = planned.session
        return planned

    async def _read_on(self) -> None:
        views, self._views_of, self._at_end = await to_thread.run_sync(self._next_views)
        self._ready.extend(views)
        self._last = views[-1] if views else None

    def _next_views(self) -> tuple[list[PlannedView], Counter[int], bool]:
        """The next views, how many are to do in the session of each, and whether the ledger has no more."""
        # One more than is handed out: whether it is there says whether these are the last.
        views = self._ledger.to_do(self._todo, self._last, _AT_ONCE + 1)
        at_end = len(views) <= _AT_ONCE
        views = views[:_AT_ONCE]
        counts = Counter(planned.session for planned in views)
        if not at_end:  # the last session may go on behind them
            last = views[-1].session
            counts[last] = self._ledger.count_to_do(self._todo, last)
        return views, counts, at_end
