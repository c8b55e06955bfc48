"""``pipeline``: ``download`` with everything on, against others doing the same job from the same server."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.contestants import BARE, CONTESTANTS, ENVIRONMENT, OURS, Contestant
from benchmarks.programs import Price, price
from benchmarks.results import Results, Table, spread
from benchmarks.scratch import scratch, write_list
from benchmarks.server import CODINGS, PAGES, serving

# Pages of a run by their size: a few seconds for the quick ones.
PAGES_OF_SIZE = {2_000: 4_000, 20_000: 3_000, 200_000: 300, 2_000_000: 40}


@dataclass(frozen=True)
class Trial:
    """One run of one contestant; what starting costs, the least of three runs with one session, is taken off."""

    case: str
    contestant: str
    round: int
    size: int
    pages: int
    started: Price
    whole: Price

    @property
    def cpu(self) -> float:
        """Seconds of the client's CPU a page."""
        return (self.whole.cpu - self.started.cpu) / (self.pages - PAGES)

    @property
    def pace(self) -> float:
        """Pages a second."""
        return (self.pages - PAGES) / max(self.whole.wall - self.started.wall, 1e-9)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", type=int, nargs="+", metavar="BYTES", default=[20_000, 200_000, 2_000_000])
    parser.add_argument("--codings", nargs="+", choices=CODINGS, default=list(CODINGS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to write (default: in memory, /dev/shm)")
    parser.add_argument("--also", nargs="+", default=[], choices=[each.name for each in CONTESTANTS], metavar="NAME")
    parser.add_argument("--only", nargs="+", choices=[each.name for each in CONTESTANTS], metavar="NAME")


def run(options: argparse.Namespace) -> Results:
    rounds = 1 if options.quick else options.rounds
    sizes = options.sizes[:2] if options.quick else options.sizes
    codings = options.codings[:1] if options.quick else options.codings
    results = Results("pipeline")
    present = list(_chosen(options, results.notes))
    with scratch(options.folder) as folder, serving(folder / "pages", sizes, codings) as (server, urls):
        where = "on tmpfs" if options.folder is None else f"in {options.folder}"
        results.notes.append(f"Server: {server}; files {where}; {PAGES} pages a session, one file a session.")
        for case, base_url in urls.items():
            # gzip pages beyond the first size would tell the same again at length.
            if case.endswith("gzip") and not case.startswith(f"{sizes[0]}/"):
                continue
            size = int(case.partition("/")[0])
            pages = PAGES_OF_SIZE.get(size, 1000) // (4 if options.quick else 1)
            print(f"{case} …", file=sys.stderr)
            measure = Measure(folder, case, base_url, size, pages)
            trials = measure.trials(present, rounds)
            results.tables.append(table(case, trials))
            results.measurements += map(asdict, trials)
    return results


def _chosen(options: argparse.Namespace, notes: list[str]) -> Sequence[Contestant]:
    chosen = []
    for each in CONTESTANTS:
        wanted = each.name in options.only if options.only else each.by_default or each.name in options.also
        if wanted and each.installed:
            chosen.append(each)
        elif wanted:
            notes.append(f"Left out: {each.name}, since {each.needs} is not installed.")
    return chosen


@dataclass
class Measure:
    folder: Path
    case: str
    base_url: str
    size: int
    pages: int

    def trials(self, contestants: Sequence[Contestant], rounds: int) -> list[Trial]:
        """Every contestant in every round, one after another."""
        starts = [min((self.price(each, 1) for _ in range(3)), key=lambda paid: paid.cpu) for each in contestants]
        return [
            self._trial(each, started, number)
            for number in range(rounds)
            for each, started in zip(contestants, starts, strict=True)
        ]

    def _trial(self, contestant: Contestant, started: Price, number: int) -> Trial:
        whole = self.price(contestant, self.pages // PAGES)
        return Trial(self.case, contestant.name, number, self.size, self.pages, started, whole)

    def price(self, contestant: Contestant, sessions: int) -> Price:
        views, out = write_list(self.folder / "views.csv", sessions), self.folder / "out"
        try:
            paid = price(contestant.command(self.base_url, views, out), env=ENVIRONMENT)
            _check(contestant, out, sessions)
        finally:
            shutil.rmtree(out, ignore_errors=True)
        return paid


def _check(contestant: Contestant, out: Path, sessions: int) -> None:
    """Nobody wins by leaving something out."""
    if contestant.reports:
        requests = json.loads((out / "report.json").read_text())["requests"]
        if requests != sessions * PAGES:
            raise SystemExit(f"{contestant.name} asked {requests} times for {sessions * PAGES} pages")
    if contestant.keeps:
        files = sum(1 for _ in out.rglob("*.ndjson*")) - contestant.reports  # the manifest is one too
        if files != sessions:
            raise SystemExit(f"{contestant.name} wrote {files} files for {sessions} sessions")


def table(case: str, trials: Sequence[Trial], against: Sequence[str] = (BARE, OURS)) -> Table:
    """What a page cost each contestant, and the ratios to those named in ``against``."""
    ratios = [f"x {name}" for name in against]
    columns = ("", "CPU µs a page", *ratios, "pages/s", "MB/s a core", "peak MB", "start s")
    found = Table(f"{case}: {trials[0].pages} pages of {trials[0].size // 1000} kB", columns)
    by_name: dict[str, list[Trial]] = {}
    for trial in trials:
        by_name.setdefault(trial.contestant, []).append(trial)
    for name, runs in by_name.items():
        found.rows.append(
            (
                name,
                spread([1e6 * trial.cpu for trial in runs], "{:.0f}"),
                *(_ratios(runs, by_name.get(other)) for other in against),
                spread([trial.pace for trial in runs], "{:.0f}"),
                spread([trial.size / 1e6 / trial.cpu for trial in runs], "{:.0f}"),
                spread([trial.whole.peak / 1e6 for trial in runs], "{:.0f}"),
                spread([trial.started.cpu for trial in runs]),
            )
        )
    return found


def _ratios(trials: Sequence[Trial], against: Sequence[Trial] | None) -> str:
    if not against:
        return "-"
    return spread([one.cpu / other.cpu for one, other in zip(trials, against, strict=True)])
