"""Parts of unfinished views in a store: the new lines of one commit together in one object, a blob.

On a disk, each view of an unfinished session waits in a file of its own. In a store those would cost a request a view
and commit; together they cost a request a commit, and are read again by ranges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import anyio.to_thread

from replay_fetch.store.entries import LoggedPart
from replay_fetch.store.failures import StoreError
from replay_fetch.store.objects import LARGEST_PUT, Objects


class GrownPart(NamedTuple):
    """Lines that a commit added to a view's part: ``length`` bytes of the part's file from ``start``."""

    row: int
    part: int
    file: Path
    start: int
    length: int


class Blob(NamedTuple):
    """An object full of lines, and the stretch of each view in it."""

    name: str
    content: bytes
    places: Sequence[LoggedPart]


def blobs(folder: str, number: int, epoch: int, grown: Iterable[GrownPart]) -> Iterator[Blob]:
    """The lines of a commit as a blob; as several blobs above 64 MiB, the most that a request should hold.

    ``number`` and ``epoch`` are of the log part to come. No other run has the same two, so a blob is never written
    over, and a blob without a log part is garbage.
    """
    stem = f"{folder}/parts/{number:012d}-{epoch}"
    content, places, written = bytearray(), list[LoggedPart](), 0
    for one in grown:
        taken = 0
        while taken < one.length:
            if len(content) >= LARGEST_PUT:
                yield Blob(places[0].blob, bytes(content), places)
                content, places, written = bytearray(), [], written + 1
            name = f"{stem}-{written}" if written else stem
            stretch = _stretch(one, one.start + taken, min(one.length - taken, LARGEST_PUT - len(content)))
            places.append(LoggedPart(one.row, one.part, one.start + taken, name, len(content), len(stretch)))
            content += stretch
            taken += len(stretch)
    if places:
        yield Blob(places[0].blob, bytes(content), places)


async def fetch_part(objects: Objects, places: Iterable[LoggedPart], target: Path) -> None:
    """Write a view's part anew from its stretches; raises StoreError where these leave a gap.

    Memory holds one stretch at a time.
    """
    await anyio.to_thread.run_sync(target.write_bytes, b"")
    size = 0
    for place in sorted(places, key=lambda place: place.start):
        # A gap means a lost log entry or blob; lines with a gap would pass for a view until its sha256 is compared.
        if place.start != size:
            raise StoreError(f"{objects.location}: the log has a gap in the part of row {place.row} at byte {size}")
        content = await objects.range(place.blob, place.offset, place.length)
        await anyio.to_thread.run_sync(_append, target, content)
        size += place.length


def _stretch(grown: GrownPart, start: int, length: int) -> bytes:
    with grown.file.open("rb") as file:
        file.seek(start)
        content = file.read(length)
    if len(content) != length:
        raise StoreError(f"{grown.file} is shorter than what was committed of it; start with an empty --scratch")
    return content


def _append(target: Path, content: bytes) -> None:
    with target.open("ab") as file:
        file.write(content)
