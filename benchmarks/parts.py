"""``parts``: what the parts of a page cost by themselves, one after another, with nothing beside them."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from benchmarks.pages import cut
from benchmarks.results import Results, Table, spread
from benchmarks.scratch import scratch, write_list
from benchmarks.server import HEADERS, PAGES
from replay_fetch.api.endpoint import Endpoint
from replay_fetch.api.page import PageDecoder
from replay_fetch.api.ratelimit import rate_limit
from replay_fetch.api.segment import Continuity
from replay_fetch.archive.lines import lines
from replay_fetch.archive.write.buffer import Batch, Delivery
from replay_fetch.archive.write.commit import Committer
from replay_fetch.archive.write.messages import PageArrived, ViewEnded
from replay_fetch.fetch.fetcher import Fetcher
from replay_fetch.fetch.paginator import Paginator
from replay_fetch.memory import Hold
from replay_fetch.model import Outcome, Page, PlannedView, Response, Source, View
from replay_fetch.pacing import Pacer
from replay_fetch.pipeline.job import DownloadJob
from replay_fetch.pipeline.opening import open_archive
from replay_fetch.pipeline.preparing import prepared
from replay_fetch.progress.stats import RunStats
from replay_fetch.settings import ApiSettings, Credentials, FetchSettings, Settings, SourceChoice
from replay_fetch.transport import Transport

T = TypeVar("T")

_API = ApiSettings()
_VIEW = View("s" * 36, "v" * 36)
_SESSIONS_A_COMMIT = 20
_HEADERS = {name.lower(): value for name, value in HEADERS.items()}

Part = Callable[[int], float]
"""Does its work for so many pages; returns the seconds of CPU that it took, other threads included."""


@dataclass
class _Memory(Transport):
    """A server within the process: the page that the token names, at once."""

    answers: Mapping[str, Response]

    async def get(self, url: str, hold: Hold | None = None) -> Response:  # noqa: ARG002 - nothing waits here
        return self.answers[url.partition("&paging=")[2]]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", type=int, nargs="+", metavar="BYTES", default=[2_000, 20_000, 200_000, 2_000_000])
    parser.add_argument("--rounds", type=int, default=9)


def run(options: argparse.Namespace) -> Results:
    results = Results("parts")
    results.notes.append(
        "CPU with caches warm, one thing at a time. A run pays more: its threads take turns with the interpreter."
    )
    for size in options.sizes:
        pages = max(PAGES * 2, min(2_000, 40_000_000 // size) // (4 if options.quick else 1))
        with ExitStack() as stack:
            parts = dict(_parts([Response(200, _HEADERS, body) for body in cut(size, _VIEW)], stack))
            found: dict[str, list[float]] = {name: [] for name in parts}
            for _ in range(options.rounds):
                for name, part in parts.items():
                    found[name].append(part(pages) / pages)
        results.tables.append(_table(size, found))
        results.measurements += [{"size": size, "part": name, "seconds": each} for name, each in found.items()]
    return results


def _table(size: int, found: Mapping[str, Sequence[float]]) -> Table:
    table = Table(f"A page of {size / 1000:g} kB", ("part", "CPU µs a page", "ms a MB"))
    for name, seconds in found.items():
        a_mb = 1e9 * statistics.median(seconds) / size
        table.rows.append((name, spread([1e6 * each for each in seconds], "{:.1f}"), f"{a_mb:.2f}"))
    return table


def _parts(answers: Sequence[Response], stack: ExitStack) -> Iterator[tuple[str, Part]]:
    decoder = PageDecoder(_API)
    pages = [decoder.decode(answer) for answer in answers]
    made = [lines(_VIEW, 0, page.segments) for page in pages]
    raw = msgspec.json.Decoder(list[msgspec.Raw])
    plain = [b"[" + b",".join(part.raw.replace(b"\\ud", b"\\u9") for part in page.segments) + b"]" for page in pages]
    yield "headers of the rate limit", _each(lambda _: rate_limit(_HEADERS, now_epoch=0.0), pages)
    yield "pacer: a turn and its answer", lambda count: asyncio.run(_turns(count))
    yield "msgspec alone, where it refuses nothing", _each(raw.decode, plain)
    yield "decoder: bytes to segments and token", _each(partial(decoder.decode, view=_VIEW), answers)
    yield "asking: all of the above but msgspec alone", lambda count: asyncio.run(_asked(count, answers))
    yield "facts of the segments", _each(lambda page: Continuity().add_all([part.raw for part in page.segments]), pages)
    yield "lines", _each(lambda page: lines(_VIEW, 0, page.segments), pages)
    yield "sha256", _each(hashlib.sha256, made)
    yield "commit: facts, lines, hash, files on tmpfs, ledger", _commits(pages, stack.enter_context(scratch(None)))


def _each(work: Callable[[T], object], pages: Sequence[T]) -> Part:
    def part(count: int) -> float:
        began = time.process_time()
        for number in range(count):
            work(pages[number % PAGES])
        return time.process_time() - began

    return part


async def _turns(count: int) -> float:
    pacer = Pacer(FetchSettings())
    told = rate_limit(_HEADERS, now_epoch=0.0)
    began = time.process_time()
    for _ in range(count):
        async with pacer.turn() as turn:
            turn.answered(200, told)
    return time.process_time() - began


async def _asked(count: int, answers: Sequence[Response]) -> float:
    tokens = ["", *(f"p{page}" for page in range(2, PAGES + 1))]
    transport = _Memory(dict(zip(tokens, answers, strict=True)))
    fetch = FetchSettings()
    asking = Fetcher(transport, Pacer(fetch), Endpoint(_API), PageDecoder(_API), RunStats(), fetch.retries)
    began = time.process_time()
    for _ in range(count // PAGES):
        walk = Paginator(asking, _VIEW, SourceChoice.EVENT_PLATFORM, fetch.max_pages)
        while await walk.next_page() is not None:
            pass
    return time.process_time() - began


def _commits(pages: Sequence[Page], folder: Path) -> Part:
    """Sessions of one view, in a new archive each time."""
    keys = Credentials("benchmark", "benchmark")

    def part(count: int) -> float:
        out = folder / "out"
        request = DownloadJob(str(write_list(folder / "views.csv", count // PAGES)), out, Settings(), keys)
        with prepared(request):
            pass
        try:
            with open_archive(out, Settings()) as (layout, ledger):
                batches = list(_batches([record.planned for record in ledger.views()], pages))
                committer = Committer(layout, ledger, keep_raw=False)
                began = time.process_time()
                for batch in batches:
                    committer.commit(batch)
                seconds = time.process_time() - began
                committer.close()
        finally:
            shutil.rmtree(out)
        return seconds

    return part


def _batches(views: Sequence[PlannedView], pages: Sequence[Page]) -> Iterator[Batch]:
    store = Source.EVENT_PLATFORM
    for first in range(0, len(views), _SESSIONS_A_COMMIT):
        some = views[first : first + _SESSIONS_A_COMMIT]
        deliveries = [
            Delivery(
                view,
                dropped=[],
                pages=[PageArrived(view, page, store) for page in pages],
                ended=ViewEnded(view, Outcome.FETCHED, source=store),
            )
            for view in some
        ]
        yield Batch(deliveries, [view.session for view in some], 0)
