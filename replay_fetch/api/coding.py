"""The compression libraries behind one door: deflate by zlib-ng, zstd by Python or an optional package.

zlib-ng has zlib's interface and zlib's verdict on any stream, whole, damaged or cut. Python decompresses zstd itself
from 3.14 on; before, the same module out of the backports.zstd package.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Protocol, cast

from zlib_ng import zlib_ng

# zlib's window bits: 32 KiB of window, and which wrapping.
RAW = -zlib_ng.MAX_WBITS
GZIP = 16 + zlib_ng.MAX_WBITS
GZIP_OR_ZLIB = 32 + zlib_ng.MAX_WBITS

DamagedDeflate = cast(type[Exception], zlib_ng.error)  # the library's own types call the class an instance


class Inflater(Protocol):
    """Reads a single deflate stream, fed in pieces of any size."""

    @property
    def eof(self) -> bool:
        """True once the stream is whole: its end was read, and its checksum agrees with what was given out."""

    @property
    def unused_data(self) -> bytes:
        """Bytes that were fed past the end of the stream."""

    @property
    def unconsumed_tail(self) -> bytes:
        """Bytes to feed again, because the output was full; meaningless once ``eof`` is true."""

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        """Return the next output, at most ``max_length`` bytes where ``max_length`` is not 0."""

    def flush(self) -> bytes:
        """Return the output for which no more input is needed."""


class Deflater(Protocol):
    """Writes a single deflate stream, fed in pieces of any size."""

    def compress(self, data: bytes | memoryview, /) -> bytes:
        """Return the next output, often none: the library gathers input first."""

    def flush(self) -> bytes:
        """Return the end of the stream; nothing may be fed afterwards."""


def inflater(wrapping: int) -> Inflater:
    """A reader for a single stream in the given wrapping (`RAW`, `GZIP`, `GZIP_OR_ZLIB`); raises DamagedDeflate."""
    return zlib_ng.decompressobj(wrapping)


def gzip_deflater(level: int) -> Deflater:
    """A writer for a single gzip member, without a name or a time in the header: equal input gives equal bytes."""
    return zlib_ng.compressobj(level, wbits=GZIP)


ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


NEEDED = "needs the backports.zstd package, which belongs to replay-fetch: pip install backports.zstd"


class MissingZstd(ValueError):
    """A zstd body came, and no installed library reads zstd; the message names the extra to install."""


class ZstdFrame(Protocol):
    """The interface that the decompressors of both zstd libraries share, for a single frame."""

    @property
    def eof(self) -> bool:
        """True once the frame is whole."""

    @property
    def unused_data(self) -> bytes:
        """Bytes that were fed past the end of the frame."""

    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes:
        """Return the next output, at most ``max_length`` bytes where that is not negative."""


def zstd_is_there() -> bool:
    """Tell whether a zstd library is installed, without making a compressor: archives ask this for every session."""
    try:
        _zstd()
    except ImportError:
        return False
    return True


def zstd_frame() -> tuple[ZstdFrame, type[Exception]]:
    """A decompressor for a single frame, and the exception class with which the library refuses a damaged frame.

    Raises MissingZstd where the library is not there.
    """
    try:
        zstd = _zstd()
    except ImportError:
        raise MissingZstd(f"a zstd body {NEEDED}") from None
    return zstd.ZstdDecompressor(), zstd.ZstdError


def outputs(stream: Inflater | ZstdFrame, piece: bytes, most: int) -> Iterator[bytes]:
    """Feed a piece of a stream and give all output that follows from it, in blocks of at most ``most`` bytes."""
    block = stream.decompress(piece, most)
    yield block
    # Behind a full block there may be more, even where the library has taken in the whole piece: a zstd frame keeps
    # what it was fed, a deflate stream hands it back.
    while len(block) == most and not stream.eof:
        block = stream.decompress(getattr(stream, "unconsumed_tail", b""), most)
        yield block


def zstd_deflater(level: int, *, checksum: bool = False) -> Deflater:
    """A compressor for a single frame, which ends in a checksum where asked to; equal input gives equal bytes.

    Raises ImportError where the library is not there.
    """
    zstd = _zstd()
    parameter = zstd.CompressionParameter
    compressor: Deflater = zstd.ZstdCompressor(
        options={parameter.compression_level: level, parameter.checksum_flag: int(checksum)}
    )
    return compressor


def _zstd() -> Any:  # Any: one of two modules with the same names
    """Load the library when it is first needed: most runs meet no zstd."""
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - absent before 3.14
    else:
        from backports import zstd  # noqa: PLC0415 - as above
    return zstd
