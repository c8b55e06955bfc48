"""The simulator's faults: which requests they meet, and how they look on the wire."""

from __future__ import annotations

import asyncio
import zlib

import aiohttp
import pytest
from simulator_client import Client, segments_of, simulated
from virtual_clock import VirtualClockLoop

from replay_fetch.errors import SettingsError
from replay_fetch.model import Source, View
from replay_fetch.simulator import Fault, PagingSettings, Scope, Shape, SimulatorSettings
from replay_fetch.simulator.faults import KINDS, Attempt, FaultScript

_VIEWS = [View(f"s{number}", "v") for number in range(1000)]


def _attempt(view: View, number: int = 1, page: int = 1) -> Attempt:
    return Attempt(view, Source.EVENT_PLATFORM, page, number)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("503", Fault("503")),
        ("html:single", Fault("html")),
        ("stall-body:single,rate=0.1", Fault("stall-body", Scope.PAGE, 0.1)),
        ("502:burst=3", Fault("502", Scope.PAGE, attempts=3)),
        ("502:rate=0.5,burst=3", Fault("502", Scope.PAGE, 0.5, attempts=3)),
        ("reset-body:rate=0.1", Fault("reset-body", Scope.ATTEMPT, 0.1)),
        ("403:sticky,rate=0.1", Fault("403", Scope.VIEW, 0.1)),
        ("503:outage=10..20.5", Fault("503", Scope.OUTAGE, begin=10, end=20.5)),
    ],
)
def test_a_fault_is_written_as_kind_and_options(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    "text",
    [
        "",
        "200",
        "5033",
        "boom",
        "503:rate=2",
        "503:rate=x",
        "503:burst=0",
        "503:often",
        "503:outage=5",
        "503:single,sticky",
    ],
)
def test_a_fault_that_cannot_be_read_is_a_settings_error(text: str) -> None:
    with pytest.raises(SettingsError, match="--fault"):
        Fault.parse(text)


def test_a_burst_meets_the_first_attempts_of_a_page() -> None:
    script = FaultScript([Fault("503", attempts=2)], seed=0)
    assert [script.fault(_attempt(_VIEWS[0], number)) for number in (1, 2, 3)] == ["503", "503", None]


def test_a_sticky_fault_meets_every_attempt_of_some_views() -> None:
    script = FaultScript([Fault("503", Scope.VIEW, 0.1)], seed=0)
    struck = [view for view in _VIEWS if script.fault(_attempt(view))]
    assert 60 < len(struck) < 140
    assert all(script.fault(_attempt(view, number, page)) for view in struck for number in (2, 9) for page in (1, 2))


def test_a_rate_meets_that_share_of_attempts() -> None:
    script = FaultScript([Fault("503", Scope.ATTEMPT, 0.1)], seed=0)
    struck = [number for view in _VIEWS for number in range(1, 4) if script.fault(_attempt(view, number))]
    assert 200 < len(struck) < 400


def test_another_seed_meets_other_requests() -> None:
    faults = [Fault("503", Scope.ATTEMPT, 0.5)]
    one, two = ([FaultScript(faults, seed).fault(_attempt(view)) for view in _VIEWS] for seed in (1, 2))
    assert one != two


def test_the_first_fault_that_applies_wins() -> None:
    script = FaultScript([Fault("502", Scope.PAGE), Fault("503", Scope.VIEW)], seed=0)
    assert [script.fault(_attempt(_VIEWS[0], number)) for number in (1, 2)] == ["502", "503"]


