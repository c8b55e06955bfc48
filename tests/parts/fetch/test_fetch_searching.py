"""A search against a server that fails by the window: what is asked again, what is halved, what ends it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import anyio
import pytest
from fake_api import API, Told, status

from replay_fetch.api.endpoint import Endpoint
from replay_fetch.api.events import FoundPage
from replay_fetch.api.page import PageDecoder
from replay_fetch.api.search import Window
from replay_fetch.errors import BadBody, ChainCut, GaveUp, RequestError, Stalled, TransportError
from replay_fetch.fetch.fetcher import Fetcher
from replay_fetch.fetch.searching import Search, Stride, sessions_of
from replay_fetch.memory import Hold
from replay_fetch.model import Response
from replay_fetch.pacing import Pacer
from replay_fetch.progress.stats import RunStats
from replay_fetch.settings import FetchSettings
from replay_fetch.timestamps import epoch_ms, iso
from replay_fetch.transport import Transport

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

START = 1_769_846_400_000
HOUR = 3_600_000
DAY = Window(START, START + 24 * HOUR)
"""An event at the start of every hour."""
TIMED_OUT = Response(200, {}, b'{"data":[],"meta":{"status":"timeout"}}')

Judge = Callable[[Window, str | None], Told | None]


@dataclass
class FakeSearch(Transport):
    """Answers posted searches with three events a page, unless ``judge`` has another answer."""

    judge: Judge
    takes: float = 0.1
    asked: list[tuple[Window, str | None]] = field(default_factory=list)

    async def post_json(self, url: str, body: bytes) -> Response:  # noqa: ARG002 - there is one
        """As the real one."""
        asked = json.loads(body)
        begin, end = (epoch_ms(datetime.fromisoformat(asked["filter"][name])) for name in ("from", "to"))
        cursor = asked["page"].get("cursor")
        self.asked.append((Window(begin, end), cursor))
        await anyio.sleep(self.takes)
        told = self.judge(Window(begin, end), cursor) or page(Window(begin, end), int(cursor or 0))
        if isinstance(told, Exception):
            raise told
        return told

    async def get(self, url: str, hold: Hold | None = None) -> Response:  # noqa: ARG002 - as for a playlist
        """A playlist's pages, by the judge alone."""
        self.asked.append((DAY, url.partition("number%5D=")[2].partition("&")[0]))
        told = self.judge(*self.asked[-1])
        assert isinstance(told, Response)
        return told


def page(window: Window, first: int) -> Response:
    times = [at for at in range(START, START + 24 * HOUR, HOUR) if window.start_ms <= at <= window.end_ms]
    some = times[first : first + 3]
    meta = {"page": {"after": str(first + 3)}} if some else {}
    return Response(200, {}, json.dumps({"data": [event(at) for at in some], "meta": meta}).encode())


def event(at: int) -> dict[str, object]:
    inside = {"session": {"id": "s"}, "view": {"id": f"v{(at - START) // HOUR}"}}
    return {"attributes": {"timestamp": iso(at), "attributes": inside}}


def asking(transport: Transport, retries: int = 8) -> Fetcher:
    fetch = FetchSettings(workers=1, retries=retries)
    return Fetcher(transport, Pacer(fetch), Endpoint(API), PageDecoder(API), RunStats(), fetch.retries)


def search(transport: Transport, retries: int = 8, stride: Stride | None = None) -> Search:
    return Search(asking(transport, retries), "*", DAY, stride or Stride(DAY.length_ms))


async def found(transport: FakeSearch, retries: int = 8) -> set[str]:
    pages: list[FoundPage] = [each async for each in search(transport, retries).pages()]
    return {each.view.view_id for one in pages for each in one.views}


ALL = {f"v{hour}" for hour in range(24)}


