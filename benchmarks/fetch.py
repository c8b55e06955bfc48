"""``fetch``: what asking alone costs, by client; what comes is dropped where the client lets one."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import clients
from benchmarks.clients.common import url
from benchmarks.contestants import BARE, WORKERS, Contestant, client, installed, over_tls
from benchmarks.measure import Measure, table
from benchmarks.results import Results
from benchmarks.scratch import scratch
from benchmarks.server import CODINGS, PAGES, SIZES, serving
from benchmarks.tls import certified

_QUICK = 0.2  # of the usual number of pages


def _urls(base_url: str, views: Path) -> list[str]:
    with views.open(newline="", encoding="utf-8") as file:
        firsts = [url(base_url, row["session_id"], row["view_id"]) for row in csv.DictReader(file)]
    return [f"{first}&paging=p{page}" if page > 1 else first for first in firsts for page in range(1, PAGES + 1)]


def _wrk(base_url: str, views: Path, out: Path) -> Sequence[str]:
    out.mkdir()
    urls, pages = out / "urls", out / "pages"
    urls.write_text("\n".join(_urls(base_url, views)), encoding="utf-8")
    script = Path(clients.__file__).with_name("wrk.lua")
    command = ["wrk", "--threads=1", f"--connections={WORKERS}", "--duration=2s", f"--script={script}", base_url]
    return ["env", f"URLS={urls}", f"PAGES={pages}", *command]


CLIENTS = (
    Contestant(BARE, client("bare_aiohttp"), keeps=False),
    Contestant("bare aiohttp, uvloop", client("bare_aiohttp", "--uvloop"), needs="uvloop", keeps=False),
    # Parses next to nothing: what the server can give.
    Contestant("wrk", _wrk, needs="wrk", keeps=False, tls=False, counts=True),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    names = [each.name for each in CLIENTS]
    parser.add_argument("--sizes", type=int, nargs="+", metavar="BYTES", default=list(SIZES))
    parser.add_argument("--codings", nargs="+", choices=CODINGS, default=list(CODINGS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to write (default: in memory, /dev/shm)")
    parser.add_argument("--tls", action="store_true", help="over TLS 1.3; --out calls it fetch-tls")
    parser.add_argument("--only", nargs="+", default=names, choices=names, metavar="NAME")


def run(options: argparse.Namespace) -> Results:
    if options.quick:
        options.sizes, options.codings, options.rounds = options.sizes[:2][-1:], options.codings[:1], 1
    results = Results("fetch-tls" if options.tls else "fetch")
    present = installed((each for each in CLIENTS if each.name in options.only), results.notes)
    if options.tls:
        present = over_tls(present, results.notes)
    with (
        scratch(options.folder) as folder,
        certified(wanted=options.tls) as certificate,
        serving(folder / "pages", options.sizes, options.codings, certificate) as (server, urls),
    ):
        results.notes.append(f"Server: {server}.")
        if "gzip" in options.codings:
            results.notes.append("wrk does not inflate; all others do.")
        for case, base_url in urls.items():
            print(f"{case} …", file=sys.stderr)
            share = _QUICK if options.quick else 1.0
            trials = Measure(folder, case, base_url, share, certificate).trials(present, options.rounds)
            results.tables.append(table(trials, against=[BARE]))
            results.measurements += map(asdict, trials)
    return results
