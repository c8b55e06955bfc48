"""Answers that are none, and tokens in places of any name, from a server to an archive."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from archives import Archive, Job, download, truth

from replay_fetch.settings import FetchSettings
from replay_fetch.simulator import Fault, LastPage, PagingSettings, Scope, Shape, Simulator, SimulatorSettings

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

SMALL_PAGES = PagingSettings(page_bytes=16_000)
ENVELOPES = ("", "meta", "meta.page", "meta.paging", "meta.pagination", "page", "pagination", "paging")


@pytest.mark.parametrize("last_page", LastPage)
@pytest.mark.parametrize("envelope", ENVELOPES)
async def test_a_token_is_followed_in_any_envelope(tmp_path: Path, envelope: str, last_page: LastPage) -> None:
    paging = replace(SMALL_PAGES, token_place=f"{envelope}.next_cursor".lstrip("."), last_page=last_page)
    async with Simulator(SimulatorSettings(paging=paging)) as simulator:
        assert (await download(simulator, tmp_path / "out")).exit_code == 0
        assert Archive(tmp_path / "out").sessions() == truth(simulator)


@pytest.mark.parametrize(
    ("shape", "place"),
    [
        (Shape.UNREAD, ""),
        (Shape.SEGMENTS, "continuation_token"),
        (Shape.JSON_API, "meta.paging.next_page_id"),
        (Shape.GZIP, "page_info.end_cursor"),
    ],
)
@pytest.mark.parametrize("last_page", LastPage)
async def test_a_token_under_an_unknown_key_is_never_the_end_of_a_view(
    tmp_path: Path, shape: Shape, place: str, last_page: LastPage
) -> None:
    paging = replace(SMALL_PAGES, shape=shape, token_place=place, last_page=last_page)
    place = place or "meta.resume_at"
    async with Simulator(SimulatorSettings(paging=paging)) as simulator:
        assert (await download(simulator, tmp_path / "out")).exit_code == 1
        archive = Archive(tmp_path / "out")
        pages = {view: len(simulator.truth.expected_segments(view)) for view in simulator.views}
        assert (
            {"unrecognised"} <= set(archive.outcomes().values()) <= {"unrecognised", "unconfirmed", "fetched", "empty"}
        )
        for view, line in archive.manifest().items():
            if line["outcome"] == "unrecognised":
                assert f"--next-path {place}" in line["reason"]
                assert "--next-path none" in line["reason"]
            else:
                assert line["segments"] == pages[view]
        assert (await download(simulator, tmp_path / "out", Job(next_path=place))).exit_code == 0
        assert archive.sessions() == truth(simulator, wrapped=shape is Shape.JSON_API)


async def test_a_filtered_list_is_walked_through_hundreds_of_empty_pages(tmp_path: Path) -> None:
    paging = PagingSettings(Shape.CURSOR, page_segments=1, empty_pages=400, token_place="meta.next_cursor")  # noqa: S106 - a place
    async with Simulator(SimulatorSettings(paging=paging)) as simulator:
        views = simulator.views[:2]
        assert (await download(simulator, tmp_path / "out", views=views)).exit_code == 0
        assert Archive(tmp_path / "out").sessions() == truth(simulator, views)
        assert max(simulator.counts.views.values()) > 400


PASSING = ["errors", "not-ready", "partial", "gateway-404", "409", "423", "425"]


@pytest.mark.parametrize("kind", PASSING)
async def test_an_answer_that_is_none_is_asked_for_again(tmp_path: Path, kind: str) -> None:
    settings = SimulatorSettings(paging=SMALL_PAGES, faults=(Fault(kind),))
    async with Simulator(settings) as simulator:
        assert (await download(simulator, tmp_path / "out")).exit_code == 0
        assert Archive(tmp_path / "out").sessions() == truth(simulator)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("errors", "the API answers with errors: Internal timeout, try again (after 3 attempts)"),
        ("not-ready", 'the answer is not ready yet (202): {"status": "pending"} (after 3 attempts)'),
        ("partial", "only a part of the answer was sent (206) (after 3 attempts)"),
        ("gateway-404", "the API itself did not answer for this view (404): Error Something went wrong"),
        ("423", "the view is locked (423): Locked (after 3 attempts)"),
    ],
)
async def test_a_view_that_is_never_answered_fails_with_the_words_of_the_api(
    tmp_path: Path, kind: str, reason: str
) -> None:
    settings = SimulatorSettings(paging=SMALL_PAGES, faults=(Fault(kind, Scope.VIEW, 0.2),))
    async with Simulator(settings) as simulator:
        assert (await download(simulator, tmp_path / "out", Job(fetch=FetchSettings(retries=2)))).exit_code == 1
        manifest = Archive(tmp_path / "out").manifest()
        failed = [line["reason"] for line in manifest.values() if line["outcome"] == "failed"]
        assert failed
        assert all(each.startswith(reason) for each in failed), failed
        assert {line["outcome"] for line in manifest.values()} == {"failed", "fetched", "empty"}


async def test_a_page_behind_the_first_that_has_no_body_is_asked_for_again(tmp_path: Path) -> None:
    """A first page without a body is another matter: there may be nothing."""
    settings = SimulatorSettings(seed=2, paging=PagingSettings(page_segments=1), faults=(Fault("no-body", rate=0.4),))
    async with Simulator(settings) as simulator:
        await download(simulator, tmp_path / "out")
        manifest = Archive(tmp_path / "out").manifest()
        assert any(count > 1 for (_, _, page), count in simulator.counts.pages.items() if page > 1)
        fetched = [view for view, line in manifest.items() if line["outcome"] == "fetched"]
        assert len(fetched) > 5
        for view in fetched:
            assert manifest[view]["segments"] == len(simulator.truth.expected_segments(view))
