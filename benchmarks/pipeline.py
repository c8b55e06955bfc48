"""``pipeline``: ``download`` with everything on, against others doing the same job from the same server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.contestants import BARE, CONTESTANTS, OURS, Contestant, client, installed, ours
from benchmarks.measure import Measure, Trial, requests_a_page, table
from benchmarks.mix import SHAPES, mean_size
from benchmarks.results import Results, spread
from benchmarks.scratch import scratch
from benchmarks.server import CODINGS, PAGES, nginx_program, serving, serving_mix
from benchmarks.tls import Certificate, certified
from replay_fetch.simulator.choices import Shape

_THE_MIX = (
    "The mix: three views a session, 1.7 pages a view, of 3 to 290 kB, as many of each magnitude. Without headers most "
    "of a run is the search for a limit that is not there, in which each page wakes an idle program."
)
_MIX = "shapes in which to ask for the mix that users have: views of 1.7 pages of 3 to 290 kB, three a session"
_QUICK = 0.1  # of the usual number of pages
_LAG = (
    "*Loop lag* is from one more run: how late came what was due on the loop every 5 ms, at worst and in 99 of 100 "
    "cases; a busy machine adds its own."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    names = [each.name for each in CONTESTANTS]
    parser.add_argument("--sizes", type=int, nargs="*", metavar="BYTES", default=[20_000, 200_000, 2_000_000])
    parser.add_argument("--codings", nargs="+", choices=CODINGS, default=list(CODINGS))
    parser.add_argument("--mix", nargs="*", choices=list(SHAPES), default=list(SHAPES), metavar="SHAPE", help=_MIX)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to write (default: in memory, /dev/shm)")
    parser.add_argument("--tls", action="store_true", help="over TLS 1.3; --out calls it pipeline-tls")
    parser.add_argument("--also", nargs="+", default=[], choices=names, metavar="NAME")
    parser.add_argument("--only", nargs="+", default=[], choices=names, metavar="NAME")


def run(options: argparse.Namespace) -> Results:
    if options.quick:
        options.sizes, options.codings, options.rounds = options.sizes[:2], options.codings[:1], 1
        options.mix = [shape for shape in options.mix if shape == Shape.JSON_API]
    results = Results(f"pipeline{'' if options.sizes else '-mix'}{'-tls' if options.tls else ''}")
    present = installed(_chosen(options.only, options.also), results.notes)
    with (
        scratch(options.folder) as folder,
        certified(wanted=options.tls) as certificate,
        serving(folder / "pages", options.sizes, options.codings, certificate) as (server, urls),
    ):
        where = "on tmpfs" if options.folder is None else f"in {options.folder}"
        results.notes += [f"Server: {server}; files {where}; {PAGES} pages a session, one file a session.", _LAG]
        results.notes += [_THE_MIX] if options.mix else []
        trials: list[Trial] = []
        for case, base_url in urls.items():
            # gzip pages beyond the first size would tell the same again at length.
            if case.endswith("gzip") and not case.startswith(f"{options.sizes[0]}/"):
                continue
            print(f"{case} …", file=sys.stderr)
            share = _QUICK if options.quick else 1.0
            measure = Measure(folder, case, base_url, share, certificate)
            trials += _compared(measure, present, options.rounds, results)
        trials += _mixed(folder, options, certificate, results)
    results.notes.append(f"Requests a page of {OURS}: {spread(requests_a_page(trials, OURS), '{:.3f}')}.")
    return results


def _mixed(folder: Path, options: argparse.Namespace, certificate: Certificate | None, results: Results) -> list[Trial]:
    """The trials of the mix, ours beside bare aiohttp, in each of the shapes."""
    trials: list[Trial] = []
    if options.mix and not nginx_program():
        results.notes.append("The mix is left out, since nginx is not installed.")
        return trials
    if not options.mix or options.only:
        return trials
    pair = [Contestant(BARE, client("bare_aiohttp", "--mix"), keeps=False), Contestant(OURS, ours(), reports=True)]
    with serving_mix(folder / "mix", [Shape(name) for name in options.mix], certificate) as urls:
        for case, base_url in urls.items():
            print(f"mix, {case} …", file=sys.stderr)
            share = _QUICK if options.quick else 3.0
            measure = Measure(folder, f"{mean_size()}/mix: {case}", base_url, share, certificate, mixed=True)
            trials += _compared(measure, pair, options.rounds, results)
    return trials


def _chosen(only: Sequence[str], also: Sequence[str]) -> list[Contestant]:
    return [each for each in CONTESTANTS if (each.name in only if only else each.by_default or each.name in also)]


def _compared(measure: Measure, present: Sequence[Contestant], rounds: int, results: Results) -> list[Trial]:
    """All trials of one case, which is added to the results."""
    trials = measure.trials(present, rounds)
    lags = {each.name: measure.lag(each) for each in present}
    results.tables.append(table(trials, lags=lags))
    results.measurements += map(asdict, trials)
    results.measurements += [
        {"case": measure.case, "contestant": name, "lag": asdict(lag)} for name, lag in lags.items()
    ]
    return trials
