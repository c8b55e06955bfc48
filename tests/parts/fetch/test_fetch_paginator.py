"""A view's pages from first to last: sources one after the other, tokens refused, walks taken up again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_api import VIEW, FakeTransport, Told, asking, page, status

from replay_fetch.api.trail import Trail
from replay_fetch.errors import ChainCut, NotFound, Rejected, TokenRefused
from replay_fetch.fetch.paginator import Paginator, Restarted, Start
from replay_fetch.model import Extent, Page, PlannedView, Recording, Source, ViewRecord
from replay_fetch.settings import SourceChoice

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

EVENT, BLOB = Source.EVENT_PLATFORM, Source.BLOB
AUTO = SourceChoice.AUTO


def stores(**chains: list[Told]) -> Callable[[str, str | None], Told]:
    """Each source's pages in order, page n behind the token ``t<n>``; another source knows no view."""

    def answer(source: str, token: str | None) -> Told:
        chain = chains.get(source)
        return status(404) if chain is None else chain[int(token[1:]) if token else 0]

    return answer


async def walked(walk: Paginator) -> list[str | list[int]]:
    """What a walk gives: the indexes of each page, and ``restart``."""
    steps: list[str | list[int]] = []
    while (page := await walk.next_page()) is not None:
        if isinstance(page, Restarted):
            steps.append("restart")
        else:
            steps.append([int(segment.raw.split(b":")[-1].strip(b" }")) for segment in page.segments])
    return steps


def a_walk(transport: FakeTransport, choice: SourceChoice = AUTO, max_pages: int = 50) -> Paginator:
    return Paginator(asking(transport), VIEW, choice, max_pages)


async def test_pages_come_in_the_order_of_the_chain() -> None:
    transport = FakeTransport(stores(event_platform=[page(0, then="t1"), page(1, 2, then="t2"), page(3)]))
    assert await walked(a_walk(transport)) == [[0], [1, 2], [3]]
    assert (transport.tokens, transport.sources) == ([None, "t1", "t2"], [EVENT])


AUTO_TABLE: dict[str, tuple[dict[str, list[Told]], list[str | list[int]], Source]] = {
    "in the first": ({"event_platform": [page(0)], "blob": [page(9)]}, [[0]], EVENT),
    "empty in the first": ({"event_platform": [page()], "blob": [page(9)]}, [[], "restart", [9]], BLOB),
    "missing in the first": ({"blob": [page(9)]}, ["restart", [9]], BLOB),
    "empty in both": ({"event_platform": [page()], "blob": [page()]}, [[], "restart", []], BLOB),
    "empty, then missing": ({"event_platform": [page()]}, [[], "restart"], BLOB),
    "missing, then empty": ({"blob": [page()]}, ["restart", []], BLOB),
    "empty pages, then some": (
        {"event_platform": [page(then="t1"), page(0)], "blob": [page(9)]},
        [[], [0]],
        EVENT,
    ),
}


@pytest.mark.parametrize(("chains", "steps", "source"), AUTO_TABLE.values(), ids=AUTO_TABLE)
async def test_auto_asks_the_other_store_only_where_the_first_has_nothing(
    chains: dict[str, list[Told]], steps: list[str | list[int]], source: Source
) -> None:
    walk = a_walk(FakeTransport(stores(**chains)))
    assert (await walked(walk), walk.source) == (steps, source)


async def test_a_view_that_no_store_knows_is_not_found() -> None:
    transport = FakeTransport(stores())
    with pytest.raises(NotFound):
        await walked(a_walk(transport))
    assert transport.sources == [EVENT, BLOB]


@pytest.mark.parametrize("choice", [SourceChoice.EVENT_PLATFORM, SourceChoice.BLOB])
async def test_a_store_that_is_named_is_asked_alone(choice: SourceChoice) -> None:
    transport = FakeTransport(stores())
    with pytest.raises(NotFound):
        await walked(a_walk(transport, choice))
    assert transport.sources == [choice.value]


