"""Deadlines, on a virtual clock: each ends its own request, at its own time, though all share a timer."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from typing import cast

import aiohttp
import pytest
from virtual_clock import VirtualClockLoop

from replay_fetch.transport.deadline import Deadline, DeadlineWatch
from replay_fetch.transport.faults import LEAST_SPEED, TooSlow

pytestmark = pytest.mark.anyio

PATIENCE = 100.0


class Body:
    """As much of a body as a deadline looks at."""

    def __init__(self, seconds: float) -> None:
        self.total_bytes = int(seconds * LEAST_SPEED)


def body(seconds: float) -> aiohttp.StreamReader:
    """A body of which so many bytes came as take ``seconds`` at the least speed."""
    return cast(aiohttp.StreamReader, Body(seconds))


@pytest.fixture
async def watch(virtual_clock: VirtualClockLoop) -> AsyncIterator[DeadlineWatch]:
    del virtual_clock
    watch = DeadlineWatch(PATIENCE)
    yield watch
    watch.close()


async def held(deadline: Deadline, *, lifted_for: float = 0.0) -> None:
    """Hold a request open for longer than its deadline, with the deadline lifted to begin with."""
    with deadline:
        if lifted_for:
            deadline.lift()
            await asyncio.sleep(lifted_for)
            deadline.renew(asyncio.get_running_loop().time())
        await asyncio.sleep(10 * PATIENCE)


async def ended(
    watch: DeadlineWatch, clock: VirtualClockLoop, *, after: float = 0.0, came: float = 0.0, lifted_for: float = 0.0
) -> float:
    """How long a request that begins ``after`` seconds lasts until its deadline, with ``came`` seconds of bytes."""
    await asyncio.sleep(after)
    began = clock.time()
    deadline = watch.begin(began)
    if came:
        deadline.body = body(came)
    with pytest.raises(TooSlow):
        await held(deadline, lifted_for=lifted_for)
    assert deadline.expired
    return clock.time() - began


async def test_a_request_ends_when_its_patience_does(watch: DeadlineWatch, virtual_clock: VirtualClockLoop) -> None:
    assert await ended(watch, virtual_clock) == pytest.approx(PATIENCE)


async def test_each_byte_of_a_body_puts_the_deadline_off(watch: DeadlineWatch, virtual_clock: VirtualClockLoop) -> None:
    assert await ended(watch, virtual_clock, came=7.0) == pytest.approx(PATIENCE + 7.0)


async def test_requests_that_overlap_end_at_their_own_times(
    watch: DeadlineWatch, virtual_clock: VirtualClockLoop
) -> None:
    """Begun before and behind others; put off, and begun while the timer waits for one that was put off."""
    began = [(0.0, 0.0), (0.0, 250.0), (40.0, 0.0), (40.0, 5.0), (99.0, 0.0), (160.0, 0.0), (160.0, 31.0)]
    lasted = await asyncio.gather(
        *(ended(watch, virtual_clock, after=after, came=came) for after, came in began),
    )
    assert lasted == pytest.approx([PATIENCE + came for _, came in began])


async def test_a_request_that_ends_in_time_is_left_alone(watch: DeadlineWatch, virtual_clock: VirtualClockLoop) -> None:
    began = virtual_clock.time()
    with watch.begin(began) as deadline:
        await asyncio.sleep(PATIENCE - 1.0)
    await asyncio.sleep(2 * PATIENCE)
    assert not deadline.expired
    assert await ended(watch, virtual_clock) == pytest.approx(PATIENCE)


async def test_a_lifted_deadline_never_comes_and_a_renewed_one_gives_the_whole_patience(
    watch: DeadlineWatch, virtual_clock: VirtualClockLoop
) -> None:
    lifted_for = 5 * PATIENCE
    alone = await ended(watch, virtual_clock, lifted_for=lifted_for)
    beside, _ = await asyncio.gather(
        ended(watch, virtual_clock, lifted_for=lifted_for), ended(watch, virtual_clock, came=8 * PATIENCE)
    )
    assert [alone, beside] == pytest.approx([lifted_for + PATIENCE] * 2)


@pytest.mark.parametrize("expires", [False, True])
async def test_a_request_that_others_cancel_ends_as_cancelled_and_not_as_too_slow(
    expires: bool,  # noqa: FBT001 - a table's column
    watch: DeadlineWatch,
    virtual_clock: VirtualClockLoop,
) -> None:
    """Also in the moment in which the deadline comes."""
    made: list[Deadline] = []

    async def ask() -> None:
        made.append(watch.begin(virtual_clock.time()))
        await held(made[0])

    asking = asyncio.create_task(ask())
    await asyncio.sleep(1.0)
    asking.cancel()
    if expires:
        made[0].expire()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert asking.cancelled()


async def test_a_closed_watch_leaves_no_timer_behind(virtual_clock: VirtualClockLoop) -> None:
    """The event loop would hold on to the watch until the timer fires."""
    watch = DeadlineWatch(PATIENCE)
    with watch.begin(virtual_clock.time()):
        await asyncio.sleep(1.0)
    watch.close()
    gone = weakref.ref(watch)
    del watch
    gc.collect()
    assert gone() is None
