"""An archive in an object store, open for a run: lease, scratch, list; and beside the run the lease's beat."""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import anyio
from anyio import from_thread, to_thread
from anyio.from_thread import BlockingPortal
from msgspec.structs import replace

from replay_fetch.archive.compress import require
from replay_fetch.archive.durable import explained
from replay_fetch.archive.layout import MANIFEST, REPORT, Layout
from replay_fetch.archive.write.writer import CommitTerms
from replay_fetch.archive_json import ArchiveFacts, require_same_shards
from replay_fetch.errors import ArchiveError, InputError
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.ledger.stored import StoredLedger
from replay_fetch.pipeline.carrier import StoreCarrier
from replay_fetch.pipeline.deal import Deal
from replay_fetch.pipeline.job import load_plan
from replay_fetch.pipeline.opening import changed_chains
from replay_fetch.pipeline.plan import Plan
from replay_fetch.pipeline.scratch import LedgerScratch, scratch_folder
from replay_fetch.settings import ApiSettings, Compression, Settings
from replay_fetch.shard import ShardId
from replay_fetch.store import (
    KeepTerms,
    Location,
    Restoring,
    StoreKeep,
    objects_at,
    read_facts,
)
from replay_fetch.store.lists import ListRow, fetch_file, packing
from replay_fetch.store.log import Log
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import FOLDER, agree, folder_of
from replay_fetch.view_list.view_list import ViewList

T = TypeVar("T")
log = logging.getLogger(__name__)

# Rows of a list between two looks whether the run was stopped.
_GLANCE = 10_000
# Seconds for the lease of a dead run, which counts for 60: an array job starts what died again, and a moment later.
_WAIT_OF_SHARDS = 300.0
_MERGE_GIVES_UP = 60.0  # seconds of faults: a person waits


class StoredArchive:
    """An archive in a store, or a shard of one, held by this run: its keep and its scratch."""

    def __init__(self, keep: StoreKeep, scratch: LedgerScratch, objects: Objects, facts: ArchiveFacts) -> None:
        self.keep = keep
        self.scratch = scratch
        self.shard: ShardId | None = None
        self.commit_every = 10.0
        """Seconds between two commits."""
        self._objects = objects
        self._facts = facts
        self._changed = False

    async def beside(self, work: Callable[[], Awaitable[T]], progress: Callable[[], Mapping[str, object]]) -> T:
        """Do the work while the lease beats and tells of the progress; raises Fenced after a takeover."""
        return await self.keep.beside(work, progress)

    @asynccontextmanager
    async def carrying(self, terms: CommitTerms) -> AsyncIterator[CommitTerms]:
        """Give the terms on which commits are shipped, for as long as the context lasts."""
        async with BlockingPortal() as portal:
            yield terms.every(self.commit_every, StoreCarrier(self.keep, self.scratch, portal, self._drop_merged))

    async def finish(self) -> None:
        """Write manifest and report into the store, from the scratch."""
        layout, shard = self.scratch.layout, self.shard
        manifest, report = (shard.manifest, shard.report) if shard else (MANIFEST, REPORT)
        await self.keep.finish({manifest: layout.manifest, report: layout.report})
        if shard and self._changed:  # a merge that began before our first commit may have written them meanwhile
            await _remove_merged(self._objects)

    async def _drop_merged(self) -> None:
        """Remove manifest and report of all shards before the first commit of one of them, which they do not know."""
        if self.shard is not None and not self._changed:
            await _remove_merged(self._objects)
        self._changed = True

    def load(self, listed: ViewList, mark: str | None) -> Plan:
        """Load a list, unless it is known, and keep its rows in the store; the lease beats meanwhile."""
        return anyio.run(self.keep.beside, partial(self._load, listed, mark), dict)

    def keep_settings(self, settings: Mapping[str, str]) -> None:
        """Keep settings of the archive in the log, where any is given."""
        if settings:
            anyio.run(self.keep.keep_settings, settings)

    async def _load(self, listed: ViewList, mark: str | None) -> Plan:
        packed, count = self.scratch.temporary / "list.csv.zst", itertools.count()

        def passing(rows: Iterable[ListRow]) -> Iterator[ListRow]:
            for row in packing(rows, packed):
                if not next(count) % _GLANCE:
                    from_thread.check_cancelled()
                yield row

        def agreed(digest: str) -> None:
            from_thread.run(agree, self._objects, FOLDER, replace(self._facts, list=digest))

        deal = Deal(self.shard, agreed if self.shard else None)
        plan = await to_thread.run_sync(partial(load_plan, self.scratch.ledger, listed, mark, deal, passing))
        if plan.loaded:
            known_by = mark if mark and not plan.bad_rows else ""
            await self.keep.keep_list(plan.list_number, known_by, packed, next(count))
            await to_thread.run_sync(packed.unlink)
        return plan


