"""Downloads into a store in memory, and the same downloads onto a disk, to be held against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import obstore
import pytest
from archives import KEYS
from crash.world import World
from memory_stores import Fate, MachineDied, MemoryDriver, body, names
from obstore.store import MemoryStore

from replay_fetch.model import View
from replay_fetch.pipeline.job import DownloadJob
from replay_fetch.pipeline.out_of_store import restored
from replay_fetch.pipeline.preparing import prepared
from replay_fetch.pipeline.run import Ended
from replay_fetch.settings import (
    ApiSettings,
    ArchiveSettings,
    Compression,
    FetchSettings,
    PlanSettings,
    Settings,
    SourceChoice,
)
from replay_fetch.shard import ShardId
from replay_fetch.store import door
from replay_fetch.store.driver import Tag
from replay_fetch.store.location import Location, parse

SEASON = parse("s3://bucket/season")
_OF_RUNS = (".", "report.json", "reports/")


@dataclass
class Machine:
    """A place to download from: the world's answers, a list, and whether the views that finished are asked again."""

    world: World
    compress: Compression = Compression.NONE
    keep_raw: bool = False
    refresh: bool = False
    source: SourceChoice = SourceChoice.AUTO
    shard: ShardId | None = None
    asked: set[View] = field(default_factory=set)
    """Views that were asked for since somebody emptied it."""

    def settings(self) -> Settings:
        archive = ArchiveSettings(self.compress, self.keep_raw, commit_every=0.02, wait_for_lock=120)
        return Settings(
            api=ApiSettings(base_url=self.world.url, source=self.source),
            fetch=FetchSettings(workers=3, retries=0),
            plan=PlanSettings(refresh_window=86_400 * 365 * 100 if self.refresh else None, shard=self.shard),
            archive=archive,
        )

    def job(self, views: Path, out: Path | Location) -> DownloadJob:
        return DownloadJob(str(views), out, self.settings(), KEYS)

    def run(self, views: Path, out: Path | Location) -> Ended:
        with prepared(self.job(views, out)) as run:
            return anyio.run(_to_its_end, run.run)

    def stored(
        self, monkeypatch: pytest.MonkeyPatch, store: MemoryStore, views: Path, fates: Iterable[Fate] = ()
    ) -> Ended:
        """Download into the store, each of whose requests has the next fate; raises MachineDied."""
        with over(monkeypatch, store, fates):
            return self.run(views, SEASON)


async def _to_its_end(run: object) -> Ended:
    ended: Ended = await run(anyio.Event())  # type: ignore[operator]
    return ended


@contextmanager
def over(monkeypatch: pytest.MonkeyPatch, store: MemoryStore, fates: Iterable[Fate] = ()) -> Iterator[MemoryDriver]:
    """Let every address lead to the store, over a driver with these fates."""
    driver = MemoryDriver(store, fates)
    with monkeypatch.context() as patched:
        patched.setattr(door, "connected", lambda _: driver)
        yield driver


def stored_files(store: MemoryStore) -> dict[str, bytes]:
    """Everything of the archive that is not our own, but the reports, which tell of their own runs."""
    return {name: body(store, name) for name in names(store) if not name.startswith(_OF_RUNS)}


def local_files(out: Path) -> dict[str, bytes]:
    """The same of an archive on a disk."""
    files = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith(_OF_RUNS)}


def finished(monkeypatch: pytest.MonkeyPatch, store: MemoryStore, machine: Machine) -> set[View]:
    """The views that the log has as finished."""
    with over(monkeypatch, store):
        return finished_at(SEASON, machine)


def finished_at(place: Location, machine: Machine) -> set[View]:
    """The same of an archive at an address."""
    with restored(place, machine.settings()) as scratch:
        return {record.planned.view for record in scratch.ledger.views() if record.finished}


def write_rows(path: Path, views: Sequence[View]) -> Path:
    path.write_text("session_id,view_id\n" + "".join(f"{view.session_id},{view.view_id}\n" for view in views), "ascii")
    return path


def listening(world: World, machine: Machine) -> None:
    """Note each view that the world is asked for."""
    answer = world.answer

    def heard(target: str) -> tuple[int, bytes]:
        for view in world.views:
            if f"/{view.session_id}/views/{view.view_id}/" in target:
                machine.asked.add(view)
        return answer(target)

    world.answer = heard  # type: ignore[method-assign]


def died(error: BaseException) -> bool:
    """Tell whether a machine's death is all that is in an error."""
    if isinstance(error, BaseExceptionGroup):
        return all(died(one) for one in error.exceptions)
    return isinstance(error, MachineDied)


def dies(call: Callable[[], object]) -> bool:
    """Tell whether the machine dies in a call; every other error is the call's own."""
    try:
        call()
    except BaseException as error:
        if not died(error):
            raise
        return True
    return False


Written = list[tuple[str, bytes | None, dict[str, str]]]
"""Objects in the order in which they were written: name, bytes or None where it was removed, metadata."""


@contextmanager
def journal(monkeypatch: pytest.MonkeyPatch, store: MemoryStore) -> Iterator[Written]:
    """Let every address lead to the store, and note what is written, for `copied`."""
    written: Written = []
    with over(monkeypatch, store) as driver:
        put, delete = driver.put, driver.delete

        async def noting(name: str, body: bytes, condition: Tag | None, metadata: Mapping[str, str]) -> Tag:
            tag = await put(name, body, condition, metadata)
            written.append((name, body, dict(metadata)))
            return tag

        async def removing(name: str) -> None:
            await delete(name)
            written.append((name, None, {}))

        driver.put, driver.delete = noting, removing  # type: ignore[method-assign]
        yield written


def copied(written: Written) -> MemoryStore:
    """Write all of it anew into a store of its own; in this order its objects have the etags that the log names."""
    store = MemoryStore()
    for name, content, metadata in written:
        if content is None:
            obstore.delete(store, [name])
        else:
            obstore.put(store, name, content, attributes=dict(metadata), use_multipart=False)
    return store
