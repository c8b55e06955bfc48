"""Where the list of segments is in a page's body: the first rule that matches.

1. an object with ``records`` and one of ``start``, ``view`` is itself one segment
2. several values one after another (NDJSON or joined) are the list
3. a list is the list
4. ``segments`` · ``data`` · ``data.segments`` · ``data.attributes.segments`` · ``records`` ·
   ``items`` · ``results`` · ``events``, where a list stands there

``--segments-path`` replaces all of them; ``.`` there is the whole body. It leads to a list, or to one
segment. An empty list beside ``errors`` is refused.
"""

from __future__ import annotations

from msgspec import Struct

from replay_fetch.api import split
from replay_fetch.api.envelope import Envelope, kind
from replay_fetch.api.error_text import body_text
from replay_fetch.api.outline import look_like_segments, outline
from replay_fetch.api.tokens import Next
from replay_fetch.api.wrapper import is_bare, segment
from replay_fetch.printable import printable

_PLACES = ("segments", "data", "data.segments", "data.attributes.segments", "records", "items", "results", "events")
WHOLE_BODY = "."
_SEGMENT_NEEDS = "records"
_SEGMENT_HAS_ONE_OF = ("start", "view")
ERRORS = "errors"
_NO_ERRORS = (b"null", b"[]", b"{}", b'""')
_MAX_KEYS_NAMED = 8


class UnknownShape(ValueError):
    """JSON in which no rule finds a list of segments; the message says what is there."""


class Located(Struct, frozen=True, gc=False):
    """The elements of a page and what surrounds them."""

    elements: list[bytes]
    envelope: Envelope | None
    """None where the body has no object around the segments, or none that is left to look into."""
    name: str
    """What the place is called in words."""
    path: str | None = None
    """The dotted path of the list, empty where the body is the list; None where there is no list."""
    following: Next | None = None
    """What the object around the segments says of the next page, where that was read with them."""


def locate(text: bytes, segments_path: str = "") -> Located:
    """The elements in ``text`` by the rules, or at ``segments_path``.

    Raises UnknownShape where they are not found, NotJson where ``text`` is none.
    """
    values = split.values(text)
    if len(values) != 1:
        return _several(values, segments_path)
    value = values[0]
    body = kind(value)
    envelope = Envelope({"": split.members(value)}) if body == "object" else None
    if segments_path:
        return _at_path(value, envelope, segments_path)
    if body == "list":
        return Located(split.elements(value), None, "list", "")
    if envelope is None:
        raise UnknownShape(f"the body is {body}, where segments were expected")
    if is_segment(envelope):
        return Located([value], None, "one segment")
    for place in _PLACES:
        found = envelope.get(place)
        if found is not None and kind(found) == "list":
            return Located(split.elements(found), envelope, place, place)
    require_no_errors(envelope)
    raise UnknownShape(
        f"no list of segments is known in {_describe(envelope)}; if one is there, name it with "
        "--segments-path (a dotted path such as payload.list, or . for the whole body)",
    )


def require_no_errors(envelope: Envelope) -> None:
    """Refuse an object without segments that says why: it is no empty page."""
    errors = envelope.get(ERRORS)
    if errors is not None and errors not in _NO_ERRORS:
        said = body_text(b'{"errors":%b}' % errors)
        raise UnknownShape(f"the API answers with errors instead of segments: {said}")


def is_segment(envelope: Envelope) -> bool:
    """True where the object is a segment rather than something around segments."""
    names = envelope.members("")
    return _SEGMENT_NEEDS in names and any(key in names for key in _SEGMENT_HAS_ONE_OF)


def outranking(path: str) -> tuple[str, ...]:
    """Paths at which something may stand that a rule before the one for ``path`` takes."""
    if path not in _PLACES:
        return ()
    segment_keys = _SEGMENT_HAS_ONE_OF if path == _SEGMENT_NEEDS else (_SEGMENT_NEEDS,)
    return (*_PLACES[: _PLACES.index(path)], *segment_keys)


def _several(values: list[bytes], segments_path: str) -> Located:
    if segments_path not in ("", WHOLE_BODY):
        raise UnknownShape(
            f"--segments-path {printable(segments_path)} leads nowhere: the body is {len(values)} values"
        )
    return Located(values, None, "values one after another")


def _at_path(value: bytes, envelope: Envelope | None, path: str) -> Located:
    """What the user's path leads to: a list, or one object with records.

    Null is an empty list, unless something that looks like segments stands elsewhere.
    """
    found = value if path == WHOLE_BODY else envelope.get(path) if envelope else None
    place = "whole body" if path == WHOLE_BODY else path
    if kind(found) == "list" and found:
        return Located(split.elements(found), envelope, place, "" if path == WHOLE_BODY else path)
    if kind(found) == "object" and found and has_records(found):
        return Located([found], envelope, place)
    there = _there(found, value, envelope)
    if kind(found) == "null":
        elsewhere = look_like_segments(outline(value))
        if not elsewhere:
            return Located([], envelope, place)
        there = f"null; segments seem to be at {printable(elsewhere[0], 60)}"
    raise UnknownShape(f"--segments-path {printable(path)} leads to {there}")


def has_records(element: bytes) -> bool:
    """True where the object, or the one wrapped in it, has what every segment has."""
    raw = segment(element).raw
    return is_bare(raw) or (kind(raw) == "object" and _SEGMENT_NEEDS in split.members(raw))


def _there(found: bytes | None, value: bytes, envelope: Envelope | None) -> str:
    """What is where a list was expected, or what the path leads out of."""
    if found is None:
        return f"nothing in {_describe(envelope) if envelope else kind(value)}"
    what = _describe(Envelope({"": split.members(found)})) if kind(found) == "object" else kind(found)
    return f"{what}, where a list of segments was expected"


def _describe(envelope: Envelope) -> str:
    """The object's keys, a few of them, fit for a message."""
    keys = envelope.keys
    named = ", ".join(f"'{printable(key, 30)}'" for key in keys[:_MAX_KEYS_NAMED])
    more = f" and {len(keys) - _MAX_KEYS_NAMED} more" if len(keys) > _MAX_KEYS_NAMED else ""
    return f"an object with the keys {named}{more}" if keys else "an empty object"
