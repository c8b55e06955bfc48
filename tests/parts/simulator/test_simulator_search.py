"""The simulator's events search and playlists, as a naive client sees them."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from simulator_client import KEYS, Client, simulated

from replay_fetch.simulator import (
    HoldingSettings,
    LimitSettings,
    PagingSettings,
    SearchChain,
    SearchSettings,
    SimulatorSettings,
)
from replay_fetch.simulator.query import compiled
from replay_fetch.simulator.replies import RefusalError

pytestmark = [pytest.mark.anyio, pytest.mark.any_day]

SEARCH = "/api/v2/rum/events/search"
EVENT = {"type": "view", "session": {"id": "s-1", "has_replay": True}, "view": {"url": "https://shop/help"}, "n": 7}


async def post(client: Client, body: object, headers: dict[str, str] = KEYS, path: str = SEARCH) -> tuple[int, Any]:
    """Any: the answer's own JSON."""
    async with client.http.post(client.simulator.base_url + path, json=body, headers=headers) as response:
        text = await response.read()
        return response.status, json.loads(text) if text else None


def asking(limit: int = 1000, cursor: str | None = None, **wanted: Any) -> dict[str, object]:
    page = {"limit": limit} if cursor is None else {"limit": limit, "cursor": cursor}
    return {"filter": {"from": "now-24h", "to": "now", **wanted}, "page": page, "sort": "timestamp"}


async def pages(client: Client, body: dict[str, object]) -> list[Any]:
    """Any: as above."""
    got: list[Any] = []
    while True:
        status, page = await post(client, body)
        assert status == 200
        got.append(page)
        after = page.get("meta", {}).get("page", {}).get("after")
        if after is None:
            return got
        body = {**body, "page": {"limit": 10, "cursor": after}}


def ids(got: list[Any]) -> list[tuple[str, str]]:
    inside = [event["attributes"]["attributes"] for page in got for event in page["data"]]
    return [(event["session"]["id"], event["view"]["id"]) for event in inside]


async def test_all_events_come_in_order_and_end_with_a_bare_page() -> None:
    async with simulated(SimulatorSettings(holding=HoldingSettings(sessions=11))) as client:
        now_ms = int(time.time() * 1000)
        window = {"from": str(now_ms - 86_400_000), "to": str(now_ms + 1000)}
        got = await pages(client, {"filter": window, "page": {"limit": 10}, "sort": "timestamp"})
        assert got[-1] == {"data": []}
        assert [len(page["data"]) for page in got[:-2]] == [10] * (len(got) - 2)
        stamps = [event["attributes"]["timestamp"] for page in got for event in page["data"]]
        assert stamps == sorted(stamps)
        assert list(dict.fromkeys(ids(got))) == [tuple(view) for view in client.simulator.views]


async def test_a_cursor_belongs_to_its_search() -> None:
    async with simulated() as client:
        window: dict[str, Any] = {"from": "2026-01-01T00:00Z", "to": "2100-01-01T00:00Z"}
        _, first = await post(client, asking(5, **window))
        cursor = first["meta"]["page"]["after"]
        assert (await post(client, asking(5, cursor, **window)))[0] == 200
        assert (await post(client, asking(5, cursor, query="@type:view", **window)))[0] == 400
        assert (await post(client, asking(5, "made up", **window)))[0] == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 200),
        (asking(1001), 400),
        (asking(0), 400),
        (asking(to="now-2d"), 400),
        (asking(to="soon"), 400),
        (asking(query="(a"), 400),
        ([], 400),
        ({"sort": "-timestamp"}, 400),
    ],
)
async def test_a_search_with_a_bad_body_is_refused(body: object, status: int) -> None:
    async with simulated() as client:
        assert (await post(client, body))[0] == status


async def test_a_search_needs_keys_and_counts_against_the_limit() -> None:
    async with simulated(SimulatorSettings(limit=LimitSettings(limit=1, period=3600.0))) as client:
        assert (await post(client, asking(), headers={}))[0] == 403
        assert (await post(client, asking()))[0] == 200
        assert (await post(client, asking()))[0] == 429
        assert (await client.get(SEARCH)).status == 405
        assert not client.simulator.counts.views


