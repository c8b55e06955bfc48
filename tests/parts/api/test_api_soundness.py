"""What an answer says of itself comes before what it holds."""

from __future__ import annotations

import pytest
from decoded_pages import SEGMENT, decode, member_at, object_of

from replay_fetch.api.events import found_page
from replay_fetch.api.page import PageDecoder
from replay_fetch.errors import BadBody, ServerError
from replay_fetch.model import Response
from replay_fetch.settings import ApiSettings

LISTS = [b"[]", b"[" + SEGMENT + b"]"]
WORDS = [
    "error",
    "Failed",
    "FAILURE",
    "timeout",
    "timed_out",
    "partial",
    "incomplete",
    "aborted",
    "cancelled",
    "pending",
    "running",
    "in_progress",
    "processing",
    "not_ready",
    "unavailable",
    "503 Service Unavailable",
]


@pytest.mark.parametrize("segments", LISTS)
@pytest.mark.parametrize("key", ["errors", "error", "meta.errors", "meta.error"])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b'["shard 3 timed out"]', "shard 3 timed out"),
        (b'"boom"', "boom"),
        (b'[{"title":"Bad","detail":"shard 3"}]', "Bad: shard 3"),
        (b'{"message":"boom"}', "boom"),
        (b"true", "True"),
        (b"[[1]]", "?"),
    ],
)
def test_errors_beside_segments_are_a_fault_in_the_apis_words(
    segments: bytes, key: str, value: bytes, said: str
) -> None:
    body = object_of([b'"data":' + segments, member_at(key, value)])
    with pytest.raises(ServerError) as fault:
        decode(body)
    assert str(fault.value) == f"the API answers with errors: {said}"


@pytest.mark.parametrize(
    "body", [b'{"errors":["no"]}', b'{"data":{"error":"no"}}', b'{"data":{"attributes":{"errors":["no"]}}}']
)
def test_errors_without_any_list_are_no_unknown_shape(body: bytes) -> None:
    for segments_path in ("", "rows"):
        with pytest.raises(ServerError, match="the API answers with errors: no"):
            decode(body, segments_path=segments_path)


@pytest.mark.parametrize("segments", LISTS)
@pytest.mark.parametrize("place", ["status", "state", "meta.status", "meta.state"])
@pytest.mark.parametrize("value", [*(f'"{word}"'.encode() for word in WORDS), b"500", b"404"])
def test_a_status_of_failure_is_a_fault(segments: bytes, place: str, value: bytes) -> None:
    with pytest.raises(ServerError, match="the API says of its own answer: stat"):
        decode(object_of([b'"segments":' + segments, member_at(place, value)]))


@pytest.mark.parametrize(
    "flag",
    [
        *(b'"success":false', b'"ok":false', b'"timed_out":true', b'"timedOut":true', b'"truncated":true'),
        *(b'"partial":true', b'"is_partial":true', b'"isPartial":true', b'"isIncomplete":true'),
    ],
)
def test_a_flag_of_failure_is_a_fault(flag: bytes) -> None:
    for body in (b'{"segments":[],%s}', b'{"segments":[],"meta":{%s}}'):
        with pytest.raises(ServerError, match="the API says of its own answer"):
            decode(body % flag)


@pytest.mark.parametrize(
    "beside",
    [
        b'"errors":[],"error":null',
        b'"errors":null,"error":""',
        b'"errors":{},"error":false',
        b'"error":0,"meta":{"errors":[ ]}',
        b'"status":"ok","meta":{"status":"done","state":"complete"}',
        b'"status":200,"state":null',
        b'"success":true,"ok":true,"timed_out":false,"partial":false',
        b'"timedOut":false,"meta":{"isPartial":false}',
        b'"meta":{"warnings":[{"code":"x","detail":"an error"}]}',
        b'"data":{"attributes":{"status":"error"}}',
    ],
)
def test_an_answer_that_says_nothing_bad_is_believed(beside: bytes) -> None:
    assert len(decode(b'{"segments":[' + SEGMENT + b"]," + beside + b"}").segments) == 1


@pytest.mark.parametrize(
    "then", [b'"meta":{"status":"timeout"}', b'"errors":["x"]', b'"error":"x"', b'"meta":{"error":"x"}']
)
@pytest.mark.parametrize(
    "before", [b'"meta":{"status":"done"}', b'"errors":[]', b'"error":null', b'"meta":{}', b'"x":1']
)
def test_a_fault_is_seen_on_a_page_laid_out_like_a_good_one(before: bytes, then: bytes) -> None:
    decoder = PageDecoder(ApiSettings())
    body = b'{"segments":[' + SEGMENT + b"],%s}"
    for _ in range(2):
        assert decoder.decode(Response(200, {}, body % before)).segments
    with pytest.raises(ServerError):
        decoder.decode(Response(200, {}, body % then))


@pytest.mark.parametrize(
    "body",
    [
        b'{"errors":["no"]}\n{"errors":["no"]}',
        b'[{"errors":["no"]}]',
        SEGMENT + b'\n{"error":"no"}\n',
        b'{"data":[' + SEGMENT + b',{"error":"no"}]}',
        b'{"data":[{"id":"1","type":"x","attributes":{"errors":["no"]}}]}',
    ],
)
@pytest.mark.parametrize("by_path", [False, True])
def test_an_error_in_the_place_of_a_segment_is_a_fault(body: bytes, *, by_path: bool) -> None:
    segments_path = ("data" if b'"data"' in body else ".") if by_path else ""
    with pytest.raises(ServerError, match="the API answers with errors where a segment should be: no"):
        decode(body, segments_path=segments_path)


def test_a_segment_may_have_any_key() -> None:
    """What an application logs is no word of the API."""
    segment = b'{"records":[],"start":1,"error":"of the page","status":"error","errors":["x"]}'
    for body in (segment, b"[%b]" % segment, b'{"data":[%b]}' % segment, segment + b"\n" + segment):
        assert decode(body).segments[0].raw == segment
        assert decode(segment, segments_path=".").segments[0].raw == segment


@pytest.mark.parametrize("word", ["stale", "archived"])
def test_an_unknown_status_is_a_fault_in_a_search_which_documents_its_words_and_none_on_a_page(word: str) -> None:
    body = b'{"data":[%b],"status":"' + word.encode() + b'"}'
    assert decode(body % SEGMENT).segments[0].raw == SEGMENT
    with pytest.raises(ServerError, match=f'the API says of its own answer: status "{word}"'):
        found_page(Response(200, {}, body % b'{"attributes":{}}'))


def test_a_key_that_an_error_says_back_is_left_out() -> None:
    with pytest.raises(ServerError, match=r"the API answers with errors: bad key \[…\]"):
        decode(b'{"data":[],"errors":["bad key 0123456789abcdef0123456789abcdef"]}')


def test_an_object_that_is_only_a_message_stays_an_unknown_shape() -> None:
    with pytest.raises(BadBody, match="'message'"):
        decode(b'{"message":"hm"}')
