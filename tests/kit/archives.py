"""Archives in tests: made by a run on this loop, read back, and held against what the simulator served."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import zstandard
from anyio._backends._asyncio import _threadpool_idle_workers, _threadpool_workers  # there is no public count
from virtual_clock import VirtualClockLoop

from replay_fetch.archive.read.readers import Processes
from replay_fetch.archive.report import Report
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli.main import exit_code_of
from replay_fetch.errors import ReplayFetchError
from replay_fetch.inspect.verify import Verifying
from replay_fetch.model import View
from replay_fetch.pipeline.job import DownloadJob
from replay_fetch.pipeline.preparing import prepared
from replay_fetch.settings import (
    ApiSettings,
    ArchiveSettings,
    Credentials,
    FetchSettings,
    PlanSettings,
    Settings,
    SourceChoice,
)
from replay_fetch.simulator import AuthSettings, LimitSettings, Simulator, SimulatorSettings
from replay_fetch.simulator.shapes import item_of

KEYS = Credentials(AuthSettings().api_key, AuthSettings().app_key)

# Without any limit the pacer feels its way up from five requests a second, which takes real runs
# seconds; told of a wide one, it asks at once.
WIDE = LimitSettings(limit=100_000, period=10.0)


@dataclass(frozen=True)
class Job:
    """How a test downloads: the settings, of which the base URL is filled in, and the keys."""

    fetch: FetchSettings = field(default_factory=lambda: FetchSettings(workers=8, retries=12))
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
    plan: PlanSettings = field(default_factory=PlanSettings)
    source: SourceChoice = SourceChoice.AUTO
    segments_path: str = ""
    next_path: str = ""
    keys: Credentials = KEYS
    wall: Callable[[], float] = time.time
    """The time of day, in seconds since 1970."""

    def settings(self, base_url: str) -> Settings:
        api = ApiSettings(
            base_url=base_url, source=self.source, segments_path=self.segments_path, next_path=self.next_path
        )
        return Settings(api=api, fetch=self.fetch, plan=self.plan, archive=self.archive)


@dataclass(frozen=True)
class Ran:
    """What a run reports, and why it stopped if it did."""

    report: Report
    failure: ReplayFetchError | None

    @property
    def exit_code(self) -> int:
        """The command's."""
        return self.report.exit_code if self.failure is None else exit_code_of(self.failure)


USUAL = Job()


async def download(
    simulator: Simulator,
    out: Path,
    job: Job = USUAL,
    *,
    views: Sequence[View] | Path | None = None,
    stop: anyio.Event | None = None,
) -> Ran:
    """Download the simulator's views, or others, into ``out`` on the running loop."""
    return await download_from(simulator.base_url, out, views or simulator.views, job, stop)


async def download_from(
    base_url: str, out: Path, views: Sequence[View] | Path, job: Job = USUAL, stop: anyio.Event | None = None
) -> Ran:
    """The same from any server on loopback."""
    path = views if isinstance(views, Path) else write_list(out.with_suffix(".csv"), views)
    settings = job.settings(base_url)
    _let_threads_finish()
    with prepared(DownloadJob(str(path), out, settings, job.keys)) as run:
        run.epoch = job.wall
        report, failure = await run.run(stop or anyio.Event())
    return Ran(report, failure)


async def stopped(
    simulator: Simulator, out: Path, after: float, job: Job = USUAL, *, views: Sequence[View] | None = None
) -> Ran:
    """Download until a stop is asked for, ``after`` so many seconds."""
    stop = anyio.Event()

    async def stop_later() -> None:
        await anyio.sleep(after)
        stop.set()

    async with anyio.create_task_group() as group:
        group.start_soon(stop_later)
        ran = await download(simulator, out, job, views=views, stop=stop)
        group.cancel_scope.cancel()
    assert ran.exit_code == 130
    return ran


