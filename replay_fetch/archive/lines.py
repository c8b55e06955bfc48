"""The line format: one segment a line, the segment's own bytes untouched.

``{"session_id":"…","view_id":"…","position":0,"segment":<verbatim>}``, with ``"item":{…}`` behind it
where the API wrapped the segment. A line break inside JSON can only stand between tokens, so it becomes
a space (a lone carriage return too: readers in text mode end a line there); nothing else changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from replay_fetch.api.json_split import members
from replay_fetch.model import Segment, View

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
    """Give a segment's line, without its newline, another position in its view; the segment's bytes stay."""
    opening, _, rest = line.partition(_POSITION)  # no id holds a quote, so the first one is the line's own
    return b"%b%b%d%b" % (opening, _POSITION, position, rest[rest.index(b",") :])


def segment_of(line: bytes) -> bytes:
    """Return the segment in a line; raises ValueError where the line is none of ours."""
    try:
        return members(line)["segment"]
    except KeyError:
        raise ValueError("a line without a segment") from None
