"""Pages in every shape: where the segments are and what leads on."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest

from replay_fetch.api import PageDecoder
from replay_fetch.errors import BadBody, GarbledBody
from replay_fetch.model import Answer, Page, Segment
from replay_fetch.settings import ApiSettings

RECORDINGS = Path(__file__).parents[1] / "sample_inputs/recordings/segments"
S = b'{"records":[{"type":4}],"start":1,"big":123456789012345678901234567890}'
ITEM = b'{"type": "segment", "id":"\\ud83d", "attributes": ' + S + b' , "meta":1e400}'


def decode(body: bytes, *, link: str = "", status: int = 200, **settings: str) -> Page:
    headers = {"link": link} if link else {}
    decoder = PageDecoder(ApiSettings(**settings))  # type: ignore[arg-type] # only text settings are given
    first = decoder.decode(Answer(status, headers, body))
    assert decoder.decode(Answer(status, headers, body)) == first, "the quick way says something else"
    return first


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (S, "one segment"),
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
    page = decode(body.replace(b"%s", S))
    assert page == Page((Segment(S),) * count if count else (Segment(body),), shape=shape)


@pytest.mark.parametrize(
    ("envelope", "place"),
    [
        (b'"paging":"T"', "paging"),
        (b'"paging":{"next":"T","after":"x"}', "paging.next"),
        (b'"paging":{"next":null,"after":"T"}', "paging.after"),
        (b'"paging":{"cursor":"T"},"next":"x"', "paging.cursor"),
        (b'"paging":{"token":"T"}', "paging.token"),
        (b'"paging":{"limit":10},"next":"T"', "next"),
        (b'"next_token":"T","cursor":"x"', "next_token"),
        (b'"next_page_token":"T"', "next_page_token"),
        (b'"next_cursor":"T"', "next_cursor"),
        (b'"cursor":"T","meta":{"page":{"after":"x"}}', "cursor"),
        (b'"meta":{"paging":"T"}', "meta.paging"),
        (b'"meta":{"paging":{"after":"T"},"page":{"after":"x"}}', "meta.paging.after"),
        (b'"meta":{"page":{"after":"T","cursor":"x"}}', "meta.page.after"),
        (b'"meta":{"page":{"next":"T"}}', "meta.page.next"),
        (b'"meta":{"pagination":{"next_cursor":"T"}}', "meta.pagination.next_cursor"),
        (b'"meta":{"pagination":{"next_page":"T"}}', "meta.pagination.next_page"),
        (b'"data":{"attributes":{"paging":{"next":"T"}}},"links":{"next":"?paging=x"}', "data.attributes.paging.next"),
        (b'"links":{"next":"?paging=T"}', "links.next"),
        (b'"links":{"next":{"href":"/x?a=1&paging=T"}}', "links.next"),
        (b'"paging":{"next":""},"next":null,"links":{"next":"https://api.datadoghq.com:443/?paging=T"}', "links.next"),
    ],
)
def test_the_token_is_found_at_the_first_place_that_has_one(envelope: bytes, place: str) -> None:
    page = decode(b'{"segments":[' + S + b"]," + envelope + b"}")
    assert (page.token, page.shape) == ("T", f"segments + {place}")


def test_tokens_are_found_around_nested_segments() -> None:
    body = b'{"data":{"attributes":{"segments":[' + S + b'],"paging":{"next":"T"}}}}'
    assert decode(body).shape == "data.attributes.segments + data.attributes.paging.next"


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b',"paging":null',
        b',"paging":""',
        b',"paging":{}',
        b',"paging":{"next":null,"limit":10}',
        b',"paging":{"next":""}',
        b',"paging":[]',
        b',"next":{ },"cursor":[]',
        b',"meta":{"page":{"after":null},"has_more":false}',
        b',"links":{"next":null,"self":"https://api.datadoghq.com/?paging=x"}',
        b',"has_more":"true"',
    ],
)
def test_without_a_token_the_page_is_the_last(envelope: bytes) -> None:
    page = decode(b'{"segments":[]' + envelope + b"}")
    assert page == Page((), shape="segments")


@pytest.mark.parametrize(
    ("text", "token"),
    [
        (rb'"a=b+c/d%2Fe"', "a=b+c/d%2Fe"),
        (rb'"\u00e9\ud83d\ude00\/"', "é\N{GRINNING FACE}/"),
        (b"12345678901234567890123", "12345678901234567890123"),
        (b"1e3", "1e3"),
        (b"0", "0"),
    ],
)
def test_a_token_is_taken_verbatim(text: bytes, token: str) -> None:
    assert decode(b'{"data":[],"next":' + text + b"}").token == token


@pytest.mark.parametrize(
    "envelope",
    [
        b'"has_more":true',
        b'"paging":{"hasMore":true}',
        b'"meta":{"has_more":true}',
        b'"meta":{"page":{"has_more":true}}',
        b'"meta":{"pagination":{"hasMore":true}}',
        b'"next":true',
        b'"paging":{"next":{"page":2}}',
        b'"paging":"\\ud83d"',
        b'"cursor":"\xff"',
        b'"links":{"next":"https://evil.example/?paging=T"}',
        b'"links":{"next":"//evil.example/?paging=T"}',
        b'"links":{"next":"http://api.datadoghq.com/?paging=T"}',
        b'"links":{"next":"https://api.datadoghq.com:99999/?paging=T"}',
        b'"links":{"next":"https://api.datadoghq.com/?page=2"}',
        b'"links":{"next":"?paging=%ff"}',
        b'"links":{"next":"\\ud83d"}',
    ],
)
def test_a_promise_of_more_that_no_token_keeps_is_told(envelope: bytes) -> None:
    page = decode(b'{"segments":[' + S + b"]," + envelope + b"}")
    assert (page.token, page.has_more, page.shape) == (None, True, "segments")


@pytest.mark.parametrize(
    ("link", "token", "has_more"),
    [
        ('<https://api.datadoghq.com/x?paging=T>; rel="next"', "T", False),
        ("<?paging=T>;rel=next", "T", False),
        ('<?paging=x>; rel="prev", <?a=1&paging=a%2Bb+c%3D>; title="a, b; c"; REL="last Next"', "a+b+c=", False),
        ('<https://evil.example/?paging=T>; rel="next"', None, True),
        ('<?paging=T>; rel="prev"', None, False),
        ("<?paging=T", None, False),
        ("<" * 10_000, None, False),
        ("<>" + "; a" * 10_000, None, False),
    ],
)
def test_the_link_header_is_the_last_place(link: str, token: str | None, has_more: bool) -> None:  # noqa: FBT001 - a table
    page = decode(b"[]", link=link)
    assert (page.token, page.has_more) == (token, has_more)
    assert decode(b'{"data":[],"next":"first"}', link=link).shape == "data + next"


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf", gzip.compress(b"")])
def test_an_empty_body_is_an_empty_page(body: bytes) -> None:
    assert decode(body) == Page((), shape="empty body")


def test_no_content_is_an_empty_page_whatever_the_body() -> None:
    assert decode(b"<html>", status=204) == Page((), shape="empty body")


def test_an_empty_page_may_lead_on() -> None:
    assert decode(b"", link="<?paging=T>; rel=next") == Page((), "T", shape="empty body + Link header")


def test_a_wrapped_segment_is_taken_out_and_the_rest_kept() -> None:
    page = decode(b'{"data":[' + ITEM + b"," + S + b'],"meta":{"page":{"after":"T"}}}')
    item = b'{"type":"segment","id":"\\ud83d","meta":1e400}'
    assert page == Page((Segment(S, item), Segment(S)), "T", shape="data (JSON:API) + meta.page.after")


def test_all_that_stands_beside_the_attributes_is_kept_even_twice() -> None:
    body = b'[{"x":1,"id":2,"x":3,"attributes":{},"\\u0061ttributes":{"a":1}}]'
    assert decode(body).segments == (Segment(b'{"a":1}', b'{"x":1,"id":2,"x":3}'),)


@pytest.mark.parametrize(
    "element",
    [
        S,
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
        (b"null", "null"),
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
        b'{"segments":[' + S,
        b'{"segments":[' + S[:-9],
        S + b"\n" + S[:-9],
        b'{"segments":[NaN]}',
        b"<!DOCTYPE html><html>maintenance</html>",
        b"\n<html>maintenance",
        gzip.compress(b'{"segments":[]}')[:-4],
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
        (b'{"payload":{"rows":[1,"x"]},"segments":[]}', "payload.rows", [b"1", b'"x"']),
        (b'{"payload":{"only":' + S + b"}}", "payload.only", [S]),
        (b'{"rows":null}', "rows", []),
        (b'{"next":[' + S + b"]}", "next", [S]),
        (b'{"links":{"next":{"href":[' + S + b"]}}}", "links.next.href", [S]),
        (b'{"a":1}', ".", [b'{"a":1}']),
        (b"[1,2]", ".", [b"1", b"2"]),
        (b"1 2", ".", [b"1", b"2"]),
    ],
)
def test_a_path_of_the_user_overrides_the_rules(body: bytes, path: str, segments: list[bytes]) -> None:
    assert [segment.raw for segment in decode(body, segments_path=path).segments] == segments


@pytest.mark.parametrize(
    ("body", "path"),
    [(b'{"segments":[]}', "rows"), (b'{"rows":"x"}', "rows"), (b"[]", "rows"), (b"{}{}", "rows"), (b"1", ".")],
)
def test_a_path_that_leads_nowhere_is_refused(body: bytes, path: str) -> None:
    with pytest.raises(BadBody, match="--segments-path"):
        decode(body, segments_path=path)


def test_a_path_for_the_token_overrides_the_rules() -> None:
    body = b'{"segments":[],"paging":{"next":"x"},"cursors":{"after":"T"},"has_more":true}'
    page = decode(body, next_path="cursors.after")
    assert (page.token, page.shape) == ("T", "segments + cursors.after")
    assert decode(body, next_path="cursors.gone", link="<?paging=x>; rel=next").token is None
    assert decode(body, next_path="cursors.gone").has_more


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
