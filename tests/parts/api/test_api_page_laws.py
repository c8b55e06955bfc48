"""Laws of decoding that hold for any body: quick and thorough agree, errors stay within the tree."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from decoded_pages import member_at, object_of
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import JSON, arrays, damaged, drawn, objects

from replay_fetch.api import json_split
from replay_fetch.api.envelope import Envelope
from replay_fetch.api.guess import unread
from replay_fetch.api.page import PageDecoder
from replay_fetch.api.tokens import LOOKED_AT, TOKEN_PLACES
from replay_fetch.errors import BadBody, GarbledBody, ServerError
from replay_fetch.model import Page, Response, Segment
from replay_fetch.settings import ApiSettings

SEGMENT = st.sampled_from([b'{"records":[],"start":1}', b'{"type":"s","attributes":{"records":[]}}', b"{}", b"1"])
SEGMENTS = arrays(SEGMENT)
TOKENS = st.sampled_from(
    [
        b'"T"',
        b'"done"',
        b'"failed"',
        b"null",
        b'""',
        b"7",
        b"{}",
        b'{"href":"?paging=T"}',
        b'"\\ud83d"',
        b'"eyJuIjoxfQ"',
        b"true",
        b"false",
        b"[1]",
    ]
)
NAMES = ["records", "start", "view", "segments", "data", "items", "events", "attributes", "type", "paging", "next"]
MORE_NAMES = ["cursor", "after", "meta", "page", "pagination", "next_cursor", "links", "has_more", "rows", "errors", ""]
UNREAD_NAMES = ["continuation", "resume_at", "nextCursor", "page_number", "a.token"]
SPEAKING = ["error", "status", "state", "ok", "partial"]
OF_THE_LIST = ["complete", "last_page", "hasNextPage", "total", "total_count", "totalPages"]
KEYS = st.sampled_from(
    [f'"{name}"'.encode() for name in NAMES + MORE_NAMES + UNREAD_NAMES + SPEAKING + OF_THE_LIST]
    + [b'"\\u0064ata"', b'"\xff"']
)

LOOKED_AT_KEYS = sorted({f'"{key}"'.encode() for path in LOOKED_AT for key in path.split(".")})
ONE = b'{"records":[]}'
LIST = b'"segments":[' + ONE + b"]"
WHOLE: Mapping[str, str] = {"content-length": "9"}


def envelopes(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Objects of the names that the rules know, some of them twice."""
    return st.lists(st.tuples(KEYS, values).map(b":".join), max_size=5).map(object_of)


def members_on_the_way(keys: list[str]) -> st.SearchStrategy[list[bytes]]:
    """Members of an object, often under the first of ``keys``, with members on the way in them, and so on."""
    values = members_on_the_way(keys[1:]).map(object_of) | TOKENS if keys[1:] else TOKENS
    on_the_way = st.tuples(st.just(f'"{keys[0]}"'.encode()), values).map(b":".join)
    beside = st.tuples(st.sampled_from(LOOKED_AT_KEYS), TOKENS).map(b":".join)
    return st.lists(on_the_way | on_the_way | beside, max_size=3)


BODIES = st.recursive(SEGMENTS | TOKENS, envelopes, max_leaves=8) | SEGMENTS | envelopes(SEGMENTS | TOKENS)
ANYTHING = BODIES | damaged(BODIES) | objects(JSON) | st.binary(max_size=60) | st.lists(BODIES).map(b"\n".join)
PATHS = st.sampled_from(
    ["", "", ".", "rows", "data.rows", "data", "links.next", "next", "meta.page", "errors", "errors.rows", "a..b"]
)


def result(decoder: PageDecoder, body: bytes, headers: Mapping[str, str] = WHOLE) -> Page | tuple[type[Exception], str]:
    """The page, or which error says what."""
    try:
        return decoder.decode(Response(200, headers, body))
    except (BadBody, GarbledBody, ServerError) as refused:
        return type(refused), str(refused)


