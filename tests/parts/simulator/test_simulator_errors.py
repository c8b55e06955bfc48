"""The simulator's error events: in the SDK's form, inside of the recordings, and counted by their views."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from replay_fetch.simulator.events import Events
from replay_fetch.simulator.recordings import load_recordings
from replay_fetch.simulator.truth import Population

Json = dict[str, Any]


def all_events() -> list[Json]:
    views = Population(0, 0)
    events = Events(views, 43_200.0, 0)
    return [events.event(number) for number in range(len(events))]


def errors() -> list[Json]:
    return [event for event in all_events() if event["type"] == "error"]


def test_simulated_error_events_have_the_members_of_the_sdks_error_events() -> None:
    found = errors()
    assert {event["error"]["source"] for event in found} == {"source", "network", "console"}
    for event in found:
        assert event["error"]["message"]
        assert event["error"]["stack"]
        assert set(event) >= {"application", "session", "view", "date", "usr", "service"}
    assert len({event["error"]["id"] for event in found}) == len(found)


def test_each_error_falls_into_the_recording_of_its_view() -> None:
    recorded = {each.view.view_id: [json.loads(text) for text in each.segments] for each in load_recordings()}
    for event in errors():
        segments = recorded[event["view"]["id"]]
        assert min(each["start"] for each in segments) < event["date"] < max(each["end"] for each in segments)


def test_the_last_event_of_a_view_counts_its_errors() -> None:
    counted = {
        event["view"]["id"]: event["view"]["error"]["count"] for event in all_events() if event["type"] == "view"
    }
    found = Counter(event["view"]["id"] for event in errors())
    assert {view: count for view, count in counted.items() if count} == found


def test_events_are_sorted_by_the_time_that_the_search_answers() -> None:
    """Which is that of the view: the date of an error is the recording's own."""
    views = Population(0, 0)
    events = Events(views, 43_200.0, 1_795_492_800_000)
    answered: list[Json] = [events.answered(number) for number in range(len(events))]
    times = [event["attributes"]["timestamp"] for event in answered]
    assert times == sorted(times)
