"""The standing of an archive by its log, for readers without a ledger: has its last run ended, and which files are its.

A checkpoint is not opened. Its number alone says which parts of the log need not be listed.
"""

from __future__ import annotations

from pathlib import Path

from replay_fetch.store.driver import Listed, Tag
from replay_fetch.store.entries import LoggedList, LoggedObject, LoggedRemoval
from replay_fetch.store.failures import StoreError
from replay_fetch.store.log import Log, LogPart
from replay_fetch.store.objects import Objects

MANIFEST = "manifest.ndjson"


async def write_signed(objects: Objects, name: str, file: Path, epoch: int) -> None:
    """Write a file of a run's end, with the run's epoch on it, also where the same bytes lie there already.

    The epoch tells readers that the run came to its end. Raises Fenced for a later run's object.
    """
    await objects.write(name, file, epoch)
    found = await objects.head(name)
    if found is not None and int(found.metadata.get("epoch", epoch)) < epoch:
        await objects.write(name, file, epoch, found.tag)


async def run_ended(objects: Objects, folder: str, manifest: str = MANIFEST) -> bool | None:
    """Tell whether the last run came to its end, so the manifest is up to date; None where there is no log.

    Costs two listings, a read and a look: the log is listed from behind the newest checkpoint.
    """
    newest = max([listed.name async for listed in objects.list(f"{folder}/checkpoint")], default="")
    number = newest.rpartition("/")[2].partition(".")[0]
    last = f"{folder}/log/{number}" if number.isdigit() else None
    async for listed in objects.list(f"{folder}/log", last):
        last = listed.name
    got = await objects.get(last) if last else None
    if last is None or got is None:
        return None
    header = LogPart(f"{objects.location}/{last}", got[0]).header
    # A run ends its log first, and may be killed before the manifest that belongs to it is there.
    made = await objects.head(manifest)
    return header.kind == "end" and made is not None and int(made.metadata.get("epoch", header.epoch)) >= header.epoch


async def logged_files(objects: Objects, folder: str) -> dict[str, LoggedObject]:
    """The archive's files by name, as the whole log has them; memory holds some 400 bytes a file."""
    files: dict[str, LoggedObject] = {}
    async for part in Log(objects, folder, "reader").read():
        for entry in part.entries():
            if isinstance(entry, LoggedObject):
                files[entry.name] = entry
            elif isinstance(entry, LoggedRemoval):
                files.pop(entry.name, None)
    return files


async def first_list(objects: Objects, folder: str) -> str:
    """The object of the first list that the log names; raises StoreError for a log without a list."""
    async for part in Log(objects, folder, "reader").read():
        for entry in part.entries():
            if isinstance(entry, LoggedList):
                return entry.name
    raise StoreError(f"{objects.location}/{folder} has no list; run its shard again")


async def is_another(objects: Objects, listed: Listed, logged: LoggedObject) -> bool:
    """Tell whether an object has other bytes than the log says, without reading them.

    Etags say so first. A copy in another bucket has others, so behind an etag that differs the hash in the object's
    metadata is looked at, which copies keep. An object without such a hash counts as another.
    """
    if listed.size != logged.size:
        return True
    if logged.staged or listed.tag.etag == logged.etag or listed.tag == Tag(None):
        return False
    found = await objects.head(listed.name)
    return found is None or found.metadata.get("sha256") != logged.sha256
