r"""JSON text cut into the exact bytes of its parts, without making values of them.

Two ways with one result. The quick one lets msgspec find the parts (``Raw``), at 1 to 3 ms a
megabyte. It refuses what recorders really send, escapes of lone surrogates (``"\ud83d"``); these
are disguised for it, and put back in the parts. What it refuses even so (depth, keys that are
not UTF-8) or cannot show (a key that comes twice) goes the slower way of ``scan``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec
from msgspec import Raw

from replay_fetch.api import scan

T = TypeVar("T")
Restore = Callable[[Raw], bytes]
"""Gives the exact text of a part that msgspec found."""

_array = msgspec.json.Decoder(list[Raw])
_object = msgspec.json.Decoder(dict[str, Raw])
_any = msgspec.json.Decoder(Raw)
# RecursionError: deeper than the interpreter's limit. ValueError: a key that is not UTF-8, or no disguise.
REFUSED = (msgspec.DecodeError, ValueError, RecursionError)

_SURROGATES = (b"d", b"D")
# The first digit of escapes that are neither surrogates nor ASCII: no key takes on a name that is looked for.
_DISGUISES = tuple(digit.encode() for digit in "9876543abcefABCEF")
# Expressions look through a page in half the time that bytes.replace and "in" take for these.
_first_digit = re.compile(rb"\\u(?=(.))", re.DOTALL)
_escapes = {digit: re.compile(rb"\\u" + digit) for digit in (*_SURROGATES, *_DISGUISES)}


def elements(array: bytes) -> list[bytes]:
    """The exact text of each element of a JSON array; NotJson where it is none."""
    try:
        raws, restore = quick(_array.decode, array)
    except REFUSED:
        return scan.elements(array)
    return [restore(raw) for raw in raws]


def values(text: bytes) -> list[bytes]:
    """The exact text of each of one or several JSON values one after another."""
    try:
        raws, restore = quick(_any.decode_lines, text)
    except REFUSED:
        return scan.values(text)
    return [restore(raw) for raw in raws]


def pairs(obj: bytes) -> list[tuple[bytes, bytes]]:
    """The exact text of each key, in its quotes, and value of a JSON object."""
    try:
        raws, restore = quick(_object.decode, obj)
        return scan.pairs(obj, _known_ends(map(restore, raws.values())))
    except REFUSED:
        return scan.pairs(obj)


def members(obj: bytes) -> dict[str, bytes]:
    """The exact text of each value of a JSON object; of a key that comes twice the last."""
    try:
        return {key: bytes(raw) for key, raw in _object.decode(obj).items()}
    except REFUSED:
        return {key_text(key): value for key, value in pairs(obj)}


def key_text(key: bytes) -> str:
    """The key that ``key``, in its quotes, spells; bytes that are not UTF-8 become U+FFFD."""
    return str(json.loads(key.decode("utf-8", "replace")))


def quick(decode: Callable[[bytes], T], text: bytes) -> tuple[T, Restore]:
    """What msgspec makes of ``text``, and how to get the exact text of the parts in it.

    Raises one of REFUSED where it makes nothing of it, even in disguise.
    """
    try:
        return decode(text), bytes
    except msgspec.ValidationError:  # good JSON of another type
        raise
    except msgspec.DecodeError:
        shown, restore = _disguised(text)
    return decode(shown), restore


def _disguised(text: bytes) -> tuple[bytes, Restore]:
    r"""``text`` with other escapes for those of surrogates, and the way back.

    ``\ud83d`` becomes ``\u983d``: valid where that is valid, invalid where that is. Behind an
    escaped backslash it is a change of plain letters. There is a way back because the disguise is
    one that ``text`` does not have already.
    """
    there = set(_first_digit.findall(text))
    surrogates = [digit for digit in _SURROGATES if digit in there]
    worn = list(zip(surrogates, (digit for digit in _DISGUISES if digit not in there), strict=False))
    if not surrogates or len(worn) < len(surrogates):
        raise ValueError("nothing to disguise, or every disguise is taken")
    shown = text
    for surrogate, disguise in worn:
        shown = _changed(shown, surrogate, disguise)

    def restore(raw: Raw) -> bytes:
        part = bytes(raw)
        for surrogate, disguise in worn:
            part = _changed(part, disguise, surrogate)
        return part

    return shown, restore


def _changed(text: bytes, digit: bytes, other: bytes) -> bytes:
    """``text`` with another first digit in the escapes that begin with ``digit``."""
    return _escapes[digit].sub(rb"\\u" + other, text)


def _known_ends(parts: Iterable[bytes]) -> scan.End:
    """Ends of values that were found in order; ValueError where one is not what stands there."""
    found = iter(parts)

    def end(text: bytes, start: int) -> int:
        part = next(found, None)
        if part is None or not text.startswith(part, start):
            raise ValueError("a key that comes twice hides the offsets")
        return start + len(part)

    return end
