"""Limits that are small, and quotas of an hour or a day: the pacer waits as it is told to, and no longer."""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
import pytest

from replay_fetch.errors import OutageError
from replay_fetch.model import RateLimit
from replay_fetch.pacing import Pacer
from replay_fetch.settings import FetchSettings

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

HOUR, DAY = 3600.0, 86400.0


@dataclass
class Quota:
    """Windows of a limit on the loop's clock, answering within 10 ms; what ``tells`` picks goes into the headers."""

    limit: int
    period: float
    tells: str = "all"
    """``all``, ``429``, ``retry after`` or ``none``."""
    taken: int = 0
    """Windows that others had used up."""
    accepted: list[float] = field(default_factory=list)
    rejected: list[float] = field(default_factory=list)
    _used: Counter[int] = field(default_factory=Counter)

    async def serve(self, pacer: Pacer) -> bool:
        """Ask once; whether it was accepted."""
        async with pacer.turn() as turn:
            now = anyio.current_time()
            window = int(now // self.period)
            accepted = window >= self.taken and self._used[window] < self.limit
            self._used[window] += accepted
            (self.accepted if accepted else self.rejected).append(now)
            await anyio.sleep(0.01)
            turn.answered(200 if accepted else 429, self._headers(now, accepted=accepted))
        return accepted

    def _headers(self, now: float, *, accepted: bool) -> RateLimit | None:
        window = int(now // self.period)
        left = self.limit - self._used[window] if window >= self.taken else 0
        reset = math.ceil((window + 1) * self.period - now)
        match self.tells, accepted:
            case ("all", _) | ("429", False):
                return RateLimit(self.limit, self.period, left, reset)
            case "retry after", False:
                return RateLimit(retry_after=reset)
        return None


async def fetch(pacer: Pacer, serve: Callable[[Pacer], Awaitable[bool]], pages: int, workers: int = 8) -> None:
    """Ask until so many pages are there, as workers do: what is refused is asked for again."""
    left = pages

    async def worker() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            while not await serve(pacer):
                pass

    async with anyio.create_task_group() as group:
        for _ in range(workers):
            group.start_soon(worker)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("period", [10.0, 60.0])
async def test_a_small_limit_is_used_whole(limit: int, period: float) -> None:
    """The last turn of a window once fell on its end, and of two requests one was lost."""
    quota = Quota(limit, period)
    await fetch(Pacer(FetchSettings()), quota.serve, pages=20 * limit)
    in_window = Counter(int(at // period) for at in quota.accepted)
    assert [in_window[window] for window in range(2, 19)] == [limit] * 17
    assert len(quota.rejected) <= 1


async def test_after_one_429_a_limit_of_one_is_used_again_in_the_next_window() -> None:
    """What is kept unspent after a 429 was the whole limit once, and that meant twenty windows of silence."""
    quota = Quota(1, 10.0, taken=1)
    await fetch(Pacer(FetchSettings()), quota.serve, pages=5)
    assert quota.rejected
    assert [int(at // 10) for at in quota.accepted] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("period", [25.0, HOUR, DAY])
@pytest.mark.parametrize(("tells", "most"), [("all", 8), ("429", 12), ("retry after", 12), ("none", 800)])
async def test_a_quota_that_other_programs_used_up_twice_is_waited_for(period: float, tells: str, most: int) -> None:
    """However little patience there is with an API that is dead: one that says 429 lives."""
    quota = Quota(10, period, tells, taken=2)
    await fetch(Pacer(FetchSettings(give_up_after=10)), quota.serve, pages=30)
    assert len(quota.accepted) == 30
    assert len(quota.rejected) <= most
    assert quota.accepted[-1] < 7 * period


async def test_429s_alone_for_two_days_end_the_run_and_name_the_limit() -> None:
    quota = Quota(10, HOUR, taken=10_000)
    with pytest.raises(ExceptionGroup) as caught:
        await fetch(Pacer(FetchSettings()), quota.serve, pages=30)
    assert all(isinstance(error, OutageError) for error in caught.value.exceptions)
    said = r"every request for 5[01] h was refused with 429 \(limit 10 in 3600 s, reset in \d+ s\); "
    assert re.match(said, str(caught.value.exceptions[0]))
    assert 50 * HOUR < anyio.current_time() < 52 * HOUR
    assert len(quota.rejected) < 120


async def test_a_long_wait_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever watches would take it for a hang."""
    quota = Quota(10, HOUR, taken=2)
    with caplog.at_level(logging.WARNING, logger="replay_fetch"):
        await fetch(Pacer(FetchSettings()), quota.serve, pages=15)
    assert [record.getMessage() for record in caplog.records] == [
        "the API's rate limit is used up (limit 10 in 3600 s, reset in 3600 s): the next request goes out in 3600 s"
    ]
