"""``compare``: two revisions of this project side by side, for whoever touches the hot path.

A page's CPU varies by a tenth from run to run, on a busy machine by more. ``--instructions`` counts what a page takes
under valgrind instead, which tells a percent apart anywhere; it is slow, and knows nothing of caches and of the kernel.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

from benchmarks.contestants import ENVIRONMENT, WORKERS, Command, Contestant
from benchmarks.measure import PAGES_OF_SIZE, Measure, table
from benchmarks.programs import ROOT, FailedError, price
from benchmarks.results import Results, Table
from benchmarks.scratch import scratch, write_list
from benchmarks.server import PAGES, serving

_COUNTED_SESSIONS = 300


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("revisions", nargs=2, metavar="REV", help="a revision, or . for the files as they are")
    parser.add_argument("--size", type=int, default=20_000, metavar="BYTES", help="of a page (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--instructions", action="store_true", help="count instructions with valgrind, once")
    parser.add_argument("--folder", type=Path, help="where to write (default: in memory, /dev/shm)")


def run(options: argparse.Namespace) -> Results:
    results = Results("compare")
    rounds = 2 if options.quick else options.rounds
    share = 0.3 if options.quick else 1.0
    with scratch(options.folder) as folder:
        sides = [_side(revision, folder / name) for revision, name in zip(options.revisions, "AB", strict=True)]
        sessions = PAGES_OF_SIZE.get(options.size, 1_000) // PAGES
        views = write_list(folder / "served.csv", sessions)
        with serving(folder / "pages", [options.size], ["plain"], views=views) as (server, urls):
            results.notes.append(f"Server: {server}. Segments carry the ids of their view.")
            ((case, base_url),) = urls.items()
            if options.instructions:
                results.tables.append(
                    _counted(folder, base_url, sides, min(round(_COUNTED_SESSIONS * share), sessions))
                )
                return results
            trials = Measure(folder, case, base_url, share).trials(sides, rounds)
            results.tables.append(table(trials, against=[sides[0].name]))
            results.measurements += map(asdict, trials)
    return results


def _counted(folder: Path, base_url: str, sides: Sequence[Contestant], sessions: int) -> Table:
    """What a page takes each side in instructions of its own process, without what starting takes."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise FailedError("--instructions needs valgrind: apt-get install valgrind")
    counts = folder / "counts"

    def instructions(side: Contestant, asked: int) -> int:
        views = write_list(folder / "views.csv", asked)
        counting = [
            valgrind,
            "--trace-children=yes",
            "--tool=cachegrind",
            "--cache-sim=no",
            f"--cachegrind-out-file={counts}",
        ]
        try:
            price([*counting, *side.command(base_url, views, folder / "out")], env=ENVIRONMENT)
        finally:
            shutil.rmtree(folder / "out", ignore_errors=True)
        *_, last = counts.read_text(encoding="utf-8").splitlines()
        return int(last.removeprefix("summary: "))

    found = Table("Instructions", ["", "pages", "thousands a page", f"x {sides[0].name}", "millions to start"])
    first = 0.0
    for side in sides:
        instructions(side, 1)  # leaves the bytecode of the revision behind
        started = instructions(side, 1)
        each = (instructions(side, sessions) - started) / ((sessions - 1) * PAGES)
        first = first or each
        row = (f"{(sessions - 1) * PAGES:,}", f"{each / 1e3:,.0f}", f"{each / first:.3f}", f"{started / 1e6:,.0f}")
        found.rows.append((side.name, *row))
    return found


def _side(revision: str, tree: Path) -> Contestant:
    """The package at a revision, unpacked in ``tree``."""
    if revision == ".":
        return Contestant("the files as they are", _download(ROOT), reports=True)
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=False)  # noqa: S603, S607 - ours
    if archive.returncode:
        raise FailedError(archive.stderr.decode().strip())
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(tree, filter="data")
    return Contestant(revision, _download(tree), reports=True)


def _download(tree: Path) -> Command:
    def command(base_url: str, views: Path, out: Path) -> Sequence[str]:
        # -P keeps the folder that all programs run in, with its own copy of the package, off the path.
        program = ["env", f"PYTHONPATH={tree}", sys.executable, "-P", "-m", "replay_fetch", "download"]
        return [*program, str(views), str(out), "--base-url", base_url, "--workers", str(WORKERS)]

    return command
