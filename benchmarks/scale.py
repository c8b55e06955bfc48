"""``scale``: what a view costs, and how much memory it all takes, from a thousand rows to a million."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.contestants import ENVIRONMENT, ours
from benchmarks.programs import Price, price
from benchmarks.results import Results, Table
from benchmarks.scratch import scratch, write_list
from benchmarks.server import serving

_VIEWS = 2
"""Views of a session."""
_PAGE = 2_000
_NOTE = (
    f"{_VIEWS} views a session. *plan* loads the list into a new ledger; *empty* asks a server that has nothing, "
    "one request a view; *fetch* gets five pages of 2 kB a view; *resume* finds every view finished."
)


@dataclass(frozen=True)
class Trial:
    """One command on a list of so many rows; what it costs with a single row is in ``started``."""

    rows: int
    step: str
    started: Price
    whole: Price
    ledger: int = 0
    """Bytes of the ledger afterwards."""

    @property
    def cpu(self) -> float:
        """Seconds a row."""
        return (self.whole.cpu - self.started.cpu) / self.rows


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, nargs="+", metavar="N", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--fetch-up-to", type=int, metavar="N", default=10_000, help="larger lists fetch no pages")
    parser.add_argument("--ask-up-to", type=int, metavar="N", default=100_000, help="larger lists ask nothing")
    parser.add_argument("--folder", type=Path, help="where to write (default: in memory, /dev/shm)")


def run(options: argparse.Namespace) -> Results:
    if options.quick:
        options.rows, options.fetch_up_to, options.ask_up_to = [1_000, 10_000], 1_000, 1_000
    trials: list[Trial] = []
    with scratch(options.folder) as folder, serving(folder / "pages", [0, _PAGE], ["plain"]) as (server, urls):
        measure = _Measure(folder, urls["0/plain"], urls[f"{_PAGE}/plain"])
        started = measure.start()
        for rows in options.rows:
            print(f"{rows} rows …", file=sys.stderr)
            wanted = {"plan", "resume"}
            wanted |= {"empty"} if rows <= options.ask_up_to else set()
            wanted |= {"fetch"} if rows <= options.fetch_up_to else set()
            for step, paid in measure.steps(rows, wanted):
                trials.append(Trial(rows, step, started[step], paid, measure.ledger))
    results = Results("scale", notes=[f"Server: {server}; {_NOTE}"])
    results.tables += [
        _table("CPU µs a row, beyond the start", trials, lambda trial: f"{1e6 * trial.cpu:.0f}"),
        _table("CPU seconds in all", trials, lambda trial: f"{trial.whole.cpu:.1f}"),
        _table("peak MB", trials, lambda trial: f"{trial.whole.peak / 1e6:.0f}"),
        _table("ledger, bytes a row", trials, lambda trial: f"{trial.ledger / trial.rows:.0f}"),
    ]
    results.measurements += map(asdict, trials)
    return results


@dataclass
class _Measure:
    folder: Path
    empty_url: str
    page_url: str
    ledger: int = 0

    def start(self) -> dict[str, Price]:
        """Each step's least price of three, on a list of one row."""
        steps: dict[str, list[Price]] = {}
        for _ in range(3):
            for step, paid in self.steps(1, {"plan", "empty", "fetch", "resume"}):
                steps.setdefault(step, []).append(paid)
        return {step: min(paid, key=lambda one: one.cpu) for step, paid in steps.items()}

    def steps(self, rows: int, wanted: set[str]) -> Iterator[tuple[str, Price]]:
        """Each step with its price, on one list."""
        views = write_list(self.folder / "views.csv", (rows + _VIEWS - 1) // _VIEWS, min(rows, _VIEWS))
        out = self.folder / "out"
        for step, base_url in (("fetch", self.page_url), ("empty", self.empty_url)):
            if step in wanted:
                yield step, self._paid(out, self._download(base_url, views, out))
                shutil.rmtree(out)
        yield "plan", self._paid(out, _ledgers("plan", views, out))
        price(_ledgers("finish", views, out))
        price(self._download(self.empty_url, views, out), env=ENVIRONMENT)  # writes the manifest
        yield "resume", self._paid(out, self._download(self.empty_url, views, out))
        shutil.rmtree(out)

    def _paid(self, out: Path, command: Sequence[str]) -> Price:
        paid = price(command, env=ENVIRONMENT)
        self.ledger = sum(file.stat().st_size for file in (out / ".replay-fetch").glob("ledger.sqlite*"))
        return paid

    def _download(self, base_url: str, views: Path, out: Path) -> Sequence[str]:
        return ours("--source", "event_platform", "--quiet")(base_url, views, out)


def _ledgers(what: str, views: Path, out: Path) -> Sequence[str]:
    return [sys.executable, "-m", "benchmarks.ledgers", what, str(views), str(out)]


def _table(title: str, trials: Sequence[Trial], show: Callable[[Trial], str]) -> Table:
    steps = list(dict.fromkeys(trial.step for trial in trials))
    table = Table(title, ("rows", *steps))
    for rows in dict.fromkeys(trial.rows for trial in trials):
        of_rows = {trial.step: show(trial) for trial in trials if trial.rows == rows}
        table.rows.append((f"{rows:,}", *(of_rows.get(step, "-") for step in steps)))
    return table
