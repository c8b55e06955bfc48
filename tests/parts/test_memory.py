"""What pages may take in memory: who waits, for whom, and for how long."""

from __future__ import annotations

import anyio
import pytest
from anyio.lowlevel import checkpoint

from replay_fetch.memory import Hold, Memory, for_pages

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]


async def busy(memory: Memory, size: int, seconds: float, began: list[tuple[float, int]]) -> None:
    """Hold ``size`` bytes for a while, and note when that began."""
    hold = Hold(memory)
    await hold.take(size)
    began.append((round(anyio.current_time(), 3), size))
    await anyio.sleep(seconds)
    hold.change(0)


@pytest.mark.parametrize(
    ("sizes", "began"),
    [
        ([40, 60], [(0, 40), (0, 60)]),
        ([40, 61], [(0, 40), (1, 61)]),
        ([500, 1], [(0, 500), (1, 1)]),
        ([60, 500, 1], [(0, 60), (1, 500), (2, 1)]),
        ([60, 60, 60, 20], [(0, 60), (1, 60), (2, 60), (2, 20)]),
    ],
    ids=["room for both", "no room", "larger than all", "nothing large is passed by", "in line"],
)
async def test_a_page_that_finds_no_room_in_memory_waits_in_line(
    sizes: list[int], began: list[tuple[float, int]]
) -> None:
    memory, noted = Memory(100), list[tuple[float, int]]()
    async with anyio.create_task_group() as group:
        for size in sizes:
            group.start_soon(busy, memory, size, 1.0, noted)
            await checkpoint()
    assert noted == began
    assert memory.held == 0


async def test_a_hold_that_becomes_smaller_lets_another_in() -> None:
    memory, noted = Memory(100), list[tuple[float, int]]()
    hold = Hold(memory)
    await hold.take(90)
    async with anyio.create_task_group() as group:
        group.start_soon(busy, memory, 50, 0.0, noted)
        await anyio.sleep(1)
        hold.change(30)
    assert noted == [(1.0, 50)]
    assert memory.held == hold.size == 30


async def test_a_hold_that_takes_again_gives_back_first() -> None:
    memory = Memory(100)
    hold = Hold(memory)
    await hold.take(80)
    await hold.take(90)
    assert memory.held == 90


async def test_a_cancelled_wait_for_memory_holds_nothing_and_blocks_nobody() -> None:
    memory, noted = Memory(100), list[tuple[float, int]]()
    first = Hold(memory)
    await first.take(100)
    with anyio.move_on_after(1):
        await Hold(memory).take(50)
    first.change(0)
    await busy(memory, 100, 0.0, noted)
    assert noted == [(1.0, 100)]
    assert memory.held == 0


@pytest.mark.parametrize("limit", [96 * 10**6, 256 * 10**6, 10**9])
async def test_the_shares_stay_below_the_limit(limit: int) -> None:
    on_their_way, waiting = for_pages(limit)
    assert 0 < on_their_way + 2 * waiting < limit - 64 * 10**6
