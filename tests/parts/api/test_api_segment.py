"""What segments say of themselves, and what is missing between them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import JSON, arrays, damaged, objects

from replay_fetch.api.segment import Continuity, SegmentFacts, facts

RECORDINGS = Path(__file__).parents[3] / "sample_inputs/recordings/segments"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            b'{"records":[],"start":5,"end":9,"records_count":3,"has_full_snapshot":true,"index_in_view":0}',
            SegmentFacts(0, True, 5, 9, 3),  # noqa: FBT003 - a table
        ),
        (b'{"index_in_view":7,"records":["\\ud83d"]}', SegmentFacts(index=7)),
        (b'{"index_in_view":7,"deep":' + b"[" * 5000 + b"]" * 5000 + b"}", SegmentFacts(index=7)),
        (b'{"index_in_view":"7","has_full_snapshot":1,"start":null,"end":[9],"records_count":true}', SegmentFacts()),
        (b'{"start":1795406147640.75,"end":1e3,"records_count":3.0}', SegmentFacts(None, None, 1795406147640, 1000, 3)),
        (b'{"index_in_view":-1,"start":1e400,"end":123456789012345678901234567890}', SegmentFacts()),
        (b'{"index_in_view":' + b"9" * 5000 + b"}", SegmentFacts()),
        (b'{"index_in_view":1,"index_in_view":2}', SegmentFacts(index=2)),
        (b"{}", SegmentFacts()),
        (b"[]", SegmentFacts()),
        (b'{"index_in_view":1', SegmentFacts()),
        (b"", SegmentFacts()),
    ],
)
def test_facts_are_what_the_segment_says_in_a_usable_form(raw: bytes, expected: SegmentFacts) -> None:
    assert facts(raw) == expected


def told(index: int, snapshot: bytes = b"true", start: int = 2, end: int = 3) -> bytes:
    """All the facts of a segment."""
    return b'"index_in_view":%d,"has_full_snapshot":%b,"start":%d,"end":%d,"records_count":4' % (
        index,
        snapshot,
        start,
        end,
    )


TOLD = told(1)


@given(
    front=objects(JSON),
    array=arrays(JSON),
    behind=objects(JSON),
    last=st.sampled_from(
        [TOLD, TOLD.replace(b"1", b"null"), TOLD.replace(b"4", b'"]"'), TOLD[18:], b'"x":"],","y":"]"']
    ),
)
@example(front=b"{}", array=b'["],"]', behind=b'{"a":{"b":[1],"c":2}}', last=TOLD)
def test_facts_at_the_end_are_read_as_if_all_were(front: bytes, array: bytes, behind: bytes, last: bytes) -> None:
    """Whatever stands before and between them, arrays and brackets in strings included."""
    members = [front[1:-1], b'"records":' + array, behind[1:-1], last]
    raw = b"{" + b",".join(member for member in members if member.strip()) + b"}"
    assert facts(raw) == facts(raw[:-1] + b',"":[]}')


@given(raw=JSON | damaged() | st.binary())
def test_facts_never_raise(raw: bytes) -> None:
    assert isinstance(facts(raw), SegmentFacts)


def test_recorded_segments_have_the_index_of_their_file_name() -> None:
    """The place is part of a recording's name; one was sent twice."""
    for path in RECORDINGS.glob("*.json"):
        found = facts(path.read_bytes())
        assert found.index == int(path.stem.removesuffix("_dup")[-3:])
        assert found.records
        assert found.start_ms
        assert found.end_ms
        assert found.end_ms >= found.start_ms


def gather(*segments: SegmentFacts) -> Continuity:
    continuity = Continuity()
    for segment in segments:
        continuity.add(segment)
    return continuity


def at(*indexes: int) -> Continuity:
    return gather(*(SegmentFacts(index=index) for index in indexes))


@pytest.mark.parametrize(
    ("indexes", "gaps", "repeats"),
    [
        ([], [], []),
        ([0, 1, 2], [], []),
        ([2, 0, 1], [], []),
        ([1], [0], []),
        ([0, 3, 5], [1, 2, 4], []),
        ([0, 1, 1, 0, 1], [], [1, 0, 1]),
        ([0, 10**18], list(range(1, 101)), []),
        ([0] * 500, [], [0] * 100),
    ],
)
def test_gaps_and_repeats_are_named(indexes: list[int], gaps: list[int], repeats: list[int]) -> None:
    continuity = at(*indexes)
    assert (continuity.gaps, continuity.repeats) == (gaps, repeats)


