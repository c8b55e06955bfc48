"""An archive in an object store, open for a run: lease, scratch, list; and beside the run the lease's beat."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import from_thread, to_thread
from anyio.from_thread import BlockingPortal
from msgspec.structs import replace

from replay_fetch.api.events import FoundView
from replay_fetch.archive.compress import require
from replay_fetch.archive.layout import EVENTS_MANIFEST, MANIFEST, REPORT, REPORTS
from replay_fetch.archive.report import Report, report_files
from replay_fetch.archive.write.writer import CommitTerms
from replay_fetch.archive_json import ArchiveFacts
from replay_fetch.errors import ArchiveError, InputError, ReplayFetchError, SettingsError
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.ledger.searched import kept_of
from replay_fetch.pipeline.carrier import StoreCarrier
from replay_fetch.pipeline.events import EventsRun
from replay_fetch.pipeline.events_result import StoredEvents
from replay_fetch.pipeline.merged import remove_merged_by
from replay_fetch.pipeline.opening import bring_manifest_up_to_date, settings_to_keep
from replay_fetch.pipeline.out_of_store import require_archive
from replay_fetch.pipeline.packed_deal import PackedDeal
from replay_fetch.pipeline.plan import Plan
from replay_fetch.pipeline.scratch import LedgerScratch, scratch_folder
from replay_fetch.pipeline.stored_erasure import StoredErasure
from replay_fetch.progress.reporters import Reporter
from replay_fetch.settings import Compression, Credentials, Settings
from replay_fetch.shard import ShardId
from replay_fetch.store.entries import LoggedSearch, LoggedSetting
from replay_fetch.store.failures import StoreError
from replay_fetch.store.keep import StoreKeep
from replay_fetch.store.location import Location
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import FOLDER, KeepTerms, agree, folder_of, objects_at, read_facts
from replay_fetch.view_list.view_list import ViewList

T = TypeVar("T")
log = logging.getLogger(__name__)

# Seconds for the lease of a dead run, which counts for 60: an array job starts what died again, and a moment later.
_WAIT_OF_SHARDS = 300.0


class StoredArchive:
    """An archive in a store, or a shard of one, held by this run: keep and scratch."""

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

    async def store_events(
        self, settings: Settings, keys: Credentials, run: Callable[[EventsRun], Awaitable[StoredEvents]]
    ) -> StoredEvents:
        """Carry a run out that stores the events of all sessions, then write the manifests into the store."""
        layout, ledger = self.scratch.layout, self.scratch.ledger
        async with self.carrying(CommitTerms()) as terms:
            events = EventsRun(layout, ledger, settings, keys, terms.carrier)

            async def to_its_end() -> StoredEvents:
                stored = await run(events)
                if events.in_order:  # else the scratch may be ahead of the log
                    await self.finish()
                return stored

            return await self.beside(to_its_end, events.figures)

    async def finish(self, report: Report | None = None) -> None:
        """Write the manifests, and the report where there is one, into the store, from the scratch."""
        files: dict[str, Path | None] = {**self.manifests()}
        if report is not None:
            latest, folder = (self.shard.report, f"{REPORTS}/{self.shard.name}") if self.shard else (REPORT, REPORTS)
            first = await self._objects.head(latest) is None
            there = [name.removeprefix(f"{folder}/") for name in await self.names(folder)]
            made = report_files(report, there, first=first)
            names = [f"{folder}/{made.name}", *([latest] if made.latest else [])]
            files |= dict.fromkeys(names, self.scratch.layout.report)
            files |= dict.fromkeys(f"{folder}/{name}" for name in made.superseded)
        await self.keep.finish(files)
        if self.shard and self._changed:  # a merge that began before our first commit may have written them meanwhile
            await remove_merged_by(self._objects)

    async def end_as_it_is(self) -> None:
        """End a run that asks nothing; without an end, readers would take it for one that was killed."""
        await self.bring_manifests_up_to_date()
        await self.finish()

    async def bring_manifests_up_to_date(self) -> None:
        """Write the manifests into the scratch, and partial files that are lacking into the store, from the ledger."""
        bring = partial(bring_manifest_up_to_date, self.scratch.layout, self.scratch.ledger)
        async with self.carrying(CommitTerms()) as terms:
            await to_thread.run_sync(partial(bring, changed=True, in_order=True, carrier=terms.carrier))

    async def _drop_merged(self) -> None:
        """Remove manifest and report of all shards before the first commit of one of them, which they do not know."""
        if self.shard is not None and not self._changed:
            await remove_merged_by(self._objects)
        self._changed = True

    def manifests(self) -> dict[str, Path | None]:
        """Give the manifests that the scratch has, by name; None for one that the archive no longer has."""
        layout = self.scratch.layout
        manifest = self.shard.manifest if self.shard else MANIFEST
        files = {manifest: layout.manifest, EVENTS_MANIFEST: layout.events_manifest}
        return {name: file if file.exists() else None for name, file in files.items()}

    async def names(self, folder: str) -> list[str]:
        """List the names of the objects in a folder of the archive."""
        return [listed.name async for listed in self._objects.list(folder)]

    def load(self, listed: ViewList, mark: str | None, reporter: Reporter | None = None) -> Plan:
        """Load a list, unless it is known, and keep its rows in the store; the lease beats meanwhile."""
        return anyio.run(self.keep.beside, partial(self._load, listed, mark, reporter), dict)

    def keep_settings(self, settings: Mapping[str, str]) -> None:
        """Keep settings of the archive in the log, where any is given."""
        if settings:
            anyio.run(self.keep.note, [LoggedSetting(name, value) for name, value in settings.items()])

    def keep_found(self, sessions: Iterable[Sequence[FoundView]]) -> None:
        """Keep the views of sessions, in a log part of their own; called in a thread of the run's event loop."""
        found = [LoggedSearch(views[0].view.session_id, list(map(kept_of, views))) for views in sessions if views]
        if found:
            from_thread.run(self.keep.note, found)

    async def _load(self, listed: ViewList, mark: str | None, reporter: Reporter | None) -> Plan:
        def agreed(digest: str) -> None:
            from_thread.run(agree, self._objects, FOLDER, replace(self._facts, list=digest))

        deal = PackedDeal(self.scratch, self.shard, agreed if self.shard else None)
        return await deal.load(self.keep, listed, mark, reporter)


