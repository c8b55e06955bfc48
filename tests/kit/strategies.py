"""Hypothesis strategies for JSON text, as bytes: what parsers accept, refuse and disagree on."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hypothesis import strategies as st


def drawn(searching: int) -> int:
    """How many examples a law of many is held against; a quarter where every run draws the same ones again."""
    return searching if os.environ.get("HYPOTHESIS_PROFILE") == "search" else searching // 4


SPACE = st.sampled_from([b"", b"", b"", b" ", b"\n", b"\t\r\n "])

# Each of these is a value that some parser changes, drops or refuses.
SCALARS = st.sampled_from(
    [
        b"null",
        b"true",
        b"false",
        b"0",
        b"-0",
        b"-12.50e+3",
        b"1e400",
        b"123456789012345678901234567890",
        b'""',
        b'"a\\/b"',
        b'"\\ud83d"',
        b'"\\uD83D\\uDE00"',
        b'"\\\\ud83d"',
        b'"\\ude00\\ud83d"',
        b'"\\u0000"',
        b'"a \\"quoted\\" [part]{"',
        '"h\N{LATIN SMALL LETTER E WITH ACUTE} \N{GRINNING FACE}"'.encode(),
        b'"\xff\xfe"',
    ],
)

KEYS = st.sampled_from(
    [
        b'"a"',
        b'"b"',
        b'""',
        b'"records"',
        b'"start"',
        b'"attributes"',
        b'"type"',
        b'"id"',
        b'"segments"',
        b'"\\u0073egments"',
        b'"data"',
        b'"\\ud864ata"',
        b'"\\u9864ata"',
        b'"paging"',
        b'"next"',
        b'"meta"',
        b'"\xff"',
    ],
)


@st.composite
def _spaced(draw: st.DrawFn, brackets: bytes, inside: Sequence[bytes]) -> bytes:
    parts = [draw(SPACE) + part + draw(SPACE) for part in inside]
    return brackets[:1] + (b",".join(parts) or draw(SPACE)) + brackets[1:]


def arrays(elements: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """JSON arrays of ``elements``, with space where space may be."""
    return st.lists(elements, max_size=4).flatmap(lambda parts: _spaced(b"[]", parts))


def members(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """One key, which may come twice in an object, and its value."""
    return st.tuples(KEYS, SPACE, SPACE, values).map(lambda m: m[0] + m[1] + b":" + m[2] + m[3])


def objects(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """JSON objects of ``values``, with space where space may be and keys that may repeat."""
    return st.lists(members(values), max_size=4).flatmap(lambda parts: _spaced(b"{}", parts))


JSON = st.recursive(SCALARS, lambda inner: arrays(inner) | objects(inner), max_leaves=12)
"""Any JSON value, as exact bytes."""


@st.composite
def damaged(draw: st.DrawFn, text: st.SearchStrategy[bytes] = JSON) -> bytes:
    """JSON with one stretch cut out, doubled or replaced; by chance still JSON."""
    whole = draw(text)
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, min(len(whole), start + 6)))
    patch = draw(st.sampled_from([b"", b",", b"0", b"]", b"\\", b'"', b"\\ud", b"x", b"\x00", whole[start:end] * 2]))
    return whole[:start] + patch + whole[end:]