@contextmanager
def opened_in_store(out: Location, settings: Settings, *, made_up: bool = False) -> Iterator[StoredArchive]:
    """Open the archive at an address for a run: reserved, restored into an empty scratch, and given free at the end.

    Must be called where no event loop runs. Raises SettingsError, LeaseHeld, StoreError, or ArchiveError for a scratch
    that cannot be used.
    """
    objects = objects_at(out, settings.fetch.give_up_after)
    asked, shard = settings.archive.compress, settings.plan.shard
    there = None if asked else anyio.run(read_facts, objects, FOLDER)
    compression = asked or (there.compression if there else Compression.NONE)
    require(compression)
    facts = ArchiveFacts(compression=compression, shards=shard.count if shard else 0)
    wait = settings.archive.wait_for_lock
    if wait is None:
        wait = _WAIT_OF_SHARDS if shard else 0.0
    with scratch_folder(settings.archive.scratch, compression, shard) as scratch:
        terms = KeepTerms(facts, wait, folder_of(shard))
        keep = StoreKeep(objects, scratch, terms)
        try:
            anyio.run(keep.open)
            _put_in_order(keep, scratch)
            stored = StoredArchive(keep, scratch, objects, facts)
            stored.shard, stored.commit_every = shard, settings.archive.commit_every
            stored.keep_settings(_new_settings(out, scratch.ledger, settings.api, made_up=made_up))
            yield stored
        finally:
            anyio.run(keep.close)
            sent = ", ".join(f"{number} {verb}" for verb, number in sorted(objects.requests.items()))
            log.debug("%s: %s sent to the store", out, sent)


def _new_settings(out: Location, ledger: StoredLedger, api: ApiSettings, *, made_up: bool) -> dict[str, str]:
    """Name the settings that the log lacks; raises ArchiveError where a demo meets real recordings."""
    chains = changed_chains(ledger, api)
    settings: dict[str, str] = {Setting.CHAINS: chains} if chains else {}
    if made_up and ledger.setting(Setting.DEMO) is None:
        if ledger.totals().views:
            raise ArchiveError(f"{out} is an archive that demo did not make; name a new folder for the sample ones")
        settings[Setting.DEMO] = "yes"
    return settings


def _put_in_order(keep: StoreKeep, scratch: LedgerScratch) -> None:
    """Let the run's end write what an earlier run may not have come to: partial files and the manifest."""
    if not keep.ended:
        scratch.ledger.forget_partial_files()
    scratch.ledger.set_setting(Setting.STATE, State.RUNNING)


@contextmanager
def restored(out: Location, settings: Settings) -> Iterator[LedgerScratch]:
    """Give the ledger of an archive, or of the settings' shard, as its log has it now; nothing is written to the store.

    Raises SettingsError for another number of shards than the archive's.
    """
    shard = settings.plan.shard
    objects = objects_at(out, settings.fetch.give_up_after)
    facts = anyio.run(read_facts, objects, FOLDER)
    if facts is not None:
        require_same_shards(out, shard.count if shard else 0, facts.shards)
    folder = folder_of(shard)
    with scratch_folder(None, facts.compression if facts else Compression.NONE, shard) as scratch:
        anyio.run(Restoring(objects, folder, scratch).restore, Log(objects, folder, "reader"))
        yield scratch


@contextmanager
def brought(address: Location, settings: Settings) -> Iterator[Path]:
    """Copy a list out of a store into a temporary file of the same name; raises InputError where there is none."""
    objects = objects_at(address.parent, settings.fetch.give_up_after)

    async def bring(target: Path) -> bool:
        if await objects.head(address.name) is None:
            return False
        await fetch_file(objects, address.name, target)
        return True

    with explained("making a folder for the list in $TMPDIR"):
        made = TemporaryDirectory(prefix="replay-fetch-list-", ignore_cleanup_errors=True)
    with made as folder:
        target = Path(folder) / (address.name or "list")
        if not address.name or not anyio.run(bring, target):
            raise InputError(f"{address}: there is no such object")
        yield target


def write_merged(out: Location, layout: Layout, epoch: int) -> None:
    """Write report and manifest of all shards, made in the folder of ``layout``; ``epoch`` counts the shards' runs.

    The manifest comes last: where it is, the report is there too. Raises Fenced where a merge behind later runs has
    written them.
    """
    objects = objects_at(out, _MERGE_GIVES_UP)

    async def write() -> None:
        for name, file in ((REPORT, layout.report), (MANIFEST, layout.manifest)):
            await objects.write(name, file, epoch)

    anyio.run(write)


def remove_merged(out: Location) -> None:
    """Remove manifest and report of all shards, which a shard's run has overtaken."""
    anyio.run(_remove_merged, objects_at(out, _MERGE_GIVES_UP))


async def _remove_merged(objects: Objects) -> None:
    for name in (MANIFEST, REPORT):
        await objects.delete(name)
