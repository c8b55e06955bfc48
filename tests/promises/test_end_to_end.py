"""The main job: a list goes in, exactly what the API holds comes out, however it is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from archives import USUAL, Archive, Job, download, downloaded, opened_all, stopped, truth, view_lines, write_list

from replay_fetch.archive.write.messages import Message
from replay_fetch.archive.write.writer import Writer
from replay_fetch.model import Outcome, Source
from replay_fetch.settings import ArchiveSettings, Compression, FetchSettings, PlanSettings, SourceChoice
from replay_fetch.simulator import (
    Absence,
    AuthMode,
    AuthSettings,
    Fault,
    HoldingSettings,
    LastPage,
    LimitSettings,
    PageChain,
    PagingSettings,
    Shape,
    Simulator,
    SimulatorSettings,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

SMALL_PAGES = PagingSettings(page_bytes=16_000)
FAULTS = tuple(
    map(
        Fault.parse,
        (
            "503:single,rate=0.2",
            "429:single,rate=0.2",
            "reset-before:single,rate=0.1",
            "reset-body:single,rate=0.1",
            "stall-before:single,rate=0.1",
            "stall-body:single,rate=0.1",
            "wrong-length:single,rate=0.1",
            "truncated:single,rate=0.1",
            "html:single,rate=0.1",
            "512:burst=3,rate=0.1",
        ),
    )
)
SHAPES = tuple(shape for shape in Shape if shape not in (Shape.UNKNOWN, Shape.UNREAD, Shape.JSON_API))
PAGED = (Shape.SEGMENTS, Shape.NESTED, Shape.LINKS_NEXT, Shape.BARE)


async def test_every_recorded_segment_arrives_once_byte_for_byte(tmp_path: Path) -> None:
    async with Simulator(SimulatorSettings(paging=SMALL_PAGES)) as simulator:
        ran = await download(simulator, tmp_path / "out")
        assert ran.exit_code == 0
        archive = Archive(tmp_path / "out")
        assert archive.sessions() == truth(simulator)
        assert len(archive.sessions()) == 8
        assert not archive.stray_files()
        assert archive.problems() == []


async def test_the_manifest_opens_every_view_by_its_range(tmp_path: Path) -> None:
    async with Simulator(SimulatorSettings(paging=SMALL_PAGES)) as simulator:
        await download(simulator, tmp_path / "out")
        archive = Archive(tmp_path / "out")
        assert list(archive.manifest()) == list(simulator.views)
        for view in simulator.views:
            segments = simulator.truth.expected_segments(view)
            assert archive.view(view) == view_lines(view, segments)
            assert archive.manifest()[view]["segments"] == len(segments)
            assert archive.outcomes()[view] == ("fetched" if segments else "empty")


@pytest.mark.parametrize("faults", [(), FAULTS], ids=["no faults", "faults"])
@pytest.mark.parametrize("workers", [1, 64])
async def test_neither_workers_nor_faults_change_a_byte(
    tmp_path: Path, workers: int, faults: tuple[Fault, ...]
) -> None:
    settings = SimulatorSettings(seed=3, paging=SMALL_PAGES, faults=faults)
    async with Simulator(settings) as simulator:
        ran = await download(simulator, tmp_path / "out", Job(fetch=FetchSettings(workers=workers)))
        assert ran.exit_code == 0
        archive = Archive(tmp_path / "out")
        assert archive.sessions() == truth(simulator)
        assert not archive.stray_files()
        assert archive.problems() == []
        assert bool(simulator.counts.faults) == bool(faults)


@pytest.mark.parametrize(
    ("shape", "last_page"),
    [
        *((shape, LastPage.NULL) for shape in SHAPES),
        *((shape, end) for shape in PAGED for end in LastPage if end != "null"),
    ],
)
async def test_a_download_brings_the_same_segments_in_each_shape_of_page(
    tmp_path: Path, shape: Shape, last_page: LastPage
) -> None:
    settings = SimulatorSettings(paging=replace(SMALL_PAGES, shape=shape, last_page=last_page))
    async with Simulator(settings) as simulator:
        assert (await download(simulator, tmp_path / "out")).exit_code == 0
        assert Archive(tmp_path / "out").sessions() == truth(simulator)


async def test_a_wrapper_is_kept_beside_the_segment(tmp_path: Path) -> None:
    settings = SimulatorSettings(paging=replace(SMALL_PAGES, shape=Shape.JSON_API))
    async with Simulator(settings) as simulator:
        assert (await download(simulator, tmp_path / "out")).exit_code == 0
        assert Archive(tmp_path / "out").sessions() == truth(simulator, wrapped=True)


async def test_an_unknown_shape_is_kept_raw_and_understood_once_it_is_named(tmp_path: Path) -> None:
    settings = SimulatorSettings(paging=replace(SMALL_PAGES, shape=Shape.UNKNOWN))
    async with Simulator(settings) as simulator:
        ran = await download(simulator, tmp_path / "out")
        archive = Archive(tmp_path / "out")
        assert ran.exit_code == 1
        assert set(archive.outcomes().values()) == {"unrecognised"}
        assert all("--segments-path" in line["reason"] for line in archive.manifest().values())
        for view in simulator.views:
            body = (tmp_path / "out" / "raw" / view.session_id / view.view_id / "0001.body").read_bytes()
            assert body.startswith(b'{"payload":{"chunks":[')
        assert not archive.sessions()

        job = Job(segments_path="payload.chunks", next_path="continuation")
        assert (await download(simulator, tmp_path / "out", job)).exit_code == 0
        assert archive.sessions() == truth(simulator)
        assert not archive.stray_files()
        assert archive.problems() == []


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
async def test_a_compressed_view_opens_alone(tmp_path: Path, compression: Compression) -> None:
    job = Job(archive=ArchiveSettings(compress=compression))
    async with Simulator(SimulatorSettings(paging=SMALL_PAGES)) as simulator:
        assert (await download(simulator, tmp_path / "out", job)).exit_code == 0
        archive = Archive(tmp_path / "out")
        assert opened_all(archive.sessions()) == truth(simulator)
        for view in simulator.views:
            assert archive.view(view) == view_lines(view, simulator.truth.expected_segments(view))


async def test_compressed_bytes_do_not_depend_on_pages_or_workers(tmp_path: Path) -> None:
    ways = [(1, 1_000), (16, 200_000)]
    for number, (workers, page_bytes) in enumerate(ways):
        settings = SimulatorSettings(paging=PagingSettings(page_bytes=page_bytes))
        job = Job(FetchSettings(workers=workers), ArchiveSettings(compress=Compression.GZIP))
        assert (await downloaded(settings, tmp_path / str(number), job)).exit_code == 0
    first, second = (Archive(tmp_path / str(number)).sessions() for number in range(len(ways)))
    assert first == second


async def test_a_finished_archive_is_not_asked_for_again(tmp_path: Path) -> None:
    async with Simulator(SimulatorSettings(paging=SMALL_PAGES)) as simulator:
        await download(simulator, tmp_path / "out")
        asked, before = simulator.counts.requests, Archive(tmp_path / "out").everything()
        again = await download(simulator, tmp_path / "out")
        assert again.exit_code == 0
        assert again.report.requests == 0
        assert again.report.finished_before == len(simulator.views)
        assert simulator.counts.requests == asked
        after = Archive(tmp_path / "out").everything()
        for name in before.keys() | after.keys() - {"report.json"}:
            if not name.startswith((".replay-fetch", "report")):
                assert after[name] == before[name], name


async def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    limit = LimitSettings(limit=5, period=10.0)
    async with Simulator(SimulatorSettings(paging=SMALL_PAGES, limit=limit)) as simulator:
        first = await stopped(simulator, tmp_path / "out", 25.0)
        assert first.report.unasked > 0
        finished = [view for view, outcome in Archive(tmp_path / "out").outcomes().items() if outcome]
        assert finished
        asked = dict(simulator.counts.views)

        assert (await download(simulator, tmp_path / "out")).exit_code == 0
        assert {view: simulator.counts.views[view] for view in finished} == {view: asked[view] for view in finished}
        archive = Archive(tmp_path / "out")
        assert archive.sessions() == truth(simulator)
        assert not archive.stray_files()
        assert archive.problems() == []


@pytest.mark.parametrize("pause", ["limit", "outage"])
async def test_a_run_that_is_stopped_in_a_pause_does_not_wait_for_it(tmp_path: Path, pause: str) -> None:
    """What is on its way is finished; where nothing is, there is nothing to wait for."""
    faults = (Fault.parse("503:outage=1..4000"),) if pause == "outage" else ()
    limit = LimitSettings(limit=5 if pause == "limit" else 100, period=3600.0 if pause == "limit" else 10.0)
    async with Simulator(SimulatorSettings(paging=SMALL_PAGES, limit=limit, faults=faults)) as simulator:
        ran = await stopped(simulator, tmp_path / "out", 200.0)
        assert ran.report.seconds <= 203


@pytest.mark.parametrize("absent_as", Absence)
@pytest.mark.parametrize("overlap", [False, True])
async def test_auto_finds_views_in_either_store(tmp_path: Path, absent_as: Absence, overlap: bool) -> None:  # noqa: FBT001 - a table's column
    holding = HoldingSettings(blob_share=0.5, absent_as=absent_as, overlap=overlap)
    async with Simulator(SimulatorSettings(seed=1, paging=SMALL_PAGES, holding=holding)) as simulator:
        assert (await download(simulator, tmp_path / "out")).exit_code == 0
        archive = Archive(tmp_path / "out")
        assert archive.sessions() == truth(simulator)
        assert {line["source"] for line in archive.manifest().values() if line["segments"]} == {
            "event_platform",
            "blob",
        }


async def test_a_store_that_is_asked_alone_leaves_the_other_stores_views_missing(tmp_path: Path) -> None:
    settings = SimulatorSettings(seed=1, holding=HoldingSettings(blob_share=0.5))
    async with Simulator(settings) as simulator:
        ran = await download(simulator, tmp_path / "out", Job(source=SourceChoice.EVENT_PLATFORM))
        assert ran.exit_code == 0
        outcomes = Archive(tmp_path / "out").outcomes()
        missing = {view for view in simulator.views if simulator.truth.held(view, Source.EVENT_PLATFORM) is None}
        assert {view for view, outcome in outcomes.items() if outcome == "missing"} == missing != set()


@pytest.mark.parametrize("empty_as", Absence)
async def test_views_without_segments_are_empty_or_missing_in_every_form(tmp_path: Path, empty_as: Absence) -> None:
    settings = SimulatorSettings(holding=HoldingSettings(empty_as=empty_as))
    async with Simulator(settings) as simulator:
        ran = await download(simulator, tmp_path / "out")
        assert ran.exit_code == 0
        outcomes = Archive(tmp_path / "out").outcomes()
        wanted = "missing" if empty_as is Absence.NOT_FOUND else "empty"
        hollow = [view for view in simulator.views if not simulator.truth.expected_segments(view)]
        assert [outcomes[view] for view in hollow] == [wanted] * len(hollow) != []


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_an_expired_token_starts_the_chain_once_more(tmp_path: Path, status: int) -> None:
    paging = PagingSettings(page_segments=1, expire_page=2, expire_status=status)
    async with Simulator(SimulatorSettings(paging=paging)) as simulator:
        assert (await download(simulator, tmp_path / "out")).exit_code == 0
        archive = Archive(tmp_path / "out")
        assert archive.sessions() == truth(simulator)
        assert not archive.stray_files()
        assert archive.problems() == []


async def test_a_token_that_expires_every_time_fails_the_view_and_keeps_its_first_page(tmp_path: Path) -> None:
    paging = PagingSettings(page_segments=1, expire_page=2, expire_chains=100)
    async with Simulator(SimulatorSettings(paging=paging)) as simulator:
        assert (await download(simulator, tmp_path / "out")).exit_code == 1
        archive = Archive(tmp_path / "out")
        for view, outcome in archive.outcomes().items():
            segments = simulator.truth.expected_segments(view)
            assert outcome == ("failed" if len(segments) > 1 else "fetched" if segments else "empty")
            assert archive.view(view) == view_lines(view, segments[:1])


@pytest.mark.parametrize(
    ("chain", "kept"),
    [(PageChain.REPEATED, None), (PageChain.ECHOED, 2), (PageChain.HAS_MORE, 1), (PageChain.COUNTED, 1)],
)
async def test_a_chain_without_an_end_is_incomplete_and_keeps_what_came(
    tmp_path: Path, chain: PageChain, kept: int | None
) -> None:
    paging = PagingSettings(page_segments=1, chain=chain)
    async with Simulator(SimulatorSettings(paging=paging)) as simulator:
        assert (await download(simulator, tmp_path / "out")).exit_code == 1
        archive = Archive(tmp_path / "out")
        for view, line in archive.manifest().items():
            segments = simulator.truth.expected_segments(view)
            cut = len(segments) > 1
            assert line["outcome"] == ("incomplete" if cut else "fetched" if segments else "empty"), view
            assert archive.view(view) == view_lines(view, segments[:kept])
            assert simulator.counts.views[view] <= len(segments) + 3
        assert any(".partial." in name for name in archive.sessions())
        assert archive.problems() == []


async def test_empty_pages_in_a_chain_are_walked_over(tmp_path: Path) -> None:
    paging = PagingSettings(page_segments=1, empty_pages=300)
    async with Simulator(SimulatorSettings(paging=paging)) as simulator:
        views = list(simulator.views[:5])
        assert (await download(simulator, tmp_path / "out", views=views)).exit_code == 0
        assert Archive(tmp_path / "out").sessions() == truth(simulator, views)
        assert max(simulator.counts.views.values()) > 300


async def test_a_chain_of_nothing_but_empty_pages_is_left(tmp_path: Path) -> None:
    paging = PagingSettings(page_segments=1, empty_pages=1000)
    async with Simulator(SimulatorSettings(paging=paging)) as simulator:
        views = list(simulator.views[9:13])  # of one page, of several, and without any
        assert (await download(simulator, tmp_path / "out", views=views)).exit_code == 1
        assert set(Archive(tmp_path / "out").outcomes().values()) == {"incomplete", "fetched", "empty"}
        assert max(simulator.counts.views.values()) < 520


async def test_a_later_list_adds_views_to_a_finished_session_in_list_order(tmp_path: Path) -> None:
    async with Simulator(SimulatorSettings(paging=SMALL_PAGES)) as simulator:
        views = list(simulator.views)
        first, second = views[1::2], views[::2]
        await download(simulator, tmp_path / "out", views=first)
        archive = Archive(tmp_path / "out")
        assert archive.sessions() == truth(simulator, first)
        asked = dict(simulator.counts.views)
        assert (await download(simulator, tmp_path / "out", views=second)).exit_code == 0
        assert archive.sessions() == truth(simulator, [*first, *second])
        assert {view: simulator.counts.views[view] for view in first} == {view: asked[view] for view in first}
        assert not archive.stray_files()
        assert archive.problems() == []
        for view in views:
            assert archive.view(view) == view_lines(view, simulator.truth.expected_segments(view))


async def test_a_finished_session_keeps_its_file_while_added_views_fail(tmp_path: Path) -> None:
    async with Simulator(SimulatorSettings(paging=SMALL_PAGES)) as simulator:
        first, added = list(simulator.views[:2]), list(simulator.views[2:4])
        await download(simulator, tmp_path / "out", views=first)
        whole = truth(simulator, first)
    broken = SimulatorSettings(paging=SMALL_PAGES, faults=(Fault.parse("500:sticky,rate=1"),))
    async with Simulator(broken) as simulator:
        job = Job(fetch=FetchSettings(retries=0))
        assert (await download(simulator, tmp_path / "out", job, views=added)).exit_code == 1
        assert Archive(tmp_path / "out").sessions() == whole


async def test_raw_pages_are_kept_when_asked_for(tmp_path: Path) -> None:
    async with Simulator(SimulatorSettings(paging=SMALL_PAGES)) as simulator:
        job = Job(archive=ArchiveSettings(keep_raw=True), fetch=FetchSettings(workers=4))
        assert (await download(simulator, tmp_path / "out", job)).exit_code == 0
        for view, line in Archive(tmp_path / "out").manifest().items():
            bodies = sorted((tmp_path / "out" / "raw" / view.session_id / view.view_id).glob("*.body"))
            joined = b"".join(path.read_bytes() for path in bodies)
            assert len(bodies) >= line["pages"]
            assert all(segment in joined for segment in simulator.truth.expected_segments(view))


async def test_max_views_ends_the_list_early(tmp_path: Path) -> None:
    async with Simulator() as simulator:
        ran = await download(simulator, tmp_path / "out", Job(plan=PlanSettings(max_views=5)))
        assert ran.report.views == 5
        assert len(Archive(tmp_path / "out").manifest()) == 5


async def test_refused_keys_stop_the_run_with_one_message(tmp_path: Path) -> None:
    for refusal in (401, 403):
        auth = AuthSettings(mode=AuthMode.BEARER, refusal=refusal)
        async with Simulator(SimulatorSettings(auth=auth)) as simulator:
            ran = await download(simulator, tmp_path / str(refusal))
            assert ran.exit_code == 3
            assert "DD_APP_KEY" in str(ran.failure)
            assert "rum_session_replay_read" in str(ran.failure)
            # Up to 11 views of three sessions, 7 in flight beside the last of these, and 4 of the rest of the list.
            assert simulator.counts.requests <= 22


async def test_a_forbidden_view_does_not_stop_the_others(tmp_path: Path) -> None:
    settings = SimulatorSettings(seed=4, faults=(Fault.parse("403:sticky,rate=0.1"),))
    async with Simulator(settings) as simulator:
        assert (await download(simulator, tmp_path / "out", replace(USUAL, fetch=FetchSettings(workers=1)))).exit_code
        outcomes = list(Archive(tmp_path / "out").outcomes().values())
        assert 0 < outcomes.count("forbidden") < 9
        assert set(outcomes) <= {"forbidden", "fetched", "empty"}


async def test_views_that_stay_forbidden_are_no_reason_to_doubt_the_keys(tmp_path: Path) -> None:
    """A run that asks for nothing else ends like the one before it: exit 1, not 3."""
    settings = SimulatorSettings(faults=(Fault.parse("403:sticky,rate=0.3"),))
    async with Simulator(settings) as simulator:
        first = await download(simulator, tmp_path / "out")
        again = await download(simulator, tmp_path / "out")
        assert (first.exit_code, again.exit_code) == (1, 1)
        assert again.report.outcomes == first.report.outcomes
        assert again.report.outcomes[Outcome.FORBIDDEN] == again.report.requests > 0


async def test_the_only_view_that_is_left_may_be_forbidden(tmp_path: Path) -> None:
    """As after a kill, or with a later list: nothing shows that the keys are good, but the second time it is known."""
    settings = SimulatorSettings(faults=(Fault.parse("403:sticky,rate=0.3"),))
    async with Simulator(settings) as simulator:
        await download(simulator, tmp_path / "all")
        outcomes = Archive(tmp_path / "all").outcomes()
        forbidden = next(view for view, outcome in outcomes.items() if outcome == "forbidden")
        runs = [await download(simulator, tmp_path / "out", views=[forbidden]) for _ in range(2)]
        assert [ran.exit_code for ran in runs] == [3, 1]
        assert Archive(tmp_path / "out").outcomes() == {forbidden: "forbidden"}


async def test_a_view_that_always_fails_is_no_outage_the_second_time(tmp_path: Path) -> None:
    """A list of leftovers has nothing else that could show the API to be well."""
    settings = SimulatorSettings(faults=(Fault.parse("500:sticky,rate=0.3"),))
    async with Simulator(settings) as simulator:
        await download(simulator, tmp_path / "out")
        failing = [view for view, outcome in Archive(tmp_path / "out").outcomes().items() if outcome == "failed"]
        assert len(failing) > 2
        again = await download(simulator, tmp_path / "out", views=failing)
    assert again.exit_code == 1
    assert again.report.outcomes == {Outcome.FAILED: len(failing)}
    assert again.report.seconds < 600


async def test_views_that_stay_forbidden_are_kept_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not all at the end, where a kill would have lost them and a slow disk must not."""
    settings = SimulatorSettings(faults=(Fault.parse("403:sticky,rate=0.3"),))
    job = replace(USUAL, fetch=FetchSettings(workers=1))
    asked_before_put: list[int] = []
    put = Writer.put

    async def slow_put(writer: Writer, message: Message) -> None:
        asked_before_put.append(simulator.counts.requests - asked)
        await put(writer, message)
        await anyio.sleep(0.001)

    async with Simulator(settings) as simulator:
        first = await download(simulator, tmp_path / "out", job)
        asked = simulator.counts.requests
        monkeypatch.setattr(Writer, "put", slow_put)
        await download(simulator, tmp_path / "out", job)
    assert asked_before_put == list(range(1, first.report.outcomes[Outcome.FORBIDDEN] + 1))
    assert len(asked_before_put) > 3


