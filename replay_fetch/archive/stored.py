"""A view's lines out of the file they are stored in, read as if a stranger had written it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from replay_fetch.archive.blocks import file_range
from replay_fetch.archive.compress import decompressed
from replay_fetch.model import Span
from replay_fetch.settings import Compression

# Fed in small pieces, for 512 bytes of a hostile file inflate to 16 MB as zstd, which its library holds twice, to
# 0.5 MB as gzip; no slower than large ones.
_PIECE = 512


def stored_text(path: Path, span: Span, compression: Compression, size: int) -> Iterator[bytes]:
    """The view's lines as they were before compression, in blocks of together exactly ``size`` bytes.

    No more is inflated than that. Raises ValueError where the bytes are damaged or are not as many,
    OSError where the file cannot be read or is shorter than it must be.
    """
    there = 0
    for block in decompressed(_pieces(path, span, compression), compression):
        there += len(block)
        if there > size:
            raise ValueError(f"more than the {size} bytes that there should be")
        yield block
    if there < size:
        raise ValueError(f"{there} bytes where there should be {size}")


def _pieces(path: Path, span: Span, compression: Compression) -> Iterator[bytes]:
    for block in file_range(path, span.offset, span.length):
        if compression is Compression.NONE:
            yield block
        else:
            yield from (block[at : at + _PIECE] for at in range(0, len(block), _PIECE))
