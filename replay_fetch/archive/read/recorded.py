"""The fast check of session files: whether their bytes have the hashes that were recorded, file by file.

The hash of a view and the facts of its lines were recorded together, from the lines as they were written. Where a
ledger vouches for the manifest, the same bytes therefore have the same facts, and no line needs to be read as JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from replay_fetch.archive.compress import plain_text
from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.shelf import Shelf
from replay_fetch.blocks import Hashed
from replay_fetch.settings import Compression


class RecordedBytes(NamedTuple):
    """The record of a view's bytes: how many lie in the file and what is in them, with both hashes."""

    length: int
    stored_sha256: str
    size: int
    sha256: str


class RecordedFile(NamedTuple):
    """The record of a session's file: its views, which lie behind each other from the first byte to the last.

    It is what a reader is sent for a session: a tenth of the bytes that the manifest's entries take.
    """

    name: str
    compression: Compression
    views: list[RecordedBytes]


def recorded_files(entries: Sequence[Entry]) -> list[RecordedFile] | None:
    """Return the record of a session's files; None where the views do not lie behind each other."""
    files: dict[str, RecordedFile] = {}
    ends: dict[str, int] = {}
    for entry in entries:
        record, name, compression = entry
        span = entry.span
        if name is None or span is None:
            continue
        if span.offset != ends.get(name, 0):
            return None
        ends[name] = span.offset + span.length
        view = RecordedBytes(span.length, span.sha256, record.size, record.sha256)
        files.setdefault(name, RecordedFile(name, compression, [])).views.append(view)
    return list(files.values())


def as_recorded(shelf: Shelf, file: RecordedFile) -> bool:
    """Tell by the hashes whether a file holds the recorded bytes, as they lie there and inflated, and nothing else.

    Reads the file once, in blocks. A file that cannot be read is False, too. `check_session` finds the reason for a
    False.
    """
    try:
        cut = _Cut(shelf.blocks(file.name))
        return all(_is_recorded(cut, view, file.compression) for view in file.views) and cut.at_end()
    except (OSError, ValueError):
        return False


def _is_recorded(cut: _Cut, view: RecordedBytes, compression: Compression) -> bool:
    if compression is Compression.NONE:
        # Lines that lie there as they are have one hash, and are hashed where they were read, without a copy.
        return Hashed(cut.take(view.length)).sha256() == view.sha256
    stored = Hashed(map(bytes, cut.take(view.length)))
    lines = Hashed(plain_text(stored, compression, view.size)).sha256()
    return (lines, stored.sha256()) == (view.sha256, view.stored_sha256)


class _Cut:
    """Blocks of a file, which are given again cut at the ends of its views."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def take(self, length: int) -> Iterator[memoryview]:
        """Give the next ``length`` bytes in pieces; raises ValueError where the file ends before."""
        while length:
            if not self._rest:
                block = next(self._blocks, None)
                if block is None:
                    raise ValueError("the file ends before its last view does")
                self._rest = memoryview(block)
            piece = self._rest[:length]
            self._rest = self._rest[length:]
            length -= len(piece)
            yield piece

    def at_end(self) -> bool:
        """Tell whether the file has no more bytes."""
        return not self._rest and next(self._blocks, None) is None
