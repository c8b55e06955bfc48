"""Reading stretches of the archive's files, a block at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

_BLOCK = 2**20


def file_range(path: Path, offset: int, length: int) -> Iterator[bytes]:
    """Blocks of together exactly ``length`` bytes; raises OSError where the file is shorter."""
    with path.open("rb") as file:
        file.seek(offset)
        while length:
            block = file.read(min(length, _BLOCK))
            if not block:
                raise OSError(f"{path} is shorter than the ledger says")
            length -= len(block)
            yield block


def whole_lines(path: Path, length: int) -> Iterator[bytes]:
    """The lines in the first ``length`` bytes; raises ValueError where they do not end there."""
    if not length:
        return
    with path.open("rb") as file:
        for line in file:
            length -= len(line)
            if length < 0:
                break
            yield line
            if not length:
                return
    raise ValueError(f"{path} has no line that ends where the ledger says")


def lines_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines in some blocks, wherever the blocks are cut."""
    begun: list[bytes] = []
    for block in blocks:
        *whole, rest = block.split(b"\n")
        for line in whole:
            yield b"".join((*begun, line, b"\n"))
            begun = []
        begun.append(rest)
    if any(begun):
        yield b"".join(begun)
