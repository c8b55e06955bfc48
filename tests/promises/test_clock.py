"""A wall clock that jumps during a run: nothing waits by it, and dates in headers are not held against it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from email.utils import formatdate
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from archives import Archive, Job, Ran, download, truth
from virtual_clock import VirtualClockLoop

from replay_fetch.api.ratelimit import rate_limit
from replay_fetch.pipeline import run as pipeline
from replay_fetch.simulator import (
    HeaderPolicy,
    LimitHeaderSettings,
    LimitSettings,
    PagingSettings,
    Reset,
    RetryAfter,
    Simulator,
    SimulatorSettings,
)

HOUR = 3600.0
LONGEST_WAIT = 3600.0
"""What the parser clamps the wait until an instant to, where no Date stands beside it."""
START = 1_800_000_000.0
LIMIT = LimitSettings(limit=10, period=10.0)

Offset = Callable[[float], float]
"""How far the wall clock is off at a time of the loop's clock; both in seconds."""


def steady(_now: float) -> float:
    return 0.0


def jumping(now: float, jump: float) -> float:
    """Off by ``jump`` for 20 s in every 45."""
    return jump if now % 45 > 25 else 0.0


JUMPS = {
    "an hour forward and back": partial(jumping, jump=HOUR),
    "an hour back and forward": partial(jumping, jump=-HOUR),
    "ten years back and forward": partial(jumping, jump=-10 * 365 * 24 * HOUR),
}


class Wall:
    """The time of day, which runs with the loop's clock but for what ``offset`` makes of it."""

    def __init__(self, loop: VirtualClockLoop, offset: Offset) -> None:
        self._loop = loop
        self._offset = offset
        self.told: list[float] = []

    def __call__(self) -> float:
        self.told.append(START + self._loop.now + self._offset(self._loop.now))
        return self.told[-1]

    @property
    def jumps(self) -> int:
        """How often those who asked saw it jump."""
        return sum(abs(after - before) >= HOUR / 2 for before, after in pairwise(self.told))


async def ran(
    out: Path, loop: VirtualClockLoop, form: LimitHeaderSettings, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> Ran:
    """A download whose client reads ``wall`` wherever it asks for the time of day; the server's clock is right."""

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override] # no subclass is wanted
            return datetime.fromtimestamp(wall(), tz)

    settings = SimulatorSettings(limit=LIMIT, limit_headers=form, paging=PagingSettings(page_segments=1))
    began = loop.now
    async with Simulator(settings) as simulator:
        assert simulator._service is not None
        simulator._service._wall = lambda: START + loop.now
        monkeypatch.setattr(time, "time", wall)
        monkeypatch.setattr(pipeline, "datetime", Jumping)
        done = await download(simulator, out, Job(wall=wall))
        monkeypatch.undo()
        assert Archive(out).sessions() == truth(simulator)
    assert done.exit_code == 0, done
    assert done.report.seconds == pytest.approx(loop.now - began, abs=1.0)
    return done


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("policy", [HeaderPolicy.ALL, HeaderPolicy.NONE])
@pytest.mark.anyio
async def test_a_clock_that_jumps_changes_neither_the_time_nor_the_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, virtual_clock: VirtualClockLoop, jump: str, policy: HeaderPolicy
) -> None:
    form = LimitHeaderSettings(headers=policy)
    usual = await ran(tmp_path / "usual", virtual_clock, form, Wall(virtual_clock, steady), monkeypatch)
    wall = Wall(virtual_clock, JUMPS[jump])
    jumped = await ran(tmp_path / "jumped", virtual_clock, form, wall, monkeypatch)
    assert wall.jumps > 1
    assert jumped.report.requests > 5 * LIMIT.limit
    assert jumped.report.seconds == pytest.approx(usual.report.seconds, abs=LIMIT.period)
    assert Archive(tmp_path / "jumped").sessions() == Archive(tmp_path / "usual").sessions()


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize(
    "form",
    [
        LimitHeaderSettings(reset=Reset.EPOCH),
        LimitHeaderSettings(headers=HeaderPolicy.NONE, retry_after=RetryAfter.DATE),
    ],
    ids=["reset as an epoch", "retry-after as a date"],
)
@pytest.mark.anyio
async def test_a_date_in_a_header_is_held_against_the_server_s_own_clock(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    virtual_clock: VirtualClockLoop,
    jump: str,
    form: LimitHeaderSettings,
) -> None:
    usual = await ran(tmp_path / "usual", virtual_clock, form, Wall(virtual_clock, steady), monkeypatch)
    wall = Wall(virtual_clock, JUMPS[jump])
    jumped = await ran(tmp_path / "jumped", virtual_clock, form, wall, monkeypatch)
    assert wall.jumps > 1
    assert jumped.report.seconds < usual.report.seconds + LIMIT.period
    assert jumped.report.rate_limited < usual.report.rate_limited + LIMIT.limit


@pytest.mark.parametrize("off", [-10 * 365 * 24 * HOUR, -HOUR, 0.0, HOUR])
@pytest.mark.parametrize("name", ["x-ratelimit-reset", "retry-after"])
def test_without_the_server_s_clock_a_wrong_one_costs_the_clamp_at_most(off: float, name: str) -> None:
    found = rate_limit({name: str(START + 7)}, now_epoch=START + off)
    assert found is not None
    wait = found.reset if found.reset is not None else found.retry_after
    assert wait == pytest.approx({0.0: 7.0, HOUR: 0.0}.get(off, LONGEST_WAIT))


@pytest.mark.parametrize(("off", "wait"), [(-HOUR, 7.0), (HOUR, 7.0), (-3.5, 10.5), (3.5, 3.5)])
def test_our_clock_counts_while_it_agrees_with_the_server_s(off: float, wait: float) -> None:
    """It is finer than a whole second."""
    headers = {"x-ratelimit-reset": str(START + 7), "date": formatdate(START, usegmt=True)}
    found = rate_limit(headers, now_epoch=START + off)
    assert found is not None
    assert found.reset == pytest.approx(wait)


def test_the_wall_clock_of_these_tests_jumps_and_comes_back() -> None:
    loop = VirtualClockLoop()
    try:
        wall = Wall(loop, JUMPS["an hour forward and back"])
        for loop.now in (0.0, 26.0, 46.0):
            wall()
        assert wall.told == [START, START + HOUR + 26.0, START + 46.0]
        assert wall.jumps == 2
    finally:
        loop.close()


@pytest.mark.anyio
async def test_the_wait_in_line_is_no_part_of_the_time_of_the_slowest_views(
    tmp_path: Path, virtual_clock: VirtualClockLoop
) -> None:
    """Views are listed by the server's slowness, and not by the luck of their place in line."""
    settings = SimulatorSettings(limit=LIMIT, paging=PagingSettings(page_segments=1))
    async with Simulator(settings) as simulator:
        done = await download(simulator, tmp_path / "out")
    seconds = [slow["seconds"] for slow in done.report.slowest]
    assert done.report.waited_seconds > 5 * virtual_clock.now > 5 * LIMIT.period
    assert len(seconds) == 20
    assert all(isinstance(each, float) and each < LIMIT.period / 2 for each in seconds)
