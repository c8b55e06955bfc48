"""zlib-ng in zlib's place: zlib is the judge of every stream, whole, damaged or cut."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.api.coding import GZIP, GZIP_OR_ZLIB, RAW, DamagedDeflate, Inflater, gzip_deflater, inflater

ZLIB = zlib.MAX_WBITS
LINES = b"".join(b'{"position":%d,"segment":{"records":[%d]}}\n' % (n, n * n) for n in range(400))


@st.composite
def streams(draw: st.DrawFn) -> tuple[int, bytes]:
    """A wrapping to be read with, and what zlib once wrote in it, often spoilt since."""
    wrapping = draw(st.sampled_from([GZIP, ZLIB, RAW, GZIP_OR_ZLIB]))
    written = draw(st.sampled_from([GZIP, ZLIB])) if wrapping == GZIP_OR_ZLIB else wrapping
    strategy = draw(st.sampled_from([zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_FIXED]))
    deflater = zlib.compressobj(draw(st.integers(0, 9)), zlib.DEFLATED, written, strategy=strategy)
    text = draw(st.one_of(st.binary(max_size=60), st.integers(0, len(LINES)).map(lambda size: LINES[:size])))
    stream = deflater.compress(text) + deflater.flush()
    match draw(st.sampled_from(["whole", "altered", "cut", "longer"])):
        case "altered":
            at = draw(st.integers(0, len(stream) - 1))
            stream = stream[:at] + bytes([stream[at] ^ draw(st.integers(1, 255))]) + stream[at + 1 :]
        case "cut":
            stream = stream[: draw(st.integers(0, len(stream)))]
        case "longer":
            stream += draw(st.sampled_from([b"\0", b"{}", stream]))
    return wrapping, stream


@given(drawn=streams(), cuts=st.lists(st.integers(0, 2000), max_size=4), room=st.sampled_from([0, 100, 2**20]))
def test_zlib_ng_inflates_step_by_step_like_zlib(drawn: tuple[int, bytes], cuts: list[int], room: int) -> None:
    wrapping, stream = drawn
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    assert _steps(inflater, DamagedDeflate, wrapping, pieces, room) == _steps(
        zlib.decompressobj, zlib.error, wrapping, pieces, room
    )


@pytest.mark.parametrize("level", range(1, 10))
@pytest.mark.parametrize("text", [b"", b"x", LINES, bytes(200_000)])
def test_zlib_reads_the_gzip_members_that_we_write(level: int, text: bytes) -> None:
    deflater = gzip_deflater(level)
    assert zlib.decompress(deflater.compress(memoryview(text)) + deflater.flush(), GZIP) == text


def _steps(
    make: Callable[[int], Inflater], damaged: type[Exception], wrapping: int, pieces: list[bytes], room: int
) -> list[tuple[object, ...]]:
    """What came out and what the object said after each call, up to the damage."""
    stream = make(wrapping)
    steps: list[tuple[object, ...]] = []
    try:
        for piece in pieces:
            rest = piece
            while rest and not stream.eof:
                out = stream.decompress(rest, room)
                rest = stream.unconsumed_tail
                steps.append((out, rest, stream.eof, stream.unused_data))
        steps.append((stream.flush(), stream.unconsumed_tail, stream.eof, stream.unused_data))
    except damaged as error:
        steps.append((str(error),))
    return steps
