"""Compression: one member or frame a view, the same bytes however the lines came."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.archive.compress import BLOCK, _blocks, compressed, decompressed, require
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


def test_a_block_that_lies_in_one_chunk_is_not_copied() -> None:
    body = bytes(3 * BLOCK + 7)
    blocks = [block for block in _blocks([body]) if isinstance(block, memoryview)]
    assert [block.nbytes for block in blocks] == [BLOCK, BLOCK, BLOCK, 7]
    assert all(block.obj is body for block in blocks)


@pytest.mark.parametrize("program", [["gzip", "-dc"], ["zcat"], ["pigz", "-dc"], [sys.executable, "-m", "gzip", "-d"]])
def test_gzip_opens_with_the_usual_tools(program: list[str]) -> None:
    """Beside members that zlib wrote: an archive may be older than the library."""
    if shutil.which(program[0]) is None:
        pytest.skip(f"{program[0]} is not installed")
    stored = b"".join(compressed([LINES], Compression.GZIP))
    file = stored + gzip.compress(LINES) + b"".join(compressed([bytes(3 * BLOCK)], Compression.GZIP)) + stored
    assert gzip.decompress(file) == LINES * 2 + bytes(3 * BLOCK) + LINES
    assert subprocess.run(program, input=file, capture_output=True, check=True).stdout == gzip.decompress(file)  # noqa: S603 - the programs above


@pytest.mark.parametrize("level", range(10))
def test_members_that_zlib_wrote_are_read(level: int) -> None:
    stored = zlib.compress(LINES, level, wbits=31)
    assert b"".join(decompressed([stored[:50], stored[50:]], Compression.GZIP)) == LINES


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


@pytest.mark.parametrize("compression", SQUEEZED)
def test_bytes_behind_a_member_in_a_piece_of_their_own_are_a_value_error_too(compression: Compression) -> None:
    """Python's own zstd raises EOFError there, zlib keeps silent."""
    stored = b"".join(compressed([LINES], compression))
    with pytest.raises(ValueError, match="too late"):
        list(decompressed([stored, b"more"], compression))


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="has zstd built in")
def test_a_missing_library_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "backports", None)
    require(Compression.GZIP)
    with pytest.raises(SettingsError, match=r"pip install backports\.zstd"):
        require(Compression.ZSTD)
