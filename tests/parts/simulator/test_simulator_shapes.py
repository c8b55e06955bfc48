"""The simulator serves the recorded bytes, in every shape."""

from __future__ import annotations

import pytest
from simulator_client import segments_of, simulated, token_of

from replay_fetch.errors import SettingsError
from replay_fetch.model import Source
from replay_fetch.simulator import LastPage, PageChain, PagingSettings, Shape, SimulatorSettings

pytestmark = pytest.mark.anyio

_WHOLE = {Shape.LIST, Shape.NDJSON, Shape.ZLIB}


@pytest.mark.parametrize("shape", Shape)
async def test_every_shape_carries_the_recorded_bytes(shape: Shape) -> None:
    async with simulated(SimulatorSettings(paging=PagingSettings(shape))) as client:
        truth = client.simulator.truth
        pages = 0
        for view in client.simulator.views:
            got = await client.pages(view)
            pages += len(got)
            body = b"".join(page.body for page in got)
            segments = truth.expected_segments(view)
            assert [segment for page in got for segment in segments_of(shape, page.body)] == list(segments)
            assert shape is Shape.ZLIB or all(segment in body for segment in segments)
        assert pages == 27 if shape in _WHOLE else pages > 30


async def test_the_list_has_all_views_and_two_have_no_segments() -> None:
    async with simulated() as client:
        sizes = [len(client.simulator.truth.expected_segments(view)) for view in client.simulator.views]
    assert (len(sizes), sum(sizes), sizes.count(0)) == (27, 60, 2)


@pytest.mark.parametrize("last_page", LastPage)
@pytest.mark.parametrize("shape", [Shape.JSON_API, Shape.SEGMENTS, Shape.LINK_HEADER])
async def test_every_last_page_ends_the_chain(shape: Shape, last_page: LastPage) -> None:
    async with simulated(SimulatorSettings(paging=PagingSettings(shape, last_page=last_page))) as client:
        view = max(client.simulator.views, key=lambda view: len(client.simulator.truth.expected_segments(view)))
        pages = await client.pages(view)
        segments = [segment for page in pages for segment in segments_of(shape, page.body)]
        assert segments == list(client.simulator.truth.expected_segments(view))
        extra = segments_of(shape, pages[-1].body) == []
    assert extra == (last_page is LastPage.EXTRA)
    if shape is Shape.JSON_API:
        assert ("meta" in pages[-1].json()) == (last_page is LastPage.NULL)


async def test_a_token_is_bound_to_session_view_and_source() -> None:
    async with simulated() as client:
        view, other = [v for v in client.simulator.views if len(client.simulator.truth.expected_segments(v)) > 2][:2]
        token = token_of(Shape.SEGMENTS, await client.page(view, max_list_size=1))
        assert token is not None
        assert (await client.page(view, max_list_size=1, paging=token)).status == 200
        for wrong in (
            await client.page(other, max_list_size=1, paging=token),
            await client.page(view, max_list_size=1, paging=token, source=Source.BLOB),
            await client.page(view, max_list_size=2, paging=token),
            await client.page(view, max_list_size=1, paging=token, ts=1),
            await client.page(view, max_list_size=1, paging=token.replace("%2B", "+")),
            await client.page(view, max_list_size=1, paging=token.replace("+", " ")),
            await client.page(view, max_list_size=1, paging=""),
        ):
            assert wrong.status == 400


async def test_tokens_hold_what_urls_must_escape() -> None:
    async with simulated() as client:
        token = token_of(Shape.SEGMENTS, await client.page(client.simulator.views[0], max_list_size=1))
    assert token is not None
    assert set("=+/%") <= set(token)


@pytest.mark.parametrize("place", ["meta.next_cursor", "pagination.next", "next_paging", "links.next"])
async def test_the_token_stands_where_it_is_wanted(place: str) -> None:
    paging = PagingSettings(Shape.CURSOR, page_segments=1, token_place=place)
    async with simulated(SimulatorSettings(paging=paging)) as client:
        view = client.simulator.views[0]
        token = (await client.page(view)).json()
        for key in place.split("."):
            token = token[key]
        assert token.startswith("http://" if place == "links.next" else "%2B+/")


@pytest.mark.parametrize(
    ("shape", "place"), [(Shape.LIST, "next"), (Shape.CURSOR, "a..b"), (Shape.NESTED, "data.next"), (Shape.GZIP, ".")]
)
def test_a_place_where_no_token_can_stand_is_a_settings_error(shape: Shape, place: str) -> None:
    with pytest.raises(SettingsError, match="--token-place"):
        PagingSettings(shape, token_place=place)


async def test_has_more_comes_without_a_token() -> None:
    paging = PagingSettings(page_segments=1, chain=PageChain.HAS_MORE)
    async with simulated(SimulatorSettings(paging=paging)) as client:
        body = (await client.page(client.simulator.views[0])).json()
    assert body["has_more"] is True
    assert "paging" not in body


async def test_a_count_of_the_views_segments_comes_in_place_of_a_token() -> None:
    paging = PagingSettings(page_segments=1, chain=PageChain.COUNTED)
    async with simulated(SimulatorSettings(paging=paging)) as client:
        view = client.simulator.views[0]
        body = (await client.page(view)).json()
        count = len(client.simulator.truth.expected_segments(view))
    assert body["meta"] == {"page": {"total_count": count}}
    assert count > len(body["segments"]) == 1
