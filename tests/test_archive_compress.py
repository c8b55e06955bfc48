"""Compression: one member or frame a view, the same bytes however the lines came."""

from __future__ import annotations

import gzip
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.archive.compress import BLOCK, compressed, decompressed, require
from replay_fetch.errors import SettingsError
from replay_fetch.settings import Compression

SQUEEZED = [Compression.GZIP, Compression.ZSTD]
LINES = b"".join(b'{"position":%d,"segment":{"records":[%d]}}\n' % (n, n * n) for n in range(2000))


@pytest.mark.parametrize("compression", Compression)
@settings(max_examples=40)
@given(cuts=st.lists(st.integers(0, len(LINES)), max_size=6))
def test_the_same_lines_give_the_same_bytes_however_they_are_cut(compression: Compression, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(LINES)]
    chunks = [LINES[start:end] for start, end in pairwise(edges)]
    assert b"".join(compressed(chunks, compression)) == b"".join(compressed([LINES], compression))


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_blocks_leave_no_seam(compression: Compression, size: int) -> None:
    body = (LINES * (size // len(LINES) + 1))[:size]
    pieces = [body[: size // 3], body[size // 3 :]]
    stored = list(compressed(pieces, compression))
    assert b"".join(decompressed(stored, compression)) == body
    assert b"".join(stored) == b"".join(compressed([body], compression))


def test_gzip_tells_no_time_and_no_name() -> None:
    header = b"".join(compressed([LINES], Compression.GZIP))[:10]
    assert header[3:8] == bytes(5), "flags and mtime"


def test_gzip_opens_with_the_usual_tools() -> None:
    assert gzip.decompress(b"".join(compressed([LINES], Compression.GZIP)) * 2) == LINES * 2


@pytest.mark.parametrize("compression", SQUEEZED)
@pytest.mark.parametrize("damage", ["cut", "longer", "altered"])
def test_damage_is_a_value_error(compression: Compression, damage: str) -> None:
    stored = b"".join(compressed([LINES], compression))
    middle = len(stored) // 2
    damaged = {
        "cut": stored[:-1],
        "longer": stored + b"\0",
        "altered": stored[:middle] + bytes([stored[middle] ^ 0xFF]) + stored[middle + 1 :],
    }[damage]
    with pytest.raises(ValueError, match=str(compression)):
        assert b"".join(decompressed([damaged], compression)) == LINES


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="has zstd built in")
def test_a_missing_library_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    require(Compression.GZIP)
    with pytest.raises(SettingsError, match=r"pip install 'replay-fetch\[zstd\]'"):
        require(Compression.ZSTD)
