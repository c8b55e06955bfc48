"""Stored RUM events keep the promises of recordings: exact bytes, whole or not at all, resumed, verified."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from archives import Archive, Job, download
from damaged_archives import problems
from kills import Killed, is_kill, killed_at
from stored_events import NOW, SETTINGS, files, lines, of_one_day, served, store

from replay_fetch.api.events import FoundPage, events_page
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.read.events import stored_events
from replay_fetch.archive.read.readers import Processes
from replay_fetch.archive.read.verify import Problem
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.errors import AuthError, BadBody
from replay_fetch.inspect.rebuild import rebuild
from replay_fetch.inspect.verification import Depth
from replay_fetch.inspect.verify_shards import verify
from replay_fetch.model import Response, View
from replay_fetch.settings import ArchiveSettings, Compression, Credentials
from replay_fetch.simulator import (
    Fault,
    HoldingSettings,
    PagingSettings,
    SearchChain,
    Simulator,
    SimulatorSettings,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock", "_of_one_day")]


@pytest.fixture
def _of_one_day() -> Iterator[None]:
    with of_one_day():
        yield


def searched(**changes: Any) -> SimulatorSettings:  # Any: fields of two classes
    """The usual simulator with other settings of its search, or of the whole."""
    search = {name: changes.pop(name) for name in list(changes) if name.startswith(("search_", "page_"))}
    return replace(SETTINGS, search=replace(SETTINGS.search, **search), **changes)


async def made(simulator: Simulator, out: Path, compression: Compression = Compression.NONE) -> Path:
    """An archive of all recordings, without events."""
    await download(simulator, out, Job(archive=ArchiveSettings(compression)))
    return out


async def test_every_event_is_stored_once_with_its_exact_bytes(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        out = await made(simulator, tmp_path / "a")
        stored = await store(simulator, out)
        assert files(out) == served(simulator)
        assert (stored.exit_code, stored.fetched, stored.none) == (0, 12, 0)
        assert stored.size == sum(map(len, files(out).values()))
        assert {f"{session}.ndjson": line["events"] for session, line in lines(out).items()} == {
            name: text.count(b"\n") for name, text in files(out).items()
        }
    assert problems(out) == []


async def test_a_session_whose_events_are_there_is_not_asked_for_again(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        out = await made(simulator, tmp_path / "a")
        await store(simulator, out)
        before = files(out)
        asked = simulator.counts.requests
        again = await store(simulator, out)
        assert simulator.counts.requests == asked
        assert (again.sessions, again.exit_code, files(out)) == (0, 0, before)


@pytest.mark.parametrize(
    "settings",
    [
        searched(faults=(Fault.parse("503:single,rate=0.3"), Fault.parse("truncated:single,rate=0.2"))),
        searched(paging=PagingSettings(expire_page=3)),
        searched(search_pages=2),
        searched(search_pages=1, page_events=13),
        searched(search_timeout=7200.0),
        searched(search_chain=SearchChain.LINK),
        searched(search_chain=SearchChain.ERRORS),
        searched(page_events=1000),
    ],
    ids=[
        "faults",
        "expired cursors",
        "a silent end",
        "a silent end of the first page",
        "time-outs",
        "links",
        "errors",
        "one page",
    ],
)
async def test_a_search_that_misbehaves_gives_the_same_files(settings: SimulatorSettings, tmp_path: Path) -> None:
    async with Simulator(settings) as simulator:
        async with Simulator(SETTINGS) as sound:
            out = await made(sound, tmp_path / "a")
        assert (await store(simulator, out)).exit_code == 0
        assert files(out) == served(simulator)


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
async def test_events_are_compressed_as_the_archive_is(compression: Compression, tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        out = await made(simulator, tmp_path / "a", compression)
        await store(simulator, out)
        truth = served(simulator)
    assert set(files(out)) == {f"{name}{compression.suffix}" for name in truth}
    for name, text in truth.items():
        assert b"".join(line + b"\n" for line in stored_events(DiskShelf(out), name.removesuffix(".ndjson"))) == text
    assert problems(out) == []
    Layout(out).ledger.unlink()
    assert rebuild(out, Processes(1), None).kept
    assert problems(out) == []


async def test_a_run_killed_at_any_instant_ends_in_the_same_bytes(tmp_path: Path) -> None:
    """Killed at each call that changes the archive, then the same command again."""
    async with Simulator(searched(holding=HoldingSettings(sessions=3))) as simulator:
        base = await made(simulator, tmp_path / "base", Compression.GZIP)
        whole = tmp_path / "whole"
        shutil.copytree(base, whole)
        await store(simulator, whole)
        for instant in itertools.count():
            out = tmp_path / f"killed-{instant}"
            shutil.copytree(base, out)
            if not await _killed(simulator, out, instant):
                break
            _assert_no_half_file(out, whole)
            await store(simulator, out)
            assert files(out) == files(whole), instant
            assert (out / "manifest-events.ndjson").read_bytes() == (whole / "manifest-events.ndjson").read_bytes()
            assert problems(out) == [], instant
            shutil.rmtree(out)
    assert instant > 15


async def _killed(simulator: Simulator, out: Path, instant: int) -> bool:
    """Run until the instant; False where the run ends before there is one."""
    try:
        with killed_at(instant):
            await store(simulator, out)
    except BaseException as ended:
        if is_kill(ended):
            return True
        raise
    return False


def _assert_no_half_file(out: Path, whole: Path) -> None:
    """A name is a whole file, at every instant; and verify finds nothing wrong with what a kill left."""
    there, expected = files(out), files(whole)
    assert there == {name: expected[name] for name in there}
    assert problems(out) == []


async def test_a_warning_of_the_api_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def warned(answer: Response) -> FoundPage:
        return events_page(answer)._replace(warnings=("a shard is down",))

    async with Simulator(SETTINGS) as simulator:
        out = await made(simulator, tmp_path / "a")
        with monkeypatch.context() as patch:
            patch.setattr("replay_fetch.pipeline.events_search.events_page", warned)
            stored = await store(simulator, out)
        assert (stored.exit_code, files(out)) == (1, {})
        assert dict(stored.unfinished) == {"the API warned: a shard is down": 12}
        assert (await store(simulator, out)).exit_code == 0
        assert files(out) == served(simulator)


async def test_a_search_that_always_fails_for_one_session_costs_that_session_alone(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        out = await made(simulator, tmp_path / "a")
        poisoned = min(served(simulator)).removesuffix(".ndjson")

        def broken(answer: Response) -> FoundPage:
            page = events_page(answer)
            if any(event.session_id == poisoned for event in page.raw):
                raise BadBody("no page of the search", answer)
            return page

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("replay_fetch.pipeline.events_search.events_page", broken)
            stored = await store(simulator, out)
        assert (stored.exit_code, stored.fetched, stored.unfinished.total()) == (1, 11, 1)
        truth = served(simulator)
        del truth[f"{poisoned}.ndjson"]
        assert files(out) == truth


async def test_sessions_without_events_end_as_none_with_a_reason(tmp_path: Path) -> None:
    """The recordings are years old in these runs; a view that never was has no time at all."""
    strangers = [View("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002")]
    async with Simulator(SETTINGS) as simulator:
        out = tmp_path / "a"
        await download(simulator, out, views=[*simulator.views, *strangers])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("replay_fetch.simulator.events.Events.between", lambda *_: range(0))
            stored = await store(simulator, out)
        assert (stored.exit_code, stored.fetched, stored.none, files(out)) == (0, 0, 13, {})
        reasons = {line["reason"] for line in lines(out).values()}
        assert reasons == {
            "events are kept for 30 days, and those of this session are gone",
            "the search has no event of this session",
        }
        asked = simulator.counts.requests
        assert (await store(simulator, out)).sessions == 0
        assert simulator.counts.requests == asked
    assert problems(out) == []


async def test_sessions_that_a_search_leaves_out_are_found_by_a_search_that_names_them_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A search that ends without a word behind the first session's events, on what looks like the last page."""

    def cut(answer: Response) -> FoundPage:
        page = events_page(answer)
        of_one = [event for event in page.raw if event.session_id == page.raw[0].session_id]
        return page._replace(raw=of_one, token=None, events=0)

    monkeypatch.setattr("replay_fetch.pipeline.events_search.events_page", cut)
    async with Simulator(searched(page_events=1000)) as simulator:
        out = await made(simulator, tmp_path / "a")
        stored = await store(simulator, out)
        assert files(out) == served(simulator)
    assert (stored.exit_code, stored.fetched, stored.none) == (0, 12, 0)
    left_out = [each.getMessage() for each in caplog.records if "left out" in each.getMessage()]
    assert left_out == ["the events search left out 11 sessions, found when named again"]


