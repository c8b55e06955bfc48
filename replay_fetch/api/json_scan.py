"""Where JSON values begin and end in their bytes: exact at any depth, whatever the values are.

The slower of two ways (see ``split``): a few regular expressions, each of which runs through all
the scalars up to the next bracket, and a stack of brackets. They hold the text to the grammar of
RFC 8259, except that strings need not be UTF-8, and no value is ever made out of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable


class NotJson(ValueError):
    """Text that is not JSON, or not the kind of JSON value asked for."""


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
    """Members of one container: all scalars, then its closing bracket or the next opening one."""
    leaf = before + _LEAF + _WS
    return _WS + rb"(?:" + leaf + rb"," + _WS + rb")*+(?:" + leaf + close + rb"|" + before + rb"[\[{])"


_RUNS = {ord("["): (_run(b"", rb"\]"), rb"\]"), ord("{"): (_run(_KEY, rb"\}"), rb"\}")}
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
    """The offset behind the value that begins at ``start``."""
    leaf = _leaf.match(text, start)
    if leaf:
        return leaf.end()
    if text[start : start + 1] not in (b"[", b"{"):
        raise _broken(text, start)
    position = start + 1
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
    """The exact text of each element of the JSON array ``array``."""
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
    """The exact text of each key (with its quotes) and value of the JSON object ``obj``."""
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
    """The exact text of each of the JSON values that stand in ``text``, one after another."""
    found = []
    position = _behind_space(text, 0)
    while position < len(text):
        stop = end(text, position)
        found.append(text[position:stop])
        position = _behind_space(text, stop)
    return found


def _separator(pattern: re.Pattern[bytes], text: bytes, position: int) -> tuple[int, bytes | None]:
    """Where the next member begins, or the closing bracket that stands there instead."""
    separator = pattern.match(text, position)
    if separator is None:
        raise _broken(text, position)
    return separator.end(), separator[1]


def _behind_space(text: bytes, position: int) -> int:
    space = _space.match(text, position)
    return space.end() if space else position


def _broken(text: bytes, position: int) -> NotJson:
    return NotJson(f"JSON that breaks off or goes wrong behind byte {position} of {len(text)}")
