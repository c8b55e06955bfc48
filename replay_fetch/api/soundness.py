"""Soundness of an answer: a JSON object with a good status may say of itself that something went wrong.

Read before anything else in the answer, of pages, searches and playlists alike: beside an error the answer may hold
a part of the data, and a part must not pass for the whole. Looked at are:

1. ``errors`` or ``error`` that holds anything, at the top or in ``meta``, ``data``, ``data.attributes``
2. ``status`` or ``state``, at the top or in ``meta``: a word for failed, unfinished or cut short, or an HTTP
   status of an error; where the API documents the good words of ``status``, every other word
3. ``success`` or ``ok`` that is false, ``timed_out``, ``partial``, ``incomplete`` or ``truncated`` that is true, in
   the same two; ``is_truncated`` is none of these, as it is normal on a page with a token (see `extent`)
"""

from __future__ import annotations

import re

from replay_fetch.api.envelope import Envelope, Members, kind, path_in
from replay_fetch.api.error_text import body_text
from replay_fetch.printable import printable

ERRORS = frozenset({"errors", "error"})
STATUSES = frozenset({"status", "state"})
_FALSE = frozenset({"success", "ok"})
_TIMED_OUT = frozenset({"timed_out", "timedOut"})
_TRUE = _TIMED_OUT | {"partial", "is_partial", "isPartial", "incomplete", "is_incomplete", "isIncomplete", "truncated"}
_PLACES = ("", "meta", "data", "data.attributes")
# Not in `data`: there `status` and `state` are the resource's own, of a session that may be "active" or "expired".
_PLACES_OF_FLAGS = frozenset({"", "meta"})
_FLAGS = STATUSES | _FALSE | _TRUE
_OUTERMOST = frozenset({"meta", "data"}) | ERRORS | _FLAGS
SPOKEN_OF = frozenset(
    path_in(place, key) for place in _PLACES for key in (ERRORS | _FLAGS if place in _PLACES_OF_FLAGS else ERRORS)
)
"""Every path that is read here."""

# Filled-in templates: some servers send the key with every answer and a value only when something is wrong.
_NOTHING = (b"null", b"false", b"0")
# Words, and parts of words, for an answer that failed or is not all there.
_unsound = re.compile(
    r"error|fail|timed?.?out|partial|incomplete|abort|cancel|interrupt|truncat|degrad|unavail|not.?ready"
    r"|pending|running|progress|processing|queue|wait|\b[45]\d\d\b",
    re.IGNORECASE,
)


# "done" and "timeout" are documented for searches; the other words mean well in other calls of the vendor's.
DONE = frozenset({"done", "ok", "success", "succeeded", "complete", "completed", "finished"})
"""Good words for the ``status`` of calls that document theirs."""
_timed_out = re.compile(r"timed?.?out", re.IGNORECASE)


class UnsoundError(ValueError):
    """An answer says of itself that something went wrong; the message repeats the answer's words."""

    timed_out = False
    """The answer says that the server ran out of time, so that asking for less may help."""


def require_sound(envelope: Envelope, done: frozenset[str] | None = None) -> None:
    """Raise UnsoundError where the object says that something went wrong.

    ``done`` holds the good words of ``status``, in lower case, for a call that documents the words.
    """
    # The calls must differ here. A search documents its words, so an unknown word is no success: its page may lack
    # events, and nothing but this word tells. A page of segments documents none, and its `status` may as well be the
    # session's own: refused for an unknown word, every view of an archive would fail, with no flag to help.
    outermost = _OUTERMOST.intersection(envelope.members(""))
    if not outermost:
        return
    for place in _PLACES:
        if not place or place.partition(".")[0] in outermost:
            members = envelope.members(place)
            said = said_error(members)
            if said:
                raise UnsoundError(f"the API answers with errors: {said}")
            if place in _PLACES_OF_FLAGS:
                _require_sound_flags(members, done)


def said_error(members: Members) -> str:
    """The words of an object's ``errors`` or ``error``, ``?`` where no text is there; empty where no error is told."""
    for key in ERRORS.intersection(members):
        text = members[key]
        hollow = kind(text) in ("object", "list", "string") and not text[1:-1].strip()
        if text not in _NOTHING and not hollow:
            return body_text(b'{"errors":%b}' % text) or "?"
    return ""


def _require_sound_flags(members: Members, done: frozenset[str] | None) -> None:
    for key in _FLAGS.intersection(members):
        text = members[key]
        if (
            (key in STATUSES and not _is_sound_status(text, done if key == "status" else None))
            or (key in _FALSE and text == b"false")
            or (key in _TRUE and text == b"true")
        ):
            said = printable(text.decode("utf-8", "replace"), 60)
            unsound = UnsoundError(f"the API says of its own answer: {key} {said}")
            unsound.timed_out = key in _TIMED_OUT or (key in STATUSES and _timed_out.search(said) is not None)
            raise unsound


def _is_sound_status(text: bytes, done: frozenset[str] | None) -> bool:
    """True of a status that is no word for failed or unfinished, and of any value that is no word."""
    what = kind(text)
    if what not in ("string", "number"):
        return True
    word = text.decode("utf-8", "replace").lower()
    return not _unsound.search(word) and (done is None or what == "number" or word.strip('"') in done)
