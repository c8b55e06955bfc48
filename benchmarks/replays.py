"""``replays``: how fast is a long recording rebuilt, and in how much memory?"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict

from benchmarks.goal import Goal
from benchmarks.long_view import write_view
from benchmarks.programs import Price, price
from benchmarks.results import Results, Table, spread
from benchmarks.scratch import scratch

# What an export, the player's page and a transcript ask for.
WAYS = {"events": "rrweb events", "chunks": "chunks with checkpoints", "watch": "actions alone"}
SDKS = ("6", "7")
_LEAST, _MOST = 5.0, 200.0
_PROGRAM = """
import sys
from pathlib import Path
from replay_fetch.replay.recording import Recording
lines = (line.rstrip(b"\\n") for line in Path(sys.argv[1]).open("rb"))
made = getattr(Recording(lines), sys.argv[2])()
if sys.argv[2] != "watch":
    for _ in made:
        pass
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--megabytes", type=int, default=100, help="of one view (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3)


def run(options: argparse.Namespace) -> Results:
    results = Results("replays")
    megabytes, rounds = (10, 1) if options.quick else (options.megabytes, options.rounds)
    columns = ("one view of four hours", "MB", "MB of it a second of CPU", "CPU s", "peak MB")
    table = Table("A long recording, rebuilt to its end", columns)
    goals: list[Goal] = []
    nothing = price([sys.executable, "-c", "import replay_fetch.replay"])
    with scratch(None) as folder:
        for sdk in SDKS:
            # In a process of its own: Linux counts what a parent had in memory as its children's peak.
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as writer:
                size = writer.submit(write_view, folder / "view", sdk, megabytes * 10**6).result() / 1e6
            for way, words in WAYS.items():
                paid = [price([sys.executable, "-c", _PROGRAM, str(folder / "view"), way]) for _ in range(rounds)]
                results.measurements += [{"sdk": sdk, "way": way, "MB": size, **asdict(each)} for each in paid]
                table.rows.append(_row(f"SDK {sdk}, {words}", size, paid, nothing))
                goals += _goals(f"SDK {sdk}, {words}", size, paid, nothing)
    results.tables += [table, Table("Goals", ("what", "goal", "measured", "command"), [each.cells() for each in goals])]
    return results


def _speeds(size: float, paid: Sequence[Price], nothing: Price) -> list[float]:
    return [size / max(each.cpu - nothing.cpu, 1e-9) for each in paid]


def _row(name: str, size: float, paid: Sequence[Price], nothing: Price) -> Sequence[str]:
    speeds = _speeds(size, paid, nothing)
    cpu, peak = [each.cpu - nothing.cpu for each in paid], [each.peak / 1e6 for each in paid]
    return name, f"{size:.0f}", spread(speeds, "{:.1f}"), spread(cpu, "{:.1f}"), spread(peak, "{:.0f}")


def _goals(name: str, size: float, paid: Sequence[Price], nothing: Price) -> list[Goal]:
    peaks = [each.peak / 1e6 for each in paid]
    return [
        Goal(f"{name}, MB/s", _LEAST, _speeds(size, paid, nothing), "{:.1f}", "replays", least=True),
        Goal(f"{name}, peak MB", _MOST, peaks, "{:.0f}", "replays"),
    ]
