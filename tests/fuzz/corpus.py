"""Stored inputs, and small changes that make new ones of them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "corpus"

# What parsers trip over, put in where chance would rarely make it.
NASTY = (
    b"\x00", b"\n", b"\r", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1b[2J", "\u202e".encode(), b"\xed\xa0\xbd",
    b'"', b"\\", b"\\ud83d", b"\\u0000", b"[", b"{", b"}", b"]", b",", b":", b";", b"=", b"<", b">", b"\t",
    b"1e400", b"-1", b"9" * 400, b"0.", b"null", b"true", b"[]", b"{}", b'""', b"NaN", b"-0", b"1e-400",
    b"../../etc/passwd", b"//other.example/", b"%", b"%ff", b"%00", b"\x1f\x8b\x08\x00", b"\x78\x9c",
    b"\x28\xb5\x2f\xfd", b"\n\n", b"link: ", b"content-encoding: deflate\n", b"ratelimit: ", b"retry-after: ",
)  # fmt: skip


class Change(NamedTuple):
    """One change: how, where (of 2**16 from the start to the end), how much, and with what."""

    kind: str
    at: int
    length: int
    other: bytes


KINDS = ("flip", "cut", "truncate", "repeat", "insert", "replace", "nest")
_MOST = 100_000


def changed(content: bytes, change: Change) -> bytes:
    """``content`` with one change; never much longer than 100 kB."""
    start = len(content) * change.at >> 16
    end = min(start + change.length, len(content))
    before, piece, after = content[:start], content[start:end], content[end:]
    match change.kind:
        case "flip":
            middle = bytes(byte ^ 1 << (change.at & 7) for byte in piece[:1]) + piece[1:]
        case "cut":
            middle = b""
        case "truncate":
            return before
        case "repeat":
            middle = piece * (2 + change.length * 8)
        case "insert":
            middle = change.other + piece
        case "nest":
            middle = b"[" * (change.length * 40) + piece + b"]" * (change.length * 40)
        case _:
            middle = change.other
    return (before + middle + after)[:_MOST]


def entries(target: str) -> list[bytes]:
    """The stored inputs of a target, in the order of their names."""
    return [path.read_bytes() for path in sorted((FOLDER / target).iterdir())]


def save(target: str, content: bytes, name: str = "") -> Path:
    """Store an input, by its hash where it has no name."""
    path = FOLDER / target / (name or hashlib.sha256(content).hexdigest()[:16])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
