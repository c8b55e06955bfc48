"""How a run shows itself: a bar on a terminal, lines off it, at the right times."""

from __future__ import annotations

import fcntl
import io
import logging
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import anyio
import pytest
from processes import HANGS, environment

from replay_fetch.model import Outcome
from replay_fetch.progress.bar import Bar
from replay_fetch.progress.bottleneck import Bottleneck, Limit, WorkerCounts
from replay_fetch.progress.console import Console
from replay_fetch.progress.log import logging_to
from replay_fetch.progress.reporters import LogLines, report, reporter_for
from replay_fetch.progress.snapshot import ProgressSnapshot, RunSnapshot
from replay_fetch.progress.stats import RunStats, Speed
from replay_fetch.settings import ProgressStyle, ShowSettings

log = logging.getLogger("replay_fetch.somewhere")


class Pace:
    rate_per_s: float | None = 10.0
    gate_shut_s = 0.0
    limiter = ""


class Screen:
    """A real terminal's other side: what was written to it, and its width."""

    def __init__(self, columns: int) -> None:
        self._master, slave = os.openpty()
        self.stream = os.fdopen(slave, "w", encoding="utf-8")
        self.resize(columns)

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.stream.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def frames(self) -> list[str]:
        """Everything written since the last call, split where the cursor goes back to the left."""
        print(end="\0", flush=True, file=self.stream)  # what was written before it has arrived when it has
        written = b""
        while not written.endswith(b"\0"):
            written += os.read(self._master, 2**16)
        return re.split(r"[\r\n]+", written[:-1].decode())

    def hang_up(self) -> None:
        os.close(self._master)

    def close(self) -> None:
        with suppress(OSError):
            self.stream.close()
        with suppress(OSError):
            os.close(self._master)


@contextmanager
def screen_of(columns: int) -> Iterator[Screen]:
    screen = Screen(columns)
    try:
        yield screen
    finally:
        screen.close()


