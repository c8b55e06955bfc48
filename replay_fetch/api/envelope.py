"""The JSON object around a page's segments, looked into by dotted paths."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from replay_fetch.api import json_split

Members = Mapping[str, bytes]
"""The values of one JSON object as exact JSON text, by key."""

_NONE: Members = {}


class Envelope:
    """Nested JSON objects, of which only those that are asked for are split, once each.

    ``known`` holds the members of objects that are split already, by path; ``""`` is the outermost. Of an
    object on the way to another one that is known, the opening brace may stand for its text.
    """

    def __init__(self, known: dict[str, Members]) -> None:
        self._known = known

    @property
    def keys(self) -> list[str]:
        """The keys of the outermost object."""
        return list(self._known[""])

    def members(self, path: str) -> Members:
        """The members of the object at ``path``; none where no object is there."""
        found = self._known.get(path)
        if found is None:
            text = self.get(path)
            found = _NONE if text is None or text[:1] != b"{" else json_split.members(text)
            self._known[path] = found
        return found

    def get(self, path: str) -> bytes | None:
        """The JSON text of what stands at ``path``; None where nothing does."""
        parent, _, key = path.rpartition(".")
        return self.members(parent).get(key)


_KINDS = {b"{": "object", b"[": "list", b'"': "string", b"t": "boolean", b"f": "boolean", b"n": "null"}


def kind(text: bytes | None) -> str:
    """What the exact JSON text is, by its first byte; ``nothing`` of None."""
    return "nothing" if text is None else _KINDS.get(text[:1], "number")


def string(text: bytes) -> str:
    """The value of a JSON string; ValueError where it has lone surrogates or is not UTF-8."""
    return str(orjson.loads(text))
