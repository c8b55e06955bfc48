"""The elements of a page's list: bare segments, segments in a wrapper, or JSON of another kind.

A wrapper is JSON:API's resource object, ``{"type", "id", "attributes"}``. Not every object in the list need be a
segment: errors, envelopes and links are objects too. A segment has ``records``, or, where an opaque segment has
none, at least two of the other keys that every recorder writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import filterfalse
from operator import methodcaller

from replay_fetch.api import json_split
from replay_fetch.api.envelope import Members, kind
from replay_fetch.api.segment import SEGMENT_KEYS
from replay_fetch.api.soundness import UnsoundError, said_error
from replay_fetch.model import Segment
from replay_fetch.printable import printable

# As the SDKs write a segment; then the whole of it need not be looked through for a wrapper's keys.
_RECORDS_FIRST = b'{"records":'
_ATTRIBUTES = b'"attributes"'
is_bare = methodcaller("startswith", _RECORDS_FIRST)
"""True of an element that is a segment, and in no wrapper, as its first key says."""


def segment(element: bytes) -> Segment:
    """Take the segment out of a list's element, and out of the wrapper where there is a wrapper.

    A wrapper is an object whose ``attributes`` are an object, with a ``type`` or ``id`` beside and without
    ``records``. The wrapper's other members become ``Segment.item``, each verbatim.
    """
    # Cheapest first: a bare segment of megabytes is known by its first key, and most others by a search of bytes.
    if is_bare(element) or _ATTRIBUTES not in element or element[:1] != b"{":
        return Segment(element)
    pairs = json_split.pairs(element)
    names = {json_split.key_text(key): value for key, value in pairs}
    inner = names.get("attributes", b"")
    if inner[:1] != b"{" or "records" in names or not ("type" in names or "id" in names):
        return Segment(element)
    rest = [key + b":" + value for key, value in pairs if json_split.key_text(key) != "attributes"]
    return Segment(inner, b"{" + b",".join(rest) + b"}")


_RECORDS = "records"
# One common key (`start`, `end`) may be any stretch of time; two of them together are a recorder's.
_ENOUGH = 2
# The first key of an element, in its quotes; behind a longer one nothing is remembered.
_LONGEST_KEY = 64
_MOST_OPENINGS = 100
_KEYS_NAMED = 5


class Likeness:
    """Tells elements that are like segments; remembers the first keys of likely elements, so most are never split.

    May be used from several threads at once: the memory is replaced whole and only ever saves time.
    """

    def __init__(self) -> None:
        self._openings: frozenset[bytes] = frozenset()

    def unlike(self, elements: Iterable[bytes]) -> list[bytes]:
        """Collect the elements that are no segments; raise UnsoundError for an element that is an error instead."""
        return [element for element in filterfalse(is_bare, elements) if not self._is_like(element)]

    def _is_like(self, element: bytes) -> bool:
        opening = _opening(element)
        if opening in self._openings:
            return True
        members = json_split.members(element) if kind(element) == "object" else {}
        if not is_like(members):
            said = said_error(members)
            if said:
                raise UnsoundError(f"the API answers with errors where a segment should be: {said}")
            return False
        # Bounded, as the keys of a stranger's objects may differ each time.
        if opening and len(self._openings) < _MOST_OPENINGS:
            self._openings |= {opening}
        return True


def is_like(members: Members) -> bool:
    """True where an object with these members has ``records``, or two other keys of segments."""
    return _RECORDS in members or len(SEGMENT_KEYS & members.keys()) >= _ENOUGH


def described(elements: Sequence[bytes]) -> str:
    """Name the first element's kind or keys, in words fit for a message to people."""
    first = elements[0]
    keys = list(json_split.members(first)) if kind(first) == "object" else []
    if not keys:
        return kind(first) if kind(first) != "object" else "an empty object"
    return "an object with the keys " + ", ".join(f"'{printable(key, 30)}'" for key in keys[:_KEYS_NAMED])


def _opening(element: bytes) -> bytes:
    """The element's bytes up to the end of the first key; empty where the first 64 bytes hold no whole key."""
    end = element.find(b'":', 0, _LONGEST_KEY)
    return element[:end] if element[:2] == b'{"' else b""
