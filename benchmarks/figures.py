"""``figures``: is it as fast and as small as it is meant to be? Some of every benchmark, in one table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import start
from benchmarks.contestants import CONTESTANTS, installed
from benchmarks.goal import Goal
from benchmarks.growth import Growth, Trial
from benchmarks.page_goals import LARGE, SMALL, WHO, PageGoals
from benchmarks.results import Results, Table
from benchmarks.scratch import scratch
from benchmarks.server import serving

_DISK = Path("/var/tmp")  # noqa: S108 - unlike /tmp, on a disk
_ROWS, _QUICK_ROWS = (10_000, 100_000, 1_000_000), (1_000, 10_000, 20_000)
_SECONDS = {"plan": 10.0, "shuffled plan": 10.0, "resume": 5.0}
_HOW_TO_READ = (
    "Medians (smallest to largest) of the rounds, ratios within a round; a goal is held against the median. CPU is the "
    "client's, everything on: split, checks, hashes, ledger, durable files. What goes by rows is measured once."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=_DISK, help="on a disk (default: %(default)s)")
    parser.add_argument("--ask-up-to", type=int, metavar="N", default=100_000, help="larger lists ask nothing")


def run(options: argparse.Namespace) -> Results:
    results = Results("figures", how_to_read=_HOW_TO_READ)
    if options.quick:
        options.rounds, options.ask_up_to = 1, _QUICK_ROWS[1]
        results.notes.append("Quick: shorter runs and lists than the goals are meant for.")
    rows, share = (_QUICK_ROWS, 0.1) if options.quick else (_ROWS, 1.0)
    present = installed((each for each in CONTESTANTS if each.name in WHO), results.notes)
    with (
        scratch(None) as memory,
        scratch(options.folder) as disk,
        serving(memory / "pages", [0, SMALL, *LARGE], ["plain"]) as (server, urls),
    ):
        results.notes.append(f"Server: {server}.")
        pages = PageGoals(memory, disk, urls, options.rounds, share)
        goals = list(pages.all(present))
        steps = _grown(Growth(memory, urls["0/plain"], urls[f"{SMALL}/plain"]), rows, options.ask_up_to)
    goals += [*_of_growth(steps, rows), _of_start(3 if options.quick else start.ROUNDS)]
    results.tables.append(Table("To reach", ("", "to reach", "measured", "command"), [goal.cells() for goal in goals]))
    results.measurements += [*map(asdict, goals), *map(asdict, pages.trials), *map(asdict, steps)]
    return results


def _grown(growth: Growth, rows: Sequence[int], ask_up_to: int) -> list[Trial]:
    steps = (*_SECONDS, "empty")
    started = growth.start(steps)
    trials = []
    for count in rows:
        print(f"{count:,} rows …", file=sys.stderr)
        trials += growth.trials(count, steps if count <= ask_up_to else steps[:-1], started)
    return trials


def _of_growth(steps: Sequence[Trial], rows: Sequence[int]) -> Iterator[Goal]:
    by_rows = {(trial.step, trial.rows): trial for trial in steps}
    least, middle, most = rows
    for step, seconds in _SECONDS.items():
        whole, tenth = by_rows[step, most], by_rows[step, middle]
        yield Goal(f"{step}, {most:,} rows", seconds, [whole.whole.wall], "{:.1f} s", "scale")
        # Not from fewer: what 10,000 rows cost beyond the start drowns in the noise of starting.
        flat = [whole.cpu / tenth.cpu] if tenth.cpu > 0 else []
        yield Goal(f"{step}: CPU a view, {most:,} rows ÷ {middle:,}", 1.2, flat, "{:.2f} x", "scale")
    for step in dict.fromkeys(trial.step for trial in steps):
        peaks = {trial.rows: trial.whole.peak for trial in steps if trial.step == step}
        grown = (peaks[max(peaks)] - peaks[least]) / 1e6
        yield Goal(f"{step}: peak memory, {max(peaks):,} rows less {least:,}", 15, [grown], "{:.0f} MB", "scale")


def _of_start(rounds: int) -> Goal:
    seconds = start.beyond(start.prices(rounds), start.HELP)
    return Goal("start of `--help` over `python -c pass`", 0.15, seconds, "{:.2f} s", "start")
