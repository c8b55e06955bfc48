"""Deflate, raw or in zlib's or gzip's wrapping, read and written by zlib-ng.

Its interface is zlib's, and so is its verdict on any stream, whole, damaged or cut.
"""

from __future__ import annotations

import sys
from typing import Protocol, cast

from zlib_ng import zlib_ng

from replay_fetch.errors import extra_needed

# What zlib calls window bits: 32 KiB of window, and which wrapping.
RAW = -zlib_ng.MAX_WBITS
GZIP = 16 + zlib_ng.MAX_WBITS
GZIP_OR_ZLIB = 32 + zlib_ng.MAX_WBITS

DamagedDeflate = cast(type[Exception], zlib_ng.error)  # the library's own types call the class an instance


class Inflater(Protocol):
    """What reads one stream."""

    @property
    def eof(self) -> bool:
        """True once the stream is whole."""

    @property
    def unused_data(self) -> bytes:
        """What was fed past the end of the stream."""

    @property
    def unconsumed_tail(self) -> bytes:
        """What is to be fed again, because the output was full; means nothing once ``eof`` is true."""

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        """The next output, at most ``max_length`` bytes of it where that is not 0."""

    def flush(self) -> bytes:
        """The output that no input stands behind any more."""


class Deflater(Protocol):
    """What writes one stream."""

    def compress(self, data: bytes | memoryview, /) -> bytes:
        """The next output, often none."""

    def flush(self) -> bytes:
        """The end of the stream."""


def inflater(wrapping: int) -> Inflater:
    """What reads one stream in this wrapping; raises DamagedDeflate."""
    return zlib_ng.decompressobj(wrapping)


def gzip_deflater(level: int) -> Deflater:
    """What writes one gzip member, without a name or a time in its header."""
    return zlib_ng.compressobj(level, wbits=GZIP)


ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class MissingZstd(ValueError):
    """A zstd body came, and nothing installed can read it."""


class ZstdFrame(Protocol):
    """What both libraries' decompressors of one frame have in common."""

    @property
    def eof(self) -> bool:
        """True once the frame is whole."""

    @property
    def unused_data(self) -> bytes:
        """What was fed past the end of the frame."""

    def decompress(self, data: bytes, /) -> bytes:
        """All that ``data`` adds to the output."""


def zstd_frame() -> tuple[ZstdFrame, type[Exception]]:
    """A decompressor for one frame, and what it raises for a damaged one."""
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - absent before 3.14

        return zstd.ZstdDecompressor(), zstd.ZstdError
    try:
        import zstandard  # noqa: PLC0415 - an optional extra, needed for bodies nobody asks for
    except ImportError:
        raise MissingZstd(extra_needed("a zstd body", "zstd")) from None
    return zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError
