"""``compare``: two revisions of this project side by side, for whoever touches the hot path."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

from benchmarks.contestants import WORKERS, Command, Contestant
from benchmarks.measure import Measure, table
from benchmarks.programs import ROOT, FailedError
from benchmarks.results import Results
from benchmarks.scratch import scratch
from benchmarks.server import serving


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("revisions", nargs=2, metavar="REV", help="a revision, or . for the files as they are")
    parser.add_argument("--size", type=int, default=20_000, metavar="BYTES", help="of a page (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where to write (default: in memory, /dev/shm)")


def run(options: argparse.Namespace) -> Results:
    results = Results("compare")
    rounds = 2 if options.quick else options.rounds
    with scratch(options.folder) as folder, serving(folder / "pages", [options.size], ["plain"]) as (server, urls):
        sides = [_side(revision, folder / name) for revision, name in zip(options.revisions, "AB", strict=True)]
        results.notes.append(f"Server: {server}.")
        for case, base_url in urls.items():
            share = 0.3 if options.quick else 1.0
            trials = Measure(folder, case, base_url, share).trials(sides, rounds)
            results.tables.append(table(trials, against=[sides[0].name]))
            results.measurements += map(asdict, trials)
    return results


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
