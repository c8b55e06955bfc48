from __future__ import annotations

import math
from collections import Counter
from contextlib import suppress
from itertools import pairwise

import anyio
import pytest
from virtual_clock import VirtualClockLoop

from replay_fetch.errors import OutageError, TransportError
from replay_fetch.model import RateLimit
from replay_fetch.pacing import Pacer
from replay_fetch.settings import FetchSettings

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]


async def test_turns_come_in_the_order_they_were_asked_for() -> None:
    pacer, order = Pacer(FetchSettings(max_rate=10)), []

    async def worker(name: int) -> None:
        async with pacer.turn() as turn:
            order.append(name)
            turn.answered(200)

    async with anyio.create_task_group() as group:
        for name in range(20):
            group.start_soon(worker, name)
    assert order == list(range(20))


async def test_max_rate_lets_no_burst_through() -> None:
    pacer, sent = Pacer(FetchSettings(workers=64, max_rate=4)), []

    async def worker() -> None:
        async with pacer.turn() as turn:
            sent.append(turn.sent.at)
            turn.answered(200)

    async with anyio.create_task_group() as group:
        for _ in range(40):
            group.start_soon(worker)
    gaps = [after - before for before, after in pairwise(sent)]
    assert min(gaps) >= 0.25 - 1e-6


