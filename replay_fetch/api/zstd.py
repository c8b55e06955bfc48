"""The zstd decompressor: Python's own from 3.14 on, else the same out of the backports.zstd package."""

from __future__ import annotations

import sys
from typing import Protocol

NEEDED = "needs the backports.zstd package, which belongs to replay-fetch: pip install backports.zstd"
MAGIC = b"\x28\xb5\x2f\xfd"


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
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415 - absent before 3.14
        else:
            from backports import zstd  # noqa: PLC0415 - for bodies nobody asks for
    except ImportError:
        raise MissingZstd(f"a zstd body {NEEDED}") from None
    return zstd.ZstdDecompressor(), zstd.ZstdError
