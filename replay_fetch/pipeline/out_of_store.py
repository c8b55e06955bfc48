"""Reading out of a store, with no lease and without a write: the ledger of an archive, and lists of views."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from replay_fetch.archive.durable import explained
from replay_fetch.archive_json import NAME, ArchiveFacts, require_same_shards
from replay_fetch.errors import ArchiveError, InputError
from replay_fetch.pipeline.scratch import LedgerScratch, scratch_folder
from replay_fetch.settings import Compression, Settings
from replay_fetch.store.lists import fetch_file
from replay_fetch.store.location import Location
from replay_fetch.store.log import Log
from replay_fetch.store.opening import FOLDER, folder_of, objects_at, read_facts
from replay_fetch.store.restoring import Restoring


@contextmanager
def restored(out: Location, settings: Settings, *, made: bool = False) -> Iterator[LedgerScratch]:
    """Give the ledger of an archive, or of the settings' shard, as its log has it now; nothing is written to the store.

    Raises SettingsError for another number of shards than the archive's, ArchiveError where an archive must be ``made``
    by then and is not there.
    """
    shard = settings.plan.shard
    objects = objects_at(out, settings.fetch.give_up_after)
    facts = anyio.run(read_facts, objects, FOLDER)
    require_archive(facts, out, there=made)
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


def require_archive(facts: ArchiveFacts | None, out: Location, *, there: bool) -> None:
    """Raise ArchiveError where an archive must be ``there`` and has no facts."""
    if facts is None and there:
        raise ArchiveError(f"{out} is not an archive of replay-fetch: it has no {FOLDER}/{NAME}")
