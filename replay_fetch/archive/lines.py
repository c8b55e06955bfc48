"""The line format: one segment a line, the segment's own bytes untouched.

``{"session_id":"…","view_id":"…","position":0,"segment":<verbatim>}``, with ``"item":{…}`` behind it
where the API wrapped the segment. A line break inside JSON can only stand between tokens, so it becomes
a space (a lone carriage return too: readers in text mode end a line there); nothing else changes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from replay_fetch.api.json_split import members
from replay_fetch.model import Segment, View

_BLOCK = 2**20
# A page is at most 256 MiB unless a program allows it more: past four times that, a line is none of ours.
_LONGEST_LINE = 2**30


def file_range(path: Path, offset: int, length: int) -> Iterator[bytes]:
    """Read exactly ``length`` bytes from ``offset`` in blocks; raises OSError where the file is shorter."""
    with path.open("rb") as file:
        file.seek(offset)
        while length:
            block = file.read(min(length, _BLOCK))
            if not block:
                raise OSError(f"{path} is shorter than the ledger says")
            length -= len(block)
            yield block


def whole_file(path: Path) -> Iterator[bytes]:
    """Read a file to its end in blocks of a megabyte."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def small_file(path: Path, most: int) -> bytes:
    """Read a small file whole; raises ValueError, with nothing read, where it has more than ``most`` bytes."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise ValueError(f"{path} has {size} bytes, and {most} at most are sensible")
        return file.read(most)


def whole_lines(path: Path, length: int) -> Iterator[bytes]:
    """Read the first ``length`` bytes as lines with their newlines; raises ValueError where no line ends there."""
    for line in lines_of(file_range(path, 0, length)):
        yield line + b"\n"


def lines_of(blocks: Iterable[bytes], longest: int = _LONGEST_LINE) -> Iterator[bytes]:
    """Cut blocks into lines without their newlines, wherever the blocks are cut.

    Holds a block and a line. Raises ValueError where a line grows past ``longest`` bytes, or the last line breaks
    off.
    """
    begun: list[bytes] = []
    size = 0
    for block in blocks:
        *whole, rest = block.split(b"\n")
        for line in whole:
            yield b"".join((*begun, line))
            begun, size = [], 0
        if rest:
            begun.append(rest)
            size += len(rest)
        if size > longest:
            raise ValueError(f"a line of more than {longest} bytes")
    if begun:
        raise ValueError("its last line breaks off")


_AS_SPACES = bytes.maketrans(b"\r\n", b"  ")
_POSITION = b',"position":'
# Looked for as the numbers that bytes are made of: that takes a sixth of what looking for bytes takes.
_RETURN, _NEWLINE = b"\r\n"


def lines(view: View, first_position: int, segments: Sequence[Segment]) -> bytes:
    """Make the lines of consecutive segments of a view, each ended by a newline, as a single block."""
    # Ids hold letters, digits, - and _ only: nothing in them needs escaping, or stands for a number below.
    opening = f'{{"session_id":"{view.session_id}","view_id":"{view.view_id}","position":%d,"segment":'.encode()
    pieces: list[bytes] = []
    for position, segment in enumerate(segments, first_position):
        raw, item = segment.raw, segment.item
        verbatim = raw.translate(_AS_SPACES) if _NEWLINE in raw or _RETURN in raw else raw
        ending = b"}\n" if item is None else b',"item":%b}\n' % item.translate(_AS_SPACES)
        pieces += (opening % position, verbatim, ending)
    return b"".join(pieces)


def one_line(text: bytes) -> bytes:
    """Make a line of a JSON text; only line breaks, which stand between tokens, become spaces."""
    return b"%b\n" % (text.translate(_AS_SPACES) if _NEWLINE in text or _RETURN in text else text)


def renumbered(line: bytes, position: int) -> bytes:
    """Give a segment's line another position in its view."""
    opening, _, rest = line.partition(_POSITION)  # no id holds a quote, so the first one is the line's own
    return b"%b%b%d%b" % (opening, _POSITION, position, rest[rest.index(b",") :])


def segment_of(line: bytes) -> bytes:
    """Return the segment in a line; raises ValueError where the line is none of ours."""
    try:
        return members(line)["segment"]
    except KeyError:
        raise ValueError("a line without a segment") from None