async def test_a_batch_of_sessions_without_events_costs_two_searches(tmp_path: Path) -> None:
    """One around the recordings and one as far back as events are kept: no search for each session."""
    async with Simulator(SETTINGS) as simulator:
        out = await made(simulator, tmp_path / "a")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("replay_fetch.simulator.events.Events.between", lambda *_: range(0))
            stored = await store(simulator, out)
    assert (stored.none, stored.stats.requests) == (12, 2)


async def test_a_session_without_events_is_asked_for_again_within_the_retention(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        out = await made(simulator, tmp_path / "a")
        ended = max(line["end_ms"] or 0 for line in Archive(out).manifest().values()) // 1000
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("replay_fetch.simulator.events.Events.between", lambda *_: range(0))
            assert (await store(simulator, out, now=ended + 6 * 86_400)).none == 12
        assert (await store(simulator, out)).sessions == 0
        assert (await store(simulator, out, now=ended + 7 * 86_400)).sessions == 12


async def test_a_session_that_was_asked_for_while_it_might_grow_is_asked_for_again(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        out = await made(simulator, tmp_path / "a")
        ended = max(line["end_ms"] or 0 for line in Archive(out).manifest().values()) // 1000
    with of_one_day(ended + 60):
        async with Simulator(SETTINGS) as simulator:
            first = await store(simulator, out, now=ended + 60)
            assert first.fetched == 12
            truth = served(simulator, ended + 60)
            assert files(out) == truth
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("replay_fetch.simulator.events.Events.between", lambda *_: range(0))
                again = await store(simulator, out, now=ended + 6 * 3600)
            assert 0 < again.sessions <= 12
            assert files(out) == truth, "an answer with less than is there does not replace it"
            assert (await store(simulator, out, now=ended + 7 * 3600)).sessions == 0
    assert problems(out) == []


async def test_a_kill_between_record_and_publish_of_newer_events_is_made_good(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        out = await made(simulator, tmp_path / "a")
        ended = max(line["end_ms"] or 0 for line in Archive(out).manifest().values()) // 1000
    with of_one_day(ended + 60):
        async with Simulator(SETTINGS) as simulator:
            await store(simulator, out, now=ended + 60)
            truth, (first, *_) = files(out), sorted((out / "events").iterdir())
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("replay_fetch.archive.write.events_commit.publish_events", _killed_here)
                with pytest.raises(BaseExceptionGroup):
                    await store(simulator, out, now=ended + 600)
            first.write_bytes(b"older\n")  # as it would be where the events had grown
            assert problems(out) == []
            await store(simulator, out, now=ended + 600)
            assert files(out) == truth
    assert problems(out) == []


def _killed_here(*_: object) -> None:
    raise Killed


async def test_a_refused_permission_stops_the_run_and_names_the_permission(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        out = await made(simulator, tmp_path / "a")
        stored = await store(simulator, out, keys=Credentials("other", "keys"))
    assert isinstance(stored.failure, AuthError)
    assert "rum_apps_read" in str(stored.failure)
    assert files(out) == {}
    assert problems(out) == []


async def test_a_stop_ends_the_run_and_keeps_what_is_committed(tmp_path: Path) -> None:
    stop = anyio.Event()
    async with Simulator(SETTINGS) as simulator:
        out = await made(simulator, tmp_path / "a")
        stop.set()
        stored = await store(simulator, out, stop=stop)
        assert (stored.exit_code, stored.interrupted) == (130, True)
        assert (await store(simulator, out)).exit_code == 0
        assert files(out) == served(simulator)


@pytest.fixture
async def sound(tmp_path: Path) -> Path:
    """An archive with the events of all its sessions."""
    async with Simulator(SETTINGS) as simulator:
        out = await made(simulator, tmp_path / "sound")
        await store(simulator, out)
    return out


def spoilt(sound: Path) -> list[tuple[Problem, str]]:
    """Spoil files of events in each way that there is, and return what is to be found."""
    damaged, missing, cut, grown, *_ = sorted((sound / "events").iterdir())
    damaged.write_bytes(damaged.read_bytes().replace(b"view", b"VIEW", 1))
    missing.unlink()
    cut.write_bytes(cut.read_bytes()[:-9])
    grown.write_bytes(grown.read_bytes() + b"{}\n")
    (sound / "events" / "mine.txt").write_text("notes")
    return [
        (Problem.DAMAGED, f"events/{damaged.name}"),
        (Problem.MISSING, f"events/{missing.name}"),
        (Problem.CUT_OFF, f"events/{cut.name}"),
        (Problem.UNCLAIMED, f"events/{grown.name}"),
        (Problem.EXTRA, "events/mine.txt"),
    ]


async def test_verify_names_damaged_missing_cut_grown_and_extra_files(sound: Path) -> None:
    expected = spoilt(sound)
    assert sorted(problems(sound)) == sorted(expected)
    Layout(sound).ledger.unlink()  # then by the manifest of events
    assert sorted(problems(sound)) == sorted(expected)


async def test_a_quick_verification_sees_all_but_the_damaged_file(sound: Path) -> None:
    expected = [each for each in spoilt(sound) if each[0] is not Problem.DAMAGED]
    for _ in ("by the ledger", "by the manifest of events"):
        found = verify(DiskShelf(sound), Processes(1), None, Depth.NAMES)
        wrong = [(each.problem, each.file) for each in found.findings if each.file.startswith("events/")]
        assert (sorted(wrong), found.exit_code) == (sorted(expected), 1)
        Layout(sound).ledger.unlink(missing_ok=True)


@pytest.mark.parametrize("depth", Depth)
async def test_verify_names_events_of_a_session_that_has_no_view_any_more(sound: Path, depth: Depth) -> None:
    """The session's file, its views in the ledger and its lines in the manifest are gone; its events are left."""
    layout = Layout(sound)
    gone, *_ = sorted((sound / "events").iterdir())
    session_id = gone.name.partition(".")[0]
    layout.session_file(session_id).unlink()
    lines = layout.manifest.read_bytes().splitlines(keepends=True)
    layout.manifest.write_bytes(b"".join(line for line in lines if session_id.encode() not in line))
    with closing(sqlite3.connect(layout.ledger)) as ledger, ledger:
        (session,) = ledger.execute("SELECT session FROM session WHERE session_id = ?", (session_id,)).fetchone()
        ledger.execute("DELETE FROM result WHERE row IN (SELECT row FROM view WHERE session = ?)", (session,))
        ledger.execute("DELETE FROM view WHERE session = ?", (session,))
    for _ in ("by the ledger", "by the manifest"):
        found = verify(DiskShelf(sound), Processes(1), None, depth).findings
        assert (Problem.EXTRA, f"events/{gone.name}") in [(each.problem, each.file) for each in found]
        layout.ledger.unlink(missing_ok=True)


async def test_a_rebuilt_ledger_keeps_good_events_and_asks_for_the_others(sound: Path) -> None:
    whole = files(sound)
    damaged, missing, *_ = sorted((sound / "events").iterdir())
    damaged.write_bytes(b"?" + damaged.read_bytes()[1:])
    missing.unlink()
    rebuilt = rebuild(sound, Processes(1), None)
    assert rebuilt.aside is not None
    assert (rebuilt.aside / f"events-{damaged.name}").exists()
    assert problems(sound) == []
    async with Simulator(SETTINGS) as simulator:
        stored = await store(simulator, sound)
    assert stored.sessions == 2
    assert files(sound) == whole
    assert problems(sound) == []


@pytest.mark.parametrize("change", [b"", b"no line\n", None], ids=["a line less", "no line", "no file"])
async def test_a_manifest_that_is_not_the_ledgers_is_named_and_made_anew(sound: Path, change: bytes | None) -> None:
    path = sound / "manifest-events.ndjson"
    whole = path.read_bytes()
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change + b"".join(whole.splitlines(keepends=True)[1:]))
    assert [file for _, file in problems(sound)] == ["manifest-events.ndjson"]
    path.unlink(missing_ok=True)
    async with Simulator(SETTINGS) as simulator:
        await store(simulator, sound)
    assert path.read_bytes() == whole


async def test_a_download_writes_the_same_sessions_with_events_and_without(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        with_events, without = tmp_path / "with", tmp_path / "without"
        first = list(simulator.views[:9])
        for out in (with_events, without):
            await download(simulator, out, views=first)
        await store(simulator, with_events)
        for out in (with_events, without):
            await download(simulator, out)
    assert (with_events / "manifest.ndjson").read_bytes() == (without / "manifest.ndjson").read_bytes()
    assert Archive(with_events).sessions() == Archive(without).sessions()
    assert not (without / "manifest-events.ndjson").exists()
    assert len(lines(with_events)) == len(dict.fromkeys(view.session_id for view in first))
    assert problems(with_events) == []


async def test_a_download_with_events_asks_for_those_of_its_list_and_counts_them(tmp_path: Path) -> None:
    job = Job(archive=ArchiveSettings(events=True), wall=lambda: NOW)
    async with Simulator(SETTINGS) as simulator:
        out, first = tmp_path / "a", simulator.views[0]
        await download(simulator, out)
        ran = await download(simulator, out, job, views=[first])
        truth = served(simulator)
        assert files(out) == {f"{first.session_id}.ndjson": truth[f"{first.session_id}.ndjson"]}
        assert ran.exit_code == 0
        assert ran.report.events is not None
        assert (ran.report.events["sessions"], ran.report.events["fetched"]) == (1, 1)
        ran = await download(simulator, out, job)
        assert (ran.exit_code, files(out)) == (0, truth)
        assert Archive(out).report()["events"]["fetched"] == 11
    assert problems(out) == []


async def test_a_download_whose_events_are_not_whole_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(archive=ArchiveSettings(events=True), wall=lambda: NOW)
    async with Simulator(SETTINGS) as simulator:
        with monkeypatch.context() as patch:
            patch.setattr(
                "replay_fetch.pipeline.events_search.events_page",
                lambda answer: events_page(answer)._replace(warnings=("a shard is down",)),
            )
            ran = await download(simulator, tmp_path / "a", job)
        assert (ran.exit_code, ran.report.unfinished, files(tmp_path / "a")) == (1, 0, {})
        assert (await download(simulator, tmp_path / "a", job)).exit_code == 0
        assert files(tmp_path / "a") == served(simulator)
