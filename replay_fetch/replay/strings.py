"""The table of strings that change records refer to; it lasts until the next full snapshot."""

from __future__ import annotations

from replay_fetch.replay.values import BadValue, Json, table, text, whole


class Strings:
    """Strings by the order in which the records brought them."""

    def __init__(self) -> None:
        self._known: list[str] = []

    def add(self, strings: list[object]) -> None:
        """Take in more; one that is no text keeps its place, for the others are counted from the front."""
        self._known += [string if isinstance(string, str) else "" for string in strings]

    def clear(self) -> None:
        """Begin anew."""
        self._known.clear()

    def text(self, reference: object) -> str:
        """What a reference stands for: a string itself, the number of one, or one with its role beside it."""
        if type(reference) is int and 0 <= reference < len(self._known):
            return self._known[reference]
        if isinstance(reference, str):
            return reference
        if isinstance(reference, dict):
            inside: Json = table(reference)
            reference = inside.get("string")
            if isinstance(reference, dict):
                raise BadValue("a string that is none")
            return text(reference) if isinstance(reference, str) else self.text(reference)
        whole(reference)
        raise BadValue("an unknown string")
