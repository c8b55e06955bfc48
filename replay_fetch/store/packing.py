"""Lines packed with zstd: the form of log parts, lists and checkpoints in a store.

Reading holds a few pieces at a time: a log part of 50,000 views took 747 MB when it was unpacked and decoded whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from replay_fetch.api.coding import Deflater, zstd_deflater, zstd_frame

_PIECE = 16 * 2**10  # packed bytes unpacked at once; log lines shrink to a tenth, so some 160 kB come out
_BLOCK = 2**20  # plain bytes packed at once
# The level of session files, whose figures stand in `archive.compress`.
_LEVEL = 3


class Unpackable(Exception):
    """Packed bytes are damaged, or end before their frame does; callers name the object in an error of their own."""


def pack(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks as one zstd frame; raises SettingsError where the library is missing."""
    packer = _packer()
    for block in _blocks(chunks):
        if packed := packer.compress(block):
            yield packed
    yield packer.flush()


def unpack(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of one frame, in pieces; raises Unpackable where it is damaged or does not end."""
    frame, damage = zstd_frame()
    try:
        for chunk in chunks:
            for start in range(0, len(chunk), _PIECE):
                if frame.eof:
                    raise Unpackable
                if plain := frame.decompress(chunk[start : start + _PIECE]):
                    yield plain
    except damage:
        raise Unpackable from None
    if not frame.eof or frame.unused_data:
        raise Unpackable


def pack_file(chunks: Iterable[bytes], target: Path) -> None:
    """Write the chunks packed into a file, for what is too large to be held."""
    with target.open("wb") as file:
        file.writelines(pack(chunks))


def packing_into(write: Callable[[bytes], object]) -> Callable[[bytes | None], None]:
    """A function that packs the chunks it is given, and ends the frame at None, for bytes that come by and by."""
    packer = _packer()

    def take(chunk: bytes | None) -> None:
        write(packer.flush() if chunk is None else packer.compress(chunk))

    return take


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks joined until they are worth a call: a packer takes microseconds for a line of 300 bytes."""
    begun, size = [], 0
    for chunk in chunks:
        begun.append(chunk)
        size += len(chunk)
        if size >= _BLOCK:
            yield b"".join(begun)
            begun, size = [], 0
    yield b"".join(begun)


def _packer() -> Deflater:
    """A packer whose frame ends in a checksum, since a flipped bit in a ledger would unpack as well as any other."""
    return zstd_deflater(_LEVEL, checksum=True)
