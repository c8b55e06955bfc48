"""What a page tells of the whole list: that more follows, how many pages there are and how many segments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from decoded_pages import SEGMENT, decode, member_at
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import drawn

from replay_fetch.api.extent import PATHS
from replay_fetch.api.page import PageDecoder
from replay_fetch.errors import BadBody
from replay_fetch.model import Extent, Page, Response
from replay_fetch.settings import ApiSettings


def page_with(members: bytes) -> bytes:
    return b'{"data":[' + SEGMENT + b"]" + (b"," + members if members else b"") + b"}"


def told(members: bytes, next_path: str = "") -> Extent | None:
    return decode(page_with(members), next_path=next_path).extent


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, b"false") for key in ("complete", "is_complete", "isComplete", "completed", "done", "finished")),
        *((key, b"false") for key in ("is_last", "isLast", "is_last_page", "isLastPage", "last_page", "lastPage")),
        *((key, b"true") for key in ("has_next", "hasNext", "has_next_page", "hasNextPage")),
        *((key, b"true") for key in ("is_truncated", "isTruncated")),
    ],
)
def test_a_flag_that_more_follows_is_heard_by_its_path(key: str, value: bytes) -> None:
    for here in ("", "meta.", "meta.page.", "meta.paging.", "meta.pagination.", "page.", "pagination.", "paging."):
        assert told(member_at(here + key, value)) == Extent(here + key)
        opposite = b"true" if value == b"false" else b"false"
        for other in (opposite, b"null", b"[]", b'""'):
            assert told(member_at(here + key, other)) is None
    inside = b'{"data":{"attributes":{"segments":[%b],"%b":%b}}}' % (SEGMENT, key.encode(), value)
    assert decode(inside).extent == Extent(f"data.attributes.{key}")


def test_of_several_flags_the_same_one_is_named_whatever_their_order() -> None:
    assert told(b'"done":false,"complete":false') == told(b'"complete":false,"done":false') == Extent("complete")


@pytest.mark.parametrize("key", ["total_pages", "totalPages", "page_count", "pageCount", "last_page", "lastPage"])
@pytest.mark.parametrize("here", ["", "meta.", "meta.page.", "meta.pagination.", "pagination."])
def test_a_count_of_pages_is_heard(here: str, key: str) -> None:
    assert told(member_at(here + key, b"3")) == Extent(pages=(3, here + key))


@pytest.mark.parametrize(
    "key",
    [
        *("total", "total_count", "totalCount", "total_segments", "totalSegments", "segments_count", "segmentsCount"),
        *("total_results", "totalResults", "total_items", "totalItems", "total_filtered_count"),
    ],
)
@pytest.mark.parametrize("here", ["", "meta.", "meta.page.", "meta.paging.", "page.", "pagination.", "paging."])
def test_a_count_of_segments_is_heard(here: str, key: str) -> None:
    assert told(member_at(here + key, b"9")) == Extent(segments=(9, here + key))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"0", None),
        (b"1", 1),
        (b'"12"', 12),
        (b"9007199254740992", 2**53),
        (b"9007199254740993", None),
        (b"100000000000000000000000", None),
        (b"-3", None),
        (b"2.0", None),
        (b"1e3", None),
        (b'"many"', None),
        (b'"\\ud83d"', None),
        (b'""', None),
        (b"null", None),
        (b"true", None),
        (b"[3]", None),
        (b'{"value":3}', None),
    ],
)
def test_a_number_that_is_no_sane_count_is_passed_over(text: bytes, number: int | None) -> None:
    assert told(b'"meta":{"page":{"total_count":%b}}' % text) == (
        None if number is None else Extent(segments=(number, "meta.page.total_count"))
    )


@pytest.mark.parametrize(
    "members", [b'"count":9', b'"meta":{"page":{"count":9,"limit":9,"size":9}}', b'"stats":{"total":9}', b'"x":[1]']
)
def test_a_count_that_may_be_of_the_page_alone_is_not_taken_for_the_lists(members: bytes) -> None:
    assert told(members) is None
    resource = b'{"data":{"total":9,"attributes":{"total_count":9,"segments":[%b]}}}' % SEGMENT
    assert decode(resource).extent is None


def test_the_largest_of_several_counts_of_a_list_is_taken() -> None:
    members = b'"segments_count":1,"meta":{"total":7,"page":{"total_count":9,"total_pages":2,"last_page":3}}'
    assert told(members) == Extent("", (3, "meta.page.last_page"), (9, "meta.page.total_count"))


def test_a_count_of_what_no_filter_took_away_is_taken_in_place_of_all() -> None:
    assert told(b'"meta":{"page":{"total_count":90,"total_filtered_count":9}}') == Extent(
        segments=(9, "meta.page.total_filtered_count")
    )
    assert told(b'"total_count":90,"total_filtered_count":0') is None
    assert told(b'"totalCount":90,"totalFilteredCount":null') == Extent(segments=(90, "totalCount"))


def test_next_path_overrules_what_a_page_tells() -> None:
    members = b'"complete":false,"meta":{"page":{"total_count":9}},"key":null'
    assert told(members, next_path="none") is None
    assert told(members, next_path="key") == Extent("complete")
    assert told(b'"total":9,"key":null', next_path="key") is None


def test_a_flag_or_a_count_that_is_called_like_a_token_is_none() -> None:
    assert told(b'"is_last_page":true,"isLastPage":true,"last_page":1') == Extent(pages=(1, "last_page"))
    assert told(b'"last_page":0') is None
    with pytest.raises(BadBody, match="last_page looks like the paging token"):
        told(b'"last_page":"T"')
    with pytest.raises(BadBody, match="name it with --next-path endCursor,"):
        told(b'"hasNextPage":true,"endCursor":"T"')


def test_a_body_without_an_object_around_the_segments_tells_nothing() -> None:
    alone = b'{"records":[],"start":1,"view":{"id":"v"},"complete":false,"total":9}'
    assert decode(alone).extent is None
    assert decode(b"[" + alone + b"]").extent is None
    assert decode(alone + b"\n" + alone).extent is None


def test_a_page_of_a_known_form_tells_its_extent_without_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = PageDecoder(ApiSettings())
    body = b'{"total":%b,"data":[%b],"meta":{"page":{"after":%b,"total_count":%b},"complete":%b},"took":1}'
    first = decoder.decode(Response(200, {}, body % (b"1", SEGMENT, b'"T"', b"2", b"true")))
    assert first.extent == Extent(segments=(2, "meta.page.total_count"))
    for name in ("find_next", "find_extent", "locate"):
        monkeypatch.delattr(f"replay_fetch.api.page.{name}")
    following = decoder.decode(Response(200, {}, body % (b"5", SEGMENT, b'"U"', b"4", b"false")))
    assert (following.token, following.extent) == ("U", Extent("meta.complete", segments=(5, "total")))
    last = decoder.decode(Response(200, {}, body % (b'"7"', SEGMENT, b"null", b"null", b"true")))
    assert (last.token, last.extent) == (None, Extent(segments=(7, "total")))
    bare = decoder.decode(Response(200, {}, page_with(b'"meta":{"page":null}')))
    assert (bare.token, bare.extent) == (None, None)


def test_a_link_header_beside_a_page_of_a_known_form_changes_nothing_of_its_extent() -> None:
    body = page_with(b'"total":9,"complete":false')
    for link, token in (("<?paging=T>; rel=next", "T"), ("<?paging=T>; rel=prev", None)):
        page = decode(body, link=link)
        assert (page.token, page.extent) == (token, Extent("complete", segments=(9, "total")))


NUMBERS = [b"0", b"3", b'"4"', b"2.0", b"-1", b"9007199254740993", b"12345678901234567890123"]
OTHERS = [b"true", b"false", b"null", b'"x"', b'"eyJ"', b'""', b'"\\ud83d"', b"{}", b"[]", b'{"next":"T"}']
VALUES = st.sampled_from([*NUMBERS, *OTHERS])
MEMBERS = st.dictionaries(
    st.sampled_from([*sorted(PATHS), "meta", "meta.page", "paging", "paging.next", "pagination", "page", "x"]),
    VALUES,
    max_size=5,
)


def nested(values: Mapping[str, bytes]) -> bytes:
    """The object in which each path leads to its value; where a path leads on from a value, the longer one counts."""
    tree: dict[str, Any] = {}
    for path in sorted(values):
        *way, key = path.split(".")
        here = tree
        for step in way:
            if not isinstance(here.get(step), dict):
                here[step] = {}
            here = here[step]
        here[key] = orjson.Fragment(values[path])
    return orjson.dumps(tree)


def result(decoder: PageDecoder, body: bytes) -> Page | str:
    try:
        return decoder.decode(Response(200, {}, body))
    except BadBody as refused:
        return str(refused)


@settings(max_examples=drawn(500))
@given(seen=st.lists(MEMBERS, min_size=1, max_size=3), last=MEMBERS, next_path=st.sampled_from(["", "", "none", "x"]))
@example(seen=[{"meta.total": b"3", "paging.next": b'"T"'}], last={"meta.total": b"2.0", "x": b"1"}, next_path="")
@example(seen=[{"meta.page.total": b"3"}], last={"meta": b"null"}, next_path="")
@example(seen=[{"last_page": b"3"}], last={"last_page": b'"x"'}, next_path="")
@example(seen=[{"total": b"3"}], last={"total": b'{"next":"T"}'}, next_path="")
def test_pages_seen_before_change_nothing_of_what_a_page_tells(
    seen: list[dict[str, bytes]], last: dict[str, bytes], next_path: str
) -> None:
    api = ApiSettings(next_path=next_path)
    for path in ("data", "data.attributes.segments"):
        experienced = PageDecoder(api)
        for members in (*seen, last, *seen, last):
            around = {at: text for at, text in members.items() if path != "data" or not at.startswith("data.")}
            body = nested({**around, path: b"[%b]" % SEGMENT})
            assert result(experienced, body) == result(PageDecoder(api), body)
