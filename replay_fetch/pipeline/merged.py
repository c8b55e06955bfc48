"""Manifest and report of all shards of an archive in a store: written by a merge, removed by a shard that goes on."""

from __future__ import annotations

import anyio

from replay_fetch.archive.layout import MANIFEST, REPORT, Layout
from replay_fetch.store.location import Location
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import objects_at

_GIVES_UP = 60.0  # seconds of faults: a person waits


def write_merged(out: Location, layout: Layout, epoch: int) -> None:
    """Write report and manifest of all shards, made in the folder of ``layout``; ``epoch`` counts the shards' runs.

    The manifest comes last: where it is, the report is there too. Raises Fenced where a merge behind later runs has
    written them.
    """
    objects = objects_at(out, _GIVES_UP)

    async def write() -> None:
        for name, file in ((REPORT, layout.report), (MANIFEST, layout.manifest)):
            await objects.write(name, file, epoch)

    anyio.run(write)


def remove_merged(out: Location) -> None:
    """Remove manifest and report of all shards, which a shard's run has overtaken."""
    anyio.run(remove_merged_by, objects_at(out, _GIVES_UP))


async def remove_merged_by(objects: Objects) -> None:
    """Remove both with the objects of a run."""
    for name in (MANIFEST, REPORT):
        await objects.delete(name)