@pytest.mark.parametrize(("limit", "period", "max_rate"), [(6000, 10, None), (600, 1, None), (0, 1, 600), (100, 10, 5)])
async def test_timers_that_wake_late_do_not_slow_a_quick_pace(
    virtual_clock: VirtualClockLoop, limit: int, period: float, max_rate: float | None
) -> None:
    """Were every interval counted from the send before, 600 a second came to 330."""
    virtual_clock.late = 0.0015
    pacer = Pacer(FetchSettings(workers=64, max_rate=max_rate))
    taken, accepted = Counter[int](), Counter[int]()

    async def worker() -> None:
        while anyio.current_time() < 30:
            async with pacer.turn() as turn:
                now = anyio.current_time()
                taken[window := int(now // period)] += 1
                left = RateLimit(limit, period, max(0, limit - taken[window]), math.ceil(period - now % period))
                accepts = not limit or taken[window] <= limit
                accepted[int(now)] += accepts
                await anyio.sleep(0.05)
                turn.answered(200 if accepts else 429, left if limit else None)

    async with anyio.create_task_group() as group:
        for _ in range(64):
            group.start_soon(worker)
    # The whole seconds of the third ten, when everything is known of the limit.
    got = [accepted[second] for second in range(20, 30)]
    rate = max_rate or limit / period
    assert sum(got) >= 0.98 * 10 * rate
    assert sum(accepted.values()) >= 0.995 * sum(taken.values())
    assert max_rate is None or max(got) <= 1.02 * rate + 1


async def test_a_pause_holds_back_waiters_already_queued() -> None:
    pacer, sent = Pacer(FetchSettings(workers=1)), []

    async def worker(status: int) -> None:
        async with pacer.turn() as turn:
            sent.append(turn.sent.at)
            await anyio.sleep(1)
            turn.answered(status, RateLimit(retry_after=30.0) if status == 429 else None)

    async with anyio.create_task_group() as group:
        for status in (200, 429, 200):
            group.start_soon(worker, status)
    assert sent[2] == pytest.approx(sent[1] + 31, abs=0.01)


async def test_a_cancelled_waiter_loses_no_turn_and_blocks_nobody() -> None:
    pacer, served = Pacer(FetchSettings(workers=1)), []

    async def worker(name: str, patience: float) -> None:
        with anyio.move_on_after(patience):
            async with pacer.turn() as turn:
                served.append(name)
                await anyio.sleep(10)
                turn.answered(200)

    async with anyio.create_task_group() as group:
        for name, patience in (("first", 99), ("gives up in line", 5), ("last", 99)):
            group.start_soon(worker, name, patience)
    assert served == ["first", "last"]
    assert pacer.snapshot().in_use == 0


async def test_a_dead_api_gets_one_probe_at_a_time_and_ends_the_run() -> None:
    pacer, sent, ended = Pacer(FetchSettings(workers=8, give_up_after=600)), [], []

    async def worker() -> None:
        while True:
            try:
                async with pacer.turn() as turn:
                    sent.append(turn.sent.at)
                    await anyio.sleep(0.5)
                    raise TransportError("refused")  # noqa: TRY301 - what the transport would raise
            except OutageError:
                ended.append(anyio.current_time())
                return
            except TransportError:
                await anyio.sleep(0.5)

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(worker)
    assert len(ended) == 8
    assert 600 <= ended[0] <= ended[-1] <= 661
    late = [time for time in sent if time > 10]
    assert min(after - before for before, after in pairwise(late)) > 1


@pytest.mark.parametrize("max_rate", [None, 0.01])
async def test_a_dead_api_keeps_nobody_waiting(max_rate: float | None) -> None:
    """Not even at a ceiling of one request in a hundred seconds."""
    pacer, ended = Pacer(FetchSettings(workers=8, give_up_after=10, max_rate=max_rate)), []

    async def worker() -> None:
        try:
            while True:
                with suppress(TransportError):
                    async with pacer.turn():
                        raise TransportError("refused")
        except OutageError:
            ended.append(anyio.current_time())

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(worker)
    assert len(ended) == 8
    assert ended[-1] - ended[0] < 0.01


async def test_the_answer_of_one_worker_sets_the_pace_of_all() -> None:
    """Ten requests in ten seconds are spread over them."""
    pacer, sent = Pacer(FetchSettings()), []

    async def worker() -> None:
        async with pacer.turn() as turn:
            sent.append(turn.sent.at)
            reset = math.ceil(10 - anyio.current_time())
            turn.answered(200, RateLimit(limit=10, period=10.0, remaining=10 - len(sent), reset=reset))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(worker)
    assert 8 <= sent[-1] - sent[0] <= 10.01


async def test_a_cancelled_probe_lets_the_next_worker_probe() -> None:
    pacer, served = Pacer(FetchSettings()), []

    async def worker(patience: float) -> None:
        with anyio.move_on_after(patience):
            async with pacer.turn() as turn:
                served.append(turn.sent.at)
                await anyio.sleep(100 if len(served) == 2 else 0.1)
                turn.answered(429 if len(served) == 1 else 200)

    async with anyio.create_task_group() as group:
        for patience in (50, 5, 50):
            group.start_soon(worker, patience)
    assert len(served) == 3
    assert served[2] == pytest.approx(5, abs=0.01)


async def test_a_lost_request_gives_its_slot_back() -> None:
    pacer = Pacer(FetchSettings(workers=1))
    for _ in range(3):
        with pytest.raises(TransportError):
            async with pacer.turn():
                raise TransportError("reset")
    assert pacer.snapshot().in_use == 0


async def test_a_pacer_shows_its_state() -> None:
    pacer = Pacer(FetchSettings(workers=4))
    async with pacer.turn() as turn:
        turn.answered(200, RateLimit(limit=100, period=10.0, remaining=38, reset=4.0))
    assert repr(pacer) == "<Pacer 7.8/s, window 100/10s, 38 left>"
    async with pacer.turn() as turn:
        turn.answered(429, RateLimit(limit=100, period=10.0, remaining=0, reset=4.0))
    assert repr(pacer).startswith("<Pacer 0.0/s, window 100/10s, 0 left, gate shut ")
    seen = pacer.snapshot()
    assert (seen.rate_limited, seen.waiting, seen.in_use, seen.slots) == (1, 0, 0, 4)


async def test_time_in_line_is_counted() -> None:
    pacer = Pacer(FetchSettings(max_rate=1))
    for _ in range(3):
        async with pacer.turn() as turn:
            turn.answered(200)
    assert turn.waited == pytest.approx(1, abs=0.01)
    assert pacer.snapshot().waited == pytest.approx(2, abs=0.01)


async def test_the_faults_of_a_single_page_brake_no_other() -> None:
    pacer = Pacer(FetchSettings(workers=10))
    for _ in range(5):
        async with pacer.turn(suspect=True) as turn:
            turn.answered(503)
    assert pacer.snapshot().slots == 10
