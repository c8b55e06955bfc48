"""The goals of a page's cost, by its size."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contestants import AFTERNOON, BARE, OURS, VENDOR, WORKERS, Contestant
from benchmarks.goal import Goal
from benchmarks.measure import Measure, Trial, ratios, requests_a_page

SMALL, LARGE = 20_000, (200_000, 2_000_000)
WHO = (BARE, OURS, AFTERNOON, VENDOR)
_TIMES = "{:.2f} x"
_WATCHED = 3  # runs at most with the loop under watch


@dataclass
class PageGoals:
    """Measures as it goes; in memory, but for the one goal that is of a disk."""

    memory: Path
    disk: Path
    urls: Mapping[str, str]
    rounds: int
    share: float = 1.0
    """Of the usual number of pages."""
    trials: list[Trial] = field(default_factory=list)
    """All that were made."""

    def all(self, present: Sequence[Contestant]) -> Iterator[Goal]:
        bare, ours = (next(each for each in present if each.name == name) for name in (BARE, OURS))
        yield from self._small(present)
        yield from self._on_disk([bare, ours])
        for size in LARGE:
            yield from self._large(size, bare, ours)
        yield Goal("requests a useful page", 1.0, requests_a_page(self.trials, OURS), "{:.3f}", "pipeline")

    def _small(self, present: Sequence[Contestant]) -> Iterator[Goal]:
        what, command = f"CPU a {_name(SMALL)} page", _pipeline(SMALL)
        trials = self._compared(SMALL, self.memory, present)
        yield Goal(f"{what} ÷ bare aiohttp's, in memory", 2.0, ratios(trials, OURS, BARE), _TIMES, command)
        for name, least in ((AFTERNOON, 3.5), (VENDOR, 4.0)):
            yield Goal(f"{what}: {name} ÷ ours", least, ratios(trials, name, OURS), _TIMES, command, least=True)

    def _on_disk(self, both: Sequence[Contestant]) -> Iterator[Goal]:
        what, command = f"CPU a {_name(SMALL)} page ÷ bare aiohttp's, on a disk", f"{_pipeline(SMALL)} --folder DIR"
        yield Goal(what, 2.5, ratios(self._compared(SMALL, self.disk, both), OURS, BARE), _TIMES, command)

    def _large(self, size: int, bare: Contestant, ours: Contestant) -> Iterator[Goal]:
        what, command = f"{_name(size)} pages", _pipeline(size)
        trials = self._compared(size, self.memory, [bare, ours])
        paces = ratios(trials, BARE, OURS)
        yield Goal(f"MB/s a core ÷ bare aiohttp's, {what}", 0.35, paces, _TIMES, command, least=True)
        lags = [1e3 * self._measure(size, self.memory).lag(ours).worst for _ in range(min(self.rounds, _WATCHED))]
        yield Goal(f"longest wait on the loop, {what}", 50, lags, "{:.0f} ms", command)
        if size == LARGE[-1]:
            peaks = [trial.whole.price.peak / 1e6 for trial in trials if trial.contestant == OURS]
            yield Goal(f"peak memory, {WORKERS} workers, {what}", 250, peaks, "{:.0f} MB", command)

    def _measure(self, size: int, folder: Path) -> Measure:
        return Measure(folder, f"{size}/plain", self.urls[f"{size}/plain"], self.share)

    def _compared(self, size: int, folder: Path, contestants: Sequence[Contestant]) -> list[Trial]:
        print(f"{_name(size)} pages in {folder.parent} …", file=sys.stderr)
        trials = self._measure(size, folder).trials(contestants, self.rounds)
        self.trials += trials
        return trials


def _pipeline(size: int) -> str:
    return f"pipeline --sizes {size} --codings plain"


def _name(size: int) -> str:
    return f"{size // 1000} kB" if size < 1_000_000 else f"{size // 1_000_000} MB"
