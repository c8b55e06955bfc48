"""Shows a run while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import anyio

from replay_fetch.progress.bar import Bar
from replay_fetch.progress.bottleneck import Limiting, Standing
from replay_fetch.progress.console import Console
from replay_fetch.progress.lines import Lines
from replay_fetch.progress.snapshot import Moment, PacerView, Shown
from replay_fetch.progress.stats import RunStats, Speedometer
from replay_fetch.settings import ProgressStyle, ShowSettings

_GLANCE = 0.25  # seconds between two looks at the workers


class Reporter(Protocol):
    """A way to show a run."""

    @property
    def period(self) -> float:
        """Seconds between two refreshes."""

    def refresh(self, moment: Shown) -> None:
        """Show the moment in place of the one before, or behind it."""

    def close(self, moment: Shown) -> None:
        """Show the last moment; nothing follows."""


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
    return Lines() if style is ProgressStyle.LOG else None


async def report(
    stats: RunStats, pacer: Callable[[], PacerView], shown_by: Reporter | None, limiting: Limiting | None = None
) -> None:
    """Show a run of requests until cancelled; the last moment is shown on the way out.

    ``limiting`` says what limits the run, if somebody tells it: see `watch`.
    """
    began = anyio.current_time()
    speedometer, limiting = Speedometer(stats, began), limiting or Limiting()

    def moment() -> Moment:
        now = anyio.current_time()
        return Moment(stats, speedometer.read(now), pacer(), now - began, limiting.standing, limiting.verdict)

    await follow(moment, shown_by)


async def watch(limiting: Limiting, standing: Callable[[], Standing]) -> None:
    """Tell where the workers stand until cancelled, more often than anything changes that lasts."""
    while True:
        limiting.tell(anyio.current_time(), standing())
        await anyio.sleep(_GLANCE)


async def follow(moment: Callable[[], Shown], shown_by: Reporter | None) -> None:
    """Refresh the reporter until cancelled; the last moment is shown on the way out."""
    if shown_by is None:
        return
    try:
        while True:
            await anyio.sleep(shown_by.period)
            shown_by.refresh(moment())
    finally:
        shown_by.close(moment())
