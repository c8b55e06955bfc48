"""The rate controller against what others use: ``python -m benchmarks.pacing``.

Prints, for each controller and scenario, goodput (accepted, of what the limit offered beyond a
neighbour's demand) and the share of 429s, as a Markdown table; ``--json`` writes every figure.
Virtual time, the same for every machine and run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median

from benchmarks.simulation import worlds
from benchmarks.simulation.controllers import Ours
from benchmarks.simulation.oracle import knowing
from benchmarks.simulation.peers import CONTROLLERS
from benchmarks.simulation.scenarios import BEYOND, SCENARIOS
from benchmarks.simulation.trial import Result, run

COLUMNS = ("headers", "blind", "neighbour", "twins", "change", "high")
KNOWN = ("CUBIC token bucket (botocore adaptive)", "AIMD rate", "rclone pacer")
"""What is shown beside ours and the oracle where limiters are no windows."""
QUICK = COLUMNS[:-1]  # a thousand requests in ten seconds take half of the time of all
OURS, ORACLE = "replay-fetch", "oracle"


@dataclass(frozen=True)
class Cell:
    """The mean over the seeds; shares between 0 and 1."""

    controller: str
    scenario: str
    goodput: float
    rejected: float
    fairness: float
    neighbour: float

    def __str__(self) -> str:
        return f"{100 * self.goodput:.1f} / {100 * self.rejected:.2f}"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    seeds = range(1 if options.quick else options.seeds)
    shown = QUICK if options.quick else COLUMNS
    columns = shown if options.quick else tuple(SCENARIOS)
    cells = [_cell(name, column, seeds) for name in CONTROLLERS for column in columns]
    _print_table(cells, shown)
    if not options.quick:
        _print_scenarios([cell for cell in cells if cell.controller == OURS])
    limiters: list[Cell] = []
    if not options.quick:
        limiters = [cell for scenario in BEYOND for cell in _limiter_cells(scenario, range(min(3, options.seeds)))]
        _print_limiters(limiters)
    random_servers = [_world(mode, 6 if options.quick else options.worlds) for mode in worlds.MODES]
    _print_worlds(random_servers)
    shares = _shares(6 if options.quick else options.worlds)
    _print_shares(shares)
    if options.json:
        found = {
            "scenarios": [asdict(cell) for cell in cells],
            "limiters": [asdict(cell) for cell in limiters],
            "random_servers": random_servers,
            "random_limiters": shares,
        }
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="five scenarios, one seed, few random servers")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each scenario")
    parser.add_argument("--worlds", type=int, default=60, help="random servers of each kind of headers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser.parse_args(arguments)


def _cell(controller: str, scenario: str, seeds: range) -> Cell:
    return _mean(controller, scenario, [run(SCENARIOS[scenario], CONTROLLERS[controller], seed) for seed in seeds])


def _mean(controller: str, scenario: str, results: Sequence[Result]) -> Cell:
    return Cell(
        controller,
        scenario,
        goodput=mean(result.goodput for result in results),
        rejected=mean(result.rejected for result in results),
        fairness=mean(result.fairness for result in results),
        neighbour=mean(result.neighbour for result in results),
    )


def _limiter_cells(scenario: str, seeds: range) -> list[Cell]:
    known = BEYOND[scenario]
    shown = {OURS: Ours, ORACLE: knowing(known), **{name: CONTROLLERS[name] for name in KNOWN}}
    return [_mean(name, scenario, [run(known, made, seed) for seed in seeds]) for name, made in shown.items()]


def _shares(count: int) -> list[float]:
    """What ours takes of what the oracle takes, on random servers of every kind."""
    drawn = [(worlds.draw_limiter(seed), seed) for seed in range(count)]
    return sorted(run(each, Ours, seed).goodput / run(each, knowing(each), seed).goodput for each, seed in drawn)


def _world(mode: str, count: int) -> dict[str, float | str | int]:
    results: list[Result] = [run(worlds.draw(seed, mode), Ours, seed) for seed in range(count)]
    return {
        "headers": mode,
        "servers": count,
        "goodput_median": median(result.goodput for result in results),
        "goodput_worst": min(result.goodput for result in results),
        "rejected_median": median(result.rejected for result in results),
        "rejected_worst": max(result.rejected for result in results),
        "neighbour_worst": min(result.neighbour for result in results),
    }


def _print_table(cells: Sequence[Cell], columns: Sequence[str]) -> None:
    print("goodput % / 429s % (in brackets: the neighbour's accepted share, the twins' smaller over larger share)\n")
    print("| controller |", " | ".join(SCENARIOS[column].about for column in columns), "|")
    print("|---" * (len(columns) + 1) + "|")
    for name in CONTROLLERS:
        row = {cell.scenario: cell for cell in cells if cell.controller == name}
        print(f"| {name} |", " | ".join(_text(row[column]) for column in columns), "|")
    print()


def _print_limiters(cells: Sequence[Cell]) -> None:
    names = (OURS, ORACLE, *KNOWN)
    print("| limiter | headers on |", " | ".join(names), "|")
    print("|---" * (len(names) + 2) + "|")
    for scenario, known in BEYOND.items():
        row = {cell.controller: cell for cell in cells if cell.scenario == scenario}
        told = {"none": "none", "429": "429s"}.get(known.headers.on, "all")
        print(f"| {known.about} | {told} |", " | ".join(_text(row[name]) for name in names), "|")
    print()


def _print_shares(shares: Sequence[float]) -> None:
    tenth, middle, least = shares[len(shares) // 10], median(shares), shares[0]
    print(
        f"\n{len(shares)} random limiters of every kind, headers on all answers, share of the oracle's goodput: "
        f"median {100 * middle:.1f} %, 10th percentile {100 * tenth:.1f} %, least {100 * least:.1f} %"
    )


def _text(cell: Cell) -> str:
    scenario = (SCENARIOS | BEYOND)[cell.scenario]
    if scenario.neighbour:
        return f"{cell} ({100 * cell.neighbour:.0f} %)"
    return f"{cell} ({cell.fairness:.2f})" if scenario.clients > 1 else str(cell)


def _print_scenarios(cells: Sequence[Cell]) -> None:
    print("| scenario | ours |\n|---|---|")
    for cell in cells:
        print(f"| {SCENARIOS[cell.scenario].about} | {_text(cell)} |")
    print()


def _print_worlds(rows: Sequence[dict[str, float | str | int]]) -> None:
    print("| random servers, headers on | goodput median / worst | 429s median / worst | neighbour's worst share |")
    print("|---|---|---|---|")
    for row in rows:
        goodput = f"{100 * float(row['goodput_median']):.1f} / {100 * float(row['goodput_worst']):.1f}"
        rejected = f"{100 * float(row['rejected_median']):.2f} / {100 * float(row['rejected_worst']):.2f}"
        print(f"| {row['headers']} | {goodput} | {rejected} | {100 * float(row['neighbour_worst']):.0f} % |")


if __name__ == "__main__":
    sys.exit(main())