async def test_a_search_times_out_stops_early_or_loses_its_cursor_as_the_settings_ask() -> None:
    settings = SearchSettings(page_events=7, search_pages=2, search_timeout=7200.0)
    async with simulated(SimulatorSettings(search=settings)) as client:
        _, long = await post(client, asking())
        assert long["meta"]["status"] == "timeout"
        assert len(long["data"]) < 7
    async with simulated(SimulatorSettings(search=SearchSettings(page_events=7, search_pages=2))) as client:
        got = await pages(client, asking(10, **{"from": "2026-01-01T00:00Z", "to": "2100-01-01T00:00Z"}))
        assert [len(page["data"]) for page in got] == [7, 7]
    async with simulated(SimulatorSettings(paging=PagingSettings(expire_page=2))) as client:
        window: dict[str, Any] = {"from": "2026-01-01T00:00Z", "to": "2100-01-01T00:00Z"}
        _, first = await post(client, asking(10, **window))
        assert (await post(client, asking(10, first["meta"]["page"]["after"], **window)))[0] == 410


@pytest.mark.parametrize(
    ("chain", "status", "around"),
    [(SearchChain.ERRORS, 200, {"errors": ["A shard is down"]}), (SearchChain.PARTIAL, 206, {})],
)
async def test_a_second_page_that_is_half_there_says_so_and_leads_on_no_more(
    chain: SearchChain, status: int, around: dict[str, object]
) -> None:
    window: dict[str, Any] = {"from": "2026-01-01T00:00Z", "to": "2100-01-01T00:00Z"}
    async with simulated(SimulatorSettings(search=SearchSettings(search_chain=chain))) as client:
        _, first = await post(client, asking(10, **window))
        got, second = await post(client, asking(10, first["meta"]["page"]["after"], **window))
    assert len(first["data"]) == 10
    assert (got, len(second.pop("data")), second) == (status, 5, around)


async def test_cursors_may_be_numbers_or_stand_in_a_link_alone() -> None:
    window: dict[str, Any] = {"from": "2026-01-01T00:00Z", "to": "2100-01-01T00:00Z"}
    async with simulated(SimulatorSettings(search=SearchSettings(search_chain=SearchChain.NUMBER))) as client:
        _, first = await post(client, asking(10, **window))
        assert first["meta"]["page"] == {"after": 1}
    async with simulated(SimulatorSettings(search=SearchSettings(search_chain=SearchChain.LINK))) as client:
        _, first = await post(client, asking(10, **window))
        assert "page" not in first["meta"]
        cursor = parse_qs(urlsplit(first["links"]["next"]).query)["page[cursor]"][0]
        assert (await post(client, asking(10, cursor, **window)))[0] == 200


async def test_playlists_hold_the_first_sessions_page_by_page() -> None:
    async with simulated(SimulatorSettings(holding=HoldingSettings(sessions=20))) as client:
        path = "/api/v2/rum/replay/playlists/{}/sessions?page%5Bnumber%5D={}&page%5Bsize%5D=10"
        sizes = [len((await client.get(path.format(13, number))).json()["data"]) for number in range(3)]
        assert sizes == [10, 3, 0]
        first = (await client.get(path.format(1, 0))).json()["data"]
        assert [session["id"] for session in first] == [client.simulator.views[0].session_id]
        for playlist, status in ((0, 404), (21, 404), ("x", 400)):
            assert (await client.get(path.format(playlist, 0))).status == status
        assert (await client.get(path.format(1, -1))).status == 400


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("*", True),
        ("", True),
        ("@type:view @session.has_replay:true", True),
        ("@type:view AND @session.has_replay:false", False),
        ("@type:action OR @session.id:s-1", True),
        ("-@type:view", False),
        ("NOT @type:action", True),
        ("@session.id:(a OR s-1)", True),
        ('(@type:view) @session.id:("a" OR "s-1")', True),
        ('@session.id:("a" OR "b")', False),
        ("@view.url:*help*", True),
        ('@view.url:"*help*"', False),
        ("type:view @n:7", True),
        ("@no.such:thing", False),
        ("@n:>6", True),
        ("@n:>7", False),
        ("@session.id:>6", False),
    ],
)
async def test_a_query_of_the_simulated_search_finds_the_events_that_match_its_terms(query: str, matches: bool) -> None:  # noqa: FBT001 - from the table
    assert compiled(query)(EVENT) is matches


@pytest.mark.parametrize(
    "query",
    [
        "(",
        ")",
        "@a:",
        "@a:(",
        "@a:()",
        "a OR",
        "OR",
        "words",
        '@a:"open',
        "(" * 99,
        "@a:@b:c",
        "@a:b )",
        "(@a:b",
        "(@a:b OR @c:d",
    ],
)
async def test_a_text_that_is_no_query_is_refused(query: str) -> None:
    with pytest.raises(RefusalError):
        compiled(query)
