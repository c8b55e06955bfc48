"""Lists of views in a store, in one form: with them the log can be read on a machine that never saw the file.

A view is numbered by the first row with its ids, counted over all lists. So each list is kept with all rows, duplicates
too, before the first view is asked for.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import anyio

from replay_fetch.blocks import lines_of, whole_file
from replay_fetch.model import View
from replay_fetch.store.driver import Found
from replay_fetch.store.failures import StoreError
from replay_fetch.store.objects import Objects
from replay_fetch.store.packing import Unpackable, packing_into, unpack

_HEADER = ("line", "session_id", "view_id", "expected", "dated")
_TOGETHER = 5_000  # rows made into text at once

ListRow = tuple[int, View, int | None, int | None]
"""Line in the user's file, view, segments the list expects, and when the view began in seconds since 1970."""


def blank(row: ListRow) -> ListRow:
    """A row without its ids: of an erased session nothing else may stay in a list than that there was a row."""
    return row[0], View("", ""), None, None


def list_name(folder: str, number: int) -> str:
    """The name of the object that holds list ``number``, the first being 1, as packed CSV."""
    return f"{folder}/lists/{number:04d}.csv.zst"


def packing(rows: Iterable[ListRow], target: Path) -> Iterator[ListRow]:
    """Pass a list's rows on while they are packed into a file, which is whole behind the last row.

    A list may be a stream, read only once, and both the ledger and the store need its rows. Memory does not grow.
    """
    text = _Text()
    with target.open("wb") as file:
        packer = packing_into(file.write)
        for row in rows:
            if block := text.add(row):
                packer(block)
            yield row
        packer(text.rest())
        packer(None)


async def keep_list(objects: Objects, name: str, epoch: int, packed: Path) -> str:
    """Write a packed list into the store; returns the object's name.

    The list counts once a log part names it. Where an earlier run left another list under the name without having
    logged it, that one stays, and the epoch goes into the name of ours.
    """
    if isinstance(await objects.claim(name, packed, epoch), Found):
        name = name.replace(".csv", f"-{epoch}.csv")
        await objects.write(name, packed, epoch)
    return name


async def fetch_file(objects: Objects, name: str, target: Path) -> None:
    """Copy an object into a file, a piece of 8 MiB at a time; raises StoreError where it is not there."""
    async with await anyio.open_file(target, "wb") as file:
        async for piece in objects.pieces(name):
            await file.write(piece)


def read_list(file: Path, place: str) -> Iterator[ListRow]:
    """The rows of a list that was copied into ``file`` from ``place``, which errors name."""
    try:
        text = (line.decode() for line in lines_of(unpack(whole_file(file))))
        rows = csv.reader(text)
        if tuple(next(rows, ())) == _HEADER:
            for line, session_id, view_id, expected, dated in rows:
                yield int(line), View(session_id, view_id), _number(expected), _number(dated)
            return
    except (Unpackable, ValueError):
        pass
    raise StoreError(f"{place} is damaged; restore it from a copy or a former version of the object")


class _Text:
    """Rows as CSV, 5,000 made into text at once."""

    def __init__(self) -> None:
        self._rows: list[tuple[object, ...]] = [_HEADER]

    def add(self, row: ListRow) -> bytes:
        """Take a row in; returns text once there is enough of it, else nothing."""
        line, view, expected, dated = row
        self._rows.append((line, *view, expected, dated))
        return self.rest() if len(self._rows) >= _TOGETHER else b""

    def rest(self) -> bytes:
        """The text of all rows that were not given out yet."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(self._rows)
        self._rows = []
        return text.getvalue().encode()


def _number(text: str) -> int | None:
    return int(text) if text else None
