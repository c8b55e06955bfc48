"""The clock that the timing tests stand on."""

from __future__ import annotations

import asyncio
import time

import anyio
import pytest
from virtual_clock import VirtualClockLoop

pytestmark = pytest.mark.anyio


async def test_an_hour_of_sleep_takes_no_real_time(virtual_clock: VirtualClockLoop) -> None:
    started = time.monotonic()
    await asyncio.sleep(3600)
    assert virtual_clock.time() == pytest.approx(3600, abs=1e-3)
    assert time.monotonic() - started < 1


async def test_sleepers_wake_in_the_order_of_their_timers(virtual_clock: VirtualClockLoop) -> None:
    woken: list[tuple[int, int]] = []

    async def sleep(seconds: int) -> None:
        await anyio.sleep(seconds)
        woken.append((seconds, round(virtual_clock.time())))

    async with anyio.create_task_group() as group:
        for seconds in (30, 10, 20):
            group.start_soon(sleep, seconds)
    assert woken == [(10, 10), (20, 20), (30, 30)]


async def test_the_clock_waits_for_bytes_on_a_real_socket(virtual_clock: VirtualClockLoop) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(1))
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"x")
        async with asyncio.timeout(0.001):
            assert await reader.read() == b"x"
        writer.close()
    assert virtual_clock.time() < 0.001


async def test_the_clock_waits_for_a_worker_thread(virtual_clock: VirtualClockLoop) -> None:
    with anyio.fail_after(60):
        await anyio.to_thread.run_sync(time.sleep, 0.01)
    assert virtual_clock.time() < 1


async def test_a_test_that_asks_for_no_virtual_clock_gets_the_real_one() -> None:
    assert not isinstance(asyncio.get_running_loop(), VirtualClockLoop)