@pytest.mark.parametrize("windows", [Stride(DAY.length_ms), Stride(5 * HOUR)], ids=["undivided", "divided"])
async def test_a_search_that_stops_on_events_without_a_word_is_asked_on_from_the_last_event(windows: Stride) -> None:
    def silent(window: Window, cursor: str | None) -> Response:
        told = json.loads(page(window, int(cursor or 0)).body)
        return Response(200, {}, json.dumps({"data": told["data"]}).encode())

    transport = FakeSearch(silent)
    views = {each.view.view_id async for one in search(transport, stride=windows).pages() for each in one.views}
    assert views == ALL


async def test_a_search_that_ends_on_events_costs_one_request_more_than_one_that_ends_on_none() -> None:
    def last(window: Window, cursor: str | None) -> Response | None:
        first = int(cursor or 0)
        ends = page(window, first + 3).body == page(window, 99).body
        return Response(200, {}, page(window, first).body.replace(b'"after"', b'"was"')) if ends else None

    ends_on_events, ends_on_none = FakeSearch(last), FakeSearch(lambda *_: None)
    assert await found(ends_on_events) == await found(ends_on_none) == ALL
    assert len(ends_on_none.asked) == 24 // 3 + 1
    assert len(ends_on_events.asked) == 24 // 3 + 2


@pytest.mark.parametrize("told", [TIMED_OUT, status(504), status(408), Stalled("no byte")], ids=str)
async def test_a_window_is_halved_at_its_second_timeout(told: Told) -> None:
    transport = FakeSearch(lambda window, _: told if window.length_ms > 3 * HOUR else None)
    assert await found(transport) == ALL
    asked = Counter(window for window, cursor in transport.asked if cursor is None)
    assert {so_often for window, so_often in asked.items() if window.length_ms > 3 * HOUR} == {2}
    assert {so_often for window, so_often in asked.items() if window.length_ms <= 3 * HOUR} == {1}


async def test_the_next_search_begins_at_the_length_that_held() -> None:
    """Sessions are searched for a hundred at a time: each hundred would try the whole month again."""
    transport, stride = (
        FakeSearch(lambda window, _: TIMED_OUT if window.length_ms > 3 * HOUR else None),
        Stride(24 * HOUR),
    )
    async for _ in search(transport, stride=stride).pages():
        pass
    first = len(transport.asked)
    async for _ in search(transport, stride=stride).pages():
        pass
    assert max(window.length_ms for window, _ in transport.asked[:first]) == 24 * HOUR
    assert max(window.length_ms for window, _ in transport.asked[first:]) <= 6 * HOUR


async def test_a_timeout_that_passes_costs_no_halving() -> None:
    first: list[Told] = [TIMED_OUT]
    transport = FakeSearch(lambda *_: first.pop() if first else None)
    assert await found(transport) == ALL
    assert {window for window, _ in transport.asked} == {DAY}


async def test_other_faults_between_do_not_make_two_timeouts_of_one() -> None:
    faults: list[Told] = [TIMED_OUT, status(503), TIMED_OUT, status(503), TIMED_OUT]
    transport = FakeSearch(lambda *_: faults.pop() if faults else None)
    assert await found(transport) == ALL
    assert {window for window, _ in transport.asked} == {DAY}


async def test_pages_behind_the_first_that_time_out_shorten_the_windows_too() -> None:
    """Else each thousand events would cost two time-outs."""
    transport = FakeSearch(lambda window, cursor: TIMED_OUT if cursor and window.length_ms > 5 * HOUR else None)
    assert await found(transport) == ALL
    timed_out = [window for window, cursor in transport.asked if cursor and window.length_ms > 5 * HOUR]
    assert len(timed_out) <= 8


async def test_the_last_second_is_asked_for_as_often_as_any_page() -> None:
    transport = FakeSearch(lambda window, _: TIMED_OUT if window.start_ms == START else None)
    with pytest.raises(GaveUp, match='status "timeout"'):
        await found(transport)
    assert Counter(transport.asked).most_common(1)[0][1] == 9


