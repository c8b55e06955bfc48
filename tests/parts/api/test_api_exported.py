"""Lines of an export of RUM events: in the form of the search, or as the SDK wrote them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from replay_fetch.api.exported import exported_events

Json = dict[str, Any]


def test_the_states_of_a_view_in_an_export_are_one_event() -> None:
    def state(version: int) -> Json:
        return {"type": "view", "session": {"id": "s"}, "view": {"id": "v"}, "_dd": {"document_version": version}}

    (first,) = exported_events(json.dumps(state(1)).encode())
    (second,) = exported_events(json.dumps({"data": [{"attributes": state(2)}]}).encode())
    assert (first.event_id, second.event_id, first.version, second.version) == ("view-v", "view-v", 1, 2)


def test_an_export_keeps_what_stands_beside_an_event() -> None:
    line = b'{"id":"AQ", "attributes": {"session":{"id":"s"},"date":7, "x":"\\ud83d"} ,"service":"shop"}'
    (event,) = exported_events(line)
    assert (event.event_id, event.session_id, event.at_ms) == ("AQ", "s", 7)
    assert event.text == (
        b'{"type":"rum","id":"AQ","attributes":{"attributes":{"session":{"id":"s"},"date":7, "x":"\\ud83d"}},'
        b'"service":"shop"}'
    )


@pytest.mark.parametrize("line", [b"[]", b"{", b"7", b"[" * 9999], ids=["a list", "cut", "a number", "a depth"])
def test_a_line_that_is_no_object_is_no_event(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(exported_events(line))


def test_an_event_that_names_no_session_is_passed_over() -> None:
    assert list(exported_events(b'{"attributes": {"attributes": {"type": "telemetry"}}}')) == []