@contextmanager
def opened_in_store(out: Location, settings: Settings, *, made_up: bool = False) -> Iterator[StoredArchive]:
    """Open or make the archive at an address for a run: reserved, restored into an empty scratch, and given free then.

    Must be called where no event loop runs. Raises SettingsError, LeaseHeld, StoreError, or ArchiveError for a scratch
    that cannot be used.
    """
    with opened_as_it_is(out, settings, made=True) as stored:
        stored.keep_settings(settings_to_keep(out, stored.scratch.ledger, settings.api, made_up=made_up))
        yield stored


@contextmanager
def opened_as_it_is(out: Location, settings: Settings, *, made: bool = False) -> Iterator[StoredArchive]:
    """Open an archive as `opened_in_store` does, but leave unfinished chains as they are.

    Raises ArchiveError where there is no archive, unless one may be ``made``.
    """
    objects = objects_at(out, settings.fetch.give_up_after)
    asked, shard = settings.archive.compress, settings.plan.shard
    there = None if asked and made else anyio.run(read_facts, objects, FOLDER)
    require_archive(there, out, there=not made)
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
            StoredErasure(stored).finish_begun()
            with _ended_where_refused(stored):
                yield stored
        finally:
            anyio.run(keep.close)
            sent = ", ".join(f"{number} {verb}" for verb, number in sorted(objects.requests.items()))
            log.debug("%s: %s sent to the store", out, sent)


@contextmanager
def _ended_where_refused(stored: StoredArchive) -> Iterator[None]:
    """End a run that is refused before its first commit, as for its list: it changed nothing, and nobody killed it.

    Behind a run that was killed the archive stays as that run left it.
    """
    try:
        yield
    except (SettingsError, InputError, ArchiveError) as refused:
        if stored.keep.ended and stored.keep.untouched and not isinstance(refused, StoreError):
            with suppress(ReplayFetchError):  # the refusal is the news
                anyio.run(stored.beside, stored.end_as_it_is, dict)
        raise


def _put_in_order(keep: StoreKeep, scratch: LedgerScratch) -> None:
    """Let the run's end write what an earlier run may not have come to: partial files and the manifest."""
    if not keep.ended:
        scratch.ledger.forget_partial_files()
    scratch.ledger.set_setting(Setting.STATE, State.RUNNING)
