"""Whether a chain of pages goes on; a table, without I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from replay_fetch.api.trail import Trail
from replay_fetch.errors import ChainCut
from replay_fetch.fetch.chain import Chain
from replay_fetch.model import Extent, Page, PlannedView, Recording, Segment, View, ViewRecord

ONE = (Segment(b"{}"),)
SILENT = Page((), bodiless=True)


def full(token: str | None = None, *, has_more: bool = False) -> Page:
    return Page(ONE, token, has_more)


def empty(token: str | None = None) -> Page:
    return Page((), token)


def telling(token: str | None = None, *, segments: int = 1, more: str = "", pages: int = 0, total: int = 0) -> Page:
    """A page that tells of the whole list: a flag, a number of pages, a number of segments."""
    extent = Extent(more, (pages, "meta.total_pages"), (total, "meta.page.total"))
    return Page(ONE * segments, token, extent=extent)


def follow(pages: Sequence[Page], chain: Chain | None = None) -> list[str | None]:
    chain = chain or Chain(10)
    return [chain.follow(page) for page in pages]


@pytest.mark.parametrize(
    ("pages", "tokens"),
    [
        ([full()], [None]),
        ([empty()], [None]),
        ([SILENT], [None]),
        ([full("a"), Page((), "b", bodiless=True), full()], ["a", "b", None]),
        ([full("a"), full("b"), full()], ["a", "b", None]),
        ([full("a", has_more=True), full()], ["a", None]),
        ([full("a"), empty("b"), full("c"), empty()], ["a", "b", "c", None]),
        ([empty(str(n)) for n in range(5)], ["0", "1", "2", "3", "4"]),
        ([full(" "), full("")], [" ", ""]),
        ([telling("a", more="done", pages=2, total=2), telling(pages=2, total=2)], ["a", None]),
        ([telling("a", more="done", pages=2, total=1), empty()], ["a", None]),
        ([telling("a", pages=9, total=9), telling(pages=2, total=2)], ["a", None]),
        ([telling("a", pages=1, total=1), telling(segments=5)], ["a", None]),
    ],
)
def test_a_chain_follows_its_tokens_to_the_page_without_one(pages: list[Page], tokens: list[str | None]) -> None:
    assert follow(pages) == tokens


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ([full(has_more=True)], "page 1 says that more follows but gives no paging token"),
        ([telling(more="done")], "page 1 says by done that more follows but gives no paging token"),
        ([full("a"), telling(more="done")], "page 2 says by done that more follows but gives no paging token"),
        ([telling(pages=3)], r"the API counts 3 pages \(meta.total_pages\) and the chain ends on page 1: "),
        ([telling("a", pages=3), full()], r"counts 3 pages \(meta.total_pages\) and the chain ends on page 2: "),
        ([telling(total=9)], r"the API counts 9 segments \(meta.page.total\) and the pages hold 1: "),
        ([telling(segments=0, total=9)], r"counts 9 segments \(meta.page.total\) and the pages hold 0: "),
        ([telling("a", total=9), telling("b", pages=3), full()], r"counts 9 segments .* and the pages hold 3: "),
        ([telling("a", total=2), telling(total=3)], r"counts 3 segments .* and the pages hold 2: .*--next-path none"),
        ([full("a"), SILENT], "page 2 has no body, though the page before it leads there"),
        ([full("a"), full("a")], "paging loop: page 2 gives a token that was followed before"),
        ([full("a"), full("b"), full("a")], "paging loop: page 3"),
        ([full(str(n)) for n in range(10)], "more than 10 pages"),
    ],
)
def test_a_chain_that_leads_nowhere_is_cut(pages: list[Page], reason: str) -> None:
    with pytest.raises(ChainCut, match=reason):
        follow(pages)


def test_hundreds_of_empty_pages_in_a_row_are_walked_over_but_not_without_end() -> None:
    chain = Chain(10_000)
    follow([full("first"), *(empty(f"{n}") for n in range(500))], chain)
    with pytest.raises(ChainCut, match="501 empty pages in a row"):
        chain.follow(empty("500"))


def test_a_page_with_segments_excuses_the_empty_ones_before_it() -> None:
    pages = [empty(f"{n}") if n % 500 else full(f"{n}") for n in range(1, 1400)]
    follow(pages, Chain(10_000))


def test_the_last_page_allowed_may_be_the_last_one() -> None:
    assert follow([*(full(str(n)) for n in range(9)), full()])[-1] is None


def test_a_chain_that_goes_on_knows_its_token_and_its_pages() -> None:
    with pytest.raises(ChainCut, match="paging loop: page 4"):
        Chain(10, "t3", pages=3).follow(full("t3"))
    with pytest.raises(ChainCut, match="more than 10 pages"):
        Chain(10, "t9", pages=9).follow(full("t10"))


_COUNTS = st.integers(0, 12)
_EXTENTS = st.none() | st.builds(
    Extent, st.sampled_from(["", "done"]), st.tuples(_COUNTS, st.just("pages")), st.tuples(_COUNTS, st.just("total"))
)
_PAGES = st.builds(
    Page, st.sampled_from([(), (), ONE]), st.sampled_from([*"abcdefghijkl", None]), extent=st.none() | _EXTENTS
)


@example([Page((), str(n)) for n in range(7)], 3)
@example([telling("a", total=3), full("b"), full()], 1)
@example([telling("a", total=4), full("b"), full()], 2)
@given(st.lists(_PAGES, min_size=2, max_size=12), st.integers(1, 11))
def test_a_chain_that_goes_on_is_cut_where_it_would_have_been_cut(pages: list[Page], cut_off_at: int) -> None:
    """It is followed once from end to end, and once with a trail in the ledger in between."""
    whole = list(outcomes(pages, Chain(9)))
    first, rest = pages[:cut_off_at], pages[cut_off_at:]
    if not rest or len(whole) <= cut_off_at or not isinstance(token := whole[cut_off_at - 1], str):
        return
    saved = sum(len(page.segments) for page in first)
    assert whole[cut_off_at:] == list(outcomes(rest, resumed(first, token, Chain(9, token, cut_off_at, saved))))


@pytest.mark.parametrize("pages", [[full("a"), full("a")], [empty(str(n)) for n in range(501)]])
def test_a_chain_that_was_cut_is_cut_though_nobody_had_the_time_to_say_so(pages: list[Page]) -> None:
    token = pages[-1].token
    assert token is not None
    with pytest.raises(ChainCut) as caught:
        resumed(pages, token, Chain(1000, token, len(pages)))
    assert list(outcomes(pages, Chain(1000)))[-1] == (str(caught.value),)


def resumed(pages: Sequence[Page], token: str, chain: Chain) -> Chain:
    """The chain as another run takes it up behind ``pages``."""
    trail = Trail()
    trail.extend(pages)
    recording = Recording(trail=orjson.loads(orjson.dumps(trail.fields())))
    chain.recall(token, Trail.of(ViewRecord(PlannedView(1, 1, View("s", "v")), token=token, recording=recording)))
    return chain


def outcomes(pages: Sequence[Page], chain: Chain) -> Iterator[str | tuple[str] | None]:
    """Where each page leads to, until one leads nowhere: then why."""
    for page in pages:
        try:
            token = chain.follow(page)
        except ChainCut as cut:
            yield (str(cut),)
            return
        yield token
        if token is None:
            return


def test_a_ledger_without_trails_knows_the_last_token() -> None:
    chain = Chain(10, "t3", pages=3)
    chain.recall("t3", Trail.of(ViewRecord(PlannedView(1, 1, View("s", "v")), pages=3, token="t3")))  # noqa: S106 - a paging token
    with pytest.raises(ChainCut, match="paging loop: page 4"):
        chain.follow(full("t3"))


def test_a_ledger_without_trails_knows_how_much_was_saved() -> None:
    chain = Chain(10, "t3", pages=3, segments=8)
    chain.recall("t3", Trail.of(ViewRecord(PlannedView(1, 1, View("s", "v")), pages=3, token="t3")))  # noqa: S106 - a paging token
    assert chain.follow(telling(pages=4, total=9)) is None


@given(st.lists(st.tuples(st.booleans(), st.none() | st.sampled_from("abcdef")), min_size=40, max_size=40))
def test_every_chain_ends_whatever_the_api_says(script: list[tuple[bool, str | None]]) -> None:
    """A loop of tokens is longer than the tokens there are: seven pages at most."""
    chain, pages = Chain(1000), iter(script)
    for _ in range(7):
        has_segments, token = next(pages)
        try:
            if chain.follow(Page(ONE if has_segments else (), token)) is None:
                return
        except ChainCut:
            return
    pytest.fail("still going")
