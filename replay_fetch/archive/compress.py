"""Compression: a view's lines become one gzip member or zstd frame, and come back out of it.

The same lines must give the same bytes, however the pages and the interruptions fell: lines are fed in blocks of equal
size, without a name or a time in the header.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from replay_fetch.api.coding import (
    GZIP,
    NEEDED,
    DamagedDeflate,
    Deflater,
    gzip_deflater,
    inflater,
    outputs,
    zstd_deflater,
    zstd_frame,
    zstd_is_there,
)
from replay_fetch.blocks import file_range
from replay_fetch.errors import SettingsError
from replay_fetch.model import Span
from replay_fetch.settings import Compression

# Part of the format: lines that are fed in other blocks may become other bytes, and a killed run's archive would
# differ.
BLOCK = 2**20
_LACKS_ZSTD = f"--compress zstd {NEEDED}"
# On the sample recordings, ms of CPU a MB and ratio: gzip at 3 4.1 and 5.8, at 5 5.1 and 6.2, at 6 6.8 and 6.2;
# zstd at 1 1.7 and 6.5, at 3 2.3 and 6.6. zlib itself at 6, what most gzip files are made with: 10.8 and 6.4.
_GZIP_LEVEL = 5
_ZSTD_LEVEL = 3


def compressed(chunks: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """Compress the chunks into a single member or frame, the same bytes however they are cut; unchanged for NONE."""
    if compression is Compression.NONE:
        yield from chunks
        return
    compressor = _zstd() if compression is Compression.ZSTD else gzip_deflater(_GZIP_LEVEL)
    for block in _blocks(chunks):
        yield compressor.compress(block)
    yield compressor.flush()


def decompressed(chunks: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """Decompress a member or frame in blocks of at most a megabyte; raises ValueError where bytes are damaged or cut.

    Half a kilobyte of a hostile file may inflate to 16 MB, so the output is bounded and not the input.
    """
    if compression is Compression.NONE:
        yield from chunks
        return
    stream, damage = zstd_frame() if compression is Compression.ZSTD else (inflater(GZIP), DamagedDeflate)
    try:
        for chunk in chunks:
            if stream.eof:
                raise ValueError(f"{compression} data that ends too early or too late")
            yield from outputs(stream, chunk, BLOCK)
    except damage as error:
        raise ValueError(f"damaged {compression} data: {error}") from error
    # A cut member inflates without complaint as far as it goes, so its end is asked for.
    if not stream.eof or stream.unused_data:
        raise ValueError(f"{compression} data that ends too early or too late")


def require(compression: Compression) -> None:
    """Raise SettingsError where the library for a compression is missing, with the command that installs it."""
    if compression is Compression.ZSTD and not zstd_is_there():
        raise SettingsError(_LACKS_ZSTD)


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """Cut the chunks into blocks of a fixed size; bytes are copied only where a block has parts of several chunks."""
    begun: list[memoryview] = []
    room = BLOCK
    for chunk in chunks:
        rest = memoryview(chunk)
        while len(rest) >= room:
            yield b"".join((*begun, rest[:room])) if begun else rest[:room]
            rest = rest[room:]
            begun, room = [], BLOCK
        if rest:
            begun.append(rest)
            room -= len(rest)
    if begun:
        yield b"".join(begun) if len(begun) > 1 else begun[0]


def _zstd() -> Deflater:
    try:
        return zstd_deflater(_ZSTD_LEVEL)
    except ImportError:
        raise SettingsError(_LACKS_ZSTD) from None


def stored_text(path: Path, span: Span, compression: Compression, size: int) -> Iterator[bytes]:
    """Read a view's lines out of a file, as `plain_text` gives them; raises OSError where the file is shorter."""
    return plain_text(file_range(path, span.offset, span.length), compression, size)


def plain_text(stored: Iterable[bytes], compression: Compression, size: int) -> Iterator[bytes]:
    """Give a view's lines as they were before compression, in blocks of together exactly ``size`` bytes.

    ``stored`` are the bytes as they lie in the file. No more is inflated than ``size``, for a stranger may have written
    them. Raises ValueError where they are damaged or give another number of bytes.
    """
    there = 0
    for block in bounded(decompressed(stored, compression), size):
        there += len(block)
        yield block
    if there < size:
        raise ValueError(f"{there} bytes where there should be {size}")


def bounded(blocks: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Pass blocks on; raises ValueError as soon as they are together more than ``most`` bytes."""
    there = 0
    for block in blocks:
        there += len(block)
        if there > most:
            raise ValueError(f"more than the {most} bytes that there should be")
        yield block
