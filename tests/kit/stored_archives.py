"""Archives copied into a store in memory, as `aws s3 sync` copies them, and read by the command from there."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import msgspec
import obstore
import pytest
from memory_stores import Fate, MemoryDriver
from msgspec.structs import replace
from obstore.store import MemoryStore

from replay_fetch.archive.manifest import Entry, read_manifest
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.pipeline import out_of_store
from replay_fetch.store import shelf
from replay_fetch.store.driver import Found
from replay_fetch.store.entries import LoggedList, LoggedObject, LoggedView
from replay_fetch.store.failures import Refusal
from replay_fetch.store.lease import LeaseState
from replay_fetch.store.lists import list_name, packing
from replay_fetch.store.location import Location, parse
from replay_fetch.store.log import Log
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import FOLDER

URL = "s3://bucket/season"


@dataclass
class Ranged(MemoryDriver):
    """A driver that notes the stretch of each object that was asked for."""

    store: MemoryStore
    refused: Exception | None = None
    """Raised in answer to every request."""
    read: list[tuple[str, int, int | None]] = field(default_factory=list)
    held: str = ""
    """The object whose bytes never come."""
    denied: str = ""
    """The object whose bytes are refused."""

    def __post_init__(self) -> None:
        super().__init__(self.store)

    async def fate(self, verb: str, name: str) -> Fate:
        if self.refused is not None:
            raise self.refused
        return await super().fate(verb, name)

    async def get(self, name: str, start: int, length: int | None) -> tuple[bytes, Found]:
        if name == self.held:
            await anyio.sleep_forever()
        if name == self.denied:
            raise Refusal("is not open to these credentials", "ask its owner", "AccessDenied")
        self.read.append((name, start, length))
        return await super().get(name, start, length)


def upload(folder: Path, store: MemoryStore, *, without: Iterable[str] = (".replay-fetch",)) -> None:
    """Copy the files of an archive, but for those whose first folder is named."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and name.partition("/")[0] not in without:
            obstore.put(store, name, file.read_bytes())


def put(store: MemoryStore, name: str, body: bytes, metadata: Mapping[str, str] | None = None) -> None:
    obstore.put(store, name, body, attributes=dict(metadata or {}), use_multipart=False)


def serve(monkeypatch: pytest.MonkeyPatch, store: MemoryStore) -> Ranged:
    """Have the commands find the store behind every address; a fault of it is final at once."""
    driver = Ranged(store)

    def at(location: Location, _: float) -> Objects:
        return Objects(driver, location, give_up_after=0)

    monkeypatch.setattr(shelf, "objects_at", at)
    monkeypatch.setattr(out_of_store, "objects_at", at)
    return driver


async def log_files(driver: Ranged, *kinds: str) -> None:
    """Write the log that a run would have left of the session files that are there, its parts of the given kinds."""
    objects = Objects(driver, parse(URL), give_up_after=0)
    log = Log(objects, FOLDER, "worker-7/31/5f0c9a1b")
    async for _ in log.read():
        pass
    assert await log.fence(1) is None
    files = [listed async for listed in objects.list("sessions")]
    bodies = [await objects.get(each.name) for each in files]
    hashes = [hashlib.sha256(got[0] if got else b"").hexdigest() for got in bodies]
    entries = [
        LoggedObject(each.name, each.size, sha256, each.tag.etag) for each, sha256 in zip(files, hashes, strict=True)
    ]
    for kind in kinds:
        await log.append(entries if kind == "commit" else [], kind)


async def log_unfinished_run(driver: Ranged, folder: Path, whole: Collection[str]) -> None:
    """Write the log of a run that was killed: the list, and the views of ``folder``, of which some sessions are whole.

    The objects in the store are the test's.
    """
    records = [found.record for found in read_manifest(DiskShelf(folder)) if isinstance(found, Entry)]
    objects, name = Objects(driver, parse(URL), give_up_after=0), list_name(FOLDER, 1)
    log = Log(objects, FOLDER, "worker-7/31/5f0c9a1b")
    assert await log.fence(1) is None
    packed = folder.with_suffix(".zst")
    rows = [(line, record.planned.view, None, None) for line, record in enumerate(records, start=2)]
    assert len(list(packing(rows, packed))) == len(rows)
    await objects.write(name, packed, log.epoch)
    await log.append([LoggedList(1, name, "mark", len(rows))], "list")
    views = [each if each.planned.view.session_id in whole else replace(each, whole=None) for each in records]
    await log.append([LoggedView(view, 0) for view in views if view.outcome], "commit")


async def log_entry(driver: Ranged, entry: LoggedObject) -> None:
    """Write one more commit into the log."""
    log = Log(Objects(driver, parse(URL), give_up_after=0), FOLDER, "worker-7/31/5f0c9a1b")
    async for _ in log.read():
        pass
    await log.append([entry])


async def hold_lease(driver: Ranged, progress: Mapping[str, object]) -> None:
    """Leave the lease as a run at work has it."""
    state = LeaseState(holder="worker-7/31/5f0c9a1b", epoch=1, progress=progress)
    await Objects(driver, parse(URL), give_up_after=0).create(f"{FOLDER}/lease.json", msgspec.json.encode(state), 1)
