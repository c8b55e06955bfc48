"""An outline of unknown JSON, and where in it segments and tokens might be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from strategies import JSON, damaged

from replay_fetch.api.guess import outline, outline_lines, segments_paths, token_like_in

_SEGMENT = {"records": [{"type": 4}], "start": 1, "end": 2, "index_in_view": 0}


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"payload": {"chunks": [_SEGMENT]}}, ["payload.chunks"]),
        ([_SEGMENT], ["."]),
        ({"small": [_SEGMENT], "large": [{"a": "x" * 1000}] * 9}, ["small", "large"]),
        ({"a": [{"b": 1}], "c": [{"d": 1}, {"d": 2}]}, ["c", "a"]),
        ({"rows": [{"type": "segment", "body": _SEGMENT}], "more": [{"x": 1}] * 99}, ["rows", "more"]),
        ({"a": [1, 2], "b": {}, "c": []}, []),
        ({"with.dot": [_SEGMENT], "": [_SEGMENT]}, []),
    ],
)
def test_probe_puts_paths_to_lists_of_likely_segments_first(body: object, paths: list[str]) -> None:
    assert segments_paths(outline(json.dumps(body).encode())) == paths


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"continuation": "abc", "id": "x"}, ["continuation"]),
        ({"info": {"scroll_id": "abc"}, "nextPage": 7}, ["nextPage", "info.scroll_id"]),
        ({"next": None, "cursor": "", "token": {"a": "b"}}, []),
        ({"list": [{"next": "abc"}]}, []),
    ],
)
def test_strings_and_numbers_called_like_tokens_are_found(body: object, paths: list[str]) -> None:
    assert token_like_in(json.dumps(body).encode()).filled == paths


def test_tokens_are_looked_for_among_any_number_of_keys() -> None:
    body = {f"key-{number}": number for number in range(100)} | {"continuation": "abc"}
    assert token_like_in(json.dumps(body).encode()).filled == ["continuation"]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"continuation": None, "a": {"scroll": ""}, "id": None}, ["continuation", "a.scroll"]),
        ({"next": None, "paging": None, "meta": {"page": {"after": ""}, "paging": ""}}, []),
        ({"with.dot": {"token": None}, "": {"token": None}, "list": [{"token": None}]}, []),
    ],
)
def test_keys_that_a_token_may_stand_at_on_another_page_are_found(body: object, paths: list[str]) -> None:
    """Not those that the rules look at: there a token needs no flag."""
    assert token_like_in(json.dumps(body).encode()).empty == paths


def test_the_outline_is_bounded_in_depth_and_width() -> None:
    deep: object = 1
    for _ in range(500):
        deep = {str(number): deep for number in range(2)} if _ > 490 else {"a": deep}
    wide = {f"key-{number}": {f"inner-{inner}": inner for inner in range(100)} for number in range(100)}
    for body in (deep, wide):
        lines = list(outline_lines(outline(json.dumps(body).encode())))
        assert len(lines) < 300
    assert "  and 88 more" in lines


def test_keys_cannot_act_on_a_terminal() -> None:
    (_, line) = outline_lines(outline(b'{"\\u001b[31m\\n":1}'))
    assert line.isprintable()


@given(JSON | damaged())
def test_any_json_has_an_outline_and_nothing_else_has(text: bytes) -> None:
    try:
        node = outline(text)
    except ValueError:
        return
    assert node.size <= len(text)
    assert all(line.isprintable() for line in outline_lines(node))
    assert not set(segments_paths(node)) & set(token_like_in(text).filled)
