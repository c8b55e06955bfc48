"""The JSON object around a page's segments, looked into by dotted paths such as ``meta.page.after``."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from replay_fetch.api import json_split

Members = Mapping[str, bytes]
"""The values of one JSON object as exact JSON text, by key."""

_NONE: Members = {}


def path_in(here: str, key: str) -> str:
    """The dotted path of a key in the object at ``here``, which is empty for the outermost object."""
    return f"{here}.{key}" if here else key


class Envelope:
    """Nested JSON objects, split on demand: an object is cut into members when first asked for, and only then.

    ``known`` holds the members of objects that are split already, by path; ``""`` is the outermost object. For an
    object on the way to a known object, the opening brace may stand instead of the text.
    """

    def __init__(self, known: dict[str, Members]) -> None:
        self._known = known

    @property
    def keys(self) -> list[str]:
        """The keys of the outermost object, in the order of the text."""
        return list(self._known[""])

    def members(self, path: str) -> Members:
        """The members of the object at ``path``, as exact JSON text by key; none where no object is there."""
        # Each object is split once: many rules look at the same few places of a page.
        found = self._known.get(path)
        if found is None:
            text = self.get(path)
            found = _NONE if text is None or text[:1] != b"{" else json_split.members(text)
            self._known[path] = found
        return found

    def get(self, path: str) -> bytes | None:
        """The exact JSON text of the value at ``path``; None where the path leads nowhere."""
        parent, _, key = path.rpartition(".")
        return self.members(parent).get(key)


# JSON's grammar lets a value's first byte tell its kind; the text was proved to be JSON when it was cut.
_KINDS = {b"{": "object", b"[": "list", b'"': "string", b"t": "boolean", b"f": "boolean", b"n": "null"}


def kind(text: bytes | None) -> str:
    """The kind of an exact JSON text, by the first byte: ``object``, ``list``, ``string``, …; ``nothing`` for None."""
    return "nothing" if text is None else _KINDS.get(text[:1], "number")


def string(text: bytes) -> str:
    """Decode the text of a JSON string; ValueError where lone surrogates or bytes outside UTF-8 stand in the text."""
    return str(orjson.loads(text))
