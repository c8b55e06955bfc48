r"""JSON text cut into the exact bytes of its parts, without making values of them.

Two ways with one result. The quick one lets msgspec find the parts (``Raw``), at about 1 ms a
megabyte. It refuses what recorders really send: escapes of lone surrogates (``"\ud83d"``). Since
only offsets are wanted, it is shown a text of the same length in which no escape is a surrogate.
What it refuses even so (depth, keys that are not UTF-8) or cannot show (a key that comes twice)
goes the slower way of ``scan``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import msgspec
from msgspec import Raw

from replay_fetch.api import scan

_array = msgspec.json.Decoder(list[Raw])
_object = msgspec.json.Decoder(dict[str, Raw])
_any = msgspec.json.Decoder(Raw)
# RecursionError: deeper than the interpreter's limit. UnicodeDecodeError, of keys, is a ValueError like msgspec's own.
REFUSED = (ValueError, msgspec.DecodeError, RecursionError)


def elements(array: bytes) -> list[bytes]:
    """The exact text of each element of a JSON array; ValueError where it is none."""
    shown = without_surrogates(array)
    try:
        raws = _array.decode(shown)
    except REFUSED:
        return scan.elements(array)
    if shown is array:
        return [bytes(raw) for raw in raws]
    return scan.elements(array, _known_ends(shown, raws))


def values(text: bytes) -> list[bytes]:
    """The exact text of each of one or several JSON values one after another."""
    shown = without_surrogates(text)
    try:
        raws = _any.decode_lines(shown)
    except REFUSED:
        return scan.values(text)
    if shown is text:
        return [bytes(raw) for raw in raws]
    return scan.values(text, _known_ends(shown, raws))


def pairs(obj: bytes) -> list[tuple[bytes, bytes]]:
    """The exact text of each key, in its quotes, and value of a JSON object."""
    shown = without_surrogates(obj)
    try:
        return scan.pairs(obj, _known_ends(shown, _object.decode(shown).values()))
    except REFUSED:
        return scan.pairs(obj)


def members(obj: bytes) -> dict[str, bytes]:
    """The exact text of each value of a JSON object; of a key that comes twice the last."""
    if without_surrogates(obj) is obj:
        try:
            return {key: bytes(raw) for key, raw in _object.decode(obj).items()}
        except REFUSED:
            pass
    return {key_text(key): value for key, value in pairs(obj)}


def without_surrogates(text: bytes) -> bytes:
    r"""``text``, or a stand-in of the same length whose values begin and end at the same offsets.

    ``\ud83d`` becomes ``\u983d``: valid where that is valid, invalid where that is. Behind an
    escaped backslash the change is one of plain letters. The digit 9 makes no ASCII character, so
    no key takes on a name that we look for.
    """
    if b"\\ud" in text or b"\\uD" in text:
        return text.replace(b"\\ud", b"\\u9").replace(b"\\uD", b"\\u9")
    return text


def _known_ends(shown: bytes, raws: Iterable[Raw]) -> scan.End:
    """Ends of values that were found in order; ValueError where one is not what stands there."""
    found = iter(raws)

    def end(_: bytes, start: int) -> int:
        raw = next(found, None)
        if raw is None or not shown.startswith(bytes(raw), start):
            raise ValueError("a key that comes twice hides the offsets")
        return start + len(raw)

    return end


def key_text(key: bytes) -> str:
    """The key that ``key``, in its quotes, spells; bytes that are not UTF-8 become U+FFFD."""
    text = json.loads(key.decode("utf-8", "replace"))
    return str(text)