# Strings in which something looks like the end of an array or of a segment, or that leave quotes uneven.
LURES = st.sampled_from([b'"],"', b'"]"', b'"},{"', b'": "', b'":["', b'":1},{"', b'"]:"', b'"a":{"', b'"\\"]"', b'""'])


def luring(values: st.SearchStrategy[bytes], last: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Objects of such keys and of ``values``, with ``last`` at their end."""
    front = st.lists(st.tuples(LURES, values).map(b":".join), max_size=3)
    return st.tuples(front, last).map(lambda parts: b"{" + b",".join([*parts[0], parts[1]]) + b"}")


TELLING = luring(
    st.recursive(LURES | st.just(b"[]"), lambda inner: arrays(inner) | luring(inner, st.just(b'"":1')), max_leaves=6),
    st.integers(0, 9).map(told),
)
TIMES = st.integers(0, 99)
ALL_TOLD = st.builds(told, st.integers(0, 5), st.sampled_from([b"true", b"false"]), TIMES, TIMES)
PLAIN = ALL_TOLD.map(lambda last: b'{"records":[],' + last + b"}")


@given(raws=st.lists(TELLING | objects(JSON), max_size=5) | st.lists(PLAIN, max_size=5), cut=st.integers(0, 5))
@example(raws=[b'{"a":[],%b}' % told(index) for index in (3, 0, 4, 0)], cut=3)
@example(raws=[b'{"a":[],%b}' % each for each in (told(3), told(0, b"false"))], cut=0)
@example(raws=[b'{"],":0}', b'{"],": {},' + TOLD + b"}"], cut=0)
def test_segments_taken_in_together_count_like_one_after_another(raws: list[bytes], cut: int) -> None:
    one_by_one, together = gather(*map(facts, raws)), Continuity()
    together.add_all(raws[:cut])
    together.add_all(raws[cut:])
    for what in ("gaps", "repeats", "start_ms", "end_ms", "records", "lacks_full_snapshot"):
        assert getattr(together, what) == getattr(one_by_one, what)


def test_segments_that_tell_all_behind_their_records_are_read_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("replay_fetch.api.segment.facts")
    continuity = Continuity()
    continuity.add_all([b'{"records":[1],%b}' % told(index) for index in range(3)])
    assert (continuity.records, continuity.lacks_full_snapshot) == (12, False)


@given(indexes=st.lists(st.integers(0, 40), max_size=60))
def test_gaps_and_seen_indexes_make_up_the_whole_range(indexes: list[int]) -> None:
    continuity = at(*indexes)
    assert sorted({*continuity.gaps, *indexes}) == list(range(max(indexes, default=-1) + 1))
    assert len(continuity.repeats) == len(indexes) - len(set(indexes))


@pytest.mark.parametrize(
    ("segments", "lacks"),
    [
        ([], False),
        ([SegmentFacts()], False),
        ([SegmentFacts(0)], False),
        ([SegmentFacts(0, True)], False),  # noqa: FBT003 - a table
        ([SegmentFacts(0, False)], True),  # noqa: FBT003 - a table
        ([SegmentFacts(1, False), SegmentFacts(0, True)], False),  # noqa: FBT003 - a table
        ([SegmentFacts(0, True), SegmentFacts(0, False)], False),  # noqa: FBT003 - a table
        ([SegmentFacts(1, True), SegmentFacts(2, True)], True),  # noqa: FBT003 - a table
        ([SegmentFacts(None, False), SegmentFacts(None, True)], True),  # noqa: FBT003 - a table
        ([SegmentFacts(None, True), SegmentFacts(None, False)], False),  # noqa: FBT003 - a table
    ],
)
def test_a_view_lacks_its_full_snapshot_where_a_player_could_not_begin(
    segments: list[SegmentFacts],
    lacks: bool,  # noqa: FBT001 - a table
) -> None:
    assert gather(*segments).lacks_full_snapshot is lacks


def test_a_view_lasts_from_its_earliest_start_to_its_latest_end() -> None:
    continuity = gather(
        SegmentFacts(start_ms=20, end_ms=30, records=2), SegmentFacts(), SegmentFacts(start_ms=10, end_ms=15, records=3)
    )
    assert (continuity.start_ms, continuity.end_ms, continuity.records) == (10, 30, 5)
    assert (Continuity().start_ms, Continuity().end_ms, Continuity().records) == (None, None, 0)


def test_claims_of_records_add_up_to_what_a_database_holds() -> None:
    continuity = Continuity()
    for _ in range(3):
        continuity.add(facts(b'{"records_count":9223372036854775806}'))
    assert continuity.records == 2**63 - 1
