"""Pages in every shape: where the segments are."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest
from decoded_pages import SEGMENT, decode

from replay_fetch.api import PageDecoder
from replay_fetch.errors import BadBody, GarbledBody
from replay_fetch.model import Answer, Page, Segment
from replay_fetch.settings import ApiSettings

RECORDINGS = Path(__file__).parents[1] / "sample_inputs/recordings/segments"
ITEM = b'{"type": "segment", "id":"\\ud83d", "attributes": ' + SEGMENT + b' , "meta":1e400}'


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (SEGMENT, "one segment"),
        (b'{"records":[],"view":{},"segments":[1]}', "one segment"),
        (b"[%s,%s]", "list"),
        (b"%s%s", "values one after another"),
        (b"%s\n%s\n", "values one after another"),
        (b'{"segments":[%s,%s]}', "segments"),
        (b'{"segments":[%s],"data":[1]}', "segments"),
        (b'{"segments":"none","data":[%s]}', "data"),
        (b'{"data":[%s]}', "data"),
        (b'{"data":{"segments":[%s]}}', "data.segments"),
        (b'{"data":{"segments":[%s],"attributes":{"segments":[1]}}}', "data.segments"),
        (b'{"data":{"attributes":{"segments":[%s]}}}', "data.attributes.segments"),
        (b'{"records":[%s],"data":{"attributes":{}}}', "records"),
        (b'{"records":[%s],"items":[1]}', "records"),
        (b'{"items":[%s],"results":[1]}', "items"),
        (b'{"results":[%s],"events":[1]}', "results"),
        (b'{"events":[%s]}', "events"),
    ],
)
def test_segments_are_found_at_the_first_place_that_has_them(body: bytes, shape: str) -> None:
    count = body.count(b"%s")
    page = decode(body.replace(b"%s", SEGMENT))
    assert page == Page((Segment(SEGMENT),) * count if count else (Segment(body),), shape=shape)


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_an_answer_without_a_body_is_an_empty_page_that_rests_on_silence(body: bytes) -> None:
    assert decode(body) == Page((), shape="empty body", bodiless=True)


@pytest.mark.parametrize("status", [204, 205])
def test_an_answer_without_content_is_bodiless_whatever_its_body(status: int) -> None:
    assert decode(b"<html>", status=status) == Page((), shape="empty body", bodiless=True)


def test_null_says_no_more_than_a_missing_body() -> None:
    assert decode(b" null\n") == Page((), shape="null", bodiless=True)


@pytest.mark.parametrize("body", [b"[]", b'{"segments":[]}', b'{"data":[]}'])
def test_an_empty_list_is_the_apis_word(body: bytes) -> None:
    assert not decode(body).bodiless


def test_a_wrapped_segment_is_taken_out_and_the_rest_kept() -> None:
    page = decode(b'{"data":[' + ITEM + b"," + SEGMENT + b'],"meta":{"page":{"after":"T"}}}')
    item = b'{"type":"segment","id":"\\ud83d","meta":1e400}'
    assert page == Page((Segment(SEGMENT, item), Segment(SEGMENT)), "T", shape="data (JSON:API) + meta.page.after")


def test_all_that_stands_beside_the_attributes_is_kept_even_twice() -> None:
    body = b'[{"x":1,"id":2,"x":3,"attributes":{},"\\u0061ttributes":{"a":1}}]'
    assert decode(body).segments == (Segment(b'{"a":1}', b'{"x":1,"id":2,"x":3}'),)


@pytest.mark.parametrize(
    "element",
    [
        SEGMENT,
        b'{"attributes":{}}',
        b'{"type":"x","attributes":[]}',
        b'{"type":"x","attributes":null}',
        b'{"type":"x","id":"1","attributes":{},"records":[]}',
        b'{"id":1,"payload":{"attributes":{"id":1}}}',
    ],
)
def test_what_is_not_a_wrapper_is_left_alone(element: bytes) -> None:
    assert decode(b"[" + element + b"]").segments == (Segment(element),)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"true", "boolean"),
        (b"12", "number"),
        (b'"text"', "string"),
        (b"{}", "an empty object"),
        (b'{"foo":1,"b\\u001b[31mr":2}', r"'foo', 'b\x1b[31mr'"),
        (json.dumps({f"key{n}": n for n in range(1000)}).encode(), "and 992 more"),
        (b'{"data":null}', "'data'"),
        (b'{"data":{}}', "'data'"),
        (b'{"records":{}}', "'records'"),
        (b'{"paging":{"next":"T"},"meta":{}}', "'paging', 'meta'"),
        (b'{"errors":["Forbidden"]}', "Forbidden"),
        (b'{"data":[],"errors":["Timeout"]}', "Timeout"),
        (b"[1]", "element 0 of list is number"),
        (b'{"segments":[{},"x"]}', "element 1 of segments is string"),
        (b"{}null", "element 1"),
        (b"\x89PNG\r\n\x1a\n", "89 50 4e 47"),
        (b"hello", "neither JSON"),
        (b"tru", "neither JSON"),
    ],
)
def test_a_shape_that_no_rule_knows_is_refused_with_what_is_there(body: bytes, reason: str) -> None:
    answer = Answer(200, {"content-type": "x/\x1b"}, body)
    with pytest.raises(BadBody) as refused:
        PageDecoder(ApiSettings()).decode(answer)
    assert reason in str(refused.value)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 600
    assert refused.value.answer is answer


def test_an_unknown_object_is_refused_with_the_way_out() -> None:
    with pytest.raises(BadBody, match="--segments-path"):
        decode(b'{"payload":{"list":[]}}')


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"segments":[' + SEGMENT,
        b'{"segments":[' + SEGMENT[:-9],
        SEGMENT + b"\n" + SEGMENT[:-9],
        b'{"segments":[NaN]}',
        b"<!DOCTYPE html><html>maintenance</html>",
        b"\n<html>maintenance",
        gzip.compress(b'{"segments":[]}', mtime=0)[:-4],
        zlib.compress(b'{"segments":[]}') + b"{}",
        zlib.compress(b'{"segments":['),
    ],
)
def test_a_damaged_body_is_worth_asking_again(body: bytes) -> None:
    with pytest.raises(GarbledBody) as damaged:
        decode(body)
    assert damaged.value.answer.body is body
    assert str(damaged.value).isprintable()


def test_a_body_that_inflates_past_the_bound_is_refused() -> None:
    api = ApiSettings(max_page_bytes=1000)
    with pytest.raises(BadBody, match="1000"):
        PageDecoder(api).decode(Answer(200, {"content-encoding": "gzip"}, gzip.compress(b" " * 1001)))


@pytest.mark.parametrize(
    ("body", "path", "segments"),
    [
        (b'{"payload":{"rows":[{},{"x":1}]},"segments":[]}', "payload.rows", [b"{}", b'{"x":1}']),
        (b'{"payload":{"only":' + SEGMENT + b"}}", "payload.only", [SEGMENT]),
        (b'{"rows":null}', "rows", []),
        (b'{"next":[' + SEGMENT + b"]}", "next", [SEGMENT]),
        (b'{"links":{"next":{"href":[' + SEGMENT + b"]}}}", "links.next.href", [SEGMENT]),
        (b'{"records":[]}', ".", [b'{"records":[]}']),
        (b'{"one":{"type":"x","attributes":' + SEGMENT + b"}}", "one", [SEGMENT]),
        (b"[{}]", ".", [b"{}"]),
        (b'{"a":1} {}', ".", [b'{"a":1}', b"{}"]),
    ],
)
def test_a_path_of_the_user_overrides_the_rules(body: bytes, path: str, segments: list[bytes]) -> None:
    assert [segment.raw for segment in decode(body, segments_path=path).segments] == segments


@pytest.mark.parametrize(
    ("body", "path", "there"),
    [
        (b'{"segments":[]}', "rows", "leads to nothing in an object with the keys 'segments'"),
        (b'{"rows":"x"}', "rows", "leads to string, where a list of segments was expected"),
        (b"[]", "rows", "leads to nothing in list"),
        (b"{}{}", "rows", "leads nowhere: the body is 2 values"),
        (b"1", ".", "leads to number, where"),
        (
            b'{"payload":{"rows":[],"b\\u001b":1}}',
            "payload",
            "leads to an object with the keys 'rows', 'b\\x1b', where",
        ),
        (b'{"a":1}', ".", "leads to an object with the keys 'a', where"),
        (b'{"rows":{}}', "rows", "leads to an empty object, where"),
        (b'{"rows":null,"a":{"b":[' + SEGMENT + b"]}}", "rows", "leads to null; segments seem to be at a.b"),
    ],
)
def test_a_path_that_leads_to_no_list_is_refused_with_what_is_there(body: bytes, path: str, there: str) -> None:
    with pytest.raises(BadBody) as refused:
        decode(body, segments_path=path)
    assert f"--segments-path {path} {there}" in str(refused.value)


@pytest.mark.parametrize("body", [b'{"rows":[{},%s]}', b'{"rows":[%s]}'])
@pytest.mark.parametrize("element", [b"1", b'"eJyrVkpUslIyVKoFAA4XAsU"', b"null", b"[{}]"])
def test_a_list_of_something_else_than_objects_is_refused_at_a_path_of_the_user_too(
    body: bytes, element: bytes
) -> None:
    with pytest.raises(BadBody, match=r"element [01] of rows is \w+, where a segment is an object"):
        decode(body.replace(b"%s", element), segments_path="rows")


@pytest.mark.parametrize("layout", [b'{"segments":[%s],"paging":{"next":"T"}}', b"[%s]", b'{"data":{"segments":[%s]}}'])
def test_recordings_come_out_byte_for_byte(layout: bytes) -> None:
    recorded = [path.read_bytes().strip() for path in sorted(RECORDINGS.glob("*.json"))]
    page = decode(layout.replace(b"%s", b",\n".join(recorded)))
    assert len(recorded) == 60
    assert [segment.raw for segment in page.segments] == recorded
    assert {segment.item for segment in page.segments} == {None}


def test_joined_compressed_streams_of_recordings_come_out_byte_for_byte() -> None:
    recorded = [path.read_bytes().strip() for path in sorted(RECORDINGS.glob("*.json"))]
    page = decode(b"".join(map(zlib.compress, recorded)))
    assert [segment.raw for segment in page.segments] == recorded
