"""Values of a stranger's JSON, read as what they must be; everything else is a BadValue, which costs its part alone."""

from __future__ import annotations

Json = dict[str, object]

_MOST = 2**53 - 2  # JavaScript counts exactly up to here, and an rrweb id is one more than ours
_FARTHEST = 10.0**9  # pixels


class BadValue(ValueError):
    """A part of a record that cannot be what its place asks for; the message is one of ours, never the value."""


def whole(value: object) -> int:
    """An id, an index, a time: not negative."""
    if type(value) is int and 0 <= value <= _MOST:
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
        if 0 <= value <= _MOST:
            return value
    raise BadValue("no whole number")


def number(value: object) -> float:
    """A place or a size in pixels; whole ones stay whole."""
    if type(value) is int and -_FARTHEST <= value <= _FARTHEST:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue("no number")
    if not -_FARTHEST <= value <= _FARTHEST:  # nor what is no number at all: it is not less than anything
        raise BadValue("no number of pixels")
    return value


def text(value: object) -> str:
    """Text; raises BadValue for everything else."""
    if not isinstance(value, str):
        raise BadValue("no text")
    return value


def word(value: object) -> str:
    """A word that is compared with known ones; everything else is the empty one."""
    return value if isinstance(value, str) else ""


def table(value: object) -> Json:
    """An object."""
    if not isinstance(value, dict):
        raise BadValue("no object")
    return value


def many(value: object) -> list[object]:
    """A list; nothing at all is an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadValue("no list")
    return value


def first(values: list[object]) -> object:
    """The first of some values; raises BadValue where there is none."""
    if not values:
        raise BadValue("an empty list")
    return values[0]
