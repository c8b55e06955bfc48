r"""JSON text cut into the exact bytes of its parts, without building values: the quick way, then the exact way.

Both ways give the same result. In the quick way msgspec finds the parts (``Raw``), at 1 to 3 ms a megabyte. msgspec
refuses escapes of lone surrogates (``"\ud83d"``), which recorders really send, so surrogates wear a disguise while
msgspec looks. A text that is refused even so (depth, keys outside UTF-8), or that msgspec cannot show in full (a key
that comes twice), goes the exact way of `json_scan`.
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
# Texts behind one with surrogates that are searched first: a search takes a quarter of what decoding takes, and to
# be refused takes half. Where some pages have surrogates, most have; where none has, nothing is searched.
_SEARCHES = 16
# Keys that no disguise can look like: printable ASCII without a quote and a backslash.
_plain = re.compile(r"[ !#-\[\]-~]+")


def _shows_windows() -> bool:
    """True where a ``Raw`` is a window on the text; a msgspec that copied would show the text before a change."""
    text = bytearray(b"[0]")
    (raw,) = msgspec.json.Decoder(list[Raw]).decode(text)
    memoryview(text)[:] = b"[1]"
    return bytes(raw) == b"1"


_WINDOWS = _shows_windows()


class Quick(Generic[T]):
    r"""Decodes a text with msgspec so every ``Raw`` in the result is exact, lone surrogates included.

    Where msgspec refuses the text, surrogates are shown as other characters, ``\ud83d`` as ``\u983d``: valid where
    the original is valid, invalid where invalid, and behind an escaped backslash a change of plain letters. A
    ``Raw`` is a window on the text, and therefore exact again once the letters are put back. Strings and keys made
    in between stay disguised. Where a ``Raw`` is a copy, nothing is disguised.
    """

    def __init__(self, decode: Callable[[bytes | bytearray], T]) -> None:
        self._decode = decode
        self._searches = 0
        """Texts left that are searched for surrogates, as a text before them was refused as it stood."""

    def __call__(self, text: bytes) -> T:
        """Decode the text; raises an exception of REFUSED where even the disguised text is refused."""
        if not self._searches:
            try:
                return self._decode(text)
            except msgspec.ValidationError:  # good JSON of another type
                raise
            except msgspec.DecodeError:
                pass
        first = _surrogate.search(text)
        self._searches = _SEARCHES if first is not None else max(0, self._searches - 1)
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
    """Cut a JSON array into the exact text of each element; NotJson where the text is no array."""
    try:
        return list(map(bytes, _array(array)))
    except REFUSED:
        return json_scan.elements(array)


def values(text: bytes) -> list[bytes]:
    """Cut a text into the exact text of each JSON value, where several stand one after another."""
    try:
        return list(map(bytes, _lines(text)))
    except REFUSED:
        return json_scan.values(text)


def pairs(obj: bytes) -> list[tuple[bytes, bytes]]:
    """Cut a JSON object into the exact text of each key, quotes included, and of each value."""
    try:
        return json_scan.pairs(obj, _known_ends(map(bytes, _pairs(obj).values())))
    except REFUSED:
        return json_scan.pairs(obj)


def members(obj: bytes) -> dict[str, bytes]:
    """Cut a JSON object into the exact text of each value, by decoded key; of a repeated key the last value counts."""
    try:
        return {key: bytes(raw) for key, raw in _members.decode(obj).items()}
    except REFUSED:
        return {key_text(key): value for key, value in pairs(obj)}


def key_text(key: bytes) -> str:
    """Decode a key from the text in quotes; bytes outside UTF-8 become U+FFFD, as keys are compared, not stored."""
    return str(json.loads(key.decode("utf-8", "replace")))


def can_be_field(key: str) -> bool:
    """True of a key that a struct's field can stand for and that no disguised surrogate can look like."""
    return _plain.fullmatch(key) is not None


def _known_ends(parts: Iterable[bytes]) -> json_scan.End:
    """Ends of values whose texts are known in order; the function raises ValueError where another text stands there."""
    found = iter(parts)

    def end(text: bytes, start: int) -> int:
        part = next(found, None)
        if part is None or not text.startswith(part, start):
            raise ValueError("a key that comes twice hides the offsets")
        return start + len(part)

    return end
