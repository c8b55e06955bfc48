"""The ranges of an archive: runs of whole sessions, cut out of the manifests without reading these from end to end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from replay_fetch.archive.durable import explained
from replay_fetch.archive.lines import lines_of
from replay_fetch.archive.manifest import BadLine, Entry, read_line
from replay_fetch.archive.shelf import Shelf, manifests, readable
from replay_fetch.errors import ArchiveError, SettingsError


@dataclass(frozen=True, slots=True)
class SessionRange:
    """A range of a manifest, in bytes, in which each session has all its views; a plain value, to be sent around."""

    shelf: Shelf
    """The archive or the shard whose manifest it is; sent around as its address alone."""
    offset: int
    length: int

    def entries(self) -> Iterator[Entry | BadLine]:
        """Read the entries of the range in order; bad lines as such, numbered from the range's beginning.

        Raises ArchiveError where the manifest cannot be read, or is shorter than when the range was cut.
        """
        place = self.shelf.place(self.shelf.manifest)
        with explained(f"reading {place}"):
            try:
                blocks = self.shelf.blocks(self.shelf.manifest, self.offset, self.length)
                for number, line in enumerate(lines_of(blocks), start=1):
                    yield read_line(number, line)
            except ValueError as error:  # it was written anew since, and lines end elsewhere
                raise ArchiveError(f"{place} has changed since its ranges were cut: {error}; cut them again") from None


def cut(archive: Shelf, count: int) -> list[SessionRange]:
    """Cut an archive into about ``count`` ranges with as much of the manifest each, none of which is empty.

    Raises ArchiveError where the archive has no manifest yet.
    """
    if count < 1:
        raise SettingsError("an archive is cut into one range at least")
    there = manifests(readable(archive))
    with explained(f"reading {archive.place()}"):
        sizes = [shelf.size(shelf.manifest) for shelf in there]
        total = max(1, sum(sizes))
        # A shard's manifest gets its share of the ranges, one at least.
        pieces = [max(1, round(count * size / total)) for size in sizes]
        ranges = (_cut(shelf, size, many) for shelf, size, many in zip(there, sizes, pieces, strict=True))
        return [each for found in ranges for each in found]


def _cut(shelf: Shelf, size: int, count: int) -> Iterator[SessionRange]:
    wanted = (_session_start(shelf, size * number // count, size) for number in range(1, count))
    ends = sorted({0, size, *wanted})
    for begin, end in itertools.pairwise(ends):
        yield SessionRange(shelf, begin, end - begin)


def _session_start(shelf: Shelf, near: int, size: int) -> int:
    """Return where the first session begins behind the line at ``near``; the end of the file where none does."""
    session, at = b"", near
    try:
        for number, line in enumerate(lines_of(shelf.blocks(shelf.manifest, near, size - near))):
            # An id holds no comma, and stands first in every line; the first is the rest of a line.
            known, session = session, line.partition(b",")[0] if number else b""
            if known not in {b"", session}:
                return at
            at += len(line) + 1
    except ValueError:  # the last line breaks off, which whoever reads the range will say
        return size
    return at