async def test_an_error_of_the_first_store_does_not_pass_for_nothing_there() -> None:
    transport = FakeTransport(stores(event_platform=[status(400)], blob=[page(9)]))
    with pytest.raises(Rejected):
        await walked(a_walk(transport))
    assert transport.sources == [EVENT]


@pytest.mark.parametrize("refusal", [400, 404, 410])
async def test_a_refused_token_begins_the_chain_once_more(refusal: int) -> None:
    told: list[Told] = [page(0, then="t1"), status(refusal), page(0, then="t2"), page(1)]
    transport = FakeTransport(told)
    assert await walked(a_walk(transport)) == [[0], "restart", [0], [1]]
    assert transport.tokens == [None, "t1", None, "t2"]


async def test_a_token_refused_twice_fails_the_view() -> None:
    transport = FakeTransport([page(0, then="t1"), status(410), page(0, then="t2"), status(410)])
    with pytest.raises(TokenRefused):
        await walked(a_walk(transport))


async def test_a_chain_begun_anew_that_has_nothing_leads_to_the_other_store() -> None:
    told: list[Told] = [page(0, then="t1"), status(410), status(404), page(9)]
    walk = a_walk(FakeTransport(told))
    assert (await walked(walk), walk.source) == ([[0], "restart", "restart", [9]], BLOB)


async def test_a_walk_is_taken_up_behind_the_pages_that_are_there() -> None:
    transport = FakeTransport(stores(event_platform=[page(0, then="t1"), page(1, then="t2"), page(2)]))
    walk = a_walk(transport)
    walk.go_on(EVENT, Start("t2", pages=2, segments=3))
    assert (await walked(walk), transport.tokens) == ([[2]], ["t2"])


async def test_a_walk_in_the_second_store_does_not_return_to_the_first() -> None:
    transport = FakeTransport(stores(event_platform=[page(8)], blob=[page(0, then="t1"), page(1)]))
    walk = a_walk(transport)
    walk.go_on(BLOB, Start("t1", pages=1, segments=1))
    assert (await walked(walk), transport.sources) == ([[1]], [BLOB])


async def test_an_empty_last_page_behind_segments_of_an_earlier_run_is_the_end() -> None:
    transport = FakeTransport(stores(event_platform=[page(0, then="t1"), page()], blob=[page(9)]))
    walk = a_walk(transport)
    walk.go_on(EVENT, Start("t1", pages=1, segments=1))
    assert (await walked(walk), transport.sources) == ([[]], [EVENT])


async def test_answers_without_segments_lead_to_the_other_store() -> None:
    transport = FakeTransport(stores(event_platform=[page(then="t1"), page()], blob=[page(9)]))
    walk = a_walk(transport)
    walk.go_on(EVENT, Start("t1", pages=1, segments=0))
    assert await walked(walk) == [[], "restart", [9]]


async def test_a_token_of_an_earlier_run_may_be_refused_besides() -> None:
    """The chain that is begun anew still has its one chance."""
    told: list[Told] = [status(410), page(0, then="t1"), status(410), page(0)]
    transport = FakeTransport(told)
    walk = a_walk(transport)
    walk.go_on(EVENT, Start("old", pages=7, segments=7))
    assert await walked(walk) == ["restart", [0], "restart", [0]]


async def test_the_pages_of_earlier_runs_count_towards_the_most_a_view_may_have() -> None:
    walk = a_walk(FakeTransport(stores(event_platform=[page(0, then="t1"), page(1, then="t2")])), max_pages=3)
    walk.go_on(EVENT, Start("t1", pages=2, segments=2))
    with pytest.raises(ChainCut, match="more than 3 pages"):
        await walked(walk)


async def test_a_walk_that_is_taken_up_knows_the_tokens_that_were_followed_before() -> None:
    """Not the last one alone: else a loop would be walked once more in every run."""
    pages: list[Told] = [page(0, then="t1"), page(1, then="t2"), page(2, then="t1")]
    transport = FakeTransport(stores(event_platform=pages))
    trail = Trail()
    trail.extend([Page((), "t1"), Page((), "t2")])
    walk = a_walk(transport)
    planned = PlannedView(1, 1, VIEW)
    recording = Recording(trail=trail.fields())
    walk.go_on(EVENT, Start.behind(ViewRecord(planned, pages=2, segments=2, token="t2", recording=recording)))  # noqa: S106 - a paging token
    with pytest.raises(ChainCut, match="paging loop: page 3"):
        await walked(walk)
    assert transport.tokens == ["t2"]


