"""Shows a run while it runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

import anyio

from replay_fetch.progress.bar import Bar
from replay_fetch.progress.bottleneck import Bottleneck, WorkerCounts
from replay_fetch.progress.console import Console
from replay_fetch.progress.snapshot import PacerView, ProgressSnapshot, RunSnapshot
from replay_fetch.progress.stats import RunStats, Speedometer
from replay_fetch.settings import ProgressStyle, ShowSettings

_GLANCE = 0.25  # seconds between two looks at the workers


class Reporter(Protocol):
    """A way to show a run."""

    @property
    def period(self) -> float:
        """Seconds between two refreshes."""

    def refresh(self, snapshot: ProgressSnapshot) -> None:
        """Show the snapshot in place of the one before, or behind it."""

    def close(self, snapshot: ProgressSnapshot) -> None:
        """Show the last snapshot; nothing follows."""


def reporter(show: ShowSettings, console: Console) -> Reporter | None:
    """What the settings ask for; None shows nothing.

    ``auto`` is a bar on a terminal, except where programs read the lines (JSON), and lines off it;
    with ``-q`` it is nothing.
    """
    style = show.progress
    if style is ProgressStyle.AUTO:
        if show.verbosity < 0:
            style = ProgressStyle.NONE
        else:
            style = ProgressStyle.BAR if console.isatty() and not show.log_json else ProgressStyle.LOG
    if style is ProgressStyle.BAR:
        return Bar(console)
    return LogLines() if style is ProgressStyle.LOG else None


async def report(
    stats: RunStats, pacer: Callable[[], PacerView], shown_by: Reporter | None, bottleneck: Bottleneck | None = None
) -> None:
    """Show a run of requests until cancelled; the last snapshot is shown on the way out.

    ``bottleneck`` says what limits the run, if somebody tells it: see `watch`.
    """
    began = anyio.current_time()
    speedometer, bottleneck = Speedometer(stats, began), bottleneck or Bottleneck()

    def snapshot() -> RunSnapshot:
        now = anyio.current_time()
        return RunSnapshot(stats, speedometer.read(now), pacer(), now - began, bottleneck.workers, bottleneck.verdict)

    await follow(snapshot, shown_by)


async def watch(bottleneck: Bottleneck, workers: Callable[[], WorkerCounts]) -> None:
    """Tell where the workers stand until cancelled, more often than anything changes that lasts."""
    while True:
        bottleneck.tell(anyio.current_time(), workers())
        await anyio.sleep(_GLANCE)


async def follow(snapshot: Callable[[], ProgressSnapshot], shown_by: Reporter | None) -> None:
    """Refresh the reporter until cancelled; the last snapshot is shown on the way out."""
    if shown_by is None:
        return
    try:
        while True:
            await anyio.sleep(shown_by.period)
            shown_by.refresh(snapshot())
    finally:
        shown_by.close(snapshot())


class Ticker:
    """Refreshes a reporter whenever its period has passed; work that ends sooner shows nothing."""

    def __init__(self, shown_by: Reporter | None, snapshot: Callable[[float], ProgressSnapshot]) -> None:
        """``snapshot`` is given the seconds since the pulse was made."""
        self._shown_by = shown_by
        self._moment = snapshot
        self._began = self._last = time.monotonic()
        self._begun = False

    def beat(self) -> None:
        """Call this often: it refreshes the reporter where it is time to."""
        now = time.monotonic()
        if self._shown_by is not None and now - self._last >= self._shown_by.period:
            self._last, self._begun = now, True
            self._shown_by.refresh(self._moment(now - self._began))

    def close(self) -> None:
        """Show the last snapshot, where there was one before it."""
        if self._shown_by is not None and self._begun:
            self._shown_by.close(self._moment(time.monotonic() - self._began))


log = logging.getLogger(__name__)


class LogLines:
    """A log line every ten seconds, and one at the end."""

    period = 10.0

    def refresh(self, snapshot: ProgressSnapshot) -> None:
        """Log the snapshot: words for people, fields for ``--log-format json``."""
        log.info("%s", ", ".join(snapshot.words()), extra={"fields": snapshot.fields()})

    def close(self, snapshot: ProgressSnapshot) -> None:
        """Log the last snapshot."""
        self.refresh(snapshot)
