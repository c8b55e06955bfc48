"""Laws of a rebuilt recording: what is played is what was rebuilt, whatever the records are."""

from __future__ import annotations

import gc
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junk_records import JSON_RECORDS, junked_some
from made_recordings import add, element, full, mutation, segment, shadow
from recorded_views import Recorded, recorded_views, records_of, with_records
from rrweb_page import RrwebPage
from strategies import damaged, drawn

from replay_fetch.replay.page import Node
from replay_fetch.replay.recording import Recording

VIEWS = recorded_views()
EVERY_VIEW = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)


def played_and_rebuilt(segments: Sequence[bytes]) -> Recording:
    """Play a recording; at every chunk's end what was played is what the next checkpoint rebuilds."""
    recording, page = Recording(segments), RrwebPage()
    for chunk in recording.chunks(size=10_000, ms=500):
        if chunk.checkpoint:
            rebuilt = RrwebPage().play(chunk.events[: chunk.checkpoint])
            assert rebuilt.state() == page.state()
            page = rebuilt
        page.play(chunk.events[chunk.checkpoint :])
    return recording


@EVERY_VIEW
def test_a_checkpoint_shows_the_page_that_was_played(view: Recorded) -> None:
    recording = played_and_rebuilt(view.segments)
    assert recording.account.has_page
    assert {reason for reason in recording.account.notes if "canvas" not in reason} == set()


@EVERY_VIEW
def test_events_name_only_nodes_that_were_created_and_are_still_there(view: Recorded) -> None:
    """The page of the tests looks up every id it is told, and refuses one that is given twice."""
    assert RrwebPage().play(Recording(view.segments).events()).root is not None


@pytest.mark.parametrize("event", [mutation(removes=[77]), mutation(adds=[add(element(2, "p"))])])
def test_the_page_of_the_tests_refuses_ids_that_are_unknown_or_given_twice(event: dict[str, Any]) -> None:
    page = RrwebPage().play(Recording([segment(full(element(2, "p")))]).events())
    data = {"texts": [], "attributes": [], "adds": [], "removes": []} | event["data"]
    with pytest.raises((KeyError, AssertionError)):
        page.mutation(data)


@EVERY_VIEW
def test_the_same_segments_give_the_same_bytes_in_any_order_and_twice(view: Recorded) -> None:
    once = [event.json for event in Recording(view.segments).events()]
    chance = random.Random(1)  # noqa: S311 - an order, not a secret
    mixed = chance.sample([*view.segments, *view.segments], 2 * len(view.segments))
    assert [event.json for event in Recording(mixed).events()] == once


@EVERY_VIEW
def test_any_prefix_of_a_view_plays(view: Recorded) -> None:
    for length in range(len(view.segments)):
        account = played_and_rebuilt(view.segments[:length]).account
        assert (account.has_page, account.ended and length > 0) == (length > 0, account.ended)


@EVERY_VIEW
def test_a_segment_left_out_is_a_gap_and_stops_nothing(view: Recorded) -> None:
    segments = list(dict.fromkeys(view.segments))
    for left_out in range(len(segments) - 1):
        account = played_and_rebuilt(segments[:left_out] + segments[left_out + 1 :]).account
        (gap,) = account.gaps
        assert gap.missing == (left_out,)
        goes_on = gap.still_until_ms == gap.end_ms
        by_changes = view.sdk.startswith("7") and left_out > 0
        assert goes_on == (not by_changes or json.loads(segments[left_out + 1])["has_full_snapshot"])


@settings(max_examples=drawn(80))
@given(view=st.sampled_from(VIEWS), seed=st.integers(0, 2**32))
def test_records_that_are_changed_at_random_never_raise(view: Recorded, seed: int) -> None:
    """What comes of them can still be played by rrweb: no event names a node that it does not have."""
    chance = random.Random(seed)  # noqa: S311 - cases, not secrets
    segments = []
    for recorded in view.segments:
        records = junked_some(records_of(recorded), chance)
        if chance.random() < 0.2:  # a hole, or something that comes again
            records.insert(chance.randrange(len(records)), records.pop(chance.randrange(len(records))))
        segments.append(with_records(recorded, records))
    recording = played_and_rebuilt(segments)
    assert json.dumps([str(action) for action in recording.account.actions]).isascii()
    end_ms = recording.account.end_ms or 0
    assert "<script" not in Recording(segments).page_at(end_ms).encode().decode().lower()


@given(text=st.binary(max_size=200) | damaged())
def test_bytes_that_are_no_segment_never_raise(text: bytes) -> None:
    assert list(Recording([text, b"[]", b"{}", text]).events()) == [] or text


@settings(max_examples=drawn(50))
@given(records=st.lists(JSON_RECORDS, max_size=6))
def test_records_of_any_json_never_raise(records: list[object]) -> None:
    played_and_rebuilt([json.dumps({"index_in_view": 0, "records": records}).encode()])


def test_a_segment_that_comes_too_late_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many bytes are held for one that is missing, and no more."""
    monkeypatch.setattr("replay_fetch.replay.segments._HELD", 10)
    account = Recording([segment(full()), segment(index=2), segment(index=1), segment(index=2)]).watch()
    assert (account.notes, account.repeated_segments) == ({"a segment that came too late": 1}, 1)
    assert [gap.missing for gap in account.gaps] == [(1,)]


def nodes_alive() -> int:
    return sum(isinstance(each, Node) for each in gc.get_objects())


def test_nodes_that_went_are_freed_without_the_garbage_collector() -> None:
    """Links both ways are circles; among millions of nodes, looking for those takes longer than reading."""
    records = [full()]
    for number in range(200):
        rows = [element(1000 + number * 50 + row, "p", {}, shadow(90_000 + number * 50 + row)) for row in range(20)]
        gone = [row["id"] - 50 for row in rows] if number else []
        records.append(mutation(adds=[add(row) for row in rows], removes=gone))
    gc.collect()
    gc.disable()
    try:
        before = nodes_alive()
        most = max(nodes_alive() for _ in Recording([segment(*records)]).chunks(size=50_000))
    finally:
        gc.enable()
    assert most - before < 200
