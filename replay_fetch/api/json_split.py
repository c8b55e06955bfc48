r"""JSON text cut into the exact bytes of its parts, without making values of them.

Two ways with one result. The quick one lets msgspec find the parts (``Raw``), at 1 to 3 ms a
megabyte. It refuses what recorders really send, escapes of lone surrogates (``"\ud83d"``); these
wear a disguise while it looks. What it refuses even so (depth, keys that are not UTF-8) or cannot
show (a key that comes twice) goes the slower way of ``scan``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec
from msgspec import Raw

from replay_fetch.api import json_scan

T = TypeVar("T")

# RecursionError: deeper than the interpreter's limit. ValueError: a key that is not UTF-8.
REFUSED = (msgspec.DecodeError, ValueError, RecursionError)

_surrogate = re.compile(rb"\\u[dD]")
_behind = re.Match.end
_DISGUISE = ord("9")


def _shows_windows() -> bool:
    """True where a ``Raw`` shows what its text becomes; a msgspec that copies would show what it was."""
    text = bytearray(b"[0]")
    (raw,) = msgspec.json.Decoder(list[Raw]).decode(text)
    memoryview(text)[:] = b"[1]"
    return bytes(raw) == b"1"


_WINDOWS = _shows_windows()


class Quick(Generic[T]):
    r"""What msgspec makes of a text; every ``Raw`` in it is exact.

    Where msgspec refuses it, surrogates are shown as other characters, ``\ud83d`` as ``\u983d``:
    valid where that is valid, invalid where that is, and behind an escaped backslash a change of plain
    letters. A ``Raw`` is a window on the text, so what it shows is exact again once the letters are back;
    strings and keys that were made in between are not. Where it were a copy, nothing would be disguised.
    """

    def __init__(self, decode: Callable[[bytes | bytearray], T]) -> None:
        self._decode = decode
        self._refused = False
        """The latest text was refused as it stood: the next one is not tried so, at half of what it costs."""

    def __call__(self, text: bytes) -> T:
        """Raises one of REFUSED where even so nothing is made of it."""
        if not self._refused:
            try:
                return self._decode(text)
            except msgspec.ValidationError:  # good JSON of another type
                raise
            except msgspec.DecodeError:
                self._refused = True
        first = _surrogate.search(text)
        self._refused = first is not None
        if first is None or not _WINDOWS:
            return self._decode(text)
        shown = bytearray(text)  # a substitution would copy the page twice more
        for behind in map(_behind, _surrogate.finditer(text, first.start())):
            shown[behind - 1] = _DISGUISE
        made = self._decode(shown)
        memoryview(shown)[:] = text
        return made


_array = Quick(msgspec.json.Decoder(list[Raw]).decode)
_members = msgspec.json.Decoder(dict[str, Raw])
_pairs = Quick(_members.decode)  # of which the values are used: keys may be in disguise
_lines = Quick(msgspec.json.Decoder(Raw).decode_lines)


def elements(array: bytes) -> list[bytes]:
    """The exact text of each element of a JSON array; NotJson where it is none."""
    try:
        return list(map(bytes, _array(array)))
    except REFUSED:
        return json_scan.elements(array)


def values(text: bytes) -> list[bytes]:
    """The exact text of each of one or several JSON values one after another."""
    try:
        return list(map(bytes, _lines(text)))
    except REFUSED:
        return json_scan.values(text)


def pairs(obj: bytes) -> list[tuple[bytes, bytes]]:
    """The exact text of each key, in its quotes, and value of a JSON object."""
    try:
        return json_scan.pairs(obj, _known_ends(map(bytes, _pairs(obj).values())))
    except REFUSED:
        return json_scan.pairs(obj)


def members(obj: bytes) -> dict[str, bytes]:
    """The exact text of each value of a JSON object; of a key that comes twice the last."""
    try:
        return {key: bytes(raw) for key, raw in _members.decode(obj).items()}
    except REFUSED:
        return {key_text(key): value for key, value in pairs(obj)}


def key_text(key: bytes) -> str:
    """The key that ``key``, in its quotes, spells; bytes that are not UTF-8 become U+FFFD."""
    return str(json.loads(key.decode("utf-8", "replace")))


def _known_ends(parts: Iterable[bytes]) -> json_scan.End:
    """Ends of values that were found in order; ValueError where one is not what stands there."""
    found = iter(parts)

    def end(text: bytes, start: int) -> int:
        part = next(found, None)
        if part is None or not text.startswith(part, start):
            raise ValueError("a key that comes twice hides the offsets")
        return start + len(part)

    return end
