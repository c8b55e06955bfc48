"""Where the next page's token is, and what counts as the last page."""

from __future__ import annotations

import pytest
from decoded_pages import SEGMENT, decode, member_at, object_of

from replay_fetch.api.page import PageDecoder
from replay_fetch.api.tokens import TOKEN_PLACES
from replay_fetch.errors import BadBody
from replay_fetch.model import Page, Response
from replay_fetch.settings import ApiSettings


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
    page = decode(b'{"segments":[' + SEGMENT + b"]," + envelope + b"}")
    assert (page.token, page.shape) == ("T", f"segments + {place}")


@pytest.mark.parametrize("place", sorted(TOKEN_PLACES))
def test_where_one_page_has_its_token_the_next_is_read_without_the_rules(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = PageDecoder(ApiSettings())
    segments = b'"segments":[' + SEGMENT + b"]"

    def told(*members: bytes) -> tuple[str | None, str]:
        page = decoder.decode(Response(200, {}, object_of([segments, *members])))
        return page.token, page.shape

    assert told(member_at(place, b'"T"')) == ("T", f"segments + {place}")
    monkeypatch.delattr("replay_fetch.api.page.find_next")
    monkeypatch.delattr("replay_fetch.api.page.locate")
    assert told(member_at(place, b'"\\u0055"')) == ("U", f"segments + {place}")
    assert told(member_at(place, b"null")) == told() == (None, "segments")


def test_a_page_of_a_form_seen_before_is_read_without_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands beside the list, as long as it says nothing."""
    decoder = PageDecoder(ApiSettings())
    body = (
        b'{"took":%b,"data":{"id":"1","attributes":{"segments":[%b],"paging":{"next":%b}}},"meta":{"status":"done"%b}}'
    )
    first = body % (b"12", SEGMENT, b'"T"', b',"elapsed":0.5,"tags":["a"],"errors":[]')
    assert decoder.decode(Response(200, {}, first)).token
    monkeypatch.delattr("replay_fetch.api.page.find_next")
    monkeypatch.delattr("replay_fetch.api.page.locate")
    for took, token, more in (
        (b"7", b'"U"', b""),
        (b"null", b'"V"', b',"tags":[],"elapsed":1'),
        (b'"7"', b"null", b""),
    ):
        page = decoder.decode(Response(200, {}, body % (took, SEGMENT, token, more)))
        assert page.token == (None if token == b"null" else token.decode().strip('"'))


def test_keys_that_are_new_on_every_page_cost_no_more_than_the_rules() -> None:
    decoder = PageDecoder(ApiSettings())
    for number in range(300):
        body = b'{"segments":[%b],"id-%d":1,"paging":"T"}' % (SEGMENT, number)
        assert decoder.decode(Response(200, {}, body)).shape == "segments + paging"


NAMES = [
    *("next", "after", "cursor", "next_token", "next_cursor"),
    *("next_page", "next_page_token", "next_paging", "paging_token"),
]
ENVELOPES = ["", "meta", "meta.page", "meta.paging", "meta.pagination", "page", "pagination", "data", "data.paging"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("envelope", [*ENVELOPES, "paging", "data.attributes", "data.attributes.paging"])
def test_a_token_is_read_under_every_name_in_every_envelope(envelope: str, name: str) -> None:
    place = f"{envelope}.{name}".lstrip(".")
    page = decode(object_of([b'"segments":[' + SEGMENT + b"]", member_at(place, b'"T"')]))
    assert (page.token, page.shape) == ("T", f"segments + {place}")


@pytest.mark.parametrize("place", ["paging", "meta.paging", "data.paging", "data.attributes.paging"])
def test_paging_itself_may_be_the_token(place: str) -> None:
    page = decode(object_of([b'"segments":[' + SEGMENT + b"]", member_at(place, b'"T"')]))
    assert (page.token, page.shape) == ("T", f"segments + {place}")


@pytest.mark.parametrize(
    "members",
    [
        b'"continuation":"T"',
        b'"meta":{"resume_at":"T"}',
        b'"meta":{"a":{"b":{"scroll_id":"T"}}}',
        b'"pageInfo":{"hasNextPage":true}',
        b'"offset":20',
        b'"x":"eyJuZXh0IjoiYWJjMTIzIn0"',
        b'"data":{"attributes":{"nextCursor":"T"}}',
    ],
)
@pytest.mark.parametrize(
    "before",
    [
        [],
        [b""],
        [b',"meta":{}', b',"meta":{"resume_at":null}'],
        [b',"paging":{"next":"A"}', b',"paging":null'],
        [b',"continuation":null', b',"meta":{"a":{"b":null}}', b',"meta":{"a":{"b":{"scroll_id":null}}}'],
        [b',"data":{"attributes":{}},"pageInfo":{"hasNextPage":false},"offset":null,"x":null'],
    ],
)
def test_a_token_that_no_rule_reads_is_seen_whatever_pages_came_before(members: bytes, before: list[bytes]) -> None:
    decoder = PageDecoder(ApiSettings())
    body = b'{"segments":[' + SEGMENT + b"]%s}"
    for beside in before * 2:
        decoder.decode(Response(200, {}, body % beside))
    for _ in range(2):
        with pytest.raises(BadBody, match="looks like the paging token of a next page"):
            decoder.decode(Response(200, {}, body % (b"," + members)))
    settled = PageDecoder(ApiSettings(next_path="none"))
    assert settled.decode(Response(200, {}, body % (b"," + members))).token is None


def test_tokens_are_found_around_nested_segments() -> None:
    body = b'{"data":{"attributes":{"segments":[' + SEGMENT + b'],"paging":{"next":"T"}}}}'
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
        b'"paging":{"next":{"url":"/x"}}',
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
    page = decode(b'{"segments":[' + SEGMENT + b"]," + envelope + b"}")
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


def test_an_empty_page_may_lead_on() -> None:
    assert decode(b"", link="<?paging=T>; rel=next") == Page((), "T", shape="empty body + Link header", bodiless=True)


def test_a_path_for_the_token_overrides_the_rules() -> None:
    body = b'{"segments":[],"paging":{"next":"x"},"cursors":{"after":"T"},"has_more":true}'
    page = decode(body, next_path="cursors.after")
    assert (page.token, page.shape) == ("T", "segments + cursors.after")
    assert decode(body, next_path="cursors.gone", link="<?paging=x>; rel=next").token is None
    assert decode(body, next_path="cursors.gone").has_more


UNKNOWN = b'{"payload":{"chunks":[' + SEGMENT + b"]%s}%s}"


@pytest.mark.parametrize(
    ("inside", "beside", "key"),
    [
        (b"", b',"continuation":"T"', "continuation"),
        (b',"scroll_id":"T"', b"", "payload.scroll_id"),
        (b"", b',"paging":null,"page":{"number":2,"page_index":2}', "page.page_index"),
        (b"", b',"next_is_there":true', "next_is_there"),
        (b"", b',"resumption":"eyJuZXh0IjoiYWJjMTIzIn0"', "resumption"),
        (b"", b',"has_more":true,"marker":"T"', "marker"),
        (b"", b',"b":{"nextToken":7},"a":"T","more\\u001b":1', "b.nextToken or more\\x1b"),
    ],
)
def test_a_likely_token_that_no_rule_reads_is_not_the_end_of_a_view(inside: bytes, beside: bytes, key: str) -> None:
    """A user's path for the segments says that no rule knows these pages, so that the rules are not enough."""
    body = UNKNOWN % (inside, beside)
    with pytest.raises(BadBody) as refused:
        decode(body, segments_path="payload.chunks")
    first = key.partition(" or ")[0]
    assert str(refused.value).startswith(f"{key} looks like the paging token")
    assert f"name it with --next-path {first}, or say --next-path none" in str(refused.value)
    assert decode(body, segments_path="payload.chunks", next_path=first).token in (
        "T",
        "7",
        "2",
        "eyJuZXh0IjoiYWJjMTIzIn0",
        None,
    )


@pytest.mark.parametrize(
    "beside",
    [
        b"",
        b',"continuation":null',
        b',"continuation":"","more":false',
        b',"page_size":100,"prev_cursor":"T","total_pages":1,"per_page":10,"before":"T"',
        b',"next":["T"],"list":[{"token":"T"}]',
        b',"links":{"next":"?page=2"}',
        b',"a.token":"T","":{"token":"T"}',
    ],
)
def test_a_page_without_a_key_like_a_token_is_the_last_page(beside: bytes) -> None:
    page = decode(UNKNOWN % (b"", beside), segments_path="payload.chunks")
    assert page.token is None
    assert len(page.segments) == 1


def test_a_token_found_by_the_rules_makes_likely_tokens_harmless() -> None:
    body = UNKNOWN % (b"", b',"paging":{"next":"T"},"continuation":"x"')
    assert decode(body, segments_path="payload.chunks").shape == "payload.chunks + paging.next"


def test_next_path_none_says_that_a_likely_token_is_no_token() -> None:
    body = UNKNOWN % (b"", b',"continuation":"x"%s')
    decoder = PageDecoder(ApiSettings(segments_path="payload.chunks", next_path="none"))
    for _ in range(2):
        assert decoder.decode(Response(200, {}, body % b"")).shape == "payload.chunks"
        assert decoder.decode(Response(200, {}, body % b',"paging":"T"')).shape == "payload.chunks + paging"
        linked = Response(200, {"link": "<?paging=L>; rel=next"}, body % b"")
        assert decoder.decode(linked).shape == "payload.chunks + Link header"


def test_a_segment_alone_is_no_envelope() -> None:
    body = b'{"records":[],"start":1,"next_page":"a page of the site"}'
    assert decode(body, segments_path=".").token is None
    assert decode(b'{"one":' + body + b"}", segments_path="one").token is None
    with pytest.raises(BadBody, match="continuation looks like"):
        decode(b'{"records":[],"continuation":"T"}', segments_path=".")
