"""The line format: one segment a line, the segment's own bytes untouched.

``{"session_id":"…","view_id":"…","position":0,"segment":<verbatim>}``, with ``"item":{…}`` behind it
where the API wrapped the segment. A line break inside JSON can only stand between tokens, so it becomes
a space (a lone carriage return too: readers in text mode end a line there); nothing else changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from replay_fetch.api import members
from replay_fetch.model import Segment, View

_LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")


def lines(view: View, first_position: int, segments: Sequence[Segment]) -> bytes:
    """The lines of consecutive segments of a view, each ended by a newline."""
    # Ids hold letters, digits, - and _ only: nothing in them needs escaping.
    opening = f'{{"session_id":"{view.session_id}","view_id":"{view.view_id}","position":'.encode()
    pieces: list[bytes] = []
    for position, (raw, item) in enumerate(segments, first_position):
        pieces += (opening, b'%d,"segment":' % position, _unbroken(raw))
        pieces += (b"}\n",) if item is None else (b',"item":', _unbroken(item), b"}\n")
    return b"".join(pieces)


def _unbroken(text: bytes) -> bytes:
    return text.translate(_LINE_BREAKS) if b"\n" in text or b"\r" in text else text


def segment_of(line: bytes) -> bytes:
    """The segment in a line; raises ValueError where it is not a line of ours."""
    try:
        return members(line)["segment"]
    except KeyError:
        raise ValueError("a line without a segment") from None