async def test_a_list_without_a_usable_row_asks_nothing(tmp_path: Path) -> None:
    views = tmp_path / "views.csv"
    views.write_text("session_id,view_id\n../x,y\n,z\n")
    async with Simulator() as simulator:
        ran = await download(simulator, tmp_path / "out", views=views)
        assert ran.exit_code == 1
        assert ran.report.bad_rows == 2
        assert simulator.counts.requests == 0


async def test_rows_in_are_outcomes_out_for_a_messy_list(tmp_path: Path) -> None:
    messy = Path(__file__).parents[2] / "sample_inputs" / "messy_views.csv"
    async with Simulator() as simulator:
        ran = await download(simulator, tmp_path / "out", views=messy)
        report = ran.report
        assert ran.exit_code == 1
        assert report.rows == sum(report.outcomes.values()) + report.duplicates + report.bad_rows
        assert (report.views, report.duplicates, report.bad_rows) == (27, 3, 8)
        assert Archive(tmp_path / "out").sessions() == truth(simulator)


async def test_the_same_list_twice_gives_the_same_archive(tmp_path: Path) -> None:
    for name in ("a", "b"):
        await downloaded(SimulatorSettings(paging=SMALL_PAGES), tmp_path / name)
    a, b = (Archive(tmp_path / name) for name in ("a", "b"))
    assert (a.sessions(), a.manifest()) == (b.sessions(), b.manifest())
    assert (tmp_path / "a/manifest.ndjson").read_bytes() == (tmp_path / "b/manifest.ndjson").read_bytes()


async def test_an_archive_made_with_another_compression_is_refused(tmp_path: Path) -> None:
    async with Simulator() as simulator:
        write_list(tmp_path / "out.csv", list(simulator.views[:1]))
        await download(simulator, tmp_path / "out", Job(archive=ArchiveSettings(compress=Compression.GZIP)))
        with pytest.raises(Exception, match="--compress gzip"):
            await download(simulator, tmp_path / "out", Job(archive=ArchiveSettings(compress=Compression.NONE)))
