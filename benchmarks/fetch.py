"""``fetch``: what asking alone costs, by client; what comes is dropped where the client lets one."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.clients.common import url
from benchmarks.contestants import BARE, WORKERS, Command, Contestant, client
from benchmarks.pipeline import Measure, table
from benchmarks.results import Results
from benchmarks.scratch import scratch
from benchmarks.server import CODINGS, PAGES, SIZES, serving

_PAGES = {2_000: 4_000, 20_000: 4_000, 200_000: 1_000, 2_000_000: 100}


def _urls(base_url: str, views: Path) -> list[str]:
    with views.open(newline="", encoding="utf-8") as file:
        firsts = [url(base_url, row["session_id"], row["view_id"]) for row in csv.DictReader(file)]
    return [f"{first}&paging=p{page}" if page > 1 else first for first in firsts for page in range(1, PAGES + 1)]


def _listed(form: Callable[[str, int], str], *command: str) -> Command:
    """A program that reads the URLs from a file, given as its last argument; ``form`` is of a URL and its number."""

    def written(base_url: str, views: Path, out: Path) -> Sequence[str]:
        out.mkdir()
        file = out / "urls"
        file.write_text(
            "".join(form(each, number) for number, each in enumerate(_urls(base_url, views))), encoding="utf-8"
        )
        return [*(part.replace("OUT", str(out)) for part in command), str(file)]

    return written


def _ab(base_url: str, views: Path, out: Path) -> Sequence[str]:
    out.mkdir()
    urls = _urls(base_url, views)
    workers = min(WORKERS, len(urls))
    return ["ab", "-q", "-k", "-n", str(len(urls)), "-c", str(workers), urls[0]]


_CURL = ("curl", "--silent", "--fail", "--parallel", "--parallel-max", str(WORKERS), "--config")
_WGET2 = ("wget2", "--quiet", f"--max-threads={WORKERS}", "--output-document=/dev/null", "--input-file")
_ARIA2C = ("aria2c", "--quiet", f"--max-concurrent-downloads={WORKERS}", "--dir=OUT", "--input-file")

CLIENTS = (
    Contestant(BARE, client("bare_aiohttp"), keeps=False),
    Contestant("bare aiohttp, uvloop", client("bare_aiohttp", "--uvloop"), needs="uvloop", keeps=False),
    Contestant("asyncio protocol", client("bare_asyncio"), keeps=False),
    Contestant("asyncio protocol, uvloop", client("bare_asyncio", "--uvloop"), needs="uvloop", keeps=False),
    # wrk runs for a time, ab for a number of requests; both parse next to nothing.
    Contestant("ab", _ab, needs="ab", keeps=False),
    Contestant(
        "curl --parallel", _listed('url = "{}"\noutput = /dev/null\n'.format, *_CURL), needs="curl", keeps=False
    ),
    Contestant("wget2", _listed("{}\n".format, *_WGET2), needs="wget2", keeps=False),
    Contestant("aria2c, to files", _listed("{}\n  out={}\n".format, *_ARIA2C), needs="aria2c", keeps=False),
    Contestant("vendor's client", client("vendor_raw"), needs="datadog_api_client", keeps=False),
    Contestant("requests in threads", client("threads"), needs="requests", keeps=False),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", type=int, nargs="+", metavar="BYTES", default=list(SIZES[:3]))
    parser.add_argument("--coding", choices=CODINGS, default="plain")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to write (default: in memory, /dev/shm)")


def run(options: argparse.Namespace) -> Results:
    results = Results("fetch")
    sizes = options.sizes[1:2] if options.quick else options.sizes
    present = [each for each in CLIENTS if each.installed]
    if absent := [each.name for each in CLIENTS if not each.installed]:
        results.notes.append(f"Left out, since they are not installed: {', '.join(absent)}.")
    with scratch(options.folder) as folder, serving(folder / "pages", sizes, [options.coding]) as (server, urls):
        results.notes.append(f"Server: {server}.")
        for (case, base_url), size in zip(urls.items(), sizes, strict=True):
            measure = Measure(folder, case, base_url, size, _PAGES.get(size, 1_000))
            trials = measure.trials(present, 1 if options.quick else options.rounds)
            results.tables.append(table(case, trials, against=[BARE]))
            results.measurements += map(asdict, trials)
    return results
