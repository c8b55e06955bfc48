"""Compressed bodies: every coding, streams in a row, damage, bombs."""

from __future__ import annotations

import contextlib
import gzip
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.api.body import CutBody, OversizedBody, inflate
from replay_fetch.api.coding import MissingZstd

MIB = 2**20
TEXT = b'{"records":[' + b"1234567890," * 500 + b"0]}"


def raw_deflate(text: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeeze.compress(text) + squeeze.flush()


def zlib_level(level: int) -> Callable[[bytes], bytes]:
    """zlib's two header bytes depend on the level."""
    return lambda text: zlib.compress(text, level)


CODECS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    **{f"zlib-{level}": zlib_level(level) for level in (0, 1, 5, 6, 9)},
}
STREAMS = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


@STREAMS
@pytest.mark.parametrize("header", ["", "gzip", "x-gzip", "deflate", "zstd", "identity", "br"])
def test_the_bytes_are_believed_whatever_the_header_says(codec: Callable[[bytes], bytes], header: str) -> None:
    assert inflate(codec(TEXT), header, MIB) == TEXT


@pytest.mark.parametrize("header", ["deflate", "Deflate", "deflate, gzip"])
@pytest.mark.parametrize("text", [b'{"data":[]}', b"[]", b"<html>", TEXT])
def test_deflate_without_a_header_is_read_where_it_is_announced(header: str, text: bytes) -> None:
    body = raw_deflate(text)
    assert inflate(gzip.compress(body) if "gzip" in header else body, header, MIB) == text


def test_output_that_is_still_inside_when_the_input_ends_is_not_lost() -> None:
    """zlib is asked for 1 MiB at a time; of what is left over it may have read all the input."""
    for size in range(MIB - 3, MIB + 200, 7):
        assert inflate(raw_deflate(bytes(size)), "deflate", 2 * MIB) == bytes(size)


@pytest.mark.parametrize("header", ["", "gzip", "deflate", "zstd", "identity", "utf-8"])
@pytest.mark.parametrize("text", [b'{"data":[]}', b"[]", b""])
def test_plain_text_passes_untouched(header: str, text: bytes) -> None:
    assert inflate(text, header, MIB) is text


def test_codings_on_top_of_each_other_are_all_undone() -> None:
    assert inflate(gzip.compress(zlib.compress(zstandard.compress(TEXT))), "zstd, deflate, gzip", MIB) == TEXT


@given(parts=st.lists(st.tuples(st.sampled_from(sorted(CODECS)), st.binary(max_size=40)), min_size=1, max_size=6))
def test_streams_one_after_another_are_one_text(parts: list[tuple[str, bytes]]) -> None:
    text = b"".join(b"{" + part for _, part in parts)
    assert inflate(b"".join(CODECS[name](b"{" + part) for name, part in parts), "", MIB) == text


@STREAMS
def test_padding_behind_the_last_stream_is_no_damage(codec: Callable[[bytes], bytes]) -> None:
    assert inflate(codec(TEXT) + b"\0\0\n", "", MIB) == TEXT


@STREAMS
@pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1, 3 * MIB])
def test_bytes_behind_a_large_stream_are_read_once(codec: Callable[[bytes], bytes], size: int) -> None:
    """Where the output comes in several pieces, zlib calls what follows the stream unconsumed and unused."""
    assert inflate(codec(bytes(size)) + codec(b"{}"), "", 4 * MIB) == bytes(size) + b"{}"
    assert inflate(codec(bytes(size)) + b"\0", "", 4 * MIB) == bytes(size)
    with pytest.raises(CutBody, match="not another one"):
        inflate(codec(bytes(size)) + b"{}", "", 4 * MIB)


