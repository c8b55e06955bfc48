"""Compressing a view's lines into one gzip member or zstd frame.

The same lines must give the same bytes, however the pages and the interruptions fell: lines are fed
in blocks of one size, without a name or a time in the header.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from replay_fetch.api.zstd import zstd_frame
from replay_fetch.errors import SettingsError
from replay_fetch.settings import Compression

BLOCK = 2**20
_GZIP_WBITS = 31
_GZIP_LEVEL = 6
_ZSTD_LEVEL = 3  # 4.4-4.7 : 1 on recordings at half the time of gzip-1


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def compressed(chunks: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """The chunks as one member or frame; unchanged where nothing is compressed."""
    if compression is Compression.NONE:
        yield from chunks
        return
    compressor = _zstd() if compression is Compression.ZSTD else zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WBITS)
    for block in _blocks(chunks):
        yield compressor.compress(block)
    yield compressor.flush()


def decompressed(chunks: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """What `compressed` was given; raises ValueError where the bytes are damaged or cut."""
    if compression is Compression.NONE:
        yield from chunks
        return
    stream, damage = zstd_frame() if compression is Compression.ZSTD else (zlib.decompressobj(_GZIP_WBITS), zlib.error)
    try:
        for chunk in chunks:
            yield stream.decompress(chunk)
    except damage as error:
        raise ValueError(f"damaged {compression} data: {error}") from error
    if not stream.eof or stream.unused_data:
        raise ValueError(f"{compression} data that ends too early or too late")


def require(compression: Compression) -> None:
    """Raise SettingsError where the library for this compression is missing."""
    if compression is Compression.ZSTD:
        _zstd()


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= BLOCK:
            yield bytes(held[:BLOCK])
            del held[:BLOCK]
    if held:
        yield bytes(held)


def _zstd() -> _Compressor:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - absent before 3.14

        return zstd.ZstdCompressor(level=_ZSTD_LEVEL)
    try:
        import zstandard  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise SettingsError("--compress zstd needs the zstd extra: pip install 'replay-fetch[zstd]'") from None
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
