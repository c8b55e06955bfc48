"""Reading raw pages again: the archive ends as if the paths had been known from the start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import orjson
import pytest
from archives import USUAL, Archive, Job, download, truth

from replay_fetch.archive.write.messages import PageArrived, ViewEnded
from replay_fetch.archive.write.writer import Writer
from replay_fetch.cli.decode import decoded_text
from replay_fetch.errors import ArchiveError
from replay_fetch.model import Outcome, Page, PlannedView, Response, Segment, Source, View
from replay_fetch.pipeline.decode import Decoding, Redecoding, decode, rehearse_decode
from replay_fetch.pipeline.decoded import Decoded, Understanding
from replay_fetch.pipeline.opening import begin_run, bring_manifest_up_to_date, open_archive, open_as_it_is
from replay_fetch.settings import ApiSettings, ArchiveSettings, Settings, SourceChoice
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

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

UNKNOWN = SimulatorSettings(paging=PagingSettings(shape=Shape.UNKNOWN, page_bytes=16_000))
SEGMENTS, NEXT = "payload.chunks", "continuation"
KNOWING = Job(segments_path=SEGMENTS, next_path=NEXT)


def knowing(archive: Archive, *, keep_raw: bool = False) -> Redecoding:
    """Decoding with the paths that fit."""
    return Redecoding(archive.root, SEGMENTS, NEXT, keep_raw)


async def not_understood(simulator: Simulator, out: Path, job: Job = USUAL) -> Archive:
    """An archive of pages that nobody understood."""
    assert (await download(simulator, out, job)).exit_code == 1
    return Archive(out)


def kept(archive: Archive) -> dict[str, bytes]:
    """Everything but the database, which is rewritten as it is read, and the reports of the runs."""
    return {
        name: body
        for name, body in archive.everything().items()
        if ".sqlite" not in name and not name.startswith("report")
    }


async def test_decoding_and_going_on_ends_like_a_run_that_knew_the_paths(tmp_path: Path) -> None:
    async with Simulator(UNKNOWN) as simulator:
        archive = await not_understood(simulator, tmp_path / "out")
        asked = simulator.counts.requests
        found = await decode(knowing(archive))
        assert simulator.counts.requests == asked
        assert found.exit_code == 0
        assert found.understood.keys() == {Understanding.FETCHED, Understanding.GOES_ON, Understanding.UNCHANGED}

        assert (await download(simulator, archive.root, KNOWING)).exit_code == 0
        assert archive.sessions() == truth(simulator)
        assert not archive.stray_files()
        await download(simulator, tmp_path / "fresh", KNOWING)
        assert kept(archive) == kept(Archive(tmp_path / "fresh"))


async def test_no_page_is_asked_for_twice(tmp_path: Path) -> None:
    async with Simulator(UNKNOWN) as simulator:
        archive = await not_understood(simulator, tmp_path / "out")
        await decode(knowing(archive))
        await download(simulator, archive.root, KNOWING)
        again = {page for page, times in simulator.counts.pages.items() if times > 1}
        # Those of the two views without segments say nothing, so that the next store has to be asked as well.
        assert {view for view, *_ in again} == {
            view for view in simulator.views if not simulator.truth.expected_segments(view)
        }


async def test_a_decoded_session_that_is_complete_is_a_file_at_once(tmp_path: Path) -> None:
    settings = SimulatorSettings(paging=PagingSettings(shape=Shape.UNKNOWN, page_bytes=10**9))
    async with Simulator(settings) as simulator:
        job = Job(source=SourceChoice.EVENT_PLATFORM)
        archive = await not_understood(simulator, tmp_path / "out", job)
        found = await decode(knowing(archive))
        assert found.understood == {Understanding.FETCHED: 25, Understanding.EMPTY: 2}
        assert archive.sessions() == truth(simulator)
        assert not archive.stray_files()
        asked = simulator.counts.requests
        assert (
            await download(simulator, archive.root, replace(KNOWING, source=SourceChoice.EVENT_PLATFORM))
        ).exit_code == 0
        assert simulator.counts.requests == asked


async def test_raw_pages_are_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    settings = SimulatorSettings(paging=PagingSettings(shape=Shape.UNKNOWN, page_bytes=10**9))
    async with Simulator(settings) as simulator:
        archive = await not_understood(simulator, tmp_path / "out")
        raw = {name for name in archive.files() if name.startswith("raw/")}
        await decode(knowing(archive, keep_raw=True))
        assert {name for name in archive.files() if name.startswith("raw/")} == raw
        assert (await decode(knowing(archive))).understood.total() == 2


async def test_a_rehearsal_changes_nothing_and_foretells_the_run(tmp_path: Path) -> None:
    async with Simulator(UNKNOWN) as simulator:
        archive = await not_understood(simulator, tmp_path / "out")
        before = archive.everything()
        foretold = await rehearse_decode(knowing(archive))
        assert archive.everything() == before
        found = await decode(knowing(archive))
        assert (foretold.understood, foretold.segments) == (found.understood, found.segments)


@pytest.mark.parametrize("segments_path", ["", "payload.nothing", "payload.chunks.0"])
async def test_paths_that_do_not_fit_leave_everything_as_it_is(tmp_path: Path, segments_path: str) -> None:
    async with Simulator(UNKNOWN) as simulator:
        archive = await not_understood(simulator, tmp_path / "out")
        before = kept(archive)
        found = await decode(Redecoding(archive.root, segments_path))
        assert found.exit_code == 1
        assert found.understood == {Understanding.UNRECOGNISED: 27}
        assert kept(archive) == before
        assert (await decode(knowing(archive))).understood[Understanding.FETCHED] == 14


@pytest.mark.parametrize("next_path", ["", "continuatoin"])
async def test_pages_that_lead_nowhere_are_remarked_upon(tmp_path: Path, next_path: str) -> None:
    async with Simulator(UNKNOWN) as simulator:
        archive = await not_understood(simulator, tmp_path / "out")
        halfway = Redecoding(archive.root, SEGMENTS, next_path)
        where = " at continuatoin" if next_path else ""
        assert f"no page names a next one{where}; where" in decoded_text(await rehearse_decode(halfway), halfway)
        assert "names a next one" not in decoded_text(await rehearse_decode(knowing(archive)), knowing(archive))
        single = replace(halfway, next_path="none")
        assert "names a next one" not in decoded_text(await rehearse_decode(single), single)


async def test_chains_whose_token_is_not_read_are_not_finished(tmp_path: Path) -> None:
    async with Simulator(UNKNOWN) as simulator:
        archive = await not_understood(simulator, tmp_path / "out")
        found = await decode(Redecoding(archive.root, SEGMENTS))
        assert found.understood == {
            Understanding.FETCHED: 14,
            Understanding.UNRECOGNISED: 11,
            Understanding.UNCHANGED: 2,
        }
        assert found.exit_code == 1
        assert "name it with --next-path continuation" in found.reason
        assert (await decode(knowing(archive))).understood[Understanding.GOES_ON] == 11
        assert (await download(simulator, archive.root, KNOWING)).exit_code == 0
        assert archive.sessions() == truth(simulator)


async def test_a_download_with_half_the_paths_finishes_no_chain_early(tmp_path: Path) -> None:
    async with Simulator(UNKNOWN) as simulator:
        archive = await not_understood(simulator, tmp_path / "out", Job(segments_path=SEGMENTS))
        ended = [line for line in archive.manifest().values() if line["outcome"] == "unrecognised"]
        assert len(ended) == 11
        assert all("--next-path continuation" in line["reason"] for line in ended)
        await decode(knowing(archive))
        assert (await download(simulator, archive.root, KNOWING)).exit_code == 0
        assert archive.sessions() == truth(simulator)


@pytest.mark.parametrize("shape", [shape for shape in Shape if shape not in (Shape.UNKNOWN, Shape.UNREAD)])
@pytest.mark.parametrize("last_page", LastPage)
async def test_a_path_for_what_the_rules_know_raises_no_alarm(
    tmp_path: Path, shape: Shape, last_page: LastPage
) -> None:
    """Their tokens are read by the rules, and nothing else on them looks like one."""
    paths = {Shape.SEGMENTS: "segments", Shape.GZIP: "segments", Shape.NESTED: "data.attributes.segments"}
    paths |= dict.fromkeys((Shape.JSON_API, Shape.CURSOR, Shape.LINKS_NEXT), "data")
    paging = PagingSettings(shape=shape, page_bytes=16_000, last_page=last_page)
    async with Simulator(SimulatorSettings(paging=paging)) as simulator:
        # The longest, for without a chain of pages there would be no token, and no alarm to raise.
        views = sorted(simulator.views, key=lambda view: len(simulator.truth.expected_segments(view)))[-5:]
        job = Job(segments_path=paths.get(shape, "."))
        assert (await download(simulator, tmp_path, job, views=views)).exit_code == 0
        assert Archive(tmp_path).sessions() == truth(simulator, views, wrapped=shape is Shape.JSON_API)
        one_page = shape in (Shape.LIST, Shape.NDJSON, Shape.ZLIB)
        assert max(page for _, _, page in simulator.counts.pages) > 2 or one_page


@pytest.mark.parametrize("segments_path", ["payload", "."])
async def test_whole_objects_are_not_taken_for_segments(tmp_path: Path, segments_path: str) -> None:
    async with Simulator(UNKNOWN) as simulator:
        archive = await not_understood(simulator, tmp_path / "out")
        found = await decode(Redecoding(archive.root, segments_path, NEXT))
        assert found.understood == {Understanding.UNRECOGNISED: 27}
        assert f"--segments-path {segments_path} leads to an object with the keys" in found.reason
        assert (await decode(knowing(archive))).understood[Understanding.FETCHED] == 14


async def test_a_count_of_something_else_is_overruled_by_decode_without_a_request(tmp_path: Path) -> None:
    paging = PagingSettings(page_segments=1, chain=PageChain.COUNTED)
    async with Simulator(SimulatorSettings(paging=paging)) as simulator:
        job = Job(archive=ArchiveSettings(keep_raw=True))
        archive = await not_understood(simulator, tmp_path / "out", job)
        incomplete = sum(outcome == "incomplete" for outcome in archive.outcomes().values())
        again = await rehearse_decode(Redecoding(archive.root))
        assert again.understood == {Understanding.INCOMPLETE: incomplete}
        found = await decode(Redecoding(archive.root, next_path="none"))
    assert (found.exit_code, found.understood) == (0, {Understanding.FETCHED: incomplete})
    assert "incomplete" not in archive.outcomes().values()
    assert archive.problems() == []


async def test_a_stop_between_sessions_is_made_good_by_the_next_decode(tmp_path: Path) -> None:
    async with Simulator(UNKNOWN) as simulator:
        archive = await not_understood(simulator, tmp_path / "out")
        stop = anyio.Event()
        with open_as_it_is(archive.root) as (layout, ledger):
            decoding = Decoding(layout, ledger, knowing(archive))
            waiting = decoding._waiting

            def stopping(session_id: str) -> list[PlannedView]:
                stop.set()
                return waiting(session_id)

            decoding._waiting = stopping  # type: ignore[method-assign] # a signal would come at any time
            found = await decoding.run(stop)
        assert (found.interrupted, found.exit_code) == (True, 130)
        assert 0 < found.views < 27
        assert (await decode(knowing(archive))).exit_code == 0
        assert (await download(simulator, archive.root, KNOWING)).exit_code == 0
        assert archive.sessions() == truth(simulator)


async def test_decode_needs_an_archive_that_nobody_writes_to(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="there is no folder"):
        await decode(Redecoding(tmp_path / "nothing"))
    assert not (tmp_path / "nothing").exists()
    async with Simulator(UNKNOWN) as simulator:
        archive = await not_understood(simulator, tmp_path / "out")
        with open_as_it_is(archive.root), pytest.raises(ArchiveError, match="another run"):
            await decode(Redecoding(archive.root))


async def test_an_archive_without_raw_pages_has_nothing_to_decode(tmp_path: Path) -> None:
    async with Simulator() as simulator:
        await download(simulator, tmp_path / "out")
        found = await decode(knowing(Archive(tmp_path / "out")))
        assert (found.views, found.exit_code) == (0, 0)
        assert "nothing to decode" in decoded_text(found, Redecoding(tmp_path / "out"))
        assert Archive(tmp_path / "out").sessions() == truth(simulator)


async def test_views_that_another_store_may_hold_are_left_to_the_download(tmp_path: Path) -> None:
    holding = HoldingSettings(blob_share=0.5, absent_as=Absence.PAGE)
    paging = PagingSettings(shape=Shape.UNKNOWN, page_bytes=16_000)
    async with Simulator(SimulatorSettings(seed=5, holding=holding, paging=paging)) as simulator:
        archive = await not_understood(simulator, tmp_path / "out")
        found = await decode(knowing(archive))
        assert found.understood[Understanding.EMPTY] == 0
        assert (await download(simulator, archive.root, KNOWING)).exit_code == 0
        assert archive.sessions() == truth(simulator)


async def test_all_pages_of_a_chain_that_were_kept_are_read_by_the_new_rules(tmp_path: Path) -> None:
    """With --keep-raw and a path that finds segments but no token, every first page is there and understood."""
    async with Simulator(UNKNOWN) as simulator:
        job = Job(segments_path="payload.missing", archive=ArchiveSettings(keep_raw=True))
        archive = await not_understood(simulator, tmp_path / "out", job)
        await decode(knowing(archive, keep_raw=True))
        keeping = replace(KNOWING, archive=ArchiveSettings(keep_raw=True))
        assert (await download(simulator, archive.root, keeping)).exit_code == 0
        assert archive.sessions() == truth(simulator)


# --- a page in the middle of a chain, which no simulated shape has

VIEW = View("session", "view")
ODD = orjson.dumps({"odd": [{"records": [3], "start": 3}], "way": "t3"})
LAST = orjson.dumps({"odd": [{"records": [4], "start": 4}]})


async def half_understood(out: Path, bodies: list[bytes]) -> None:
    """An archive of one view whose second page was not understood; ``bodies`` are those of page 2 and on."""
    settings = Settings(api=ApiSettings(base_url="http://127.0.0.1:1"))
    with open_archive(out, settings) as (layout, ledger):
        loaded = ledger.load([(2, VIEW, None)])
        (planned,) = ledger.planned_session(VIEW.session_id)
        assert loaded.views == 1
        begin_run(ledger)
        writer = Writer(layout, ledger, ArchiveSettings(), lambda _: None)
        writer.expect(planned.session, 1)
        first = Page([Segment(b'{"records":[1],"start":1}'), Segment(b'{"records":[2],"start":2}')], token="t2")  # noqa: S106
        await writer.put(PageArrived(planned, first, Source.EVENT_PLATFORM))
        answer = Response(200, {}, bodies[0])
        await writer.put(ViewEnded(planned, Outcome.UNRECOGNISED, "odd", Source.EVENT_PLATFORM, answer))
        writer.close()
        await writer.run()
        bring_manifest_up_to_date(layout, ledger, changed=True, in_order=True)


def record_of(out: Path) -> tuple[object, ...]:
    with open_as_it_is(out) as (_, ledger):
        (planned,) = ledger.planned_session(VIEW.session_id)
    kept = planned.earlier
    assert kept is not None
    return kept.outcome, kept.pages, kept.segments, kept.token


async def test_a_page_behind_understood_ones_is_added_to_them(tmp_path: Path) -> None:
    await half_understood(tmp_path, [LAST])
    assert record_of(tmp_path) == (Outcome.UNRECOGNISED, 1, 2, "t2")
    found = await decode(Redecoding(tmp_path, "odd", "way"))
    assert found.understood == {Understanding.FETCHED: 1}
    lines = Archive(tmp_path).sessions()["session.ndjson"].splitlines()
    assert [orjson.loads(line)["position"] for line in lines] == [0, 1, 2]
    assert [orjson.loads(line)["segment"]["start"] for line in lines] == [1, 2, 4]


async def test_the_token_behind_such_a_page_is_kept_for_the_download(tmp_path: Path) -> None:
    await half_understood(tmp_path, [ODD])
    found = await decode(Redecoding(tmp_path, "odd", "way"))
    assert found.understood == {Understanding.GOES_ON: 1}
    assert record_of(tmp_path) == (None, 2, 3, "t3")
    assert (await decode(Redecoding(tmp_path, "odd", "way"))).understood == {Understanding.UNCHANGED: 1}
    assert record_of(tmp_path) == (None, 2, 3, "t3")


async def test_wrong_paths_do_not_cost_such_a_view_its_place(tmp_path: Path) -> None:
    await half_understood(tmp_path, [ODD])
    assert (await decode(Redecoding(tmp_path, "odd.nothing"))).exit_code == 1
    assert record_of(tmp_path) == (Outcome.UNRECOGNISED, 1, 2, "t2")
    assert (await decode(Redecoding(tmp_path, "odd", "way"))).understood == {Understanding.GOES_ON: 1}


async def test_elements_without_records_are_only_taken_where_their_pages_are_kept(tmp_path: Path) -> None:
    await half_understood(tmp_path, [b'{"odd":[{"records":[3],"start":3}],"users":[{"name":"x"},{"name":"y"}]}'])
    wrong = Redecoding(tmp_path, "users", "way")
    for found in (await rehearse_decode(wrong), await decode(wrong)):
        assert (found.understood, found.exit_code) == ({Understanding.UNRECOGNISED: 1}, 1)
        assert "none of the 2 elements at users has the records of a segment" in decoded_text(found, wrong)
    assert record_of(tmp_path) == (Outcome.UNRECOGNISED, 1, 2, "t2")
    found = await decode(replace(wrong, keep_raw=True))
    assert found.understood == {Understanding.FETCHED: 1}
    assert (tmp_path / "raw/session/view/0002.body").exists()


async def test_raw_pages_of_another_chain_are_not_taken_for_this_one(tmp_path: Path) -> None:
    await half_understood(tmp_path, [ODD])
    about = tmp_path / "raw" / "session" / "view" / "0002.json"
    about.write_bytes(about.read_bytes().replace(b'"t2"', b'"t9"'))
    assert (await decode(Redecoding(tmp_path, "odd", "way"))).understood == {Understanding.UNCHANGED: 1}
    about.write_bytes(b"{")
    assert (await decode(Redecoding(tmp_path, "odd", "way"))).understood == {Understanding.UNCHANGED: 1}


async def test_the_summary_says_what_to_do_next() -> None:
    found = Decoded()
    found.understood[Understanding.GOES_ON] = 2
    found.reason = "because\n\x1b[31m"
    text = decoded_text(found, Redecoding(Path("out"), "a.b", "c"))
    assert " download --segments-path a.b --next-path c VIEWS out" in text
    assert "\x1b" not in text
    odd = decoded_text(found, Redecoding(Path("my archive"), "a b.$c"))
    assert " download --segments-path 'a b.$c' VIEWS 'my archive'" in odd
