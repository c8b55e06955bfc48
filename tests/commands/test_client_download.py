"""The library's ``download`` in somebody else's program: any list, any event, and a loop that goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePath
from typing import ParamSpec, TypeVar

import anyio
import pytest
from archives import KEYS, WIDE, Archive, truth
from processes import HANGS

from replay_fetch import ApiSettings, FetchSettings, Outcome, Report, Settings, View, download
from replay_fetch.archive.write import writer
from replay_fetch.model import ViewRecord
from replay_fetch.pipeline import job, preparing, progress_feed
from replay_fetch.pipeline.list_loading import load_plan
from replay_fetch.pipeline.opening import check_usable, open_archive
from replay_fetch.pipeline.outcome_log import count_records
from replay_fetch.pipeline.preparing import prepared
from replay_fetch.pipeline.run import run_until_signal
from replay_fetch.simulator import HoldingSettings, PagingSettings, Simulator, SimulatorSettings
from replay_fetch.view_list.source import ListSource, fingerprint

pytestmark = pytest.mark.anyio

P = ParamSpec("P")
T = TypeVar("T")

SMALL_PAGES = SimulatorSettings(limit=WIDE, paging=PagingSettings(page_segments=1))


def settings_for(simulator: Simulator) -> Settings:
    return Settings(api=ApiSettings(base_url=simulator.base_url), fetch=FetchSettings(workers=4))


async def downloaded(
    simulator: Simulator, out: Path, views: ListSource | Iterable[tuple[str, str]] | None = None
) -> Report:
    return await download(views or simulator.views, out, credentials=KEYS, settings=settings_for(simulator))


def write_list(path: Path, views: Sequence[View]) -> Path:
    path.write_text("session_id,view_id\n" + "".join(f"{session},{view}\n" for session, view in views))
    return path


class OfAnotherKind:
    """A path that is neither a str nor a Path."""

    def __init__(self, path: PurePath) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


# --- what a list may be


async def test_a_path_of_any_kind_and_an_open_file_are_lists(tmp_path: Path) -> None:
    async with Simulator(SMALL_PAGES) as simulator:
        path = write_list(tmp_path / "views.csv", simulator.views[:2])
        with path.open("rb") as file:
            sources: list[ListSource] = [path, str(path), OfAnotherKind(path), file]
            reports = [
                await downloaded(simulator, tmp_path / str(number), source) for number, source in enumerate(sources)
            ]
    assert [(report.rows, report.outcomes, report.exit_code) for report in reports] == [
        (2, {Outcome.FETCHED: 2}, 0)
    ] * 4


async def test_a_file_opened_as_text_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = write_list(tmp_path / "views.csv", [])
    with path.open() as file, pytest.raises(TypeError, match="mode 'rb'"):
        await download(file, tmp_path / "out", credentials=KEYS, settings=Settings())  # type: ignore[arg-type] # on purpose
    assert not (tmp_path / "out").exists()


# --- stopping and cancelling


async def test_an_event_of_asyncio_ends_a_run_too(tmp_path: Path) -> None:
    stop = asyncio.Event()
    stop.set()
    async with Simulator(SMALL_PAGES) as simulator:
        report = await download(
            simulator.views, tmp_path / "out", credentials=KEYS, settings=settings_for(simulator), stop=stop
        )
    assert (report.exit_code, report.interrupted) == (130, True)


@pytest.mark.parametrize("by_asyncio", [True, False])
async def test_views_committed_before_a_cancel_stay_and_the_next_run_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    by_asyncio: bool,  # noqa: FBT001 - from the table
) -> None:
    """By asyncio's own cancel, as a timeout, a web server or Ctrl-C do it, and by anyio's."""
    out = tmp_path / "out"
    committed: list[ViewRecord] = []
    cancel: list[Callable[[], object]] = []

    def cancelling(*args: object) -> None:
        count_records(*args)  # type: ignore[arg-type] # handed on as they are
        committed.extend(args[-1])  # type: ignore[arg-type]
        if committed:
            cancel[0]()

    async with Simulator(replace(SMALL_PAGES, holding=HoldingSettings(sessions=100))) as simulator:
        with monkeypatch.context() as patch:
            patch.setattr(progress_feed, "count_records", cancelling)
            if not by_asyncio:
                with anyio.CancelScope() as scope:
                    cancel.append(scope.cancel)
                    await downloaded(simulator, out)
                assert scope.cancelled_caught
            else:
                task = asyncio.create_task(downloaded(simulator, out))
                cancel.append(task.cancel)
                with pytest.raises(asyncio.CancelledError):
                    await task
        assert not (out / "manifest.ndjson").exists()
        report = await downloaded(simulator, out)
        assert Archive(out).sessions() == truth(simulator)
    assert 0 < report.finished_before == len(committed) < len(simulator.views)
    assert (report.exit_code, Archive(out).problems(), Archive(out).stray_files()) == (0, [], set())


# --- the caller's event loop


class Elsewhere:
    """Makes functions hold up their thread until the event loop has turned; fails them on the loop's own."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.held_up: list[str] = []

    def hold_up(self, name: str) -> None:
        turned = threading.Event()
        self._loop.call_soon_threadsafe(turned.set)
        assert turned.wait(timeout=HANGS), f"{name} blocks the event loop"
        self.held_up.append(name)

    def slow(self, work: Callable[P, T]) -> Callable[P, T]:
        def slowly(*args: P.args, **kwargs: P.kwargs) -> T:
            self.hold_up(work.__name__)
            return work(*args, **kwargs)

        return slowly


