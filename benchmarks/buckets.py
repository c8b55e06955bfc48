"""``buckets``: what an archive in a bucket costs over one in a folder, and how long restoring it takes.

The pages are those of the mix, three views a session; the store is SeaweedFS on loopback, whose CPU is not counted.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.contestants import ENVIRONMENT, Command, Contestant, ours
from benchmarks.goal import Goal
from benchmarks.measure import Measure, ratios
from benchmarks.mix import mean_size
from benchmarks.programs import ROOT, FailedError, Price, price
from benchmarks.results import Results, Table
from benchmarks.resuming import A_COMMIT
from benchmarks.scratch import scratch, write_list
from benchmarks.server import serving_mix
from benchmarks.stores import StoreServer, seaweedfs_in
from replay_fetch.simulator.choices import Shape

_COMPRESSIONS = ("none", "gzip", "zstd")
_FOLDER, _BUCKET = "folder", "bucket"
_SESSIONS = 1_500


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compress", nargs="*", choices=_COMPRESSIONS, default=list(_COMPRESSIONS))
    parser.add_argument("--views", type=int, default=1_000_000, help="finished views to restore (default: %(default)s)")


def run(options: argparse.Namespace) -> Results:
    results = Results("buckets")
    if options.quick:
        options.rounds, options.views = 1, 10_000
        results.notes.append("Quick: shorter runs and lists than the goals are meant for.")
    share, goals = 0.3 if options.quick else 3.0, list[Goal]()
    with scratch(None) as folder, serving_mix(folder / "mix", [Shape.JSON_API]) as urls:
        os.environ["TMPDIR"] = str(folder)  # the scratch lies where the folder does, in memory
        url = next(iter(urls.values()))  # with headers of the limit
        for compress in options.compress:
            print(f"{compress} …", file=sys.stderr)
            measure = Measure(folder, f"{mean_size()}/{compress}", url, share, mixed=True)
            with _store(folder, compress) as store:
                trials = measure.trials(list(_pair(store, compress)), options.rounds)
            results.measurements += map(asdict, trials)
            found = ratios(trials, _BUCKET, _FOLDER)
            goals.append(Goal(f"CPU a page, {compress}: bucket ÷ folder", 1.25, found, "{:.2f} x", "buckets"))
        with _store(folder, "more") as store:
            print("PUTs and restoring …", file=sys.stderr)
            puts = _puts(store, url, folder, 100 if options.quick else _SESSIONS)
            goals.append(Goal("PUTs a session", 1.06, [puts], "{:.3f}", "buckets"))
            goals += _restored(store, options.views)
    results.notes.append(f"Restored from a log of {A_COMMIT} views a part; processes from their start to their end.")
    results.tables.append(Table("To reach", ("", "to reach", "measured", "command"), [goal.cells() for goal in goals]))
    return results


@contextmanager
def _store(folder: Path, name: str) -> Iterator[StoreServer]:
    """A server of its own for each case, since a store that has taken gigabytes is another one."""
    (folder / name).mkdir()
    with seaweedfs_in(folder / name) as store:
        os.environ.update(store.environment())
        yield store


def _pair(store: StoreServer, compress: str) -> Iterator[Contestant]:
    to_folder = ours("--compress", compress)
    yield Contestant(_FOLDER, to_folder, reports=True)
    yield Contestant(_BUCKET, _into(store, to_folder), keeps=False)


def _into(store: StoreServer, to_folder: Command) -> Command:
    """The same download into a new place of the bucket."""

    def command(base_url: str, views: Path, out: Path) -> Sequence[str]:
        return [store.url(uuid.uuid4().hex) if word == str(out) else word for word in to_folder(base_url, views, out)]

    return command


def _puts(store: StoreServer, base_url: str, folder: Path, sessions: int) -> float:
    """PUTs of a download, by the session, as it counts them itself."""
    views = write_list(folder / "views.csv", sessions, 3)
    command = _into(store, ours("--compress", "zstd", "-v"))(base_url, views, folder / "out")
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    counted = re.search(r"(\d+) PUT", done.stderr)
    if done.returncode or counted is None:
        raise FailedError(f"a download ended with {done.returncode}: {done.stderr[-600:]}")
    return int(counted[1]) / sessions


def _restored(store: StoreServer, views: int) -> Iterator[Goal]:
    url, what = store.url("finished"), f"restoring {views:,} finished views"
    _resuming("make", url, str(views))
    nothing = store.url("nothing")
    _resuming("make", nothing, "3")
    started, quick = _resuming("restore", nothing), _resuming("restore", url)
    _resuming("forget", url)
    slow = _resuming("restore", url)
    yield Goal(f"{what} from a checkpoint", 5.0, [quick.wall], "{:.1f} s", "buckets")
    yield Goal(f"{what} from list and log, CPU", 35.0, [slow.cpu], "{:.1f} s", "buckets")
    yield Goal(f"{what} from list and log, peak memory", 100.0, [slow.peak / 1e6], "{:.0f} MB", "buckets")
    yield Goal("the same of 3 views", 100.0, [started.peak / 1e6], "{:.0f} MB", "buckets")


def _resuming(*words: str) -> Price:
    return price([sys.executable, "-m", "benchmarks.resuming", *words], time_limit=1_800)
