"""The extent of the list, read the fast way: out of an envelope of known form, without splitting its objects.

Only members in which an earlier page had a flag or a count are looked into, and of these only the values themselves
are taken, as exact texts. `extent_of` judges the texts, as it does for the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Protocol

import msgspec
from msgspec import Raw

from replay_fetch.api.extent import PATHS, extent_of
from replay_fetch.model import Extent


class Known(Protocol):
    """The members that earlier pages had in the object under a key."""

    @property
    def members(self) -> Mapping[str, Known]:
        """The members by key; none where it never was an object."""


class ExtentReader:
    """Reads what a page tells of the whole list, in one call of msgspec for each member that tells anything."""

    def __init__(self) -> None:
        self._reads: list[tuple[_MemberOf, Callable[[Raw], object], list[_Leaf]]] = []

    def watch(self, member_of: _MemberOf, path: str, known: Known) -> None:
        """Read a member of the outermost level on later pages, where an earlier page had a flag or a count in it."""
        if path in PATHS:
            self._reads.append((member_of, _itself, [(path, _itself)]))
            return
        of_members, leaves = _struct(path, known)
        if leaves:
            decode = msgspec.json.Decoder(of_members).decode
            self._reads.append((member_of, decode, [(path, attrgetter(names)) for path, names in leaves]))

    @property
    def watches(self) -> bool:
        """True where an earlier page had a flag or a count."""
        return bool(self._reads)

    def __call__(self, level: object) -> Extent | None:
        """Read a page's outermost level; raises one of `json_split.REFUSED` where only the rules can read it."""
        texts: dict[str, bytes] = {}
        for member_of, decode, leaves in self._reads:
            raw = member_of(level)
            if raw is not None:
                found = decode(raw)
                for path, text_of in leaves:
                    try:
                        text = text_of(found)
                    except AttributeError:  # an object on the way is not there
                        continue
                    if text is not None:
                        texts[path] = bytes(text)
        return extent_of(texts) if texts else None


_MemberOf = Callable[[object], Raw | None]
_Leaf = tuple[str, Callable[[object], Raw | None]]


def _struct(path: str, known: Known) -> tuple[object, list[tuple[str, str]]]:
    """Build the type of an object that tells something, and the way to each value: its path, and its fields' names."""
    fields: list[tuple[str, object, None]] = []
    rename: dict[str, str] = {}
    leaves: list[tuple[str, str]] = []
    for key, member in known.members.items():
        name, inner = f"f{len(fields)}", f"{path}.{key}"
        of_member, further = (Raw, [(inner, "")]) if inner in PATHS else _struct(inner, member)
        if further:
            fields.append((name, of_member, None))
            rename[name] = key
            leaves += [(leaf, f"{name}.{names}".rstrip(".")) for leaf, names in further]
    if not leaves:
        return None, []
    return msgspec.defstruct("Told", fields, rename=rename, gc=False) | None, leaves


def _itself(raw: object) -> Raw | None:
    return raw if isinstance(raw, Raw) else None
