"""What the simulator lets through, refuses, counts and tells of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from simulator_client import KEYS, simulated
from virtual_clock import VirtualClockLoop

from replay_fetch.errors import SettingsError
from replay_fetch.model import Source, View
from replay_fetch.simulator import (
    AuthMode,
    AuthSettings,
    Body429,
    ErrorBody,
    Fault,
    LatencySettings,
    LimitHeaderSettings,
    LimitSettings,
    Scope,
    Simulator,
    SimulatorSettings,
)

pytestmark = pytest.mark.anyio

_BEARER = {"Authorization": "Bearer simulator-bearer-token"}


@pytest.mark.parametrize(
    ("mode", "headers", "status"),
    [
        (AuthMode.ANY, KEYS, 200),
        (AuthMode.ANY, _BEARER, 200),
        (AuthMode.ANY, {}, 403),
        (AuthMode.ANY, {**KEYS, "DD-API-KEY": "wrong"}, 403),
        (AuthMode.ANY, {"DD-API-KEY": "simulator-api-key"}, 403),
        (AuthMode.KEYS, KEYS, 200),
        (AuthMode.KEYS, _BEARER, 403),
        (AuthMode.BEARER, KEYS, 403),
        (AuthMode.BEARER, _BEARER, 200),
        (AuthMode.OFF, {}, 200),
    ],
)
async def test_only_the_right_credentials_are_let_in(mode: AuthMode, headers: Mapping[str, str], status: int) -> None:
    async with simulated(SimulatorSettings(auth=AuthSettings(mode))) as client:
        assert (await client.page(client.simulator.views[0], headers)).status == status


@pytest.mark.parametrize("name", ["api_key", "application_key", "dd-api-key", "DD-APPLICATION-KEY"])
async def test_keys_in_the_query_are_refused(name: str) -> None:
    async with simulated() as client:
        assert (await client.page(client.simulator.views[0], **{name: "simulator-api-key"})).status == 400


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("form", "content_type", "start"),
    [
        (ErrorBody.TEXTS, "application/json", b'{"errors": ["'),
        (ErrorBody.OBJECTS, "application/json", b'{"errors": [{"title": "'),
        (ErrorBody.NO_ERRORS, "application/json", b'{"errors": []}'),
        (ErrorBody.HTML, "text/html", b"<!DOCTYPE html>"),
        (ErrorBody.EMPTY, None, b""),
    ],
)
async def test_wrong_keys_are_refused_in_every_form(
    status: int, form: ErrorBody, content_type: str | None, start: bytes
) -> None:
    async with simulated(SimulatorSettings(auth=AuthSettings(refusal=status), error_body=form)) as client:
        page = await client.page(client.simulator.views[0], {})
    assert (page.status, page.headers.get("Content-Type")) == (status, content_type)
    assert page.body.startswith(start)
    assert bool(page.body) == bool(start)


async def test_a_view_that_does_not_exist_is_not_found() -> None:
    async with simulated() as client:
        page = await client.page(View("nobody", "nothing"))
    assert (page.status, page.json()) == (404, {"errors": ["Not found"]})


@pytest.mark.parametrize(
    "query", [{"source": "s3"}, {"ts": "yesterday"}, {"max_list_size": "0"}, {"max_list_size": "x"}]
)
async def test_parameters_that_are_not_as_documented_are_refused(query: dict[str, str | int]) -> None:
    async with simulated() as client:
        assert (await client.page(client.simulator.views[0], **query)).status == 400


@pytest.mark.parametrize(
    ("form", "body"),
    [(Body429.JSON, b'{"errors": ["Too many requests"]}'), (Body429.EMPTY, b""), (Body429.HTML, b"<!")],
)
async def test_above_the_limit_is_a_429_until_the_window_ends(
    virtual_clock: VirtualClockLoop, form: Body429, body: bytes
) -> None:
    settings = SimulatorSettings(limit=LimitSettings(2, 10), limit_headers=LimitHeaderSettings(body_429=form))
    async with simulated(settings) as client:
        view = client.simulator.views[0]
        pages = [await client.page(view) for _ in range(3)]
        assert [page.status for page in pages] == [200, 200, 429]
        assert pages[2].body.startswith(body)
        assert [page.headers["X-RateLimit-Remaining"] for page in pages] == ["1", "0", "0"]
        await asyncio.sleep(float(pages[2].headers["X-RateLimit-Reset"]))
        assert (await client.page(view)).status == 200
        assert client.simulator.counts.rate_limited == 1
    assert virtual_clock.time() == pytest.approx(10, abs=0.1)


async def test_a_429_costs_a_page_no_attempt() -> None:
    settings = SimulatorSettings(limit=LimitSettings(1, 3600), faults=(Fault("503"),))
    async with simulated(settings) as client:
        view = client.simulator.views[0]
        assert [(await client.page(view)).status for _ in range(3)] == [503, 429, 429]
        assert client.simulator.counts.pages == {(view, Source.EVENT_PLATFORM, 1): 1}


async def test_answers_take_their_latency(virtual_clock: VirtualClockLoop) -> None:
    async with simulated(SimulatorSettings(latency=LatencySettings(0.2))) as client:
        await asyncio.gather(*(client.page(client.simulator.views[0]) for _ in range(5)))
        assert client.simulator.counts.peak_in_flight == 5
        assert client.simulator.counts.in_flight == 0
    assert virtual_clock.time() == pytest.approx(0.2, abs=0.01)


async def test_the_tail_of_latency_is_long_and_a_second_attempt_may_be_quick(virtual_clock: VirtualClockLoop) -> None:
    async with simulated(SimulatorSettings(latency=LatencySettings(1, tail=1))) as client:
        seconds = []
        for _ in range(200):
            began = virtual_clock.time()
            await client.page(client.simulator.views[0])
            seconds.append(virtual_clock.time() - began)
    seconds.sort()
    assert 0.7 < seconds[100] < 1.4
    assert seconds[190] > 3


async def test_requests_are_counted_by_status_view_and_page() -> None:
    async with simulated() as client:
        view = client.simulator.views[2]
        good = [page for _ in range(2) for page in await client.pages(view, max_list_size=1)]
        refused = await client.page(view, {})
        counts = client.simulator.counts
        assert counts.requests == 15
        assert counts.statuses == {200: 14, 403: 1}
        assert counts.views == {view: 14}
        assert counts.pages == {(view, Source.EVENT_PLATFORM, number): 2 for number in range(1, 8)}
        assert counts.bytes_sent == sum(len(page.body) for page in [*good, refused])


async def test_without_faults_and_counts_by_view_no_attempt_is_remembered() -> None:
    async with simulated(SimulatorSettings(count_views=False)) as client:
        await client.page(client.simulator.views[0])
        assert client.simulator.counts.requests == 1
        assert not client.simulator.counts.pages


async def test_counts_and_truth_are_told_to_other_processes() -> None:
    async with simulated(SimulatorSettings(faults=(Fault("503", Scope.PAGE),))) as client:
        view = client.simulator.views[2]
        await client.page(view)
        counts = (await client.get("/simulator/counts", {})).json()
        assert (counts["requests"], counts["statuses"], counts["faults"]) == (1, {"503": 1}, {"503": 1})
        assert (await client.get("/simulator/counts/views", {})).json() == {str(view): 1}
        for query, segments in (("", 7), ("?source=event_platform", 7), ("?source=blob", 0)):
            told = await client.get(f"/simulator/truth/{view.session_id}/{view.view_id}{query}", {})
            assert told.body.splitlines() == list(client.simulator.truth.expected_segments(view))[:segments]
        assert client.simulator.counts.requests == 1


@pytest.mark.parametrize("path", ["/simulator/", "/simulator/keys", "/simulator/truth/a/b?source=s3", "/api/v2/rum"])
async def test_a_path_that_the_api_does_not_have_is_not_found(path: str) -> None:
    async with simulated() as client:
        assert (await client.get(path)).status == 404


async def test_a_post_for_a_page_is_refused() -> None:
    async with simulated() as client:
        view = client.simulator.views[0]
        path = f"/api/v2/rum/replay/sessions/{view.session_id}/views/{view.view_id}/segments"
        async with client.http.post(client.simulator.base_url + path, headers=KEYS) as response:
            assert response.status == 405


async def test_the_repr_of_a_simulator_says_its_address() -> None:
    simulator = Simulator()
    assert repr(simulator) == "<Simulator stopped, 27 views, shape segments>"
    with pytest.raises(RuntimeError, match="not been started"):
        _ = simulator.counts
    async with simulator:
        assert simulator.base_url in repr(simulator)


async def test_a_port_that_is_taken_is_a_settings_error() -> None:
    async with simulated() as client:
        port = int(client.simulator.base_url.rpartition(":")[2])
        with pytest.raises(SettingsError, match="--port"):
            await Simulator(SimulatorSettings(port=port)).__aenter__()


def test_the_simulator_serves_this_machine_only() -> None:
    with pytest.raises(SettingsError, match="--host"):
        SimulatorSettings(host="0.0.0.0")  # noqa: S104 - that it is refused is the point


def test_no_key_is_part_of_a_repr() -> None:
    assert "key" not in repr(SimulatorSettings())
