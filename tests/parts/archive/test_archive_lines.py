"""The line format: a segment's own bytes, one line each."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import JSON

from replay_fetch.archive.lines import lines, segment_of
from replay_fetch.model import Segment, View

VIEW = View("s-1", "v_1")
NO_BREAKS = bytes.maketrans(b"\r\n", b"  ")


def test_a_line_is_the_ids_the_position_and_the_segment_verbatim() -> None:
    assert lines(VIEW, 7, [Segment(b'{"a" :  1e0}')]) == (
        b'{"session_id":"s-1","view_id":"v_1","position":7,"segment":{"a" :  1e0}}\n'
    )


def test_keys_that_the_api_wrapped_around_a_segment_stand_beside_the_segment() -> None:
    line = lines(VIEW, 0, [Segment(b"{}", b'{"id":\n"x"}')])
    assert line.endswith(b',"segment":{},"item":{"id": "x"}}\n')


def test_positions_count_on() -> None:
    written = lines(VIEW, 3, [Segment(b"{}"), Segment(b"{}", b"{}"), Segment(b"{}")])
    assert [json.loads(line)["position"] for line in written.splitlines()] == [3, 4, 5]


def test_no_segments_are_no_bytes() -> None:
    assert lines(VIEW, 0, []) == b""


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_line_ends_between_tokens_become_spaces(ending: bytes) -> None:
    """A lone carriage return too: readers in text mode take it for the end of a line."""
    pretty = b'{%s"a": 1}' % ending
    (written,) = lines(VIEW, 0, [Segment(pretty, pretty)]).splitlines()
    assert written.count(pretty.replace(ending, b" " * len(ending))) == 2


@settings(max_examples=60)
@given(st.lists(st.tuples(JSON, st.none() | JSON), max_size=3))
def test_every_segment_is_one_line_and_comes_back_out_of_it(pairs: list[tuple[bytes, bytes | None]]) -> None:
    written = lines(VIEW, 0, [Segment(raw, item) for raw, item in pairs])
    found = [segment_of(line) for line in written.split(b"\n")[:-1]]
    assert found == [raw.strip(b" \t\r\n").translate(NO_BREAKS) for raw, _ in pairs]


@pytest.mark.parametrize("line", [b"", b"{}", b'{"session_id":"s"}', b'{"segment":', b"[1]", b'{"segment":{}} x'])
def test_anything_else_is_not_a_line_of_ours(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        segment_of(line)