@pytest.mark.anyio
@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_spoils_the_first_answer_and_spares_the_second(
    virtual_clock: VirtualClockLoop, kind: str
) -> None:
    async with simulated(SimulatorSettings(faults=(Fault(kind),), stall=120.0)) as client:
        view = client.simulator.views[0]
        assert not await _is_good(client, view)
        assert await _is_good(client, view)
        assert client.simulator.counts.faults == {kind: 1}
        assert virtual_clock.time() == pytest.approx(120 if kind.startswith("stall") else 0, abs=0.01)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kind", "status", "start"),
    [
        ("errors", 200, b'{"errors": ["'),
        ("no-body", 200, b""),
        ("not-ready", 202, b'{"status": "pending"}'),
        ("partial", 206, b'{"segments":['),
        ("gateway-404", 404, b"<!DOCTYPE html>"),
        ("html", 200, b"<!DOCTYPE html>"),
    ],
)
async def test_each_fault_of_a_whole_answer_has_its_status_and_its_first_bytes(
    kind: str, status: int, start: bytes
) -> None:
    async with simulated(SimulatorSettings(faults=(Fault(kind),))) as client:
        spoilt, good = [await client.page(client.simulator.views[0]) for _ in range(2)]
    assert (spoilt.status, spoilt.body[: len(start)]) == (status, start)
    if kind == "partial":
        size = len(good.body)
        assert spoilt.headers["Content-Range"] == f"bytes 0-{len(spoilt.body) - 1}/{size}"
        assert good.body.startswith(spoilt.body)
        assert 0 < len(spoilt.body) < size


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["stall-before", "stall-body"])
async def test_a_client_that_hangs_up_ends_the_stall(virtual_clock: VirtualClockLoop, kind: str) -> None:
    async with simulated(SimulatorSettings(faults=(Fault(kind),))) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await client.page(client.simulator.views[0])
        await asyncio.sleep(1)
        assert client.simulator.counts.in_flight == 0
    assert virtual_clock.time() == pytest.approx(61, abs=0.2)


async def _is_good(client: Client, view: View) -> bool:
    try:
        page = await client.page(view)
        return segments_of(Shape.SEGMENTS, page.body) == list(client.simulator.truth.expected_segments(view))
    except (aiohttp.ClientError, ValueError, LookupError):
        return False


@pytest.mark.anyio
@pytest.mark.parametrize("status", [500, 502, 503, 504, 512, 408, 401, 403])
async def test_a_status_is_a_fault_too(status: int) -> None:
    async with simulated(SimulatorSettings(faults=(Fault(str(status)),))) as client:
        assert [(await client.page(client.simulator.views[0])).status for _ in range(2)] == [status, 200]


@pytest.mark.anyio
@pytest.mark.parametrize("shape", Shape)
async def test_a_truncated_body_cannot_be_taken_for_a_whole_one(shape: Shape) -> None:
    settings = SimulatorSettings(paging=PagingSettings(shape), faults=(Fault("truncated", Scope.VIEW),))
    async with simulated(settings) as client:
        for view in client.simulator.views:
            whole = client.simulator.truth.expected_segments(view)
            if whole or shape not in (Shape.NDJSON, Shape.ZLIB):  # an empty body cannot be cut
                assert await _spoilt(client, view, shape)


async def _spoilt(client: Client, view: View, shape: Shape) -> bool:
    try:
        segments = segments_of(shape, (await client.page(view)).body)
    except (EOFError, ValueError, zlib.error):
        return True
    return any(not segment.endswith(b"}") for segment in segments)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["truncated", "html", "reset-body", "wrong-length"])
async def test_an_outage_never_looks_like_an_answer(kind: str) -> None:
    async with simulated(SimulatorSettings(faults=(Fault(kind, Scope.OUTAGE, end=60),))) as client:
        try:
            body = (await client.page(client.simulator.views[0])).body
        except aiohttp.ClientError:
            return
    with pytest.raises(ValueError, match=r"."):
        segments_of(Shape.SEGMENTS, body)


@pytest.mark.anyio
async def test_an_outage_meets_every_request_for_a_while(virtual_clock: VirtualClockLoop) -> None:
    outage = Fault("503", Scope.OUTAGE, begin=10, end=20)
    async with simulated(SimulatorSettings(faults=(outage,))) as client:
        statuses = []
        for _ in range(4):
            statuses.append((await client.page(client.simulator.views[0], {})).status)
            await asyncio.sleep(7)
    assert statuses == [403, 403, 503, 403]
    assert virtual_clock.time() == pytest.approx(28, abs=0.01)


@pytest.mark.anyio
async def test_the_same_requests_fail_whatever_the_order() -> None:
    settings = SimulatorSettings(faults=(Fault("500", Scope.ATTEMPT, 0.5),), paging=PagingSettings())
    failed = []
    for step in (1, -1):
        async with simulated(settings) as client:
            views = client.simulator.views[::step]
            failed.append({(view, n) for n in range(3) for view in views if (await client.page(view)).status == 500})
    assert failed[0] == failed[1]
    assert 10 < len(failed[0]) < 71
