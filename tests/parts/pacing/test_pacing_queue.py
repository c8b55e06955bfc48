from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest

from replay_fetch.errors import OutageError
from replay_fetch.model import RateLimit
from replay_fetch.pacing import Pacer
from replay_fetch.pacing.queue import WaitQueue
from replay_fetch.settings import FetchSettings

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]


class Gate:
    """Lets ``room`` through."""

    def __init__(self, room: int = 0) -> None:
        self.room = room
        self.gone: list[str] = []

    def wait(self, now: float) -> float:
        assert now == anyio.current_time()
        return 0.0 if self.room else math.inf

    def pass_through(self, name: str, now: float) -> None:
        assert now == anyio.current_time()
        self.room -= 1
        self.gone.append(name)


@asynccontextmanager
async def waiting(queue: WaitQueue, gate: Gate, names: str) -> AsyncIterator[list[str]]:
    """A worker of each name waits in the queue; yields the names that have left the queue."""
    left: list[str] = []

    async def wait_in_it(name: str) -> None:
        await queue.wait(partial(gate.pass_through, name))
        left.append(name)

    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(wait_in_it, name)
        await anyio.wait_all_tasks_blocked()
        yield left
        group.cancel_scope.cancel()


async def test_all_waiters_that_may_go_are_let_go_at_once_and_in_order() -> None:
    gate = Gate()
    queue = WaitQueue(gate.wait)
    async with waiting(queue, gate, "abcde") as left:
        gate.room = 3
        queue.release()
        assert gate.gone == ["a", "b", "c"]
        assert len(queue.waiters) == 2
        await anyio.wait_all_tasks_blocked()
        assert left == ["a", "b", "c"]


async def test_the_error_of_a_turn_is_raised_to_its_waiter() -> None:
    gate = Gate(room=1)

    def dead(_now: float) -> None:
        raise OutageError("dead")

    with pytest.raises(OutageError, match="dead"):
        await WaitQueue(gate.wait).wait(dead)


async def test_the_error_of_a_gate_asked_by_a_timer_is_raised_to_the_waiters() -> None:
    """A timer asked, and has no caller that would hear of the error."""

    def wait(now: float) -> float:
        if now < 5:
            return 5 - now
        raise ZeroDivisionError

    queue, failed = WaitQueue(wait), []

    async def wait_in_it() -> None:
        try:
            await queue.wait(lambda _now: pytest.fail("nobody may go"))
        except ZeroDivisionError:
            failed.append(anyio.current_time())

    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(wait_in_it)
    assert failed == pytest.approx([5, 5], abs=0.001)


async def test_time_alone_opens_the_gates_for_all_waiters() -> None:
    went: list[float] = []
    queue = WaitQueue(lambda now: max(0.0, 5 - now))

    async def wait_in_it() -> None:
        await queue.wait(went.append)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(wait_in_it)
    assert went == pytest.approx([5, 5, 5], abs=0.001)


async def test_a_waiter_called_and_cancelled_at_once_gives_its_turn_back() -> None:
    """By asyncio's own cancellation, that is: anyio's leaves a task alone that is about to go on."""
    pacer = Pacer(FetchSettings(workers=1))

    async def second() -> None:
        async with pacer.turn():
            pytest.fail("its turn is nobody's")

    async with pacer.turn() as first:
        task = asyncio.create_task(second())
        await anyio.wait_all_tasks_blocked()
        first.answered(200, RateLimit(limit=10**9, period=10.0, remaining=10**9 - 1, reset=5.0))
        assert pacer.snapshot().in_use == 1
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (pacer.snapshot().in_use, pacer.snapshot().waiting) == (0, 0)


async def test_turns_that_are_waited_for_are_given_in_one_turn_of_the_loop() -> None:
    """One answer frees all: a queue that lets one worker go at a time never ends while answers come as fast."""
    pacer = Pacer(FetchSettings(workers=16))
    given: list[int] = []

    async def worker() -> None:
        async with pacer.turn() as turn:
            given.append(pacer.snapshot().in_use)
            await anyio.sleep(1)
            turn.answered(200)

    async with anyio.create_task_group() as group, pacer.turn() as first:
        for _ in range(15):
            group.start_soon(worker)
        await anyio.wait_all_tasks_blocked()
        assert given == []
        first.answered(200, RateLimit(limit=10**9, period=10.0, remaining=10**9 - 1, reset=5.0))
        await anyio.wait_all_tasks_blocked()
        assert given == [15] * 15