async def test_the_loop_goes_on_while_list_and_archive_are_opened_and_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Elsewhere()

    @contextmanager
    def opening(out: Path, settings: Settings) -> Iterator[object]:
        elsewhere.hold_up("opening")
        with open_archive(out, settings) as opened:
            yield opened
            elsewhere.hold_up("closing")

    monkeypatch.setattr(preparing, "open_archive", opening)
    monkeypatch.setattr(job, "fingerprint", elsewhere.slow(fingerprint))
    for work in (check_usable, load_plan):
        monkeypatch.setattr(preparing, work.__name__, elsewhere.slow(work))
    async with Simulator(SMALL_PAGES) as simulator:
        path = write_list(tmp_path / "views.csv", simulator.views)
        await downloaded(simulator, tmp_path / "out", path)
    assert elsewhere.held_up == ["check_usable", "fingerprint", "opening", "load_plan", "closing"]


async def test_a_cancel_while_the_archive_is_opened_closes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread cannot be interrupted: it is waited for, however often asyncio cancels."""
    opening, go_on = threading.Event(), threading.Event()

    def hanging(*args: object) -> object:
        opening.set()
        assert go_on.wait(timeout=HANGS)
        return load_plan(*args)  # type: ignore[arg-type] # handed on as they are

    async with Simulator(SMALL_PAGES) as simulator:
        with monkeypatch.context() as patch:
            patch.setattr(preparing, "load_plan", hanging)
            task = asyncio.create_task(downloaded(simulator, tmp_path / "out"))
            assert await anyio.to_thread.run_sync(opening.wait, 30)
            for _ in range(3):
                task.cancel()
                await anyio.lowlevel.checkpoint()
            assert not task.done()
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert simulator.counts.requests == 0
        assert (await downloaded(simulator, tmp_path / "out")).exit_code == 0


async def test_the_loop_stands_still_for_no_commit_of_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command's own loop does: see the writer."""
    monkeypatch.setattr(writer, "wait", lambda *_: pytest.fail("stood still"))
    async with Simulator(SMALL_PAGES) as simulator:
        assert (await downloaded(simulator, tmp_path / "out")).exit_code == 0


async def test_the_loop_of_a_command_stands_still_for_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stood: list[object] = []
    monkeypatch.setattr(writer, "wait", lambda *args: stood.append(args[-1]))
    async with Simulator(SMALL_PAGES) as simulator:
        path = write_list(tmp_path / "views.csv", simulator.views)
        asked = job.DownloadJob(path, tmp_path / "out", settings_for(simulator), KEYS)
        with prepared(asked) as run:
            report, failure = await run_until_signal(run, None)
    assert (report.exit_code, failure) == (0, None)
    assert set(stood) == {writer.STANDSTILL}