@settings(max_examples=drawn(300))
@given(bodies=st.lists(BODIES, min_size=2, max_size=6), segments_path=PATHS, next_path=PATHS)
@example(bodies=[b'{"segments":[]}', b'{"segments":[],"records":[],"start":1}'], segments_path="", next_path="")
@example(bodies=[b'{"data":[]}', b'{"data":[],"segments":[{}]}'], segments_path="", next_path="")
@example(bodies=[b'{"data":[]}', b'{"data":[],"errors":["x"]}'], segments_path="", next_path="next")
@example(bodies=[b'{"next":[1]}', b'{"next":[2]}'], segments_path="next", next_path="")
@example(bodies=[b'{"data":[],"x":"y"}', b'{"data":[],"x":"eyJuIjoxfQ"}'], segments_path="", next_path="")
@example(bodies=[b'{"data":[],"x":["y"]}', b'{"data":[],"x":["eyJuIjoxfQ"]}'], segments_path="", next_path="")
@example(bodies=[b'{"data":{"rows":[]}}'] * 2, segments_path="data.rows", next_path="data.rows")
def test_layouts_seen_before_change_no_page(bodies: list[bytes], segments_path: str, next_path: str) -> None:
    api = ApiSettings(segments_path=segments_path, next_path=next_path)
    experienced = PageDecoder(api)
    for body in bodies:
        assert result(experienced, body) == result(PageDecoder(api), body)


@settings(max_examples=drawn(300))
@given(
    place_and_members=st.sampled_from(sorted(TOKEN_PLACES)).flatmap(
        lambda place: st.tuples(st.just(place), members_on_the_way(place.split(".")))
    ),
    link=st.sampled_from([{}, {"link": "<?paging=L>;rel=next"}]),
)
@example(place_and_members=("paging.next", [b'"paging":{"next":"U","has_more":true}']), link={})
@example(place_and_members=("paging.next", [b'"paging":{"next":null,"after":"U"}']), link={})
@example(place_and_members=("meta.page.after", [b'"meta":{"page":{"after":"U"},"paging":"V"}']), link={})
@example(place_and_members=("paging", [b'"paging":""', b'"next":"U"']), link={})
def test_a_token_seen_before_changes_no_result(
    place_and_members: tuple[str, list[bytes]], link: Mapping[str, str]
) -> None:
    """Whatever stands where the page before has its token, on the way there, and beside it."""
    place, members = place_and_members
    api = ApiSettings()
    experienced = PageDecoder(api)
    page = Page((Segment(ONE),), "T", shape=f"segments + {place}")
    assert result(experienced, object_of([LIST, member_at(place, b'"T"')])) == page
    body = object_of([LIST, *members])
    assert result(experienced, body, link) == result(PageDecoder(api), body, link)


WRAPPER_VALUES = st.sampled_from(
    [b'{"records":[]}', b'{"records":[],"x":"\\ud83d"}', b'"s"', b'"\\ud83d"', b"1e400", b"null", b"{}", b'{"a": [1]}']
)
WRAPPER_KEYS = st.sampled_from(
    [b'"type"', b'"id"', b'"attributes"', b'"\\u0069d"', b'"100%"', b'"records"', b'"\\ud83d"', b'"\xff"', b'"data"']
)


def wrapper_of(members: list[tuple[bytes, bytes]], comma: bytes, colon: bytes) -> bytes:
    return b"{" + comma.join(key + colon + value for key, value in members) + b"}"


USUAL = st.permutations([(b'"type"', b'"s"'), (b'"id"', b"7"), (b'"attributes"', b'{"records":[]}')])
WRITTEN = st.tuples(st.sampled_from([b",", b", ", b" ,\n"]), st.sampled_from([b":", b": ", b"\t: "]))
WRAPPERS = st.builds(
    lambda members, more, style: wrapper_of([*members, *more], *style),
    USUAL,
    st.lists(st.tuples(WRAPPER_KEYS, WRAPPER_VALUES), max_size=2),
    WRITTEN,
)
LISTS = st.builds(
    lambda elements, comma: b"[" + comma.join(elements) + b"]",
    st.lists(WRAPPERS | SEGMENT, min_size=1, max_size=4),
    st.sampled_from([b",", b", ", b" , "]),
)