@STREAMS
def test_a_stream_that_ends_early_is_cut(codec: Callable[[bytes], bytes]) -> None:
    body = codec(TEXT)
    for length in range(4, len(body), 1 + len(body) // 50):
        with pytest.raises(CutBody):
            inflate(body[:length], "", MIB)
        with pytest.raises(CutBody):
            inflate(codec(b"{}") + body[:length], "", MIB)


def test_raw_deflate_that_ends_early_or_goes_on_is_damaged() -> None:
    with pytest.raises(CutBody):
        inflate(raw_deflate(TEXT)[:-3], "deflate", MIB)
    with pytest.raises(CutBody):
        inflate(raw_deflate(TEXT) + b"more", "deflate", MIB)


@pytest.mark.parametrize("rest", [b"{}", b"\x1f", b"garbage"])
def test_bytes_behind_a_stream_that_are_no_stream_are_damage(rest: bytes) -> None:
    with pytest.raises(CutBody, match="not another one"):
        inflate(gzip.compress(TEXT) + rest, "gzip", MIB)


@STREAMS
def test_a_body_may_inflate_to_the_limit_and_not_past_it(codec: Callable[[bytes], bytes]) -> None:
    assert inflate(codec(TEXT), "", len(TEXT)) == TEXT
    with pytest.raises(OversizedBody, match=f"{len(TEXT) - 1} bytes"):
        inflate(codec(TEXT), "", len(TEXT) - 1)


def test_a_plain_body_past_the_limit_is_refused() -> None:
    with pytest.raises(OversizedBody):
        inflate(TEXT, "", len(TEXT) - 1)


@pytest.mark.parametrize(
    ("codec", "slack"), [(gzip.compress, 3 * MIB), (zlib.compress, 3 * MIB), (zstandard.compress, 40 * MIB)]
)
def test_a_bomb_takes_no_more_memory_than_the_limit_and_a_piece(codec: Callable[[bytes], bytes], slack: int) -> None:
    bomb = codec(bytes(100 * MIB))
    tracemalloc.start()
    try:
        with pytest.raises(OversizedBody):
            inflate(bomb, "", 4 * MIB)
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB + slack
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("codec", [gzip.compress, zlib.compress])
def test_a_bomb_under_a_high_limit_is_counted_and_not_kept(codec: Callable[[bytes], bytes]) -> None:
    """An error that lives on holds nothing of the bomb either."""
    bomb = codec(bytes(100 * MIB))
    tracemalloc.start()
    try:
        with pytest.raises(OversizedBody, match=f"more than the {99 * MIB} bytes allowed"):
            inflate(bomb, "", 99 * MIB)
        assert tracemalloc.get_traced_memory()[1] < 20 * MIB
    finally:
        tracemalloc.stop()


@STREAMS
def test_a_large_body_within_the_limit_comes_whole(codec: Callable[[bytes], bytes]) -> None:
    large = (b"%020d" * 50_000 % tuple(range(50_000))) * 5
    assert len(large) == 5_000_000
    body = codec(large[:2_499_999]) + codec(large[2_499_999:])
    assert inflate(body, "", len(large)) == large
    with pytest.raises(OversizedBody):
        inflate(body, "", len(large) - 1)


def test_a_body_that_goes_on_inflating_is_refused() -> None:
    body = b"{}"
    for _ in range(9):
        body = gzip.compress(body)
    with pytest.raises(OversizedBody, match="8 times"):
        inflate(body, "gzip", MIB)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="zstd is built in")
def test_a_zstd_body_without_the_package_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "backports", None)
    with pytest.raises(MissingZstd, match=r"pip install backports\.zstd"):
        inflate(zstandard.compress(TEXT), "zstd", MIB)


@given(
    start=st.sampled_from([b"", b"\x1f\x8b\x08\0", b"\x78\x9c", b"\x28\xb5\x2f\xfd"]),
    rest=st.binary(max_size=80),
    header=st.sampled_from(["", "deflate"]),
)
def test_no_bytes_raise_anything_else(start: bytes, rest: bytes, header: str) -> None:
    with contextlib.suppress(CutBody, OversizedBody):
        assert len(inflate(start + rest, header, 1000)) <= 1000