async def test_a_walk_that_ended_in_a_loop_asks_for_nothing_more() -> None:
    """Its run was killed when the page was saved, and before that was said of the view."""
    transport = FakeTransport(stores())
    trail = Trail()
    trail.extend([Page((), "t1"), Page((), "t1")])
    walk = a_walk(transport)
    walk.go_on(EVENT, Start("t1", pages=2, trail=trail))
    with pytest.raises(ChainCut, match="paging loop: page 2"):
        await walked(walk)
    assert transport.tokens == []


async def test_pages_before_a_broken_chain_were_given() -> None:
    walk = a_walk(FakeTransport(stores(event_platform=[page(0, then="t1"), page(1, then="t1")])))
    assert [type(await walk.next_page()) for _ in range(2)] == [Page, Page]
    with pytest.raises(ChainCut):
        await walk.next_page()


async def test_a_count_of_segments_that_all_came_is_no_alarm_whatever_store_they_came_from() -> None:
    recent = stores(event_platform=[page(0, then="t1", total=2), page(1, total=2)])
    long_term = stores(event_platform=[page(total=0)], blob=[page(0, then="t1", total=2), page(1)])
    for chains in (recent, long_term):
        assert (await walked(a_walk(FakeTransport(chains))))[-2:] == [[0], [1]]


async def test_a_chain_with_fewer_segments_than_were_counted_is_cut_behind_its_last_page() -> None:
    walk = a_walk(FakeTransport(stores(blob=[page(0, then="t1", total=3), page(1)])))
    assert [type(await walk.next_page()) for _ in range(3)] == [Restarted, Page, Page]
    with pytest.raises(ChainCut, match=r"counts 3 segments .* the pages hold 2"):
        await walk.next_page()


async def test_a_store_that_counts_segments_and_gives_none_is_not_empty() -> None:
    transport = FakeTransport(stores(event_platform=[page(total=3)], blob=[page(9)]))
    with pytest.raises(ChainCut, match=r"counts 3 segments .* the pages hold 0"):
        await walked(a_walk(transport))
    assert transport.sources == [EVENT]


async def test_a_chain_begun_anew_counts_its_segments_anew() -> None:
    told: list[Told] = [page(0, then="t1", total=9), status(410), page(0, then="t2", total=2), page(1)]
    assert await walked(a_walk(FakeTransport(told))) == [[0], "restart", [0], [1]]
    told = [page(0, 1, then="t1", total=3), status(410), page(0, then="t2", total=3), page(1)]
    with pytest.raises(ChainCut, match=r"counts 3 segments .* the pages hold 2"):
        await walked(a_walk(FakeTransport(told)))


@pytest.mark.parametrize(
    ("total", "next_path", "cut"), [(3, "", False), (4, "", True), (4, "none", False), (0, "", False)]
)
async def test_a_walk_that_is_taken_up_counts_the_saved_segments(
    total: int,
    next_path: str,
    cut: bool,  # noqa: FBT001 - a table
) -> None:
    """The count stood on a saved page; no count is what an earlier version leaves in its ledger."""
    trail = Trail()
    trail.extend([Page((), "t1", extent=Extent(segments=(total, "meta.total")) if total else None)])
    record = ViewRecord(
        PlannedView(1, 1, VIEW),
        pages=1,
        segments=2,
        token="t1",  # noqa: S106 - a paging token
        recording=Recording(trail=trail.fields()),
    )
    walk = a_walk(FakeTransport(stores(event_platform=[page(0, 1, then="t1"), page(2)])))
    walk.go_on(EVENT, Start.behind(record, next_path))
    assert isinstance(await walk.next_page(), Page)
    if cut:
        with pytest.raises(ChainCut, match=r"counts 4 segments .* the pages hold 3"):
            await walk.next_page()
    else:
        assert await walk.next_page() is None
