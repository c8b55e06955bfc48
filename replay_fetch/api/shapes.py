"""The place of the list of segments in a page's body: the first rule that matches.

1. an object with ``records`` and one of ``start``, ``view`` is itself one segment
2. several values one after another (NDJSON or joined) are the list
3. a list is the list
4. ``segments`` · ``data`` · ``data.segments`` · ``data.attributes.segments`` · ``records`` ·
   ``items`` · ``results`` · ``events``, where a list stands there

``--segments-path`` replaces all rules; ``.`` there is the whole body. The path leads to a list, or to a single
segment. An empty list is believed only where nothing else on the page looks like segments. `soundness` comes before
every rule.
"""

from __future__ import annotations

from msgspec import Struct

from replay_fetch.api import json_split
from replay_fetch.api.element import is_bare, segment
from replay_fetch.api.envelope import Envelope, kind
from replay_fetch.api.guess import hidden_segments
from replay_fetch.api.soundness import require_sound
from replay_fetch.api.tokens import Next
from replay_fetch.model import Segment
from replay_fetch.printable import printable

# In the order of how surely a list there is the list of segments: the names that can mean nothing else come first.
# `data` is JSON:API's, which most of the vendor's calls keep to.
_PLACES = ("segments", "data", "data.segments", "data.attributes.segments", "records", "items", "results", "events")
WHOLE_BODY = "."
# Of the recorders' published schemas: every segment has records, and a start and a view besides.
_SEGMENT_NEEDS = "records"
_SEGMENT_HAS_ONE_OF = ("start", "view")
_MAX_KEYS_NAMED = 8


class UnknownShape(ValueError):
    """JSON in which no rule finds a list of segments; the message describes the keys or values found instead."""


class Located(Struct, frozen=True, gc=False):
    """The elements of a page and the JSON around the elements."""

    elements: list[bytes]
    envelope: Envelope | None
    """None where the body has no object around the segments, or none that is left to look into."""
    name: str
    """What the place is called in words."""
    path: str | None = None
    """The dotted path of the list, empty where the body is the list; None where there is no list."""
    following: Next | None = None
    """What the object around the segments says of the next page, where that was read with them."""
    segments: list[Segment] | None = None
    """Those in the elements, which are then left out: every one was a wrapper, and was taken off in the same pass."""
    stream: bool = False
    """The elements are values one after another, be it a single one, with nothing around that says where they end."""


def locate(text: bytes, segments_path: str = "") -> Located:
    """Locate the elements in ``text`` by the rules, or at ``segments_path``.

    Raises UnsoundError where the page speaks of an error, UnknownShape where no elements are found, NotJson where
    ``text`` is none.
    """
    values = json_split.values(text)
    if len(values) != 1:
        return _several(values, segments_path)
    value = values[0]
    envelope = Envelope({"": json_split.members(value)}) if kind(value) == "object" else None
    if envelope and not is_segment(envelope):
        require_sound(envelope)
    located = _at_path(value, envelope, segments_path) if segments_path else _by_rules(value, envelope)
    # "Nothing there" is final for a view. It is believed only of a page on which nothing else looks like segments.
    if not located.elements and located.envelope:
        _require_nothing_hidden(value, located.name)
    return located


def _by_rules(value: bytes, envelope: Envelope | None) -> Located:
    """Locate the elements at the first place that has a list; UnknownShape where no place has."""
    body = kind(value)
    if body == "list":
        return Located(json_split.elements(value), None, "list", "")
    if envelope is None:
        raise UnknownShape(f"the body is {body}, where segments were expected")
    # Before the places: a segment has lists of its own (`records`), which are no segments.
    if is_segment(envelope):
        # The same body as the first line of a stream: only a told length says that no further line was lost.
        return Located([value], None, "one segment", stream=True)
    for place in _PLACES:
        found = envelope.get(place)
        if found is not None and kind(found) == "list":
            return Located(json_split.elements(found), envelope, place, place)
    raise UnknownShape(
        f"no list of segments is known in {_describe(envelope)}; if one is there, name it with "
        "--segments-path (a dotted path such as payload.list, or . for the whole body)",
    )


def _require_nothing_hidden(value: bytes, name: str) -> None:
    hidden = hidden_segments(value)
    if hidden == "":
        raise UnknownShape(f"{name} holds nothing, but there are records on the page, where no path leads")
    if hidden is not None:
        path = printable(hidden, 60)
        raise UnknownShape(f"{name} holds nothing, but segments seem to be at {path}: see --segments-path")


def is_segment(envelope: Envelope) -> bool:
    """True where the object is a segment rather than an envelope around segments."""
    names = envelope.members("")
    return _SEGMENT_NEEDS in names and any(key in names for key in _SEGMENT_HAS_ONE_OF)


def outranking(path: str) -> tuple[str, ...]:
    """Paths whose values would be taken by an earlier rule than the rule for ``path``."""
    if path not in _PLACES:
        return ()
    segment_keys = _SEGMENT_HAS_ONE_OF if path == _SEGMENT_NEEDS else (_SEGMENT_NEEDS,)
    return (*_PLACES[: _PLACES.index(path)], *segment_keys)


def _several(values: list[bytes], segments_path: str) -> Located:
    if segments_path not in ("", WHOLE_BODY):
        raise UnknownShape(
            f"--segments-path {printable(segments_path)} leads nowhere: the body is {len(values)} values"
        )
    return Located(values, None, "values one after another", stream=True)


def _at_path(value: bytes, envelope: Envelope | None, path: str) -> Located:
    """Locate the elements at the user's path: a list, null for an empty list, or a single object with records."""
    found = value if path == WHOLE_BODY else envelope.get(path) if envelope else None
    place = "whole body" if path == WHOLE_BODY else path
    if found is not None and kind(found) == "list":
        return Located(json_split.elements(found), envelope, place, "" if path == WHOLE_BODY else path)
    if kind(found) == "object" and found and has_records(found):
        around = None if path == WHOLE_BODY and envelope and is_segment(envelope) else envelope
        return Located([found], around, place)
    if kind(found) == "null":
        return Located([], envelope, place)
    there = _there(found, value, envelope)
    raise UnknownShape(f"--segments-path {printable(path)} leads to {there}")


def has_records(element: bytes) -> bool:
    """True where the object, or the object wrapped inside, has ``records`` as every segment has."""
    raw = segment(element).raw
    return is_bare(raw) or (kind(raw) == "object" and _SEGMENT_NEEDS in json_split.members(raw))


def _there(found: bytes | None, value: bytes, envelope: Envelope | None) -> str:
    """Describe the value found where a list was expected, or the value that the path leads out of."""
    if found is None:
        return f"nothing in {_describe(envelope) if envelope else kind(value)}"
    what = _describe(Envelope({"": json_split.members(found)})) if kind(found) == "object" else kind(found)
    return f"{what}, where a list of segments was expected"


def _describe(envelope: Envelope) -> str:
    """Name the object's keys, at most eight, fit for a message."""
    keys = envelope.keys
    named = ", ".join(f"'{printable(key, 30)}'" for key in keys[:_MAX_KEYS_NAMED])
    more = f" and {len(keys) - _MAX_KEYS_NAMED} more" if len(keys) > _MAX_KEYS_NAMED else ""
    return f"an object with the keys {named}{more}" if keys else "an empty object"
