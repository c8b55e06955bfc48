"""Checkpoints: the ledger as of a log part, for runs to start from in place of the log's beginning.

A checkpoint saves time and nothing else, since the log has all of its facts. So a damaged checkpoint is passed over,
and the log is read from the checkpoint before.
"""

from __future__ import annotations

import logging
from collections.abc import Container
from pathlib import Path

import anyio
import anyio.to_thread

from replay_fetch.blocks import whole_file
from replay_fetch.store.failures import StoreDead, StoreError
from replay_fetch.store.lists import fetch_file
from replay_fetch.store.objects import Objects
from replay_fetch.store.packing import Unpackable, pack_file, unpack

log = logging.getLogger(__name__)

EVERY = 500
"""Log parts between two: 83 minutes of a run that commits every 10 seconds, read in seconds."""
_KEPT = 2  # the last, and the one that a reader may be copying at this moment
_SUFFIX = ".sqlite.zst"


async def write_checkpoint(objects: Objects, folder: str, number: int, epoch: int, ledger: Path) -> None:
    """Keep the file ``ledger``, a closed copy, as of log part ``number``; the last two checkpoints stay."""
    packed = ledger.with_name(ledger.name + ".zst")
    await anyio.to_thread.run_sync(pack_file, whole_file(ledger), packed)
    # The new one first: a machine that dies between the two leaves one too many, which the next checkpoint removes.
    await objects.write(f"{folder}/checkpoint/{number:012d}{_SUFFIX}", packed, epoch)
    await anyio.to_thread.run_sync(packed.unlink)
    for superseded in (await _names(objects, folder))[:-_KEPT]:
        await objects.delete(superseded)


async def remove_checkpoints(objects: Objects, folder: str, before: int) -> None:
    """Remove the checkpoints as of log parts ahead of number ``before``."""
    for name in await _names(objects, folder):
        if _number(name) < before:
            await objects.delete(name)


async def fetch_checkpoint(objects: Objects, folder: str, target: Path) -> int:
    """Write the newest undamaged checkpoint into the file ``target``; returns its log part, or 0 without any."""
    packed = target.with_name(target.name + ".zst")
    for name in reversed(await _names(objects, folder)):
        try:
            await fetch_file(objects, name, packed)
            await anyio.to_thread.run_sync(_unpack, packed, target)
        # It is a StoreError, too, but says nothing of the checkpoint: the log could not be read from such a store
        # either.
        except StoreDead:
            raise
        except (Unpackable, StoreError):
            log.warning("%s/%s cannot be used; the log is read from further back", objects.location, name)
            continue
        finally:
            await anyio.Path(packed).unlink(missing_ok=True)
        return _number(name)
    # A damaged checkpoint may have been unpacked half-way.
    await anyio.Path(target).unlink(missing_ok=True)
    return 0


async def sweep(objects: Objects, folder: str, needed: Container[str], epoch: int) -> None:
    """Remove blobs and staged files that no log entry needs; those of runs behind ``epoch`` stay."""
    for kind in ("parts", "staged"):
        async for listed in objects.list(f"{folder}/{kind}"):
            _, written_by, *_ = [*listed.name.rpartition("/")[2].split("-"), ""]
            if listed.name not in needed and written_by.isdigit() and int(written_by) <= epoch:
                await objects.delete(listed.name)


async def _names(objects: Objects, folder: str) -> list[str]:
    names = [listed.name async for listed in objects.list(f"{folder}/checkpoint")]
    return sorted(name for name in names if name.rpartition("/")[2].removesuffix(_SUFFIX).isdigit())


def _number(name: str) -> int:
    """The log part as of which a checkpoint is."""
    return int(name.rpartition("/")[2].removesuffix(_SUFFIX))


def _unpack(packed: Path, target: Path) -> None:
    with target.open("wb") as file:
        file.writelines(unpack(whole_file(packed)))
