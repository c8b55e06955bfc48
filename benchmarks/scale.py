"""``scale``: what a view costs, and how much memory it all takes, from a thousand rows to a million."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.growth import PAGE, STEPS, VIEWS, Growth, Trial
from benchmarks.programs import FailedError
from benchmarks.results import Results, Table
from benchmarks.scratch import scratch
from benchmarks.server import serving

_NOTE = (
    f"{VIEWS} views a session. *plan* loads the list into a new ledger, *shuffled plan* the same rows in no order; "
    "*empty* asks a server that has nothing, one request a view; *resume* finds every view finished; *fetch* gets "
    "five pages of 2 kB a view, *verify* and *status* read what came. The peak is that of the largest process: "
    "*verify* has one a processor."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, nargs="+", metavar="N", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--fetch-up-to", type=int, metavar="N", default=10_000, help="larger lists fetch no pages")
    parser.add_argument("--ask-up-to", type=int, metavar="N", default=100_000, help="larger lists ask nothing")
    parser.add_argument("--folder", type=Path, help="where to write (default: in memory, /dev/shm)")
    parser.add_argument("--chart", type=Path, metavar="FILE.svg", help="draw cost and memory there; needs matplotlib")


def run(options: argparse.Namespace) -> Results:
    if options.quick:
        options.rows, options.fetch_up_to, options.ask_up_to = [1_000, 10_000], 1_000, 1_000
    with scratch(options.folder) as folder, serving(folder / "pages", [0, PAGE], ["plain"]) as (server, urls):
        growth = Growth(folder, urls["0/plain"], urls[f"{PAGE}/plain"])
        started = growth.start(STEPS)
        trials: list[Trial] = []
        for rows in options.rows:
            print(f"{rows:,} rows …", file=sys.stderr)
            trials += growth.trials(rows, _wanted(rows, options), started)
    results = Results("scale", notes=[f"Server: {server}; {_NOTE}"])
    results.tables += [
        _table("CPU µs a row, beyond the start", trials, lambda trial: f"{1e6 * trial.cpu:.0f}"),
        _table("CPU seconds in all", trials, lambda trial: f"{trial.whole.cpu:.1f}"),
        _table("peak MB", trials, lambda trial: f"{trial.whole.peak / 1e6:.0f}"),
        _table("ledger, bytes a row", trials, lambda trial: f"{trial.ledger / trial.rows:.0f}"),
    ]
    results.measurements += map(asdict, trials)
    if options.chart:
        _draw(trials, options.chart)
    return results


def _wanted(rows: int, options: argparse.Namespace) -> list[str]:
    """The steps that a list of so many rows goes through."""
    limits = {"empty": options.ask_up_to, **dict.fromkeys(("fetch", "verify", "status"), options.fetch_up_to)}
    return [step for step in STEPS if rows <= limits.get(step, rows)]


def _draw(trials: Sequence[Trial], file: Path) -> None:
    try:
        from benchmarks.chart import draw  # noqa: PLC0415 - an extra, and not part of what programs begin as
    except ImportError as missing:
        raise FailedError(f"no chart: {missing}; pip install 'replay-fetch[benchmarks]'") from None
    draw(trials, file)


def _table(title: str, trials: Sequence[Trial], show: Callable[[Trial], str]) -> Table:
    steps = [step for step in STEPS if any(trial.step == step for trial in trials)]
    table = Table(title, ("rows", *steps))
    for rows in dict.fromkeys(trial.rows for trial in trials):
        of_rows = {trial.step: show(trial) for trial in trials if trial.rows == rows}
        table.rows.append((f"{rows:,}", *(of_rows.get(step, "-") for step in steps)))
    return table
