"""The exact way to cut JSON: the offsets where values begin and end, at any depth, for any values.

Slower than `json_split`, which falls back on this module. A few regular expressions run through all the scalars up
to the next bracket, beside a stack of open brackets. The text is held to the grammar of RFC 8259, except that
strings need not be UTF-8; no value is ever built.
"""

from __future__ import annotations

import re
from collections.abc import Callable


class NotJson(ValueError):
    """Text is not JSON, or not the kind of JSON value asked for; the message names the byte of the mistake."""


End = Callable[[bytes, int], int]
"""Tells where the value that begins at an offset ends; raises NotJson where none does."""

# Far past what any recorder writes; 256 MiB of "[" must not cost minutes.
_MAX_DEPTH = 100_000

# Possessive quantifiers (*+ ++ ?+) keep every expression linear in the text.
_WS = rb"[ \t\n\r]*+"
_STRING = rb'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
_NUMBER = rb"-?(?:0(?![0-9])|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
# Empty containers count as scalars here: behind any other opening bracket a value must follow.
_LEAF = rb"(?:" + _STRING + rb"|" + _NUMBER + rb"|true|false|null|\[" + _WS + rb"\]|\{" + _WS + rb"\})"
_KEY = _STRING + _WS + rb":" + _WS
STRING_THEN = rb"(" + _STRING + rb")" + _WS
"""A string, as a group, and the white space behind it."""


def _run(before: bytes, close: bytes) -> bytes:
    """A pattern for members of a container: all scalars, then the closing bracket or the next opening bracket."""
    leaf = before + _LEAF + _WS
    return _WS + rb"(?:" + leaf + rb"," + _WS + rb")*+(?:" + leaf + close + rb"|" + before + rb"[\[{])"


_RUNS = {ord("["): (_run(b"", rb"\]"), rb"\]"), ord("{"): (_run(_KEY, rb"\}"), rb"\}")}
# A run takes all scalars up to the next bracket in one match: Python code runs once a bracket, not once a value.
# By the innermost open bracket: what may follow it, and what may follow a container inside it.
_OPENED = {bracket: re.compile(run) for bracket, (run, _) in _RUNS.items()}
_CLOSED = {bracket: re.compile(_WS + rb"(?:" + close + rb"|," + run + rb")") for bracket, (run, close) in _RUNS.items()}

_leaf = re.compile(_LEAF)
_space = re.compile(_WS)
_key = re.compile(rb"(" + _STRING + rb")" + _WS + rb":" + _WS)
_open_array = re.compile(_WS + rb"\[" + _WS + rb"(\]" + _WS + rb"\Z)?")
_open_object = re.compile(_WS + rb"\{" + _WS + rb"(\}" + _WS + rb"\Z)?")
_more_elements = re.compile(_WS + rb"(?:," + _WS + rb"|(\])" + _WS + rb"\Z)")
_more_members = re.compile(_WS + rb"(?:," + _WS + rb"|(\})" + _WS + rb"\Z)")


def value_end(text: bytes, start: int) -> int:
    """The offset behind the value that begins at ``start``; NotJson where the text breaks off or goes wrong."""
    leaf = _leaf.match(text, start)
    if leaf:
        return leaf.end()
    if text[start : start + 1] not in (b"[", b"{"):
        raise _broken(text, start)
    position = start + 1
    # A stack of brackets, not recursion: depth is the sender's to choose.
    stack = bytearray(text[start:position])
    expected = _OPENED
    while stack:
        run = expected[stack[-1]].match(text, position)
        if run is None:
            raise _broken(text, position)
        position = run.end()
        bracket = text[position - 1]
        if bracket in b"[{":
            stack.append(bracket)
            expected = _OPENED
            if len(stack) > _MAX_DEPTH:
                raise NotJson(f"JSON nested more than {_MAX_DEPTH} deep")
        else:
            stack.pop()
            expected = _CLOSED
    return position


def elements(array: bytes, end: End = value_end) -> list[bytes]:
    """Cut the JSON array ``array`` into the exact text of each element; NotJson where ``array`` is none."""
    opened = _open_array.match(array)
    if opened is None:
        raise NotJson("not a JSON array")
    position, closed = opened.end(), opened[1]
    found = []
    while not closed:
        stop = end(array, position)
        found.append(array[position:stop])
        position, closed = _separator(_more_elements, array, stop)
    return found


def pairs(obj: bytes, end: End = value_end) -> list[tuple[bytes, bytes]]:
    """Cut the JSON object ``obj`` into the exact text of each key, quotes included, and of each value."""
    opened = _open_object.match(obj)
    if opened is None:
        raise NotJson("not a JSON object")
    position, closed = opened.end(), opened[1]
    found = []
    while not closed:
        key = _key.match(obj, position)
        if key is None:
            raise _broken(obj, position)
        stop = end(obj, key.end())
        found.append((key[1], obj[key.end() : stop]))
        position, closed = _separator(_more_members, obj, stop)
    return found


def values(text: bytes, end: End = value_end) -> list[bytes]:
    """Cut ``text`` into the exact text of each JSON value, where several stand one after another."""
    found = []
    position = _behind_space(text, 0)
    while position < len(text):
        stop = end(text, position)
        found.append(text[position:stop])
        position = _behind_space(text, stop)
    return found


def _separator(pattern: re.Pattern[bytes], text: bytes, position: int) -> tuple[int, bytes | None]:
    """The offset where the next member begins, or the closing bracket that ends the container."""
    separator = pattern.match(text, position)
    if separator is None:
        raise _broken(text, position)
    return separator.end(), separator[1]


def _behind_space(text: bytes, position: int) -> int:
    space = _space.match(text, position)
    return space.end() if space else position


def _broken(text: bytes, position: int) -> NotJson:
    return NotJson(f"JSON that breaks off or goes wrong behind byte {position} of {len(text)}")
