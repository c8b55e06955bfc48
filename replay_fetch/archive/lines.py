"""The line format: one segment a line, the segment's own bytes untouched.

``{"session_id":"…","view_id":"…","position":0,"segment":<verbatim>}``, with ``"item":{…}`` behind it
where the API wrapped the segment. A line break inside JSON can only stand between tokens, so it becomes
a space (a lone carriage return too: readers in text mode end a line there); nothing else changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from operator import attrgetter, contains

from replay_fetch.api import members
from replay_fetch.model import Segment, View

_AS_SPACES = bytes.maketrans(b"\r\n", b"  ")
# Looked for as the numbers that bytes are made of: that takes a sixth of what looking for bytes takes.
_RETURN, _NEWLINE = b"\r\n"
_ENDING = b"}\n"
_raw, _item = attrgetter("raw"), attrgetter("item")


def raws(segments: Iterable[Segment]) -> list[bytes]:
    """The segments' own JSON texts."""
    return list(map(_raw, segments))


def lines(view: View, first_position: int, segments: Sequence[Segment]) -> bytes:
    """The lines of consecutive segments of a view, each ended by a newline."""
    # Ids hold letters, digits, - and _ only: nothing in them needs escaping, or stands for a number below.
    opening = f'{{"session_id":"{view.session_id}","view_id":"{view.view_id}","position":%d,"segment":'.encode()
    openings = map(opening.__mod__, range(first_position, first_position + len(segments)))
    texts = raws(segments)
    if any(map(contains, texts, repeat(_NEWLINE))) or any(map(contains, texts, repeat(_RETURN))):
        texts = list(map(_on_one_line, texts))
    endings = map(_ending, map(_item, segments)) if any(map(_item, segments)) else repeat(_ENDING)
    return b"".join(chain.from_iterable(zip(openings, texts, endings, strict=False)))


def _on_one_line(json: bytes) -> bytes:
    return json.translate(_AS_SPACES)


def _ending(item: bytes | None) -> bytes:
    return _ENDING if item is None else b',"item":%b}\n' % _on_one_line(item)


def segment_of(line: bytes) -> bytes:
    """The segment in a line; raises ValueError where it is not a line of ours."""
    try:
        return members(line)["segment"]
    except KeyError:
        raise ValueError("a line without a segment") from None
