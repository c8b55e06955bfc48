"""What stands inside a segment, as far as people and tables want to know it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.api.recording import Labels, Record, _plain_labels, _plain_records, labels, records
from replay_fetch.simulator.recordings import recordings_folder

RECORDED = [path for path in (recordings_folder() / "segments").iterdir() if path.name.endswith(".json")]


@pytest.mark.parametrize(
    ("record", "known"),
    [
        ('{"type":4,"timestamp":17.5,"data":{"href":"https://x/"}}', Record(4, 17, href="https://x/")),
        ('{"type":3,"timestamp":17,"data":{"source":2}}', Record(3, 17, by_hand=True)),
        ('{"type":3,"timestamp":17,"data":{"source":0,"adds":[]}}', Record(3, 17)),
        ('{"type":11,"timestamp":17,"data":{"source":9}}', Record(11, 17, by_hand=True)),
        ('{"type":12,"timestamp":17,"data":[[1]]}', Record(12, 17)),
        ('{"type":7}', Record(7)),
        ('{"type":4,"timestamp":1e300,"data":{"href":"h"}}', Record(4, None, href="h")),
        ('{"type":4,"timestamp":"soon","data":{"href":7}}', Record(4)),
        ('{"type":4,"timestamp":1,"data":{"href":"\\ud83d"}}', Record(4, 1, href="\ufffd")),
        ('{"type":3,"timestamp":1,"data":["?"]}', Record(3, 1)),
    ],
)
def test_a_record_is_read_as_far_as_it_goes(record: str, known: Record) -> None:
    assert records(f'{{"records":[{record}]}}'.encode()) == [known]


@pytest.mark.parametrize(
    "segment", [b"", b"[]", b"{}", b'{"records":7}', b"[" * 100_000, b"\xff", b'{"records":[null,{}]}']
)
def test_unreadable_parts_of_a_segment_are_left_out_of_its_records(segment: bytes) -> None:
    assert (records(segment), labels(segment)) == ([], Labels())


def test_a_segment_names_its_recorder() -> None:
    segment = b'{"source":"ios","creation_reason":"init","application":{"id":"a-1"}}'
    assert labels(segment) == Labels("ios", "init", "a-1")
    assert labels(segment.replace(b'"init"', b"null")) == Labels("ios", "", "a-1")


def test_the_quick_way_and_the_plain_one_agree_on_real_recordings() -> None:
    assert RECORDED
    for path in RECORDED:
        segment = path.read_bytes()
        assert records(segment) == list(_plain_records(segment))
        assert labels(segment) == _plain_labels(segment)


@settings(max_examples=100)
@given(
    st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(), lambda s: st.lists(s, max_size=3))
)
def test_records_of_any_content_are_read_without_an_error(value: object) -> None:
    for key in ("type", "timestamp", "data"):
        record = {"type": 4, "timestamp": 1, "data": {"href": value, "source": value}} | {key: value}
        segment = json.dumps({"records": [record], "source": value, "application": value}).encode()
        for text in (*labels(segment), *(record.href for record in records(segment))):
            assert text.encode("utf-8") or not text
