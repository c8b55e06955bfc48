"""The fast way out of wrappers: a whole list's segments from the pass that splits the page, equal to `element.segment`.

msgspec takes every wrapper apart into members, exact except for the bytes between members: how a key is spelled,
whether a key comes twice, white space. So each wrapper is put together again out of the members and held against the
page. Comparing bytes costs far less than a second pass of JSON. A wrapper that is not found again, byte for byte, is
left to `element.segment`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import repeat
from operator import attrgetter, methodcaller
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Raw, Struct

from replay_fetch.api import json_scan, json_split
from replay_fetch.model import Segment

Wrappers = Sequence[Mapping[str, Raw]]
INNER = "attributes"
# The text between members, and between a key and its value: as encoders write it, and as Python's does.
_STYLES = ((b",", b":"), (b", ", b": "))

_encode = msgspec.json.Encoder().encode
_is_object = methodcaller("startswith", b"{")
_open_object = re.compile(rb"[ \t\n\r]*+\{[ \t\n\r]*+")
_open_list = re.compile(rb"[ \t\n\r]*+\[")
_key = re.compile(json_scan.STRING_THEN + rb":[ \t\n\r]*+")
_comma = re.compile(rb"[ \t\n\r]*+,[ \t\n\r]*+")
_string = re.compile(json_scan.STRING_THEN + rb"(:?)")


class QuickWrapper:
    """Takes the segments out of the wrappers in the list to which ``keys`` lead.

    May be used from several threads at once: the memory is swapped whole and only ever saves time.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [f'"{key}"'.encode() for key in keys]
        self._ways = re.compile(b"|".join(map(re.escape, self._keys)) or b"(?!)")
        self._front = b""
        """How the latest page began, up to its list."""
        self._wrap: _Wrap | None = None
        """How the latest wrapper was written."""

    @property
    def compact(self) -> tuple[str, ...]:
        """The keys of the latest wrapper, where no space stood between them; none before the first."""
        return self._wrap.keys if self._wrap and self._wrap.style == _STYLES[0] else ()

    def segments_alike(self, text: bytes, wrappers: Sequence[Struct], inner: str) -> list[Segment] | None:
        """Take the segment out of each wrapper, where all are compact and their keys in the struct's order; else None.

        Each wrapper is a struct with a field for each key, ``inner`` for ``attributes``; that field is unset here.
        """
        start = self._list_in(text)
        # The whole list again, to be held against the page at once. No line of Python runs for an element.
        written = _encode(wrappers)
        if start is None or not text.startswith(written, start - 1) or self._again(text[start - 1 + len(written) :]):
            return None
        raws = list(map(bytes, map(attrgetter(inner), wrappers)))
        if not all(map(_is_object, raws)):
            return None
        deque(map(setattr, wrappers, repeat(inner), repeat(UNSET)), 0)
        return list(map(Segment, raws, map(_encode, wrappers)))

    def segments(self, text: bytes, wrappers: Wrappers) -> list[Segment] | None:
        """Take the segment out of each wrapper in the list in ``text``; None where only `element.segment` can tell."""
        start = self._list_in(text)
        if start is None:
            return None
        latest = self._wrap.style if self._wrap else _STYLES[0]
        found = self._written(text, start, wrappers, latest)
        if found is None:
            other = _STYLES[latest == _STYLES[0]]
            found = self._written(text, start, wrappers, other)
        return found

    def _written(
        self, text: bytes, position: int, wrappers: Wrappers, style: tuple[bytes, bytes]
    ) -> list[Segment] | None:
        """Take out the segments where the list at ``position`` is written with the given separators; else None."""
        comma, _ = style
        wrap = self._wrap
        found = []
        behind = b""  # what must stand between the latest segment and the next wrapper
        for members in wrappers:
            keys = tuple(members)
            if wrap is None or wrap.keys != keys or wrap.style != style:
                wrap = _wrap_of(keys, style)
                if wrap is None:
                    return None
            rest = list(map(bytes, members.values()))
            inner = rest.pop(wrap.at)
            values = tuple(rest)
            head = behind + wrap.head % values[: wrap.at]
            start = position + len(head)
            # An object's text ends where it ends: what begins with all of one is that one.
            if not (text.startswith(head, position) and text.startswith(inner, start) and inner.startswith(b"{")):
                return None
            position = start + len(inner)
            behind = wrap.tail % values[wrap.at :] + comma
            found.append(Segment(inner, wrap.item % values))
        last = behind.removesuffix(comma) + b"]"
        # Behind the list nothing may lead to another one: JSON's last key of a name is the one that counts.
        if not text.startswith(last, position) or self._again(text[position + len(last) :]):
            return None
        self._wrap = wrap
        return found

    def _list_in(self, text: bytes) -> int | None:
        """The offset behind the bracket that opens the first list to which the keys lead; None where no list opens."""
        front = self._front
        if front and text.startswith(front):
            return len(front)
        position: int | None = 0
        for key in self._keys:
            position = _value_of(text, position, key) if position is not None else None
        opened = _open_list.match(text, position) if position is not None else None
        if opened is None:
            return None
        self._front = text[: opened.end()]
        return opened.end()

    def _again(self, behind: bytes) -> bool:
        """True where a key of the way may come again behind the list: JSON then means the last list, not the first."""
        if b"\\" not in behind:
            return self._ways.search(behind) is not None
        ways = {key.decode()[1:-1] for key in self._keys}
        return any(found[2] and json_split.key_text(found[1]) in ways for found in _string.finditer(behind))


class _Wrap(NamedTuple):
    """The way in which a wrapper with the given keys is written: byte templates for head, tail and item."""

    keys: tuple[str, ...]
    style: tuple[bytes, bytes]
    at: int
    """Where ``attributes`` is among them."""
    head: bytes
    """Up to its value; the other values are to be filled in."""
    tail: bytes
    item: bytes
    """All but ``attributes``, without white space."""


def _wrap_of(keys: tuple[str, ...], style: tuple[bytes, bytes]) -> _Wrap | None:
    """Build the templates for a wrapper; None where the object is no wrapper, or may be written in other ways."""
    # The same conditions as in `element.segment`: both ways must call the same objects wrappers.
    if INNER not in keys or "records" in keys or not ("type" in keys or "id" in keys):
        return None
    if not all(map(json_split.can_be_field, keys)):
        return None
    at = keys.index(INNER)
    comma, colon = style
    names = [b'"%b"' % key.encode().replace(b"%", b"%%") for key in keys]
    written = [name + colon + b"%b" for name in names]
    head = b"{" + comma.join([*written[:at], names[at] + colon])
    tail = b"".join(comma + each for each in written[at + 1 :]) + b"}"
    rest = [name + b":%b" for name in names[:at] + names[at + 1 :]]
    return _Wrap(keys, style, at, head, tail, b"{" + b",".join(rest) + b"}")


def _value_of(text: bytes, start: int, wanted: bytes) -> int | None:
    """The offset of a key's value in the object that begins at ``start``; None where the value may stand elsewhere."""
    opened = _open_object.match(text, start)
    while opened is not None:
        key = _key.match(text, opened.end())
        if key is None or b"\\" in key[1]:
            return None
        if key[1] == wanted:
            return key.end()
        opened = _comma.match(text, json_scan.value_end(text, key.end()))
    return None
