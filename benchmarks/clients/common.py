"""What all clients of the comparison share: arguments, and workers that take sessions from one list."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import NamedTuple

KEYS = {"DD-API-KEY": "benchmark", "DD-APPLICATION-KEY": "benchmark"}


class Work(NamedTuple):
    """What a client was told to do."""

    base_url: str
    pairs: list[tuple[str, str]]
    out: Path
    workers: int


def work() -> Work:
    base_url, views, out, workers = sys.argv[1:5]
    with open(views, newline="", encoding="utf-8") as file:  # noqa: PTH123 - Path.open is the same
        pairs = [(row["session_id"], row["view_id"]) for row in csv.DictReader(file)]
    Path(out).mkdir(parents=True)
    return Work(base_url, pairs, Path(out), int(workers))


def url(base_url: str, session_id: str, view_id: str) -> str:
    return f"{base_url}/api/v2/rum/replay/sessions/{session_id}/views/{view_id}/segments?source=event_platform"


async def in_parallel(work: Work, fetch: Callable[[str, str], Awaitable[None]]) -> None:
    """Fetch every pair, ``workers`` at a time."""

    async def worker(pairs: Iterable[tuple[str, str]]) -> None:
        for session_id, view_id in pairs:
            await fetch(session_id, view_id)

    shared = iter(work.pairs)
    await asyncio.gather(*(worker(shared) for _ in range(work.workers)))
