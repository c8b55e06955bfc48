"""Soundness of an answer: what an object that came with a good status says of itself.

It is read before anything else on the page. An answer that speaks of an error may hold a part of what it
should hold, and a part must not pass for the whole:

1. ``errors`` or ``error`` that holds anything, at the top or in ``meta``, ``data``, ``data.attributes``
2. ``status`` or ``state``, at the top or in ``meta``: a word for failed, unfinished or cut short, or an HTTP
   status of an error
3. ``success`` or ``ok`` that is false, ``timed_out``, ``partial`` or ``incomplete`` that is true, in the same two
"""

from __future__ import annotations

import re

from replay_fetch.api.envelope import Envelope, Members, kind
from replay_fetch.api.error_text import body_text
from replay_fetch.printable import printable

ERRORS = frozenset({"errors", "error"})
STATUSES = frozenset({"status", "state"})
_FALSE = frozenset({"success", "ok"})
_TRUE = frozenset({"timed_out", "partial", "incomplete"})
_PLACES = ("", "meta", "data", "data.attributes")
_PLACES_OF_FLAGS = frozenset({"", "meta"})
_FLAGS = STATUSES | _FALSE | _TRUE
_OUTERMOST = frozenset({"meta", "data"}) | ERRORS | _FLAGS
SPOKEN_OF = frozenset(
    f"{place}.{key}".lstrip(".")
    for place in _PLACES
    for key in (ERRORS | _FLAGS if place in _PLACES_OF_FLAGS else ERRORS)
)
"""Every path that is read here."""

_NOTHING = (b"null", b"false", b"0")
# Words, and parts of words, for an answer that failed or is not all there.
_unsound = re.compile(
    r"error|fail|timed?.?out|partial|incomplete|abort|cancel|interrupt|truncat|degrad|unavail|not.?ready"
    r"|pending|running|progress|processing|queue|wait|\b[45]\d\d\b",
    re.IGNORECASE,
)


class UnsoundError(ValueError):
    """An answer that says of itself that something went wrong; the message repeats its words."""


def require_sound(envelope: Envelope) -> None:
    """Raise UnsoundError where the object says that something went wrong."""
    outermost = _OUTERMOST.intersection(envelope.members(""))
    if not outermost:
        return
    for place in _PLACES:
        if not place or place.partition(".")[0] in outermost:
            _require_sound(envelope.members(place), flags=place in _PLACES_OF_FLAGS)


def said_error(members: Members) -> str:
    """What an object's ``errors`` or ``error`` says, ``?`` where that is no text; empty where there is none."""
    for key in ERRORS.intersection(members):
        text = members[key]
        hollow = kind(text) in ("object", "list", "string") and not text[1:-1].strip()
        if text not in _NOTHING and not hollow:
            return body_text(b'{"errors":%b}' % text) or "?"
    return ""


def is_sound_status(text: bytes) -> bool:
    """True of a status that is no word for failed or unfinished, or of anything else that is none."""
    return kind(text) not in ("string", "number") or not _unsound.search(text.decode("utf-8", "replace"))


def _require_sound(members: Members, *, flags: bool) -> None:
    said = said_error(members)
    if said:
        raise UnsoundError(f"the API answers with errors: {said}")
    for key in _FLAGS.intersection(members) if flags else ():
        text = members[key]
        if (
            (key in STATUSES and not is_sound_status(text))
            or (key in _FALSE and text == b"false")
            or (key in _TRUE and text == b"true")
        ):
            said = printable(text.decode("utf-8", "replace"), 60)
            raise UnsoundError(f"the API says of its own answer: {key} {said}")
