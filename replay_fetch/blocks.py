"""Read files in blocks, and cut blocks into lines: memory holds a block and a line, however large the file is."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

Piece = TypeVar("Piece", bytes, memoryview)

_BLOCK = 2**20
# A page is at most 256 MiB unless a program allows it more: past four times that, a line is none of ours.
_LONGEST_LINE = 2**30
# The answers about a file itself: it is gone, its disk cannot read it, or it is too short, our own error without a
# number. All others, such as too many open files, say nothing of its bytes.
_DAMAGE = frozenset({None, errno.ENOENT, errno.EIO})


def file_range(path: Path, offset: int, length: int) -> Iterator[bytes]:
    """Read exactly ``length`` bytes from ``offset`` in blocks; raises OSError where the file is shorter."""
    with path.open("rb") as file:
        file.seek(offset)
        while length:
            block = file.read(min(length, _BLOCK))
            if not block:
                raise OSError(f"{path} is shorter than the ledger says")
            length -= len(block)
            yield block


def is_damage(error: OSError) -> bool:
    """Tell whether an error in reading a file means that its bytes are not there; False where a later try may succeed.

    Saved lines that count as damaged are given up, so no passing refusal of the system may count as damage.
    """
    return error.errno in _DAMAGE


def whole_file(path: Path) -> Iterator[bytes]:
    """Read a file to its end in blocks of a megabyte."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def small_file(path: Path, most: int) -> bytes:
    """Read a small file whole; raises ValueError, with nothing read, where it has more than ``most`` bytes."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise ValueError(f"{path} has {size} bytes, and {most} at most are sensible")
        return file.read(most)


def whole_lines(path: Path, length: int) -> Iterator[bytes]:
    """Read the first ``length`` bytes as lines with their newlines; raises ValueError where no line ends there."""
    for line in lines_of(file_range(path, 0, length)):
        yield line + b"\n"


def lines_of(blocks: Iterable[bytes], longest: int = _LONGEST_LINE) -> Iterator[bytes]:
    """Cut blocks into lines without their newlines, wherever the blocks are cut.

    Holds a block and a line. Raises ValueError where a line grows past ``longest`` bytes, or the last line breaks
    off.
    """
    begun: list[bytes] = []
    size = 0
    for block in blocks:
        *whole, rest = block.split(b"\n")
        for line in whole:
            yield b"".join((*begun, line))
            begun, size = [], 0
        if rest:
            begun.append(rest)
            size += len(rest)
        if size > longest:
            raise ValueError(f"a line of more than {longest} bytes")
    if begun:
        raise ValueError("its last line breaks off")


class Hashed(Generic[Piece]):
    """Blocks that are hashed as they are taken, once: the check of the bytes needs no second reading."""

    def __init__(self, blocks: Iterable[Piece]) -> None:
        self._blocks: Iterator[Piece] = iter(blocks)
        self._sha256 = hashlib.sha256()

    def __iter__(self) -> Iterator[Piece]:
        for block in self._blocks:
            self._sha256.update(block)
            yield block

    def sha256(self) -> str:
        """Return the hash of all blocks; those that nobody has taken are read to the end."""
        for _ in self:
            pass
        return self._sha256.hexdigest()
