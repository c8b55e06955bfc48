"""Answers of the events search and of playlists: what is read out of them, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from replay_fetch.api.events import found_page
from replay_fetch.api.search import Window, narrowed, playlist_sessions, playlist_url, search_body, session_batches
from replay_fetch.errors import BadBody, GarbledBody, ServerError, ServerTimeout
from replay_fetch.model import Response, View

EVENT = {
    "id": "1",
    "type": "rum",
    "attributes": {
        "timestamp": "2026-01-31T08:00:00.1239Z",
        "tags": ["env:prod", "sdk_version:6.33.0"],
        "attributes": {
            "date": 1_769_846_400_123,
            "source": "browser",
            "application": {"id": "app"},
            "session": {"id": "s", "has_replay": True},
            "view": {"id": "v", "url": "https://shop.example/"},
            "_dd": {"document_version": 4, "replay_stats": {"segments_count": 2, "segments_total_raw_size": 900}},
        },
    },
}


def answer(body: object) -> Response:
    return Response(200, {"content-type": "application/json"}, json.dumps(body).encode())


def event(timestamp: object = "2026-01-31T08:00:00Z", **rum: Any) -> dict[str, Any]:  # Any: an event's own values
    attributes = {**EVENT["attributes"]["attributes"], **rum}  # type: ignore[index] # it is an object
    return {"attributes": {"timestamp": timestamp, "attributes": attributes}}


def test_an_event_gives_its_view() -> None:
    page = found_page(answer({"data": [EVENT], "meta": {"page": {"after": "c+/="}, "status": "done"}}))
    (found,) = page.views
    assert found.view == View("s", "v")
    assert found[1:] == ("2026-01-31T08:00:00.123Z", "app", "https://shop.example/", 2, "browser 6.33.0", 4, 900)
    assert page.token == "c+/="  # noqa: S105 - a cursor, no secret
    assert (page.events, page.nameless) == (1, 0)
    assert (page.first_ms, page.last_ms) == (1_769_846_400_123, 1_769_846_400_123)


def test_a_bare_last_page_ends_the_search() -> None:
    assert found_page(answer({"data": []})) == ([], None, 0, 0, None, None, (), "", ())


@pytest.mark.parametrize(
    ("rum", "reading"),
    [
        ({"_dd": None}, ("2026-01-31T08:00:00.123Z", "app", "https://shop.example/", None, "browser", 0, None)),
        ({"date": None}, ("2026-01-31T08:00:00Z", "app", "https://shop.example/", 2, "browser", 4, 900)),
        ({"application": "app", "source": 7}, ("2026-01-31T08:00:00.123Z", "", "https://shop.example/", 2, "", 4, 900)),
        (
            {"_dd": {"document_version": 2**60}},
            ("2026-01-31T08:00:00.123Z", "app", "https://shop.example/", None, "browser", 2**53, None),
        ),
        ({"view": {"id": "v", "url": "\ud83d"}}, ("2026-01-31T08:00:00.123Z", "app", "\ud83d", 2, "browser", 4, 900)),
    ],
)
def test_a_column_that_an_event_does_not_tell_stays_empty(rum: dict[str, object], reading: tuple[object, ...]) -> None:
    (found,) = found_page(answer({"data": [event(**rum)]})).views
    assert found[1:] == reading


@pytest.mark.parametrize(
    "rum",
    [
        {"view": {}},
        {"view": {"id": "../x"}},
        {"session": {"id": 5}},
        {"session": None},
        {"session": {"id": "00000000-0000-0000-0000-000000000000"}},
    ],
)
def test_events_without_usable_ids_are_counted(rum: dict[str, object]) -> None:
    page = found_page(answer({"data": [event(**rum), EVENT, {"attributes": {}}]}))
    assert (len(page.views), page.events, page.nameless) == (1, 3, 2)


@pytest.mark.parametrize(
    "timestamps",
    [
        ("2026-01-31T08:00:01Z", "2026-01-31T08:00:00Z"),
        ("2026-01-31T08:00:00Z", None),
        ("2026-01-31T08:00:00Z", "soon"),
    ],
)
def test_events_out_of_order_do_not_say_how_far_they_reach(timestamps: tuple[object, ...]) -> None:
    page = found_page(answer({"data": [event(timestamp) for timestamp in timestamps]}))
    assert (page.first_ms, page.last_ms) == (None, None)
    assert len(page.views) == 2


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"data": [EVENT], "meta": {"status": "timeout"}}, ServerTimeout),
        ({"data": [], "meta": {"status": "Timeout"}}, ServerTimeout),
        ({"data": [EVENT], "meta": {"status": "error"}}, ServerError),
        ({"data": [EVENT], "status": "failed"}, ServerError),
        ({"errors": ["no"]}, ServerError),
        ({"data": [], "errors": ["shard down"]}, ServerError),
        ({"data": [EVENT], "errors": [{"title": "shard down"}]}, ServerError),
        ({"data": [], "error": "boom"}, ServerError),
        ({"data": [EVENT], "meta": {"errors": "boom"}}, ServerError),
        ({"data": [EVENT], "meta": {"partial": True}}, ServerError),
        ({"data": [EVENT], "timed_out": True}, ServerTimeout),
        ({"data": [EVENT], "meta": {"timedOut": True}}, ServerTimeout),
        ({"data": [EVENT], "meta": {"truncated": True}}, ServerError),
        ({"data": [EVENT], "success": False}, ServerError),
        ({"data": [EVENT], "meta": {"state": "incomplete"}}, ServerError),
        ({"data": [EVENT, {"error": "boom"}]}, BadBody),
        ({"data": [None]}, BadBody),
        ({"data": ["event"]}, BadBody),
        ({"data": {"id": 1}}, BadBody),
        ({"data": None}, BadBody),
        ({}, BadBody),
        (None, BadBody),
        ([EVENT], BadBody),
    ],
)
def test_an_answer_that_is_no_page_is_never_an_empty_one(body: object, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        found_page(answer(body))
    assert type(raised.value) is error


@pytest.mark.parametrize("status", [202, 204, 205, 206, 207, 226])
@pytest.mark.parametrize("read", [found_page, playlist_sessions])
def test_a_success_that_is_not_the_whole_answer_is_asked_for_again(
    read: Callable[[Response], object], status: int
) -> None:
    with pytest.raises(ServerError, match=f"answered {status}, which is not the whole"):
        read(Response(status, {}, b'{"data":[]}'))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"errors": ["shard down"]}, "the API answers with errors: shard down"),
        ({"errors": [{"title": "Oh", "detail": "no"}]}, "the API answers with errors: Oh: no"),
        ({"error": {"x": 1}}, r"the API answers with errors: \?"),
        ({"error": "key " + "a1" * 20}, r"the API answers with errors: key \[…\]"),
        ({"meta": {"status": "par\x1bted"}}, r'the API says of its own answer: status "par\\u001bted"'),
    ],
)
def test_warnings_of_an_answer_about_itself_are_told(body: dict[str, object], said: str) -> None:
    for read in (found_page, playlist_sessions):
        with pytest.raises(ServerError, match=said):
            read(answer({"data": [], **body}))


@pytest.mark.parametrize(
    "says", [{"errors": []}, {"errors": None}, {"status": "ok"}, {"meta": {"status": "done", "partial": False}}]
)
def test_an_answer_that_says_that_all_is_well_is_a_page(says: dict[str, object]) -> None:
    page = found_page(answer({"data": [EVENT], **says}))
    assert (len(page.views), page.token, page.more) == (1, None, "")


@pytest.mark.parametrize(
    ("around", "said"),
    [
        ({"meta": {"page": {"after": 5}}}, "gives a cursor that is no text"),
        ({"meta": {"page": {"after": {"x": 1}}}}, "gives a cursor that is no text"),
        ({"links": {"next": "https://api.x/search?page=2"}}, "gives links.next, which no rule reads"),
        ({"meta": {"next_cursor": "abc"}}, "gives meta.next_cursor, which no rule reads"),
        ({"paging": {"continuation": "abc"}}, "gives paging.continuation, which no rule reads"),
        ({"meta": {"has_more": True}}, r"says that more follows \(meta.has_more\) but gives no cursor"),
    ],
)
def test_a_page_that_tells_of_more_is_not_the_last_one(around: dict[str, object], said: str) -> None:
    page = found_page(answer({"data": [EVENT], **around}))
    assert page.token is None
    assert re.match(said, page.more)


@pytest.mark.parametrize(
    "around",
    [{"meta": {"page": {"after": ""}}}, {"links": {"next": None}}, {"meta": {"has_more": False, "page_size": 9}}],
)
def test_an_empty_cursor_ends_the_search(around: dict[str, object]) -> None:
    page = found_page(answer({"data": [EVENT], **around}))
    assert (page.token, page.more) == (None, "")


def test_a_cursor_may_stand_in_the_link_to_the_next_page_alone() -> None:
    link = "https://app.example/api/v2/rum/events?filter%5Bquery%5D=a&page%5Bcursor%5D=c%2B%2F%3D+x#top"
    page = found_page(answer({"data": [EVENT], "links": {"next": link}}))
    assert (page.token, page.more) == ("c+/=+x", "")
    both = found_page(answer({"data": [EVENT], "links": {"next": link}, "meta": {"page": {"after": "this"}}}))
    assert both.token == "this"  # noqa: S105 - a cursor, no secret


@pytest.mark.parametrize("body", [b"", b"<html>Sorry</html>", b'{"data": [', b"\x1f\x8b\x08cut"])
def test_a_damaged_answer_is_asked_for_again(body: bytes) -> None:
    with pytest.raises(GarbledBody):
        found_page(Response(200, {}, body))


def test_warnings_are_passed_on() -> None:
    meta = {"warnings": [{"title": "old", "detail": "indexes: a"}, {"title": "slow"}, {}]}
    assert found_page(answer({"data": [], "meta": meta})).warnings == ("indexes: a", "slow", "a warning without words")


@pytest.mark.parametrize(
    ("body", "warnings"),
    [
        ({"meta": {"warnings": "a shard is down"}}, ("a shard is down",)),
        ({"meta": {"warnings": ["a shard\x1b"]}}, (r"a shard\x1b",)),
        ({"meta": {"warning": {"title": "old"}}}, ("old",)),
        ({"warnings": [{"code": 7}]}, ("a warning without words",)),
        ({"warnings": [], "meta": {"warnings": None}}, ()),
    ],
)
def test_warnings_in_another_form_are_passed_on_too(body: dict[str, object], warnings: tuple[str, ...]) -> None:
    assert found_page(answer({"data": [], **body})).warnings == warnings


def test_the_body_names_query_window_order_and_cursor() -> None:
    window = Window(1_769_846_400_000, 1_769_846_400_999)
    assert orjson.loads(search_body("@type:view", window, "c+/=%2B")) == {
        "filter": {"query": "@type:view", "from": "2026-01-31T08:00:00.000Z", "to": "2026-01-31T08:00:00.999Z"},
        "page": {"limit": 1000, "cursor": "c+/=%2B"},
        "sort": "timestamp",
    }
    assert "cursor" not in orjson.loads(search_body("*", window))["page"]


def test_sessions_are_named_a_hundred_at_a_time() -> None:
    batches = list(session_batches(f"s{number}" for number in range(250)))
    assert [len(batch) for batch in batches] == [100, 100, 50]
    asked = narrowed("a OR b", "app", batches[0])
    assert asked.startswith('(a OR b) @application.id:"app" @session.id:("s0" OR "s1" OR ')
    assert narrowed("a OR b") == "a OR b"
    assert list(session_batches([])) == []
    with pytest.raises(ValueError, match="id"):
        narrowed("a", sessions=['x" OR "y'])


def test_long_session_ids_are_named_fewer_at_a_time() -> None:
    batches = list(session_batches(f"{number:0128}" for number in range(100)))
    assert [len(batch) for batch in batches] == [39, 39, 22]


def test_a_playlists_sessions_are_read_and_checked() -> None:
    assert playlist_sessions(answer({"data": [{"id": "a", "type": "x"}, {"id": "b"}]})) == ["a", "b"]
    assert playlist_url("https://api.x", "7", 2).endswith("/playlists/7/sessions?page%5Bnumber%5D=2&page%5Bsize%5D=100")
    bodies: tuple[object, ...] = ({"data": [{"id": "../x"}]}, {"data": [{}]}, {"data": None})
    for body in bodies:
        with pytest.raises(BadBody):
            playlist_sessions(answer(body))