BROKEN = [
    (Response(200, {}, b'{"data":[],"errors":["shard down"]}'), "shard down"),
    (Response(206, {}, b'{"data":[]}'), "only a part of the answer was sent"),
    (Response(202, {}, b""), "the answer is not ready yet"),
    (Response(204, {}, b""), "answered 204"),
]


@pytest.mark.parametrize(("told", "says"), [*BROKEN, (Response(200, {}, b""), "no JSON")])
async def test_a_page_that_stays_broken_ends_the_search(told: Told, says: str) -> None:
    """After some minutes, not after halving down to a second: what is wrong is not the window's length."""
    transport = FakeSearch(lambda *_: told)
    began = anyio.current_time()
    with pytest.raises(GaveUp, match=says):
        await found(transport)
    assert anyio.current_time() - began < 15 * 60
    assert len(transport.asked) <= 4 * 9


@pytest.mark.parametrize("told", [*(told for told, _ in BROKEN), Response(200, {}, b"null"), status(500)])
async def test_a_search_goes_on_from_the_last_event_where_later_pages_stay_broken(told: Told) -> None:
    """Its first pages are sound, and lead through all of it."""

    def judge(window: Window, cursor: str | None) -> Told | None:
        return told if cursor == "3" and window.length_ms > 2 * HOUR else None

    assert await found(FakeSearch(judge), retries=2) == ALL


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"data":null}', b'{"data":[{"error":"boom"}]}'])
async def test_a_page_of_another_kind_ends_the_search_at_once(body: bytes) -> None:
    transport = FakeSearch(lambda _, cursor: Response(200, {}, body) if cursor == "6" else None)
    with pytest.raises(BadBody):
        await found(transport)
    assert len(transport.asked) == 3


@pytest.mark.parametrize(
    "around",
    [
        {"meta": {"page": {"after": 3}}},
        {"meta": {"has_more": True}},
        {"meta": {"next_cursor": "x"}},
        {"links": {"next": "x"}},
    ],
)
async def test_a_search_goes_on_from_the_last_event_where_the_cursor_cannot_be_read(around: dict[str, object]) -> None:
    def told(window: Window, _: str | None) -> Response | None:
        body = json.loads(page(window, 0).body)
        whole = len(body["data"]) < 3
        return Response(200, {}, json.dumps({**body, "meta": {}, **({} if whole else around)}).encode())

    assert await found(FakeSearch(told)) == ALL


async def test_a_page_that_tells_of_more_for_ever_is_never_the_last() -> None:
    def told(window: Window, _: str | None) -> Response:
        return Response(
            200, {}, json.dumps({**json.loads(page(window, 0).body), "meta": {"page": {"after": 3}}}).encode()
        )

    with pytest.raises(ChainCut, match="a cursor that is no text"):
        await found(FakeSearch(told))


async def test_a_network_that_stays_broken_is_not_met_with_shorter_windows() -> None:
    transport = FakeSearch(lambda *_: TransportError("reset"))
    with pytest.raises(RequestError, match="reset"):
        await found(transport, retries=2)
    assert {window for window, _ in transport.asked} == {DAY}


def listed(*numbers: int) -> Response:
    return Response(200, {}, json.dumps({"data": [{"id": f"s{number}"} for number in numbers]}).encode())


async def test_a_playlist_ends_where_a_page_brings_nothing_new() -> None:
    pages = {"0": listed(*range(100)), "1": listed(100, 101), "2": listed()}
    sessions = await sessions_of(asking(FakeSearch(lambda _, number: pages[number or ""])), "7")
    assert sessions == [f"s{number}" for number in range(102)]


async def test_a_short_playlist_may_come_again_whatever_page_is_asked_for() -> None:
    assert await sessions_of(asking(FakeSearch(lambda *_: listed(1, 2))), "7") == ["s1", "s2"]


async def test_a_full_page_of_a_playlist_that_comes_again_is_not_its_end() -> None:
    with pytest.raises(ChainCut, match="playlist 7 repeats a full page of 100 sessions"):
        await sessions_of(asking(FakeSearch(lambda *_: listed(*range(100)))), "7")
