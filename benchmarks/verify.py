"""``verify``: what reading an archive back costs, and exporting it, against hashing and inflating its files alone."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from benchmarks.contestants import ours
from benchmarks.goal import Goal
from benchmarks.mix import PAGES_OF_VIEW, VIEWS, mean_size
from benchmarks.programs import Price, price
from benchmarks.results import Results, Table, spread
from benchmarks.scratch import scratch, write_list
from benchmarks.server import serving_mix
from replay_fetch.settings import Compression
from replay_fetch.simulator.choices import Shape

_LEAST = 0.8
_EXPORT = ("files", "processes", "MB", "export, MB/s", "CPU: export ÷ alone", "peak MB")
_COLUMNS = (
    "files",
    "processes",
    "MB of lines",
    "alone, MB/s",
    "verify, MB/s",
    "alone ÷ verify, time",
    "CPU",
    "peak MB",
)
_NOTE = (
    "*Alone* reads every session file, hashes it, inflates it and hashes that: no manifest, no ledger. MB/s are of "
    "lines and by the clock, what starting Python costs included. The peak is the largest of verify's processes. Views "
    "are the mix that users have: three a session, 1.7 pages a view, of 3 to 290 kB."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--megabytes", type=int, default=1000, help="of lines in an archive (default: %(default)s)")
    parser.add_argument("--compress", nargs="+", choices=list(Compression), default=list(Compression))
    parser.add_argument("--export", action="store_true", help="export to Parquet, too: some forty times as long")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to write (default: in memory, /dev/shm)")


def run(options: argparse.Namespace) -> Results:
    if options.quick:
        options.megabytes, options.rounds = 100, 1
    results = Results("verify", notes=[_NOTE])
    table = Table("An archive, read back", _COLUMNS)
    exports = Table("The same archive, exported to Parquet", _EXPORT)
    goals: list[Goal] = []
    pages = sum(PAGES_OF_VIEW.values()) / len(PAGES_OF_VIEW)
    sessions = round(options.megabytes * 1e6 / (VIEWS * pages * mean_size()))
    with scratch(options.folder) as folder, serving_mix(folder / "mix", [Shape.JSON_API]) as urls:
        views = write_list(folder / "views.csv", sessions, VIEWS)
        for compression in options.compress:
            out = folder / compression
            made = ours("--compress", compression)(next(iter(urls.values())), views, out)
            print(f"{compression}: writing …", file=sys.stderr)
            price(made, env={"DD_API_KEY": "benchmark", "DD_APP_KEY": "benchmark"}, time_limit=1800)
            for jobs in sorted({1, os.cpu_count() or 1}):
                pairs = [_pair(out, jobs) for _ in range(options.rounds)]
                results.measurements += [
                    {"compression": compression, "jobs": jobs, "alone": asdict(alone), "verify": asdict(verify)}
                    for alone, verify in pairs
                ]
                table.rows.append(_row(compression, jobs, options.megabytes, pairs))
                if options.export:
                    exports.rows.append(_exported(compression, jobs, options.megabytes, out, pairs[0][0]))
                shares = [alone.wall / verify.wall for alone, verify in pairs]
                goals.append(Goal(f"{compression}, {jobs} at once", _LEAST, shares, "{:.2f}", "verify", least=True))
    reached = Table("Goals", ("what", "goal", "measured", "command"), [each.cells() for each in goals])
    results.tables += [table, *([exports] if exports.rows else []), reached]
    return results


def _pair(out: Path, jobs: int) -> tuple[Price, Price]:
    """One after the other, so that a machine that is slow for a while is slow for both."""
    alone = price([sys.executable, "-m", "benchmarks.clients.hash_and_inflate", str(out), str(jobs)])
    return alone, price([sys.executable, "-m", "replay_fetch", "verify", str(out), "-q", "--jobs", str(jobs)])


def _exported(name: str, jobs: int, megabytes: int, out: Path, alone: Price) -> Sequence[str]:
    """Export once: it takes so much longer than the rest that its share of noise is small."""
    with scratch(out.parent) as tables:
        command = [sys.executable, "-m", "replay_fetch", "export", str(out), "--parquet", str(tables), "-q"]
        paid = price([*command, "--jobs", str(jobs)], time_limit=3600)
    speed, ratio = megabytes / paid.wall, paid.cpu / alone.cpu
    return name, str(jobs), f"{megabytes:,}", f"{speed:.1f}", f"{ratio:.1f}", f"{paid.peak / 1e6:.0f}"


def _row(name: str, jobs: int, megabytes: int, pairs: Sequence[tuple[Price, Price]]) -> Sequence[str]:
    return (
        name,
        str(jobs),
        f"{megabytes:,}",
        f"{megabytes / median(alone.wall for alone, _ in pairs):.0f}",
        f"{megabytes / median(verify.wall for _, verify in pairs):.0f}",
        spread([alone.wall / verify.wall for alone, verify in pairs]),
        spread([alone.cpu / verify.cpu for alone, verify in pairs]),
        f"{max(verify.peak for _, verify in pairs) / 1e6:.0f}",
    )