def _let_threads_finish() -> None:
    """Hold the virtual clock, if it is one, while any of anyio's threads works; the writer has a limiter of its own."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, VirtualClockLoop):
        loop.is_busy = lambda: len(_threadpool_workers.get(())) > len(_threadpool_idle_workers.get(()))


async def downloaded(settings: SimulatorSettings, out: Path, job: Job = USUAL) -> Ran:
    """Download everything that a simulator with these settings has."""
    async with Simulator(settings) as simulator:
        return await download(simulator, out, job)


def write_list(path: Path, views: Sequence[View]) -> Path:
    """A list of views as the package reads it."""
    rows = "".join(f"{view.session_id},{view.view_id}\n" for view in views)
    path.write_text(f"session_id,view_id\n{rows}", encoding="ascii")
    return path


def truth(simulator: Simulator, views: Sequence[View] | None = None, *, wrapped: bool = False) -> dict[str, bytes]:
    """What ``sessions/`` must hold of these views, by name and to the byte; written down a second time here.

    ``wrapped`` is for the JSON:API shape, whose wrapper's other keys are kept too.
    """
    files: dict[str, bytes] = {}
    for view in dict.fromkeys(views or simulator.views):
        lines = view_lines(view, simulator.truth.expected_segments(view), wrapped=wrapped)
        if lines:
            name = f"{view.session_id}.ndjson"
            files[name] = files.get(name, b"") + lines
    return files


def view_lines(view: View, segments: Sequence[bytes], *, wrapped: bool = False) -> bytes:
    """The lines of one view as the format has them."""
    lines = b""
    for position, segment in enumerate(segments):
        item = b',"item":' + item_of(position) if wrapped else b""
        head = f'{{"session_id":"{view.session_id}","view_id":"{view.view_id}","position":{position},"segment":'
        lines += head.encode() + segment + item + b"}\n"
    return lines


@dataclass(frozen=True)
class Archive:
    """An archive as a stranger reads it: by its manifest and its files."""

    root: Path

    def sessions(self) -> dict[str, bytes]:
        """The files of ``sessions/`` by name."""
        return {path.name: path.read_bytes() for path in (self.root / "sessions").iterdir()}

    def manifest(self) -> dict[View, dict[str, Any]]:  # Any: the manifest's own values
        """The manifest's lines by view, in order."""
        lines = map(json.loads, (self.root / "manifest.ndjson").read_text("utf-8").splitlines())
        return {View(line["session_id"], line["view_id"]): line for line in lines}

    def report(self) -> dict[str, Any]:  # Any: as above
        """The report of the last run."""
        report: dict[str, Any] = json.loads((self.root / "report.json").read_bytes())
        return report

    def outcomes(self) -> dict[View, str | None]:
        """How each view ended."""
        return {view: line["outcome"] for view, line in self.manifest().items()}

    def view(self, view: View) -> bytes:
        """A view's lines, read by the manifest's range alone."""
        line = self.manifest()[view]
        if line["file"] is None:
            return b""
        stored = (self.root / line["file"]).read_bytes()[line["offset"] : line["offset"] + line["length"]]
        return opened(Path(line["file"]), stored)

    def files(self) -> set[str]:
        """The names of all files, relative to the archive, but for the database's own."""
        names = (path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file())
        return {name for name in names if not name.startswith(".replay-fetch/ledger.sqlite-")}

    def everything(self) -> dict[str, bytes]:
        """All files by name."""
        return {name: (self.root / name).read_bytes() for name in self.files()}

    def problems(self) -> list[str]:
        """What ``verify`` finds wrong."""
        return [str(finding) for finding in Verifying(DiskShelf(self.root), Processes(1), None).run().findings]

    def stray_files(self) -> set[str]:
        """Files that an archive of finished views has no place for."""
        expected = {"manifest.ndjson", "report.json", ".replay-fetch/ledger.sqlite", ".replay-fetch/lock"}
        return {
            name
            for name in self.files() - expected
            if not name.startswith(("sessions/", "reports/")) or ".partial." in name
        }


def opened(path: Path, stored: bytes) -> bytes:
    """Stored bytes as they were before compression."""
    match path.suffix:
        case ".gz":
            return gzip.decompress(stored)
        case ".zst":
            return zstandard.ZstdDecompressor().decompressobj(read_across_frames=True).decompress(stored)
    return stored


def opened_all(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Session files by the name they have uncompressed, and what they hold."""
    return {name.removesuffix(".gz").removesuffix(".zst"): opened(Path(name), body) for name, body in files.items()}
