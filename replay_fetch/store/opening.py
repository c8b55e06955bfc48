"""Opening an archive in a store: a store that cannot keep it safely is refused, and so is another archive."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from replay_fetch.archive_json import FORMAT, NAME, ArchiveFacts, decoded, require_same
from replay_fetch.errors import SettingsError, extra_needed
from replay_fetch.shard import ShardId
from replay_fetch.store.driver import Found, Tag
from replay_fetch.store.failures import StoreError
from replay_fetch.store.location import Location
from replay_fetch.store.objects import Objects

FOLDER = ".replay-fetch"
"""What is ours in an archive; nothing else in it is needed to read it."""


def folder_of(shard: ShardId | None) -> str:
    """The folder of a run's log, lease and lists: the archive's, or the shard's own below it."""
    return f"{FOLDER}/{shard.name}" if shard else FOLDER


@dataclass(frozen=True)
class KeepTerms:
    """Terms on which a run opens an archive: its facts, the seconds to wait for another run, the folder of its log.

    ``folder`` is `FOLDER`, or the shard's own below it, such as ``.replay-fetch/03-of-08``.
    """

    facts: ArchiveFacts
    wait_for_lock: float = 0.0
    folder: str = FOLDER


def objects_at(location: Location, give_up_after: float) -> Objects:
    """Objects at an address, given up after so many seconds of faults; asks nothing yet.

    Raises SettingsError where the store extra is not installed, or the environment's settings cannot be used.
    """
    try:
        from replay_fetch.store.door import connected  # noqa: PLC0415 - loads obstore, an optional extra
    except ImportError:
        raise SettingsError(extra_needed(f"{location.scheme}://", "store")) from None
    return Objects(connected(location), location, give_up_after=give_up_after)


async def agree(objects: Objects, folder: str, facts: ArchiveFacts) -> None:
    """Write the archive's facts, or compare ours with the stored; raises SettingsError or InputError for another.

    The folder is the archive's own, also for a run that is one of several shards.
    """
    name = f"{folder}/{NAME}"
    # The facts of shards are written by the first that has read its list to the end.
    if not (facts.shards and not facts.list) and isinstance(await objects.create(name, facts.encode(), 0), Tag):
        return
    there = await read_facts(objects, folder)
    if there is not None:
        require_same(objects.location, facts, there)


async def read_facts(objects: Objects, folder: str) -> ArchiveFacts | None:
    """The facts of the archive at a location; None where there is no archive."""
    got = await objects.get(f"{folder}/{NAME}")
    if got is None:
        return None
    facts = decoded(got[0])
    if facts is None:
        raise StoreError(f"{objects.location}/{folder}/{NAME} is not of format {FORMAT}, which this version reads")
    return facts


async def check_conditional_writes(objects: Objects, folder: str) -> None:
    """Try four small writes, two of them forbidden by their conditions; raises SettingsError where all succeed.

    Some S3 servers ignore the conditions, on which all safety rests, and answer 200. A fifth request removes the
    object, whose name no other run has.
    """
    name = f"{folder}/probe-{uuid.uuid4().hex}"
    first = await objects.create(name, b"1", 0)
    refuses = isinstance(first, Tag) and isinstance(await objects.create(name, b"2", 0), Found)
    if refuses and isinstance(first, Tag):
        second = await objects.replace(name, b"3", 0, first)
        refuses = isinstance(second, Tag) and isinstance(await objects.replace(name, b"4", 0, first), Found)
    await objects.delete(name)
    if not refuses:
        raise SettingsError(
            f"{objects.location}: the store takes writes whose condition does not hold, so two runs could destroy "
            "each other's archive; use one with If-None-Match and If-Match (S3, Azure, MinIO, SeaweedFS)"
        )
