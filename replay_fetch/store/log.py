"""The log: numbered parts, each created once and never deleted. It is the archive's truth.

A part is changed by an erasure alone, which takes the facts of erased sessions out of it. Its name stays, and the
number of the next part is all that runs have to agree about.

A commit has happened when its part exists. All runs know the number of the next part, and a store lets a single run
create it; any other run learns from the answer of its loss. The rule needs no clock and no lease, so safety rests on
the log alone.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial

import anyio.to_thread
import msgspec

from replay_fetch.blocks import lines_of
from replay_fetch.store.driver import Found, Tag
from replay_fetch.store.entries import FORMAT, Entry, PartHeader, decoded, decoded_header, encoded
from replay_fetch.store.failures import Fenced, StoreError
from replay_fetch.store.objects import Objects
from replay_fetch.store.packing import Unpackable, pack, unpack
from replay_fetch.store.together import AT_ONCE, together


class LogPart:
    """A part as read from the store: its header, and its entries, decoded as they are asked for.

    Memory holds the packed bytes, 100 for a view, and 160 kB of plain text.
    """

    def __init__(self, place: str, content: bytes) -> None:
        self._place = place
        self._content = content
        with _explained(place):
            self.header = decoded_header(next(self._lines()))
        if self.header.format != FORMAT:
            raise StoreError(f"{place} has format {self.header.format}, this version of replay-fetch reads {FORMAT}")

    def entries(self) -> Iterator[Entry]:
        """The part's facts in their order, a later fact over an earlier; raises StoreError at damage."""
        with _explained(self._place):
            yield from decoded(itertools.islice(self._lines(), 1, None))

    def without(self, dropped: Callable[[Entry], bool]) -> bytes | None:
        """The part packed anew without some of its entries; None where it has none of those. Raises StoreError."""
        if not any(map(dropped, self.entries())):
            return None
        return b"".join(pack(encoded(self.header, itertools.filterfalse(dropped, self.entries()))))

    def _lines(self) -> Iterator[bytes]:
        return lines_of(unpack([self._content]))


class _explained:  # noqa: N801 - reads as a function, and a generator of entries must not hold one of contextlib's
    """Turns the errors of unpacking and decoding into a StoreError with the part's name."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Unpackable | ValueError | msgspec.DecodeError | StopIteration):
            raise StoreError(
                f"{self._place} is damaged; restore it from a copy or a former version of the object"
            ) from None


class Log:
    """The log in ``folder``: any process reads it, and the run with the newest fence writes it."""

    def __init__(self, objects: Objects, folder: str, writer: str) -> None:
        self.number = 0
        """The last part that was read or written; 0 before the first."""
        self.epoch = 0
        """The highest epoch that was read; after `fence` our own, which no other run has."""
        self.kind = ""
        """The kind of the last part that was read; empty before the first."""
        self._objects = objects
        self._folder = f"{folder}/log"
        self._writer = writer

    def __repr__(self) -> str:
        return f"<Log at part {self.number}, epoch {self.epoch}>"

    async def read(self, after: int = 0) -> AsyncIterator[LogPart]:
        """The parts behind number ``after``, up to the last; raises StoreError where a number is missing."""
        if after:  # not laid again, but read for its epoch and kind: behind a checkpoint there may be no further part
            self.number = after - 1
            await self._parts([after])
        self.number = after
        waiting: list[int] = []
        async for listed in self._objects.list(self._folder, self._name(after)):
            number = listed.name.rpartition("/")[2]
            if number.isdigit():
                waiting.append(int(number))
            if len(waiting) == AT_ONCE:
                for part in await self._parts(waiting):
                    yield part
                waiting = []
        for part in await self._parts(waiting):
            yield part

    async def fence(self, at_least: int) -> LogPart | None:
        """Write the part ``open``, at which every earlier run stops; returns None on success.

        A part that another run has written meanwhile is returned: it counts, so the caller lays it and tries again.
        The epoch is above all in the log and at least the lease's. No two runs share it, even if the lease was removed.
        """
        # Not the lease's number alone: it begins again at 1 where the object was lost, and objects in the store would
        # then look as if a later run had written them.
        epoch = max(self.epoch + 1, at_least)
        other = await self._create(
            PartHeader(number=self.number + 1, epoch=epoch, writer=self._writer, kind="open"), ()
        )
        if other is not None:
            (part,) = await self._parts([self.number + 1])
            return part
        self.number, self.epoch = self.number + 1, epoch
        return None

    async def append(self, entries: Iterable[Entry], kind: str = "commit") -> int:
        """Write the next part and return its number; raises Fenced where another run has written it."""
        header = PartHeader(number=self.number + 1, epoch=self.epoch, writer=self._writer, kind=kind)
        if await self._create(header, entries) is not None:
            raise Fenced(
                f"{self._objects.location} was taken over by another run, which wrote part {header.number} of the log; "
                "this run stops, and nothing that was finished is lost"
            )
        self.number = header.number
        return self.number

    async def _create(self, header: PartHeader, entries: Iterable[Entry]) -> Found | None:
        """Create a part; returns another run's part found in its place, None on success."""
        content = await anyio.to_thread.run_sync(b"".join, pack(encoded(header, entries)))
        put = await self._objects.create(self._name(header.number), content, header.epoch)
        return None if isinstance(put, Tag) else put

    async def _parts(self, numbers: list[int]) -> list[LogPart]:
        """Read the next parts together; raises StoreError where the numbers have a gap."""
        parts: list[LogPart] = []
        names = [self._name(number) for number in numbers]
        contents = await together([(0, partial(self._objects.get, name)) for name in names])
        for number, name, got in zip(numbers, names, contents, strict=True):
            if number != self.number + 1 or got is None:
                raise StoreError(
                    f"{self._objects.location}/{self._name(self.number + 1)} is not there, though a later part is: "
                    "parts of the log must not be deleted; restore it, or remove no object by a rule of the bucket"
                )
            part = LogPart(f"{self._objects.location}/{name}", got[0])
            self.number, self.epoch = number, max(self.epoch, part.header.epoch)
            self.kind = part.header.kind
            parts.append(part)
        return parts

    def _name(self, number: int) -> str:
        # With zeros in front, so that listings, which go by the names, go by the numbers.
        return f"{self._folder}/{number:012d}"
