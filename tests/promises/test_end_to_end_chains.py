"""Long chains that were cut in the middle, and what became of what they had brought."""

from __future__ import annotations

from pathlib import Path

import pytest
from archives import Archive, Job, download, stopped, truth

from replay_fetch.settings import ArchiveSettings, Compression, FetchSettings
from replay_fetch.simulator import HoldingSettings, LatencySettings, PagingSettings, Simulator, SimulatorSettings
from replay_fetch.simulator.choices import PageChain

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

LATENCY = 3.0


def _long(expire_page: int = 0, chain: PageChain = PageChain.GOOD, empty_pages: int = 0) -> SimulatorSettings:
    return SimulatorSettings(
        holding=HoldingSettings(segments_per_view=24),
        paging=PagingSettings(
            page_segments=1, expire_page=expire_page, chain=chain, chain_share=1.0, empty_pages=empty_pages
        ),
        latency=LatencySettings(median=LATENCY),
    )


async def _cut(simulator: Simulator, out: Path, job: Job, after: float = 1.0) -> None:
    """Ask for a long view, and stop in its middle."""
    await stopped(simulator, out, after, job, views=list(simulator.views[:2]))


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP])
async def test_a_cut_chain_goes_on_behind_its_last_page(tmp_path: Path, compression: Compression) -> None:
    job = Job(archive=ArchiveSettings(compress=compression))
    async with Simulator(_long()) as simulator:
        await _cut(simulator, tmp_path / "out", job)
        asked = dict(simulator.counts.pages)
        assert len(asked) > 4
        views = list(simulator.views[:2])
        assert (await download(simulator, tmp_path / "out", job, views=views)).exit_code == 0
        twice = [page for page, count in simulator.counts.pages.items() if count > 1]
        assert len(twice) <= 2  # what was in flight when the grace was over
        archive = Archive(tmp_path / "out")
        if compression is Compression.NONE:
            assert archive.sessions() == truth(simulator, views)
        assert not archive.stray_files()
        assert archive.problems() == []


@pytest.mark.parametrize("expire_page", [2, 3, 4, 5, 6, 12, 23])
async def test_a_chain_that_begins_anew_ends_in_the_same_bytes(tmp_path: Path, expire_page: int) -> None:
    async with Simulator(_long(expire_page=expire_page)) as simulator:
        await _cut(simulator, tmp_path / "out", Job())
        views = list(simulator.views[:2])
        assert (await download(simulator, tmp_path / "out", views=views)).exit_code == 0
        archive = Archive(tmp_path / "out")
        assert archive.sessions() == truth(simulator, views)
        assert not archive.stray_files()
        assert archive.problems() == []


@pytest.mark.parametrize("seconds", [0.5, 12.0, 25.0])
async def test_a_chain_cut_again_and_again_ends_in_the_same_bytes(tmp_path: Path, seconds: float) -> None:
    async with Simulator(_long(expire_page=9)) as simulator:
        for _ in range(3):
            await _cut(simulator, tmp_path / "out", Job(fetch=FetchSettings(workers=1)), after=seconds / 3)
        views = list(simulator.views[:2])
        assert (await download(simulator, tmp_path / "out", views=views)).exit_code == 0
        archive = Archive(tmp_path / "out")
        assert archive.sessions() == truth(simulator, views)
        assert not archive.stray_files()
        assert archive.problems() == []


@pytest.mark.parametrize(
    "settings", [_long(chain=PageChain.REPEATED), _long(empty_pages=600)], ids=["loop", "empty pages"]
)
async def test_a_chain_that_leads_nowhere_is_cut_at_the_same_page_however_often_runs_are(
    tmp_path: Path, settings: SimulatorSettings
) -> None:
    async with Simulator(settings) as simulator:
        views = list(simulator.views[:2])
        assert (await download(simulator, tmp_path / "whole", views=views)).exit_code == 1
        for _ in range(2):
            await _cut(simulator, tmp_path / "cut", Job())
        assert (await download(simulator, tmp_path / "cut", views=views)).exit_code == 1
    whole, cut = Archive(tmp_path / "whole"), Archive(tmp_path / "cut")
    assert {line["outcome"] for line in whole.manifest().values()} == {"incomplete"}
    assert (cut.manifest(), cut.sessions()) == (whole.manifest(), whole.sessions())


async def test_a_count_that_is_of_something_else_is_overruled_in_the_next_run(tmp_path: Path) -> None:
    async with Simulator(_long(chain=PageChain.COUNTED)) as simulator:
        views = list(simulator.views[:2])
        archive = Archive(tmp_path / "out")
        for _ in range(2):
            assert (await download(simulator, archive.root, views=views)).exit_code == 1
            for line in archive.manifest().values():
                assert (line["outcome"], line["segments"]) == ("incomplete", 1)
                assert line["reason"].startswith(
                    "the API counts 24 segments (meta.page.total_count) and the pages hold 1"
                )
        assert (await download(simulator, archive.root, Job(next_path="none"), views=views)).exit_code == 0
        assert {line["outcome"] for line in archive.manifest().values()} == {"fetched"}
        assert archive.problems() == []