@settings(max_examples=drawn(500))
@given(
    style=st.sampled_from([(b",", b":"), (b", ", b": ")]),
    members=USUAL,
    pages=st.lists(
        st.tuples(LISTS, st.sampled_from([b"", b'"m":1,', b'"data":[],', b'"d\\u0061ta":[],'])).flatmap(
            lambda page: st.sampled_from(
                [b"{%b%b%b}" % (page[1], b'"data":' + page[0], end) for end in (b"", b',"m": 1', b',"data": [{}]')]
                + [
                    b'{"data":%b,"d\\u0061ta":%b,"x":"\\n"}' % (page[0], page[0]),
                    b'{"x":"\\"data\\"","data":%b}' % page[0],
                ]
            )
        ),
        min_size=1,
        max_size=3,
    ),
)
@example(
    style=(b",", b":"),
    members=[(b'"id"', b"7"), (b'"attributes"', b'{"records":[]}')],
    pages=[
        b'{"data":[{"id":7,"id":8,"attributes":{"records":[]}}]}',
        b'{"data":[{"id":7,"attributes":{"records":[1]},"attributes":{"records":[]}}]}',
        b'{"data":[{"id":7,"attributes":{"records":[]}}],"data":[{"id": 7,"attributes":{"records":[]}}]}',
    ],
)
def test_wrappers_seen_before_change_no_result(
    style: tuple[bytes, bytes], members: list[tuple[bytes, bytes]], pages: list[bytes]
) -> None:
    """However the wrappers are written, and whatever comes twice in them or beside their list."""
    comma, colon = style
    seen = b'{"data":[' + wrapper_of(members, comma, colon) + b"]}"
    api = ApiSettings()
    for body in pages:
        experienced = PageDecoder(api)
        for _ in range(2):
            assert result(experienced, seen) == result(PageDecoder(api), seen)
        for again in (body, seen, body):
            assert result(experienced, again) == result(PageDecoder(api), again)


@given(
    body=ANYTHING,
    headers=st.dictionaries(
        st.sampled_from(["content-encoding", "content-type", "link"]),
        st.text(max_size=30) | st.text('<>;="?pagin rel,next', max_size=40) | st.just("deflate"),
    ),
    segments_path=PATHS,
)
def test_any_answer_is_a_page_or_one_of_three_errors(body: bytes, headers: dict[str, str], segments_path: str) -> None:
    found = result(PageDecoder(ApiSettings(segments_path=segments_path)), body, headers)
    if isinstance(found, Page):
        assert found.token is None or found.token.encode()
    else:
        _, reason = found
        assert reason.isprintable()
        assert len(reason) < 1000


OBJECT = st.recursive(
    TOKENS, lambda values: st.lists(st.tuples(KEYS, values).map(b":".join), max_size=3).map(object_of)
)


@settings(max_examples=drawn(300))
@given(seen=st.lists(OBJECT, max_size=3), last=OBJECT, key=st.sampled_from(UNREAD_NAMES[:-1]))
@example(seen=[b'{"x":1}'], last=b'{"x":1,"continuation":"T"}', key="meta")
def test_a_filled_key_like_a_tokens_is_never_passed_over(seen: list[bytes], last: bytes, key: str) -> None:
    """Whatever was seen before, and wherever within the page the key stands."""
    decoder = PageDecoder(ApiSettings())
    pages = [object_of([LIST, b'"%b":%b' % (key.encode(), what), b'"meta":' + what]) for what in (*seen, last)]
    for body in pages:
        found = result(decoder, body)
        if isinstance(found, Page) and found.token is None:
            members = json_split.members(body)
            assert not unread(Envelope({"": members}), "segments")


@given(bodies=st.lists(BODIES, min_size=1, max_size=20))
@settings(max_examples=20)
def test_a_decoder_serves_several_threads(bodies: list[bytes]) -> None:
    shared = PageDecoder(ApiSettings())
    with ThreadPoolExecutor(4) as threads:
        decoded = list(threads.map(lambda body: result(shared, body), bodies * 5))
    assert decoded == [result(PageDecoder(ApiSettings()), body) for body in bodies * 5]
