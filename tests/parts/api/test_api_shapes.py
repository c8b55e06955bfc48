"""Pages in every shape: where the segments are."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest
from decoded_pages import SEGMENT, decode

from replay_fetch.api.page import PageDecoder
from replay_fetch.errors import BadBody, GarbledBody
from replay_fetch.model import Page, Response, Segment
from replay_fetch.settings import ApiSettings

RECORDINGS = Path(__file__).parents[3] / "sample_inputs/recordings/segments"
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


def test_members_beside_the_attributes_of_a_segment_are_kept_even_twice() -> None:
    body = b'[{"x":1,"id":2,"x":3,"attributes":{},"\\u0061ttributes":{"a":1,"records":[]}}]'
    assert decode(body).segments == (Segment(b'{"a":1,"records":[]}', b'{"x":1,"id":2,"x":3}'),)


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
def test_an_object_that_is_no_wrapper_stays_whole(element: bytes) -> None:
    assert decode(b"[" + element + b"," + SEGMENT + b"]").segments == (Segment(element), Segment(SEGMENT))


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
        (b"[1]", "element 0 of list is number"),
        (b'{"segments":[{},"x"]}', "element 1 of segments is string"),
        (b"{}null", "element 1"),
        (b"\x89PNG\r\n\x1a\n", "89 50 4e 47"),
        (b"hello", "neither JSON"),
        (b"tru", "neither JSON"),
    ],
)
def test_a_shape_that_no_rule_knows_is_refused_with_what_is_there(body: bytes, reason: str) -> None:
    answer = Response(200, {"content-type": "x/\x1b", "content-length": "9"}, body)
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
        PageDecoder(api).decode(Response(200, {"content-encoding": "gzip"}, gzip.compress(b" " * 1001)))


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
    ],
)
def test_a_path_that_leads_to_no_list_is_refused_with_what_is_there(body: bytes, path: str, there: str) -> None:
    with pytest.raises(BadBody) as refused:
        decode(body, segments_path=path)
    assert f"--segments-path {path} {there}" in str(refused.value)


SDK5 = b'{"records":[{"type":4,"timestamp":1}],"start":1,"end":2}'
OPAQUE = b'{"start":1,"end":2,"source":"android","data":"eJyrVkpUslIyVKoFAA4XAsU"}'


@pytest.mark.parametrize(
    ("body", "path", "hidden"),
    [
        (b'{"segments":[],"data":[' + SEGMENT + b"]}", "", "data"),
        (b'{"data":[],"included":[{"id":"1","type":"segment","attributes":' + SDK5 + b"}]}", "", "included"),
        (b'{"data":{"segments":[],"more":{"parts":[' + SDK5 + b"]}}}", "", "data.more.parts"),
        (b'{"data":[],"pages":[{"segments":[' + SDK5 + b"]}]}", "", ""),
        (b'{"data":[],"groups":[[' + SDK5 + b"]]}", "", ""),
        (b'{"data":[],"blocks":[{"start":1,"end":2,"index_in_view":0,"data":"x"}]}', "", "blocks"),
        (b'{"rows":null,"a":{"b":[' + SDK5 + b"]}}", "rows", "a.b"),
        (b'{"rows":[],"a":{"b":[' + SDK5 + b"]}}", "rows", "a.b"),
    ],
)
def test_an_empty_list_is_not_believed_where_segments_stand_elsewhere(body: bytes, path: str, hidden: str) -> None:
    there = (
        f"segments seem to be at {hidden}: see --segments-path" if hidden else "there are records on the page, where"
    )
    with pytest.raises(BadBody, match=f"holds nothing, but {there}"):
        decode(body, segments_path=path)


@pytest.mark.parametrize(
    "body",
    [
        b'{"segments":[],"data":{"id":"1"},"records":0}',
        b'{"data":[],"included":[{"id":"1","type":"app","attributes":{"name":"shop"}}]}',
        b'{"data":[],"meta":{"start":1,"end":2,"records_count":0,"warnings":[]}}',
        b'{"segments":[],"hint":"a \\"records\\":[{ in text"}',
        b'{"segments":[],"ranges":[{"start":1,"end":2}]}',
    ],
)
def test_an_empty_list_is_believed_where_nothing_else_looks_like_segments(body: bytes) -> None:
    assert decode(body).segments == ()


@pytest.mark.parametrize(
    "element",
    [
        SDK5,
        OPAQUE,
        b'{"application":{"id":"a"},"records":[]}',
        b'{"id":"1","type":"segment","attributes":' + OPAQUE + b"}",
        b'{"end":2,"creation_reason":"init"}',
    ],
)
@pytest.mark.parametrize("layout", [b"[%s]", b'{"data":[%s]}', b"%s\n%s"])
def test_segments_without_optional_keys_are_segments(element: bytes, layout: bytes) -> None:
    assert len(decode(layout.replace(b"%s", element)).segments) == layout.count(b"%s")


@pytest.mark.parametrize(
    "element",
    [
        b'{"url":"https://s3.example/x?sig=1"}',
        b'{"id":"1","type":"segment","attributes":null}',
        b'{"id":"1","type":"segment","attributes":{"name":"x"}}',
        b'{"type":4,"timestamp":1,"data":{"href":"/"}}',
        b"{}",
        b'{"errors":[]}',
    ],
)
@pytest.mark.parametrize("layout", [b"[%s]", b'{"data":[%s,%s]}', b'{"records":[%s]}'])
def test_a_list_without_anything_like_a_segment_is_refused(element: bytes, layout: bytes) -> None:
    with pytest.raises(BadBody, match=r"every element of \w+ is no segment: an"):
        decode(layout.replace(b"%s", element))
    assert decode(
        layout.replace(b"%s", element),
        segments_path={b"[": ".", b"d": "data", b"r": "records"}[layout.strip(b'{"')[:1]],
    )


@pytest.mark.parametrize(
    "other",
    [
        b'{"meta":{"page":{"after":"t2"}}}',
        b'{"data":[' + SDK5 + b"]}",
        b'{"data":[]}',
        b"{}",
        b'{"status":"done"}',
    ],
)
@pytest.mark.parametrize("layout", [b"%s\n%s\n", b"%s%s"])
def test_a_stream_with_anything_but_segments_is_refused(other: bytes, layout: bytes) -> None:
    for body in (
        layout.replace(b"%s", SDK5, 1).replace(b"%s", other),
        layout.replace(b"%s", other, 1).replace(b"%s", SDK5),
    ):
        with pytest.raises(BadBody, match="one of the values one after another is no segment: an"):
            decode(body)


@pytest.mark.parametrize("segments", [1, 2])
@pytest.mark.parametrize("line", [SEGMENT + b"\n", zlib.compress(SEGMENT + b"\n")])
def test_a_stream_that_may_have_been_cut_off_is_asked_for_again(line: bytes, segments: int) -> None:
    """An HTTP/1.0 answer ends where its connection does, be it in the middle, or behind the first of many lines."""
    body = line * segments
    answer = Response(200, {"content-type": "application/x-ndjson"}, body)
    with pytest.raises(GarbledBody, match="in an answer without a length, so that some may be cut off"):
        PageDecoder(ApiSettings()).decode(answer)
    assert len(PageDecoder(ApiSettings(segments_path=".")).decode(answer).segments) == segments
    for header in ({"content-length": "9"}, {"transfer-encoding": "chunked"}):
        assert len(PageDecoder(ApiSettings()).decode(Response(200, header, body)).segments) == segments


def test_where_a_decoder_has_seen_segments_it_still_tells_errors_from_them() -> None:
    decoder = PageDecoder(ApiSettings())
    good = b'{"data":[{"id":"1","start":1,"records":[]}]}'
    assert decoder.decode(Response(200, {}, good)).segments
    for body in (b'{"data":[{"url":"https://s3.example/x"}]}', b'[{"url":"x"}]', b'{"url":"x"}\n{"url":"x"}'):
        with pytest.raises(BadBody, match="no segment"):
            decoder.decode(Response(200, {"content-length": str(len(body))}, body))


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
