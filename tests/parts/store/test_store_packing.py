"""Packed lines: out again as they went in, in little memory, and damage said by its name."""

from __future__ import annotations

import hashlib
import itertools
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.blocks import lines_of
from replay_fetch.store.driver import Tag
from replay_fetch.store.entries import LoggedObject
from replay_fetch.store.failures import StoreError
from replay_fetch.store.lists import list_name, read_list
from replay_fetch.store.log import LogPart
from replay_fetch.store.packing import Unpackable, pack, unpack
from replay_fetch.store.parts import GrownPart, blobs

FOLDER = ".replay-fetch"


def test_a_large_part_is_read_in_little_memory() -> None:
    header = b'{"number":1,"epoch":1,"writer":"x","kind":"commit"}\n'
    views = (f'["gone","{hashlib.sha256(b"%d" % n).hexdigest()}{"-" * 900}"]\n'.encode() for n in range(20_000))
    part = LogPart("log/1", b"".join(pack(itertools.chain([header], views))))
    tracemalloc.start()
    assert sum(1 for _ in part.entries()) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20  # of 20 MB


@given(st.lists(st.binary(max_size=40)), st.integers(1, 50))
def test_lines_come_out_whole_however_the_pieces_fall(written: list[bytes], size: int) -> None:
    written = [line.replace(b"\n", b"") for line in written]
    text = b"".join(line + b"\n" for line in written)
    packed = b"".join(pack([text]))
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert list(lines_of(unpack(pieces))) == written
    with pytest.raises(Unpackable):
        list(unpack([packed[:-1]]))


def test_no_lines_make_no_blob_and_lines_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    assert list(blobs(FOLDER, 1, 1, [])) == []
    (tmp_path / "1").write_bytes(b"short")
    with pytest.raises(StoreError, match="shorter than what was committed"):
        list(blobs(FOLDER, 1, 1, [GrownPart(1, 0, tmp_path / "1", 0, 6)]))


@pytest.mark.parametrize("content", [b"", b"line,session\n", b"line,session_id,view_id,expected,dated\nx,a,b,,\n"])
def test_a_list_that_is_none_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"".join(pack([content])))
    with pytest.raises(StoreError, match=r"lists/0001\.csv\.zst is damaged"):
        list(read_list(tmp_path / "list", list_name(FOLDER, 1)))


def test_the_tag_of_an_object_is_what_the_next_write_replaces() -> None:
    assert LoggedObject("a", 1, "x", '"1"', "9").tag == Tag('"1"', "9")
