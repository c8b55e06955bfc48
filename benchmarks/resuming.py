"""An archive in a bucket whose views are all finished, made without asking for them, and what restoring it costs.

``python -m benchmarks.resuming make URL VIEWS`` writes the list, the log and a checkpoint; ``restore URL`` restores the
ledger into an empty scratch, as each run and reader does; ``forget URL`` removes the checkpoint.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import anyio
from msgspec.structs import replace

from benchmarks.scratch import write_list
from replay_fetch.archive_json import ArchiveFacts
from replay_fetch.model import Outcome, Span, View, ViewRecord
from replay_fetch.pipeline.out_of_store import restored
from replay_fetch.pipeline.scratch import LedgerScratch, scratch_folder
from replay_fetch.settings import Compression, Settings
from replay_fetch.store.checkpoint import write_checkpoint
from replay_fetch.store.entries import Entry, LoggedList, LoggedObject, LoggedView
from replay_fetch.store.lists import ListRow, keep_list, list_name, packing
from replay_fetch.store.location import Location, parse
from replay_fetch.store.log import Log
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import FOLDER, agree, objects_at

A_COMMIT = 600
"""Views of a log part: ten seconds of a run that gets a hundred pages a second."""
_SHA256 = "9f" * 32


async def make(place: Location, views: int) -> None:
    objects = objects_at(place, 60)
    await agree(objects, FOLDER, ArchiveFacts(compression=Compression.NONE))
    log = Log(objects, FOLDER, "benchmark")
    await log.fence(1)
    with scratch_folder(None, Compression.NONE) as scratch:
        scratch.begin(None)
        await _list(objects, log, scratch, views)
        records = map(_finished, scratch.ledger.views())
        while commit := list(islice(records, A_COMMIT)):
            await log.append(_entries(commit))
            scratch.lay(_entries(commit))
        await log.append([], "end")
        scratch.snapshot(scratch.temporary / "checkpoint.sqlite")
        await write_checkpoint(objects, FOLDER, log.number, log.epoch, scratch.temporary / "checkpoint.sqlite")


async def forget(place: Location) -> None:
    objects = objects_at(place, 60)
    for listed in [listed async for listed in objects.list(f"{FOLDER}/checkpoint")]:
        await objects.delete(listed.name)


async def _list(objects: Objects, log: Log, scratch: LedgerScratch, views: int) -> None:
    packed = scratch.temporary / "list"
    logged = LoggedList(1, list_name(FOLDER, 1), "benchmark", views)
    scratch.load(logged, packing(_rows(views), packed))
    await keep_list(objects, logged.name, log.epoch, packed)
    await log.append([logged], "list")


def _rows(views: int) -> Iterator[ListRow]:
    with tempfile.TemporaryDirectory() as folder:
        rows = write_list(Path(folder) / "views.csv", -(-views // 3), 3).read_text().split()[1 : views + 1]
    for line, row in enumerate(rows, 2):
        yield line, View(*row.split(",")), None, None


def _finished(record: ViewRecord) -> ViewRecord:
    whole = Span(0, 70_000, _SHA256)
    found = ViewRecord(record.planned, Outcome.FETCHED, source="blob", shape="json-api", whole=whole)
    return replace(found, pages=2, segments=27, size=70_000, sha256=_SHA256)


def _entries(commit: list[ViewRecord]) -> list[Entry]:
    sessions = dict.fromkeys(record.planned.view.session_id for record in commit)
    objects = [LoggedObject(f"sessions/{name}.ndjson", 210_000, _SHA256, f'"{_SHA256[:32]}"') for name in sessions]
    return [*(LoggedView(record, 1_790_000_000) for record in commit), *objects]


def main(step: str, url: str, views: str = "0") -> None:
    place = parse(url)
    if step == "make":
        anyio.run(make, place, int(views))
    elif step == "forget":
        anyio.run(forget, place)
    else:
        with restored(place, Settings()) as scratch:
            print(scratch.ledger.totals().views)


if __name__ == "__main__":
    main(*sys.argv[1:])
