"""Lists of views in a store, in one form: with them the log can be read on a machine that never saw the file.

A view is numbered by the row that names it first, counted over all lists. So each list is kept with all its rows,
duplicates too, before the first view of it is asked for.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import anyio.to_thread

from replay_fetch.model import View
from replay_fetch.store.driver import Found
from replay_fetch.store.failures import StoreError
from replay_fetch.store.objects import Objects
from replay_fetch.store.packing import Unpackable, file_pieces, lines, pack_file, unpack

_HEADER = ("line", "session_id", "view_id", "expected", "dated")
_TOGETHER = 5_000  # rows made into text at once

ListRow = tuple[int, View, int | None, int | None]
"""Line in the user's file, view, segments the list expects, and when the view began in seconds since 1970."""


def list_name(folder: str, number: int) -> str:
    """The object of list ``number``, the first being 1."""
    return f"{folder}/lists/{number:04d}.csv.zst"


async def keep_list(objects: Objects, name: str, epoch: int, rows: Iterable[ListRow], scratch: Path) -> tuple[str, int]:
    """Write a list into the store by way of the file ``scratch``; returns the object's name and how many rows it has.

    Memory does not grow with the rows. The list counts once a log part names it. Where an earlier run left another
    list under the name without having logged it, that one stays, and the epoch goes into the name of ours.
    """
    count = itertools.count()
    await anyio.to_thread.run_sync(pack_file, _text(row for row, _ in zip(rows, count, strict=False)), scratch)
    if isinstance(await objects.claim(name, scratch, epoch), Found):
        name = name.replace(".csv", f"-{epoch}.csv")
        await objects.write(name, scratch, epoch)
    await anyio.to_thread.run_sync(scratch.unlink)
    return name, next(count)


async def fetch_file(objects: Objects, name: str, target: Path) -> None:
    """Copy an object into a file, a piece of 8 MiB at a time; raises StoreError where it is not there."""
    async with await anyio.open_file(target, "wb") as file:
        async for piece in objects.pieces(name):
            await file.write(piece)


def read_list(file: Path, place: str) -> Iterator[ListRow]:
    """The rows of a list that was copied into ``file`` from ``place``, which errors name."""
    try:
        text = (line.decode() for line in lines(unpack(file_pieces(file))))
        rows = csv.reader(text)
        if tuple(next(rows, ())) == _HEADER:
            for line, session_id, view_id, expected, dated in rows:
                yield int(line), View(session_id, view_id), _number(expected), _number(dated)
            return
    except (Unpackable, ValueError):
        pass
    raise StoreError(f"{place} is damaged; restore it from a copy or a former version of the object")


def _text(rows: Iterable[ListRow]) -> Iterator[bytes]:
    unread = ((line, *view, expected, dated) for line, view, expected, dated in rows)
    chunk: list[tuple[object, ...]] = [_HEADER]
    while chunk:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(chunk)
        yield text.getvalue().encode()
        chunk = list(itertools.islice(unread, _TOGETHER))


def _number(text: str) -> int | None:
    return int(text) if text else None
