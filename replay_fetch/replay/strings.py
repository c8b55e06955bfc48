"""The table of strings that change records refer to; it lasts until the next full snapshot.

The SDK writes a string of the page once, and later only its number in the table. A view of hours has a million of them,
so the table is most of the memory that a long recording takes.
"""

from __future__ import annotations

from array import array

from replay_fetch.replay.values import BadValue, whole

# Strings kept as Python strings. Most references are to young strings. A view of hours brings a million strings, and a
# record may refer to any of them: older strings are kept in one block, a third of the size. A view of 106 MB is read in
# 106 MB of memory that way, and in 177 MB without the block.
_YOUNG = 100_000


class Strings:
    """The table of strings, numbered from 0 in the order in which the records brought them.

    Strings of all ages can be read. Old strings are kept as bytes, so a million strings take a third of the
    memory.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Empty the table, so the next string has the number 0 again: SDK 7.10 asks for it with item 14."""
        self._old = bytearray()
        self._ends = array("Q", [0])
        """The place in the block where each old string begins; the last entry is the end of the block."""
        self._young: list[str] = []
        self._first_young = 0

    def add(self, strings: list[object]) -> None:
        """Add strings behind the last; an entry that is no text keeps its number, as the empty string.

        The records that follow count on the number of entries: with one left out, all later numbers would name a
        neighbour.
        """
        self._young += [string if isinstance(string, str) else "" for string in strings]
        # By the hundred thousand: taken away one by one, each string would move the whole list.
        if len(self._young) >= 2 * _YOUNG:
            for string in self._young[:_YOUNG]:
                self._old += string.encode("utf-8", "surrogatepass")
                self._ends.append(len(self._old))
            del self._young[:_YOUNG]
            self._first_young += _YOUNG

    def text(self, reference: object) -> str:
        """Read a reference: a string itself, the number of a string, or an object with either beside its role.

        SDK 7.0 to 7.9 write the first two forms, SDK 7.10 and later the third. Raises BadValue for a number that the
        table does not have, and for any other type.
        """
        if type(reference) is int:
            place = reference - self._first_young
            if 0 <= place < len(self._young):
                return self._young[place]
            return self._numbered(reference)
        if isinstance(reference, str):
            return reference
        if isinstance(reference, dict):
            inside = reference.get("string")
            return inside if isinstance(inside, str) else self._numbered(whole(inside))
        return self._numbered(whole(reference))

    def _numbered(self, number: int) -> str:
        place = number - self._first_young
        if not 0 <= number < self._first_young + len(self._young):
            raise BadValue("an unknown string")
        if place >= 0:
            return self._young[place]
        begin, end = self._ends[number], self._ends[number + 1]
        return self._old[begin:end].decode("utf-8", "surrogatepass")
