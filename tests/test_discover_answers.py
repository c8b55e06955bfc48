"""Answers of the events search and of playlists: what is read out of them, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from replay_fetch.api import Window, found_page, playlist_sessions, playlist_url, queries, search_body
from replay_fetch.errors import BadBody, GarbledBody, ServerError
from replay_fetch.model import Answer, View

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
            "_dd": {"document_version": 4, "replay_stats": {"segments_count": 2}},
        },
    },
}


def answer(body: object) -> Answer:
    return Answer(200, {"content-type": "application/json"}, json.dumps(body).encode())


def event(timestamp: object = "2026-01-31T08:00:00Z", **rum: Any) -> dict[str, Any]:  # Any: an event's own values
    attributes = {**EVENT["attributes"]["attributes"], **rum}  # type: ignore[index] # it is an object
    return {"attributes": {"timestamp": timestamp, "attributes": attributes}}


def test_an_event_gives_its_view() -> None:
    page = found_page(answer({"data": [EVENT], "meta": {"page": {"after": "c+/="}, "status": "done"}}))
    (found,) = page.views
    assert found.view == View("s", "v")
    assert found[1:] == ("2026-01-31T08:00:00.123Z", "app", "https://shop.example/", 2, "browser 6.33.0", 4)
    assert page.token == "c+/="  # noqa: S105 - a cursor, no secret
    assert (page.events, page.nameless) == (1, 0)
    assert (page.first_ms, page.last_ms) == (1_769_846_400_123, 1_769_846_400_123)


def test_a_bare_last_page_ends_the_search() -> None:
    assert found_page(answer({"data": []})) == ([], None, 0, 0, None, None, ())


@pytest.mark.parametrize(
    ("rum", "reading"),
    [
        ({"_dd": None}, ("2026-01-31T08:00:00.123Z", "app", "https://shop.example/", None, "browser", 0)),
        ({"date": None}, ("2026-01-31T08:00:00Z", "app", "https://shop.example/", 2, "browser", 4)),
        ({"application": "app", "source": 7}, ("2026-01-31T08:00:00.123Z", "", "https://shop.example/", 2, "", 4)),
        (
            {"_dd": {"document_version": 2**60}},
            ("2026-01-31T08:00:00.123Z", "app", "https://shop.example/", None, "browser", 2**53),
        ),
        ({"view": {"id": "v", "url": "\ud83d"}}, ("2026-01-31T08:00:00.123Z", "app", "\ud83d", 2, "browser", 4)),
    ],
)
def test_what_an_event_does_not_say_stays_empty(rum: dict[str, object], reading: tuple[object, ...]) -> None:
    (found,) = found_page(answer({"data": [event(**rum)]})).views
    assert found[1:] == reading


@pytest.mark.parametrize("rum", [{"view": {}}, {"view": {"id": "../x"}}, {"session": {"id": 5}}, {"session": None}])
def test_events_without_usable_ids_are_counted(rum: dict[str, object]) -> None:
    page = found_page(answer({"data": [event(**rum), EVENT, None]}))
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
        ({"data": [EVENT], "meta": {"status": "timeout"}}, ServerError),
        ({"errors": ["no"]}, BadBody),
        ({"data": {"id": 1}}, BadBody),
        ([EVENT], BadBody),
    ],
)
def test_an_answer_that_is_no_page_is_never_an_empty_one(body: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        found_page(answer(body))


@pytest.mark.parametrize("body", [b"", b"<html>Sorry</html>", b'{"data": [', b"\x1f\x8b\x08cut"])
def test_a_damaged_answer_is_asked_for_again(body: bytes) -> None:
    with pytest.raises(GarbledBody):
        found_page(Answer(200, {}, body))


def test_warnings_are_passed_on() -> None:
    meta = {"warnings": [{"title": "old", "detail": "indexes: a"}, {"title": "slow"}, {}]}
    assert found_page(answer({"data": [], "meta": meta})).warnings == ("indexes: a", "slow", "a warning without words")


def test_the_body_names_query_window_order_and_cursor() -> None:
    window = Window(1_769_846_400_000, 1_769_846_400_999)
    assert orjson.loads(search_body("@type:view", window, "c+/=%2B")) == {
        "filter": {"query": "@type:view", "from": "2026-01-31T08:00:00.000Z", "to": "2026-01-31T08:00:00.999Z"},
        "page": {"limit": 1000, "cursor": "c+/=%2B"},
        "sort": "timestamp",
    }
    assert "cursor" not in orjson.loads(search_body("*", window))["page"]


def test_sessions_are_named_a_hundred_at_a_time() -> None:
    asked = list(queries("a OR b", "app", [f"s{number}" for number in range(250)]))
    assert [query.count("s") - query.count("session") * 3 for query in asked] == [100, 100, 50]
    assert asked[0].startswith('(a OR b) @application.id:"app" @session.id:("s0" OR "s1" OR ')
    assert list(queries("a OR b")) == ["a OR b"]
    assert list(queries("a", sessions=[])) == []
    with pytest.raises(ValueError, match="id"):
        list(queries("a", sessions=['x" OR "y']))


def test_a_playlists_sessions_are_read_and_checked() -> None:
    assert playlist_sessions(answer({"data": [{"id": "a", "type": "x"}, {"id": "b"}]})) == ["a", "b"]
    assert playlist_url("https://api.x", "7", 2).endswith("/playlists/7/sessions?page%5Bnumber%5D=2&page%5Bsize%5D=100")
    bodies: tuple[object, ...] = ({"data": [{"id": "../x"}]}, {"data": [{}]}, {"data": None})
    for body in bodies:
        with pytest.raises(BadBody):
            playlist_sessions(answer(body))
