"""Cutting JSON into exact bytes: two ways, one result."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import JSON, SPACE, arrays, damaged, objects

from replay_fetch.api import json_scan, json_split

RECORDINGS = sorted((Path(__file__).parents[3] / "sample_inputs/recordings/segments").glob("*.json"))

Cut = Callable[[bytes], object]
WAYS = pytest.mark.parametrize(
    ("quick", "exact"),
    [
        (json_split.elements, json_scan.elements),
        (json_split.values, json_scan.values),
        (json_split.pairs, json_scan.pairs),
    ],
    ids=["elements", "values", "pairs"],
)


def result(cut: Cut, text: bytes) -> object:
    """What ``cut`` gives, or that it refuses."""
    try:
        return cut(text)
    except ValueError:
        return "not JSON"


@WAYS
@given(text=arrays(JSON) | objects(JSON) | JSON | damaged())
@example(text=b'{"\\ud864ata":1,"\\u9864ata":2}')
@example(text=b'{"a":1,"b":22,"a":333}')
@example(text=b"[01]")
@example(text=b"[1 2]")
@example(text=b'["\\ud"]')
def test_the_quick_way_and_the_exact_way_agree(quick: Cut, exact: Cut, text: bytes) -> None:
    assert result(quick, text) == result(exact, text)


@given(parts=st.lists(st.tuples(SPACE, JSON, SPACE), max_size=5))
def test_the_elements_of_an_array_come_back_as_they_went_in(parts: list[tuple[bytes, bytes, bytes]]) -> None:
    array = b"[" + b",".join(before + part + behind for before, part, behind in parts) + b"]"
    assert json_split.elements(array) == [part for _, part, _ in parts]


@given(parts=st.lists(arrays(JSON) | objects(JSON), max_size=5), space=SPACE)
def test_values_one_after_another_come_back_as_they_went_in(parts: list[bytes], space: bytes) -> None:
    assert json_split.values(space.join(parts)) == parts


@given(text=objects(JSON))
def test_pairs_make_up_the_object_again_but_for_space(text: bytes) -> None:
    again = b"{" + b",".join(key + b":" + value for key, value in json_split.pairs(text)) + b"}"
    assert json.loads(again.decode("latin-1"), object_pairs_hook=list) == json.loads(
        text.decode("latin-1"), object_pairs_hook=list
    )


@given(text=objects(JSON))
def test_of_a_key_that_comes_twice_the_last_value_counts(text: bytes) -> None:
    expected = json.loads(text.decode("utf-8", "replace"), parse_int=str, parse_float=str)
    assert list(json_split.members(text)) == list(expected)
    for key, value in json_split.members(text).items():
        assert json.loads(value.decode("utf-8", "replace"), parse_int=str, parse_float=str) == expected[key]


@given(text=JSON | damaged())
def test_exactly_json_text_is_split(text: bytes) -> None:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        # Latin-1 has a character for every byte, so that only the grammar is judged.
        json.loads(text.decode("latin-1"), parse_constant=refuse)
    except ValueError:
        whole = False
    else:
        whole = True
    assert (result(json_split.elements, b"[" + text + b"]") == [text.strip(b" \t\r\n")]) == whole


@pytest.mark.parametrize("depth", [10, 5_000, 90_000])
def test_depth_is_no_obstacle(depth: int) -> None:
    deep = b'{"a":[' * (depth // 2) + b"]}" * (depth // 2)
    assert json_split.elements(b"[" + deep + b",1]") == [deep, b"1"]


def test_a_body_of_brackets_is_refused_early() -> None:
    with pytest.raises(ValueError, match="nested"):
        json_split.values(b"[" * 1_000_000)


@pytest.mark.parametrize("text", [b"", b"{}", b"1", b"[", b"[1,]", b"[,1]", b"[1]]", b"[NaN]", b"[Infinity]", b"[+1]"])
def test_splitting_elements_refuses_text_that_is_no_array(text: bytes) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_split.elements(text)


@pytest.mark.parametrize(
    "text", [b"01", b"-01", b"1.", b"-", b"{} x", b"[],[]", b'"\x1f"', b'"\\ud83"', b"tru", b"{1:2}"]
)
def test_splitting_values_refuses_text_that_is_no_json(text: bytes) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_split.values(text)


def test_recordings_are_there() -> None:
    assert len(RECORDINGS) == 60


def test_recordings_come_back_byte_for_byte() -> None:
    """Seven of the sixty hold lone surrogates, which parsers refuse."""
    segments = [path.read_bytes().strip() for path in RECORDINGS]
    assert json_split.elements(b"[" + b",".join(segments) + b"]") == segments
    assert json_split.values(b"\n".join(segments)) == segments
    assert json_scan.values(b"".join(segments)) == segments
    assert sum(b"\\ud" in segment for segment in segments) == 7


def test_a_text_that_wears_every_disguise_is_cut_all_the_same() -> None:
    text = b'"' + b"".join(f"\\u{digit}823".encode() for digit in "0123456789abcdefABCDEF") + b'"'
    assert json_split.elements(b"[" + text + b"]") == [text]
    assert json_split.members(b'{"a":' + text + b"}") == {"a": text}


def test_a_msgspec_that_copies_never_sees_a_disguise(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hand the disguise out; the module looks when it is loaded, so it is loaded anew."""
    decoder = msgspec.json.Decoder

    class Copying:
        def __init__(self, kind: type) -> None:
            real: msgspec.json.Decoder[object] = decoder(kind)
            self.decode: Cut = lambda text: real.decode(bytes(text))
            self.decode_lines: Cut = lambda text: real.decode_lines(bytes(text))

    monkeypatch.setattr(msgspec.json, "Decoder", Copying)
    loaded = runpy.run_path(json_split.__file__)
    for lone, pair in ((rb'"\ud83d"', rb'"\ud83d\ude00"'), (rb'{"\ud83d":1}', rb'{"\ud83d\ude00":1}')):
        assert loaded["elements"](b"[" + lone + b"," + pair + b"]") == [lone, pair]
        assert loaded["values"](lone + b"\n" + pair) == [lone, pair]
        assert loaded["pairs"](b'{"a":' + lone + b"}") == [(b'"a"', lone)]
        assert loaded["members"](b'{"a":' + lone + b"}") == {"a": lone}