def busy(total: int = 8000) -> RunSnapshot:
    stats = RunStats(views_total=total, finished_before=total // 2, requests=880, rate_limited=3)
    stats.views_ended.update({Outcome.FETCHED: 158, Outcome.FAILED: 2})
    return RunSnapshot(
        stats, Speed(9.83, 10.0, 1_234_567), Pace(), 100.0, WorkerCounts(in_line=30, asking=2), Limit.API
    )


@pytest.mark.parametrize(
    ("show", "kind"),
    [
        (ShowSettings(), Bar),
        (ShowSettings(log_json=True), LogLines),
        (ShowSettings(verbosity=-1), type(None)),
        (ShowSettings(progress=ProgressStyle.LOG), LogLines),
        (ShowSettings(progress=ProgressStyle.NONE), type(None)),
        (ShowSettings(progress=ProgressStyle.BAR, verbosity=-1), Bar),
    ],
)
def test_on_a_terminal_the_settings_choose(show: ShowSettings, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with screen_of(80) as screen:
        reporter = reporter_for(show, Console(screen.stream))
        assert type(reporter) is kind
        if reporter:
            reporter.close(busy())


def test_off_a_terminal_or_on_a_dumb_one_there_are_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(reporter_for(ShowSettings(), Console(io.StringIO())), LogLines)
    monkeypatch.setenv("TERM", "dumb")
    with screen_of(80) as screen:
        assert isinstance(reporter_for(ShowSettings(), Console(screen.stream)), LogLines)


@pytest.mark.parametrize("limiter", ["limit", "window", "sliding", "several", "unknown"])
def test_at_80_columns_everything_that_counts_is_there(limiter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "limiter", "" if limiter == "limit" else limiter)
    with screen_of(80) as screen:
        bar = Bar(Console(screen.stream))
        bar.close(busy())
        *_, last, rest = screen.frames()
    assert f"| 4,160/8,000 views, 2 failed, API {limiter} 10/s, 32 min left, 9.8 pages/s" in last
    assert rest == ""


@pytest.mark.parametrize("columns", [10, 20, 40, 60, 79, 80, 81, 120, 250])
@pytest.mark.parametrize("total", [10_000, 10_000_000])
def test_a_bar_never_reaches_the_last_column(columns: int, total: int) -> None:
    with screen_of(columns) as screen:
        bar = Bar(Console(screen.stream))
        bar.refresh(busy(total))
        bar.close(busy(total))
        assert max(map(len, screen.frames())) < columns


def test_a_run_that_ends_before_it_begins_leaves_no_bar() -> None:
    with screen_of(80) as screen:
        console = Console(screen.stream)
        Bar(console)
        console.line("the list cannot be read")
        assert screen.frames() == ["the list cannot be read", ""]


def test_a_bar_follows_the_window() -> None:
    with screen_of(120) as screen:
        bar = Bar(Console(screen.stream))
        bar.refresh(busy())
        wide = max(map(len, screen.frames()))
        screen.resize(60)
        bar.refresh(busy())
        bar.refresh(busy())
        assert (wide, len(screen.frames()[-1])) == (119, 59)
        bar.close(busy())


def test_log_lines_stand_above_the_bar_undamaged() -> None:
    with screen_of(80) as screen:
        console = Console(screen.stream)
        with logging_to(console, ShowSettings()):
            bar = Bar(console)
            bar.refresh(busy())
            log.warning("the keys are refused")
            bar.refresh(busy())
            bar.close(busy())
            log.warning("after the bar")
        frames = [frame for frame in screen.frames() if frame.strip()]
    assert [frame for frame in frames if "WARNING" in frame and "|" in frame] == []
    assert [frame.split("Z ")[1] for frame in frames if "WARNING" in frame] == [
        "WARNING the keys are refused",
        "WARNING after the bar",
    ]
    assert "views" in frames[frames.index(next(frame for frame in frames if "refused" in frame)) + 1]


def test_a_bar_without_its_reader_does_no_harm() -> None:
    with screen_of(80) as screen:
        console = Console(screen.stream)
        bar = Bar(console)
        screen.hang_up()
        bar.refresh(busy())
        console.line("unheard")
        bar.close(busy())


class Seen:
    """A reporter that notes the time of each snapshot."""

    period = 10.0

    def __init__(self) -> None:
        self.refreshed: list[tuple[float, int]] = []
        self.closed: list[tuple[float, int]] = []

    def refresh(self, snapshot: ProgressSnapshot) -> None:
        assert isinstance(snapshot, RunSnapshot)
        self.refreshed.append((round(anyio.current_time()), snapshot.stats.pages))

    def close(self, snapshot: ProgressSnapshot) -> None:
        assert isinstance(snapshot, RunSnapshot)
        self.closed.append((round(anyio.current_time()), snapshot.stats.pages))


@pytest.mark.anyio
@pytest.mark.usefixtures("virtual_clock")
async def test_a_report_is_refreshed_each_period_and_closed_with_the_last_state() -> None:
    stats, seen = RunStats(), Seen()
    async with anyio.create_task_group() as group:
        group.start_soon(partial(report, stats, Pace, seen))
        for _ in range(25):
            await anyio.sleep(1)
            stats.pages += 1
        group.cancel_scope.cancel()
    assert [time for time, _ in seen.refreshed] == [10, 20]
    assert seen.closed == [(25, 25)]


@pytest.mark.anyio
async def test_no_reporter_is_no_report() -> None:
    await report(RunStats(), Pace, None)


@pytest.mark.anyio
@pytest.mark.usefixtures("virtual_clock")
async def test_off_a_terminal_a_minute_is_seven_lines(caplog: pytest.LogCaptureFixture) -> None:
    held = Bottleneck()
    held.tell(0.0, WorkerCounts(in_line=1))
    with caplog.at_level(logging.INFO), anyio.move_on_after(65):
        await report(RunStats(views_total=5), Pace, LogLines(), held)
    assert [record.getMessage() for record in caplog.records] == ["0/5 views, API limit 10/s, 0.0 pages/s, 0 B/s"] * 7


@pytest.mark.parametrize("setting", ["TQDM_MININTERVAL=often", "TQDM_NCOLS=wide", "TQDM_DISABLE=1"])
def test_tqdm_variables_of_the_environment_change_no_bar(setting: str) -> None:
    """tqdm reads its variables when it is imported, and fails there."""
    name, _, value = setting.partition("=")
    script = (
        "import io, os; from replay_fetch.progress.bar import tqdm_bar; "
        f"assert not tqdm_bar()(total=1, file=io.StringIO()).disable; assert os.environ['{name}']"
    )
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script],
        env=environment() | {name: value},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_lines_of_a_log_file_go_on_beside_a_bar(tmp_path: Path) -> None:
    """One every ten seconds, as where no bar is; and none of them on the terminal."""
    with screen_of(80) as screen:
        console = Console(screen.stream)
        show = ShowSettings(log_file=tmp_path / "log")
        with logging_to(console, show):
            reporter = reporter_for(show, console)
            assert reporter is not None
            for _ in range(round(25 / reporter.period)):
                reporter.refresh(RunSnapshot(RunStats(views_total=9), Speed(), Pace()))
            reporter.close(RunSnapshot(RunStats(views_total=9), Speed(), Pace()))
        frames = screen.frames()
    assert len((tmp_path / "log").read_text().splitlines()) == 3
    assert any("0/9 views" in frame for frame in frames)
    assert not any("INFO" in frame for frame in frames)
