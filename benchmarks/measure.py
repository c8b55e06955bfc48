"""What a page costs a contestant: runs at a price, held against each other round by round."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contestants import BARE, ENVIRONMENT, OURS, Contestant
from benchmarks.lag import Lag, watched
from benchmarks.mix import VIEWS, pages_of
from benchmarks.programs import FailedError, Price, price
from benchmarks.results import Table, spread
from benchmarks.scratch import settle, write_list
from benchmarks.server import PAGES, asked
from benchmarks.tls import Certificate

PAGES_OF_SIZE = {2_000: 10_000, 20_000: 10_000, 200_000: 3_000, 2_000_000: 300}
"""Pages of a run by their size: about a second for bare aiohttp."""
_LEAST_SESSIONS = 8


@dataclass(frozen=True)
class Run:
    """One program, run to its end."""

    price: Price
    pages: int
    requests: int
    """As the server counted them."""


@dataclass(frozen=True)
class Trial:
    """One run of one contestant; what starting costs, the least of three runs with one session, is taken off."""

    case: str
    contestant: str
    round: int
    size: int
    started: Run
    whole: Run

    @property
    def pages(self) -> int:
        return self.whole.pages - self.started.pages

    @property
    def cpu(self) -> float:
        """Seconds of the client's CPU a page."""
        return (self.whole.price.cpu - self.started.price.cpu) / self.pages

    @property
    def pace(self) -> float:
        """Pages a second."""
        return self.pages / max(self.whole.price.wall - self.started.price.wall, 1e-9)


@dataclass
class Measure:
    """Contestants that fetch the same pages, of one size, from one server."""

    folder: Path
    case: str
    """A size in bytes and a coding: ``20000/plain``."""
    base_url: str
    share: float = 1.0
    """Of the usual number of pages."""
    certificate: Certificate | None = None
    """The server's, where it speaks TLS."""
    mixed: bool = False
    """The pages are those of the mix."""

    @property
    def size(self) -> int:
        return int(self.case.partition("/")[0])

    def trials(self, contestants: Sequence[Contestant], rounds: int) -> list[Trial]:
        """Every contestant in every round, one after another."""
        starts = [self._start(each) for each in contestants]
        return [
            Trial(self.case, each.name, number, self.size, started, self._run(each, self._sessions(each)))
            for number in range(rounds)
            for each, started in zip(contestants, starts, strict=True)
        ]

    def lag(self, contestant: Contestant) -> Lag:
        """How late its loop was, in a run of its own: watching costs too."""
        found = self.folder / "lag.json"
        self._run(contestant, self._sessions(contestant), watched_into=found)
        return Lag.read(found)

    def _sessions(self, contestant: Contestant) -> int:
        pages = PAGES_OF_SIZE.get(self.size, 1_000) * self.share * contestant.share
        return max(round(pages / PAGES), _LEAST_SESSIONS)

    def _start(self, contestant: Contestant) -> Run:
        """What is the same for any number of pages; nothing of one that runs for a time."""
        if contestant.counts:
            return Run(Price(0, 0, 0), 0, 0)
        return min((self._run(contestant, 1) for _ in range(3)), key=lambda run: run.price.cpu)

    def _run(self, contestant: Contestant, sessions: int, watched_into: Path | None = None) -> Run:
        views = write_list(self.folder / "views.csv", sessions, VIEWS if self.mixed else 1)
        out = self.folder / "out"
        command = contestant.command(self.base_url, views, out)
        settle(self.folder)
        trust = self.certificate.environment if self.certificate else {}
        before = asked(self.base_url, self.certificate) + 1  # and the question afterwards
        try:
            paid = price(watched(command, watched_into) if watched_into else command, env={**ENVIRONMENT, **trust})
            pages = int((out / "pages").read_text()) if contestant.counts else self._pages(views, sessions)
            run = Run(paid, pages, asked(self.base_url, self.certificate) - before)
            _check(contestant, run, out, sessions)
        finally:
            shutil.rmtree(out, ignore_errors=True)
        return run

    def _pages(self, views: Path, sessions: int) -> int:
        return pages_of(views) if self.mixed else sessions * PAGES


def _check(contestant: Contestant, run: Run, out: Path, sessions: int) -> None:
    """Nobody wins by leaving something out; raises FailedError."""
    if run.requests < run.pages:
        raise FailedError(f"{contestant.name} asked {run.requests} times for {run.pages} pages")
    if contestant.keeps:
        files = sum(1 for _ in out.rglob("*.ndjson*")) - contestant.reports  # the manifest is one too
        if files != sessions:
            raise FailedError(f"{contestant.name} wrote {files} files for {sessions} sessions")


def ratios(trials: Sequence[Trial], name: str, other: str) -> list[float]:
    """CPU a page of one contestant by that of another, round by round; empty where one took no part."""
    ones = [trial for trial in trials if trial.contestant == name]
    others = [trial for trial in trials if trial.contestant == other]
    return [one.cpu / other.cpu for one, other in zip(ones, others, strict=True)] if ones and others else []


def requests_a_page(trials: Sequence[Trial], name: str) -> list[float]:
    """Of every run of one contestant."""
    return [trial.whole.requests / trial.whole.pages for trial in trials if trial.contestant == name]


def table(
    trials: Sequence[Trial], against: Sequence[str] = (BARE, OURS), lags: Mapping[str, Lag] | None = None
) -> Table:
    """What a page cost each contestant, and the ratios to those named in ``against``."""
    size, coding = trials[0].case.split("/")
    columns = ["", "pages", "CPU µs a page", *(f"x {name}" for name in against), "pages/s", "MB/s a core", "peak MB"]
    found = Table(f"{int(size) // 1000} kB, {coding}", [*columns, *(["loop lag ms"] if lags else []), "start s"])
    for name in dict.fromkeys(trial.contestant for trial in trials):
        runs = [trial for trial in trials if trial.contestant == name]
        found.rows.append(
            (
                name,
                f"{max(trial.pages for trial in runs):,}",
                spread([1e6 * trial.cpu for trial in runs], "{:.0f}"),
                *(spread(ratios(trials, name, other)) for other in against),
                spread([trial.pace for trial in runs], "{:.0f}"),
                spread([trial.size / 1e6 / trial.cpu for trial in runs], "{:.0f}"),
                spread([trial.whole.price.peak / 1e6 for trial in runs], "{:.0f}"),
                *([str(lags[name])] if lags else []),
                spread([trial.started.price.cpu for trial in runs]),
            )
        )
    return found
