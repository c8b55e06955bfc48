"""Reporters show snapshots by the clock: on an event loop for a run, by a ticker for work without a loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

import anyio

from replay_fetch.progress.bar import Bar
from replay_fetch.progress.bottleneck import Bottleneck, WorkerCounts
from replay_fetch.progress.console import Console
from replay_fetch.progress.log import for_log_file
from replay_fetch.progress.snapshot import PacerFigures, ProgressSnapshot, RunSnapshot
from replay_fetch.progress.stats import RunStats, Speedometer
from replay_fetch.settings import ProgressStyle, ShowSettings

# The verdict is a mean over five seconds, see `bottleneck`: twenty looks are enough for it.
_GLANCE = 0.25  # seconds between two looks at the workers


class Reporter(Protocol):
    """A way to show work in progress: a bar, log lines, a metrics file, a history.

    A refresh must be quick: on an event loop all workers wait for its end.
    """

    @property
    def period(self) -> float:
        """Seconds between two refreshes, which the caller keeps to: a reporter has no clock of its own."""

    def refresh(self, snapshot: ProgressSnapshot) -> None:
        """Show the snapshot: in place of the one before, as a bar does, or behind it, as log lines do."""

    def close(self, snapshot: ProgressSnapshot) -> None:
        """Show the last snapshot, also after an error or a cancellation; nothing follows."""


def reporter_for(show: ShowSettings, console: Console) -> Reporter | None:
    """Choose the reporter that the settings ask for; None shows nothing.

    ``auto`` is a bar on a terminal, except where programs read the lines (JSON), and log lines off a terminal; with
    ``-q`` nothing is shown. A log file gets a line every ten seconds in any case.
    """
    style = show.progress
    if style is ProgressStyle.AUTO:
        if show.verbosity < 0:
            style = ProgressStyle.NONE
        else:
            style = ProgressStyle.BAR if console.isatty() and not show.log_json else ProgressStyle.LOG
    if style is ProgressStyle.LOG:
        return LogLines()
    in_file = LogLines(only_file=True) if show.log_file else None
    if style is ProgressStyle.NONE:
        return in_file
    bar = Bar(console)
    return Beside(bar, in_file) if in_file else bar


async def report(
    stats: RunStats,
    pacer: Callable[[], PacerFigures],
    reporter: Reporter | None,
    bottleneck: Bottleneck | None = None,
    disk_free: Callable[[], int | None] = lambda: None,
) -> None:
    """Show a run of requests until cancelled; the last snapshot is shown on the way out.

    ``disk_free`` asks for the bytes that the disk has left. ``bottleneck`` says what limits the run, if a watcher
    keeps the bottleneck told: see `watch`.
    """
    began = anyio.current_time()
    speedometer, bottleneck = Speedometer(stats, began), bottleneck or Bottleneck()

    def snapshot() -> RunSnapshot:
        now = anyio.current_time()
        workers, limited_by = bottleneck.workers, bottleneck.verdict
        return RunSnapshot(stats, speedometer.read(now), pacer(), now - began, workers, limited_by, disk_free())

    await follow(snapshot, reporter)


async def watch(bottleneck: Bottleneck, workers: Callable[[], WorkerCounts]) -> None:
    """Tell the bottleneck where the workers wait, until cancelled, four times a second."""
    while True:
        bottleneck.tell(anyio.current_time(), workers())
        await anyio.sleep(_GLANCE)


async def follow(snapshot: Callable[[], ProgressSnapshot], reporter: Reporter | None) -> None:
    """Refresh the reporter until cancelled; the last snapshot is shown on the way out, also after an error."""
    if reporter is None:
        return
    try:
        while True:
            await anyio.sleep(reporter.period)
            reporter.refresh(snapshot())
    # Also on an error: the last figures are what a reader needs then.
    finally:
        reporter.close(snapshot())


class Ticker:
    """Refreshes a reporter whenever the period has passed; work that ends sooner shows nothing.

    For work without an event loop, such as verify: the work itself calls ``beat`` between two steps.
    """

    def __init__(self, reporter: Reporter | None, snapshot: Callable[[float], ProgressSnapshot]) -> None:
        """Keep the reporter and the function that makes a snapshot, given the seconds since now."""
        self._reporter = reporter
        self._snapshot = snapshot
        self._began = self._last = time.monotonic()
        self._begun = False

    def beat(self) -> None:
        """Refresh the reporter where the period has passed; call this often, between two steps of the work."""
        now = time.monotonic()
        if self._reporter is not None and now - self._last >= self._reporter.period:
            self._last, self._begun = now, True
            self._reporter.refresh(self._snapshot(now - self._began))

    def close(self) -> None:
        """Show the last snapshot, where an earlier snapshot was shown."""
        if self._reporter is not None and self._begun:
            self._reporter.close(self._snapshot(time.monotonic() - self._began))


log = logging.getLogger(__name__)


class LogLines:
    """Writes a log line every ten seconds, and a last line at the end; ``only_file`` keeps them off the terminal.

    A run of a night makes about three thousand lines.
    """

    period = 10.0

    def __init__(self, *, only_file: bool = False) -> None:
        self._only_file = only_file

    def refresh(self, snapshot: ProgressSnapshot) -> None:
        """Log the snapshot: words for people, fields for ``--log-format json``."""
        fields = snapshot.fields()
        extra = for_log_file(**fields) if self._only_file else {"fields": fields}
        log.info("%s", ", ".join(snapshot.words()), extra=extra)

    def close(self, snapshot: ProgressSnapshot) -> None:
        """Log the last snapshot."""
        self.refresh(snapshot)


class Beside:
    """Shows work on the terminal, and beside it in the lines of a log file, each in its own period."""

    def __init__(self, on_screen: Reporter, in_file: Reporter) -> None:
        self.period = on_screen.period
        self._on_screen, self._in_file = on_screen, in_file
        self._since_line = 0.0

    def refresh(self, snapshot: ProgressSnapshot) -> None:
        """Show the snapshot on the terminal, and log it where the file's period has passed."""
        self._on_screen.refresh(snapshot)
        # By its own refreshes, which the clock decides on: a second clock would be one more thing to go wrong.
        self._since_line += self.period
        if self._since_line >= self._in_file.period:
            self._since_line = 0.0
            self._in_file.refresh(snapshot)

    def close(self, snapshot: ProgressSnapshot) -> None:
        """Show the last snapshot on the terminal, then in the log's file, whether or not its period has passed."""
        self._on_screen.close(snapshot)
        self._in_file.close(snapshot)
