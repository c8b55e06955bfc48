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

from replay_fetch.archive.compress import require
from replay_fetch.archive.durable import explained
from replay_fetch.archive.write.writer import CommitTerms
from replay_fetch.archive_json import ArchiveFacts
from replay_fetch.errors import ArchiveError, InputError
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.ledger.stored import StoredLedger
from replay_fetch.pipeline.carrier import StoreCarrier
from replay_fetch.pipeline.job import load_plan
from replay_fetch.pipeline.opening import changed_chains
from replay_fetch.pipeline.plan import Plan
from replay_fetch.pipeline.scratch import LedgerScratch, scratch_folder
from replay_fetch.settings import ApiSettings, Compression, Settings
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
from replay_fetch.store.opening import FOLDER
from replay_fetch.view_list.view_list import ViewList

T = TypeVar("T")
log = logging.getLogger(__name__)

# Rows of a list between two looks whether the run was stopped.
_GLANCE = 10_000


class StoredArchive:
    """An archive in a store, held by this run: its keep and its scratch."""

    def __init__(self, keep: StoreKeep, scratch: LedgerScratch, commit_every: float) -> None:
        self.keep = keep
        self.scratch = scratch
        self._commit_every = commit_every

    async def beside(self, work: Callable[[], Awaitable[T]], progress: Callable[[], Mapping[str, object]]) -> T:
        """Do the work while the lease beats and tells of the progress; raises Fenced after a takeover."""
        return await self.keep.beside(work, progress)

    @asynccontextmanager
    async def carrying(self, terms: CommitTerms) -> AsyncIterator[CommitTerms]:
        """Give the terms on which commits are shipped, for as long as the context lasts."""
        async with BlockingPortal() as portal:
            yield terms.every(self._commit_every, StoreCarrier(self.keep, self.scratch, portal))

    async def finish(self) -> None:
        """Write manifest and report into the store, from the scratch."""
        layout = self.scratch.layout
        await self.keep.finish({file.name: file for file in (layout.manifest, layout.report)})

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

        plan = await to_thread.run_sync(partial(load_plan, self.scratch.ledger, listed, mark, passing=passing))
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
    asked = settings.archive.compress
    there = None if asked else anyio.run(read_facts, objects, FOLDER)
    compression = asked or (there.compression if there else Compression.NONE)
    require(compression)
    with scratch_folder(settings.archive.scratch, compression) as scratch:
        terms = KeepTerms(ArchiveFacts(compression=compression), settings.archive.wait_for_lock)
        keep = StoreKeep(objects, scratch, terms)
        try:
            anyio.run(keep.open)
            _put_in_order(keep, scratch)
            stored = StoredArchive(keep, scratch, settings.archive.commit_every)
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
    """Give the ledger of an archive as its log has it now, without a lease; nothing is written to the store."""
    objects = objects_at(out, settings.fetch.give_up_after)
    facts = anyio.run(read_facts, objects, FOLDER)
    with scratch_folder(None, facts.compression if facts else Compression.NONE) as scratch:
        anyio.run(Restoring(objects, FOLDER, scratch).restore, Log(objects, FOLDER, "reader"))
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
