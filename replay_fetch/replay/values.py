"""Values of a stranger's JSON, read as the type that their place asks for.

Any other type raises BadValue. The part of the record around the value is then counted and left out; all other parts
are played.
"""

from __future__ import annotations

Json = dict[str, object]

_MOST = 2**53 - 2  # JavaScript counts exactly up to here, and an rrweb id is one more than ours
_FARTHEST = 10.0**9  # pixels


class BadValue(ValueError):
    """A value that its place does not allow; the message is a text of ours, and never holds the value.

    Messages are counted in ``Account.notes`` and printed, so a stranger's words must not get into a message. An equal
    message stands for an equal reason: messages hold no ids and no numbers either.
    """


def whole(value: object) -> int:
    """Read an id, an index or a time: a whole number that is not negative and that JavaScript counts exactly.

    A float without a fraction is read as well, since JSON has a single type for numbers. Raises BadValue for true and
    false, which are integers to Python but not to JavaScript.
    """
    if type(value) is int and 0 <= value <= _MOST:
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
        if 0 <= value <= _MOST:
            return value
    raise BadValue("no whole number")


def number(value: object) -> float:
    """Read a place or a size in CSS pixels, at most 10^9 to either side; a whole number stays whole.

    Raises BadValue for any other type, for NaN and for infinity: JSON has no word for either, so no event could be
    written with them.
    """
    if type(value) is int and -_FARTHEST <= value <= _FARTHEST:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue("no number")
    if not -_FARTHEST <= value <= _FARTHEST:  # catches NaN as well, which compares as neither less nor more
        raise BadValue("no number of pixels")
    return value


def text(value: object) -> str:
    """Read a text of any length, the empty text too; raises BadValue for null and for any other type."""
    if not isinstance(value, str):
        raise BadValue("no text")
    return value


def word(value: object) -> str:
    """Read a word that is compared with known words, such as a media state; never raises.

    Any other type is read as the empty word, which is never known.
    """
    return value if isinstance(value, str) else ""


def table(value: object) -> Json:
    """Read a JSON object, such as a record or its data; raises BadValue for null and for any other type."""
    if not isinstance(value, dict):
        raise BadValue("no object")
    return value


def many(value: object) -> list[object]:
    """Read a JSON list; null, or a place that is left out, is an empty list. Raises BadValue for any other type."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadValue("no list")
    return value


def first(values: list[object]) -> object:
    """Read the first entry of a list, the node in most change records; raises BadValue for an empty list."""
    if not values:
        raise BadValue("an empty list")
    return values[0]
