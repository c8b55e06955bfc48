"""How the simulator's pages lead on, and how they fail to."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator_client import Client, segments_of, simulated, token_of

from replay_fetch.errors import SettingsError
from replay_fetch.model import Source, View
from replay_fetch.simulator import (
    Absence,
    HoldingSettings,
    LastPage,
    PageChain,
    PagingSettings,
    Shape,
    Simulator,
    SimulatorSettings,
)
from replay_fetch.simulator.pages import Cursor, cut


def _longest(simulator: Simulator) -> View:
    return max(simulator.views, key=lambda view: len(simulator.truth.expected_segments(view)))


async def _tokens(client: Client, view: View, pages: int) -> list[str | None]:
    """The tokens that the first pages of a view lead on with."""
    tokens: list[str | None] = []
    for _ in range(pages):
        query = {"paging": tokens[-1]} if tokens and tokens[-1] is not None else {}
        tokens.append(token_of(Shape.SEGMENTS, await client.page(view, **query)))
    return tokens


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 50).map(bytes), max_size=20),
    st.integers(1, 100),
    st.builds(
        PagingSettings,
        page_segments=st.integers(0, 5),
        pages=st.integers(0, 8),
        empty_pages=st.integers(0, 3),
        last_page=st.sampled_from(LastPage),
    ),
)
def test_pages_partition_a_view_and_keep_to_their_bounds(
    segments: list[bytes], max_bytes: int, paging: PagingSettings
) -> None:
    pages = [cut(segments, Cursor(), paging, max_bytes)]
    while pages[-1].following:
        pages.append(cut(segments, pages[-1].following, paging, max_bytes))
    bounds = [(page.start, page.end) for page in pages]
    assert [at for start, end in bounds for at in range(start, end)] == list(range(len(segments)))
    assert all(page.has_more is False for page in pages)
    full = [segments[start:end] for start, end in bounds if end - start > 1]
    assert paging.pages or all(sum(map(len, page)) <= max_bytes for page in full)
    assert paging.pages or all(len(page) <= (paging.page_segments or 20) for page in full)


@pytest.mark.anyio
@pytest.mark.parametrize("size", [1, 10_000, 10_000_000])
async def test_pages_are_bounded_by_max_list_size_and_hold_one_segment_at_least(size: int) -> None:
    async with simulated() as client:
        view = _longest(client.simulator)
        pages = [segments_of(Shape.SEGMENTS, page.body) for page in await client.pages(view, max_list_size=size)]
    assert len(pages) == 13 if size == 1 else len(pages) < 13
    assert all(len(page) == 1 or sum(map(len, page)) <= size for page in pages)
    assert all(pages)


@pytest.mark.anyio
@pytest.mark.parametrize("pages", [1, 3, 20])
async def test_views_are_cut_into_exactly_so_many_pages(pages: int) -> None:
    async with simulated(SimulatorSettings(paging=PagingSettings(pages=pages))) as client:
        for view in client.simulator.views[:5]:
            assert len(await client.pages(view)) == pages
            assert await client.segments(view) == list(client.simulator.truth.expected_segments(view))


@pytest.mark.anyio
async def test_empty_pages_with_a_token_lead_on_to_the_rest() -> None:
    async with simulated(SimulatorSettings(paging=PagingSettings(page_segments=4, empty_pages=2))) as client:
        pages = await client.pages(_longest(client.simulator))
    assert [len(segments_of(Shape.SEGMENTS, page.body)) for page in pages] == [4, 0, 0, 4, 4, 1]


@pytest.mark.anyio
async def test_a_repeated_token_leads_back_to_the_second_page() -> None:
    paging = PagingSettings(page_segments=5, chain=PageChain.REPEATED)
    async with simulated(SimulatorSettings(paging=paging)) as client:
        tokens = await _tokens(client, _longest(client.simulator), 4)
    assert tokens[0] == tokens[2] != tokens[1] == tokens[3]


@pytest.mark.anyio
async def test_an_echoed_token_is_the_one_that_was_sent() -> None:
    paging = PagingSettings(page_segments=5, chain=PageChain.ECHOED)
    async with simulated(SimulatorSettings(paging=paging)) as client:
        tokens = await _tokens(client, _longest(client.simulator), 3)
    assert tokens[0] == tokens[1] == tokens[2] is not None


@pytest.mark.anyio
@pytest.mark.parametrize("chain", PageChain)
async def test_a_broken_chain_spares_views_of_one_page(chain: PageChain) -> None:
    async with simulated(SimulatorSettings(paging=PagingSettings(chain=chain))) as client:
        for view in client.simulator.views:
            if len(client.simulator.truth.expected_segments(view)) == 1:
                page = (await client.page(view)).json()
                assert (page["paging"], "has_more" in page) == (None, False)


@pytest.mark.parametrize("chain", [PageChain.HAS_MORE, PageChain.COUNTED])
def test_a_promise_without_a_token_needs_a_body_with_room_for_it(chain: PageChain) -> None:
    with pytest.raises(SettingsError, match=f"--chain {chain}"):
        PagingSettings(Shape.LIST, chain=chain)


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 404, 410])
async def test_a_token_expires_once_and_the_second_chain_goes_through(status: int) -> None:
    paging = PagingSettings(page_segments=4, expire_page=3, expire_status=status)
    async with simulated(SimulatorSettings(paging=paging)) as client:
        view = _longest(client.simulator)
        first, second = await _tokens(client, view, 2)
        assert first is not None
        assert second is not None
        for _ in range(2):
            assert (await client.page(view, paging=second)).status == status
        assert await client.segments(view) == list(client.simulator.truth.expected_segments(view))
        assert (await client.page(view, paging=second)).status == status
        assert (await client.page(view, paging=first)).status == 200


_SHAPES_WITH_EMPTY_PAGES = {Shape.NDJSON: b"", Shape.ZLIB: b"", Shape.BARE: b"[]", Shape.LIST: b"[]"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("form", "status", "body"),
    [
        (Absence.EMPTY_BODY, 200, b""),
        (Absence.NO_CONTENT, 204, b""),
        (Absence.NOT_FOUND, 404, b'{"errors": ["Not found"]}'),
        (Absence.PAGE, 200, b'{"segments":[],"paging": null}'),
    ],
)
async def test_a_store_says_in_every_form_that_it_holds_nothing(form: Absence, status: int, body: bytes) -> None:
    holding = HoldingSettings(blob_share=0.5, empty_as=form, absent_as=form)
    async with simulated(SimulatorSettings(holding=holding)) as client:
        truth = client.simulator.truth
        empty = [view for view in client.simulator.views if truth.held(view, Source.EVENT_PLATFORM) in ((), None)]
        assert len(empty) > 5
        for view in empty:
            page = await client.page(view)
            assert (page.status, page.body) == (status, body)


@pytest.mark.anyio
async def test_a_view_only_blob_has_is_answered_by_blob() -> None:
    async with simulated(SimulatorSettings(holding=HoldingSettings(blob_share=1))) as client:
        view = _longest(client.simulator)
        assert (await client.page(view)).status == 404
        segments = await client.segments(view, source="blob")
        assert segments == list(client.simulator.truth.expected_segments(view))
