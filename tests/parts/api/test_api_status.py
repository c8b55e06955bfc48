"""Which error a status is, and what its message says."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.api.error_text import error_text, tells_of_errors
from replay_fetch.api.status import check_status, health_of, is_a_strangers
from replay_fetch.errors import (
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    RequestError,
    ServerError,
    ServerTimeout,
    TokenRefused,
)
from replay_fetch.model import RateLimit, Response
from replay_fetch.printable import printable

NOW = 1792000000.0  # seconds since 1970


@pytest.mark.parametrize("status", [200, 201, 203, 299])
@pytest.mark.parametrize("first_page", [True, False])
def test_2xx_is_no_error(status: int, *, first_page: bool) -> None:
    check_status(Response(status, {}, b"[]"), first_page=first_page, now_epoch=NOW)


SILENCE = [
    (200, b""),
    (200, b" \n"),
    (200, b"\xef\xbb\xbf"),
    (200, b"null"),
    (200, gzip.compress(b"", mtime=0)),
    (204, b""),
    (205, b"<html>"),
]


@pytest.mark.parametrize(("status", "body"), SILENCE)
def test_a_page_behind_a_token_without_a_body_is_a_fault(status: int, body: bytes) -> None:
    answer = Response(status, {}, body)
    check_status(answer, first_page=True, now_epoch=NOW)
    with pytest.raises(ServerError, match=rf"no body \({status}\)"):
        check_status(answer, first_page=False, now_epoch=NOW)


@pytest.mark.parametrize("body", [b"[]", b'{"data":[]}', b"nullx", gzip.compress(b"", mtime=0)[:-4], b" " * 101])
def test_a_page_behind_a_token_with_any_body_is_left_to_its_reader(body: bytes) -> None:
    check_status(Response(200, {}, body), first_page=False, now_epoch=NOW)


def test_a_page_without_a_body_that_leads_on_by_its_header_is_no_fault() -> None:
    answer = Response(200, {"link": '<?paging=T>; rel="next"'}, b"")
    check_status(answer, first_page=False, now_epoch=NOW)


@pytest.mark.parametrize(
    ("status", "first", "later"),
    [
        (202, ServerError, ServerError),
        (206, ServerError, ServerError),
        (301, Rejected, Rejected),
        (304, ServerError, ServerError),
        (400, Rejected, TokenRefused),
        (401, Forbidden, Forbidden),
        (402, Rejected, Rejected),
        (403, Forbidden, Forbidden),
        (404, NotFound, TokenRefused),
        (405, Rejected, Rejected),
        (408, ServerTimeout, ServerTimeout),
        (409, ServerError, ServerError),
        (410, NotFound, TokenRefused),
        (414, Rejected, Rejected),
        (423, ServerError, ServerError),
        (425, ServerError, ServerError),
        (429, RateLimited, RateLimited),
        (500, ServerError, ServerError),
        (503, ServerError, ServerError),
        (504, ServerTimeout, ServerTimeout),
        (512, ServerError, ServerError),
        (599, ServerError, ServerError),
        (999, ServerError, ServerError),
    ],
)
def test_each_status_of_an_answer_raises_one_kind_of_error(
    status: int, first: type[RequestError], later: type[RequestError]
) -> None:
    for first_page, expected in ((True, first), (False, later)):
        with pytest.raises(RequestError) as raised:
            check_status(Response(status, {}, b'{"errors":["Because"]}'), first_page=first_page, now_epoch=NOW)
        assert type(raised.value) is expected
        assert str(status) in str(raised.value)
        assert ("Because" in str(raised.value)) == (status not in (206, 301, 429))


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("first_page", [True, False])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><head><title>404 Not Found</title></head><center>nginx</center></html>",
        b"404 page not found",
        b'{"message":"no Route matched with those values"}',
        b'["Not Found"]',
        b'"errors"',
        b'{"errors":["Not F',
        b'{"errors":["' + b"x" * 100_000 + b'"]}',
    ],
)
def test_a_gateways_404_is_a_fault_and_no_verdict_on_the_view(status: int, body: bytes, *, first_page: bool) -> None:
    with pytest.raises(ServerError, match=rf"the API itself did not answer for this view \({status}\)"):
        check_status(Response(status, {}, body), first_page=first_page, now_epoch=NOW)
    assert is_a_strangers(Response(status, {}, body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"errors":["Not Found"]}',
        b'\xef\xbb\xbf{"errors":["Not Found"]}',
        b'{"errors":[{"title":"Not Found","detail":"no such view"}]}',
        b'{"errors":[]}',
        gzip.compress(b'{"errors":["Not Found"]}', mtime=0),
    ],
)
def test_a_404_with_errors_in_json_is_the_apis_own(body: bytes) -> None:
    with pytest.raises(NotFound):
        check_status(Response(404, {}, body), first_page=True, now_epoch=NOW)
    assert not is_a_strangers(Response(404, {}, body))


def test_a_part_of_a_recording_is_not_quoted_as_a_message() -> None:
    answer = Response(206, {"content-range": "bytes 0-700/5000"}, b'{"segments":[{"records":[{"text":"private"}]}')
    with pytest.raises(ServerError, match=r"only a part of the answer was sent \(206\)$"):
        check_status(answer, first_page=True, now_epoch=NOW)


@pytest.mark.parametrize("status", [401, 403])
def test_forbidden_knows_its_status(status: int) -> None:
    with pytest.raises(Forbidden) as raised:
        check_status(Response(status, {}, b""), first_page=True, now_epoch=NOW)
    assert raised.value.status == status


def test_a_429_carries_what_its_headers_say() -> None:
    headers = {"x-ratelimit-limit": "10", "x-ratelimit-reset": "1792000003"}
    with pytest.raises(RateLimited) as raised:
        check_status(Response(429, headers, b"<html>"), first_page=True, now_epoch=NOW)
    assert raised.value.rate_limit == RateLimit(limit=10, reset=3.0, absolute=True)


def test_a_429_without_headers_is_one_all_the_same() -> None:
    with pytest.raises(RateLimited) as raised:
        check_status(Response(429, {}, b""), first_page=True, now_epoch=NOW)
    assert raised.value.rate_limit == RateLimit()


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("https://evil.example/path?token=secret", "https://evil.example;"),
        ("/login?key=secret", "this same host"),
        ("", "this same host"),
        ("https://[broken", "no readable place"),
        ("https://user:secret@e\x07.example/", "https://e"),
    ],
)
def test_a_redirect_names_where_it_leads_and_no_more(location: str, named: str) -> None:
    with pytest.raises(Rejected, match="not followed") as raised:
        check_status(Response(302, {"location": location}, b""), first_page=True, now_epoch=NOW)
    assert named in str(raised.value)
    assert "secret" not in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"errors":["Forbidden"]}', "Forbidden"),
        (b'{"errors":["One","Two"]}', "One; Two"),
        (b'{"errors":[{"title":"Bad Request","detail":"no such view","status":"400"}]}', "Bad Request: no such view"),
        (b'{"errors":[]}', ""),
        (b'{"errors":"Forbidden"}', "Forbidden"),
        (b'{"errors":null,"message":"Hm"}', "Hm"),
        (b'{"message":"Hm"}', "Hm"),
        (b'{"status":"error","code":403}', '{"status":"error","code":403}'),
        (b'["Forbidden"]', "Forbidden"),
        (b'{"errors":["For', '{"errors":["For'),
        (b"", ""),
        (b"  \n", ""),
        (b"upstream connect error", "upstream connect error"),
        (
            b"<html><title>502 Bad&nbsp;Gateway</title><style>p{}</style><script>x()</script><!-- no --><p>nginx",
            "502 Bad Gateway nginx",
        ),
        (b'{"errors":["\\u001b[31mred\\u0007"]}', r"\x1b[31mred\x07"),
        (b"\x1b]0;title\x07", r"\x1b]0;title\x07"),
        (b'{"errors":["bad key 0123456789abcdef0123456789ABCDEF"]}', "bad key […]"),
        (b"Authorization: Bearer ddapp_tok-en/1", "Authorization: Bearer […]"),
        (gzip.compress(b'{"errors":["Forbidden"]}', mtime=0), "Forbidden"),
        (gzip.compress(b'{"errors":["Forbidden"]}', mtime=0)[:-9], ""),
    ],
)
def test_the_text_of_a_refusal_is_taken_out_of_its_body(body: bytes, text: str) -> None:
    assert error_text(Response(400, {}, body)) == text


@given(body=st.binary() | st.text().map(str.encode) | st.text("<>!-/script ='\"&;").map(str.encode))
def test_any_error_body_gives_a_short_printable_line(body: bytes) -> None:
    text = error_text(Response(400, {"content-encoding": "deflate"}, body))
    assert len(text) <= 200
    assert text.isprintable()


def test_a_large_error_page_is_cut() -> None:
    text = error_text(Response(500, {}, b"<p>word</p>" * 100_000))
    assert len(text) <= 200
    assert text.endswith("…")


@given(text=st.text(), limit=st.integers(1, 50))
def test_printable_text_is_one_line_within_its_limit(text: str, limit: int) -> None:
    line = printable(text, limit)
    assert len(line) <= limit
    assert line.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        (" two\r\n\tlines ", "two lines"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("a\u202eb", r"a\u202eb"),
        ("\ud83d", r"\ud83d"),
        ("grün", "grün"),
        ("x" * 21, "x" * 19 + "…"),
    ],
)
def test_terminal_escapes_in_text_come_out_as_backslash_escapes(text: str, shown: str) -> None:
    assert printable(text, 20) == shown


@pytest.mark.parametrize(
    ("body", "tells"),
    [
        (b'{"errors":["Internal timeout"]}', True),
        (b'\xef\xbb\xbf {"error":{"message":"boom"}}', True),
        (b'{"data":[],"meta":{"errors":[{"title":"shard down"}]}}', True),
        (gzip.compress(b'{"errors":["Internal timeout"]}', mtime=0), True),
        (b'{"errors":[],"error":null,"data":[]}', False),
        (b'{"segments":[{"records":[{"text":"error"}]}]}', False),
        (b'["error"]', False),
        (b'{"errors":["cut', False),
        (b'{"errors":["a page: ' + b"x" * 2000 + b'"]}', False),
        (b"", False),
    ],
)
def test_a_short_good_answer_that_holds_errors_is_told_from_a_page(body: bytes, *, tells: bool) -> None:
    assert tells_of_errors(Response(200, {}, body)) is tells


@pytest.mark.parametrize(("good_keys", "health"), [(False, [200, 401, 403]), (True, [200, 503, 403])])
def test_a_401_is_a_fault_of_the_api_where_the_keys_were_good(*, good_keys: bool, health: list[int]) -> None:
    answers = [Response(status, {}, b"{}") for status in (200, 401, 403)]
    assert [health_of(answer, of_a_page=True, good_keys=good_keys) for answer in answers] == health
