"""The fast way through a page that is laid out like a page before: one pass of msgspec, equal to `shapes.locate`.

`shapes.locate` goes through a page once for each level of nesting. Once the path of the list is known, msgspec
splits the list and takes down the members beside the list, all in one pass. A page with a key that no page before
had is refused: any key may be a token's. Members known in full, see `fast_form`, need no second look. Every page
that does not fit exactly is left to `shapes.locate`, so both ways always agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple, cast

import msgspec
from msgspec import Raw, Struct

from replay_fetch.api import json_split
from replay_fetch.api.envelope import Envelope, Members
from replay_fetch.api.fast_form import Form, LevelMember, field_name
from replay_fetch.api.fast_wrapper import INNER, QuickWrapper, Wrappers
from replay_fetch.api.shapes import Located, outranking
from replay_fetch.api.soundness import SPOKEN_OF
from replay_fetch.api.tokens import LOOKED_AT
from replay_fetch.model import Segment

# An object that holds more keys than this at one level has other keys on every page: ids, most likely.
_MOST_KEYS = 64
# So many pages are looked at for what may stand beside the list. Pages that need the rules each time, as those
# with a link do, would otherwise be looked at for ever.
_MOST_LOOKS = 100
# So many pages in a row may look as if their wrappers could be taken off at once, and turn out otherwise.
_MOST_MISFITS = 10
# Bytes of a page up to which its list of wrappers is written again as a whole, to be compared. That costs copies of the
# page: of 20 kB 2 µs, where going from element to element costs 5 µs more; of 200 kB they cost more than they save.
_SHORT = 2**16
_raw_or_unset: object = Raw | msgspec.UnsetType
_list_of: Mapping[object, object] = list  # type: ignore[assignment] # a type made here, which no annotation can be


def can_be_quick(path: str, next_path: str) -> bool:
    """True where no rule looks at the list at ``path``, or into the list, so skipping the rules loses nothing."""
    keys = path.split(".")
    ways = {".".join(keys[: depth + 1]) for depth in range(len(keys))}
    return path == "" or (
        all(map(json_split.can_be_field, keys)) and ways.isdisjoint({*LOOKED_AT, *SPOKEN_OF, next_path})
    )


class QuickLocate:
    """Splits pages whose list of segments is at ``path``; ``name`` is the place in words.

    ``overridden`` says that the user gave the path, so no rule outranks the path. May be used from several
    threads at once: the knowledge is swapped whole.
    """

    def __init__(self, path: str, name: str, next_path: str, *, overridden: bool) -> None:
        self._path = path
        self._name = name
        keys = path.split(".") if path else []
        heres = [".".join(keys[:depth]) for depth in range(len(keys))]
        outranks = () if overridden else outranking(path)
        self._ways = list(zip(heres, keys, strict=True))
        """The way to the list: the path of each object, and the key that leads on."""
        self._rivals = {here: _keys_at(here, outranks) - {way} for here, way in self._ways}
        """Keys that are never known, as what stands there may outrank the list."""
        self._looks = _MOST_LOOKS
        self._form = Form(by_rules=bool(next_path))
        self._wrapper = QuickWrapper(keys)
        self._wrapped = False
        """The latest page's elements were wrappers."""
        self._misfits = 0
        self._strangers = 0
        """Short pages in a row whose wrappers were not all written like the latest."""
        self._known = _Known(self._ways, {}, self._form)

    def learn(self, envelope: Envelope | None, place: str) -> None:
        """Take in the members of a sound page, and the place where ``find_next`` found the page's token."""
        if envelope is None or self._looks <= 0:
            return
        # Counted whether or not anything was new: it is the looking that costs.
        self._looks -= 1
        beside = {here: self._beside(envelope, here, way) for here, way in self._ways}
        form = self._form.extended(beside, place)
        keys = {here: self._known.keys.get(here, frozenset()).union(members) for here, members in beside.items()}
        if form != self._form or keys != self._known.keys:
            self._form = form
            self._known = _Known(self._ways, keys, form)

    def locate(self, text: bytes) -> Located | None:
        """Locate the segments as `shapes.locate` would; None where only `shapes.locate` can tell."""
        # Read once: another thread may swap it for a wider one while this page is split.
        known = self._known
        if self._wrapped:
            located = self._unwrapped(known, text)
            if located is not None:
                self._misfits = 0
                return located
            self._misfits += 1
            self._wrapped = False
        try:
            level = known.split(text)
        except json_split.REFUSED:
            return None
        elements = list(map(bytes, known.elements_of(level)))
        following = known.form(level)
        # The form vouches for every member beside the list, so nothing is left for the rules to look into.
        if following is not None:
            return Located(elements, None, self._name, self._path, following)
        # Beside an empty list there may be segments in a place that the rules do not lead to.
        return Located(elements, known.envelope(level), self._name, self._path) if elements else None

    def expect_wrappers(self) -> None:
        """Try the next page as a page whose elements are all wrappers, unless ten such pages in a row were not."""
        self._wrapped = self._misfits < _MOST_MISFITS

    def _unwrapped(self, known: _Known, text: bytes) -> Located | None:
        """Locate the segments and unwrap each in the same pass; None unless every element is a wrapper."""
        try:
            level, segments = self._alike(known, text)
            if segments is None:
                level = known.split_wrappers(text)
                segments = self._wrapper.segments(text, known.wrappers_of(level))
        except json_split.REFUSED:
            return None
        if not segments:
            return None
        following = known.form(level)
        envelope = known.envelope(level) if following is None else None
        return Located([], envelope, self._name, self._path, following, segments)

    def _alike(self, known: _Known, text: bytes) -> tuple[object, list[Segment] | None]:
        """Unwrap a short page whose wrappers are written like the latest wrapper; None for any other page."""
        keys = self._wrapper.compact
        if not keys or len(text) > _SHORT or self._strangers >= _MOST_MISFITS:
            return None, None
        try:
            level = known.split_alike(keys)(text)
            segments = self._wrapper.segments_alike(text, known.structs_of(level), field_name(keys.index(INNER)))
        except json_split.REFUSED:
            level = segments = None
        self._strangers = 0 if segments else self._strangers + 1
        return level, segments

    def _beside(self, envelope: Envelope, here: str, way: str) -> Members:
        members = envelope.members(here)
        usable = {key: text for key, text in members.items() if key != way and json_split.can_be_field(key)}
        fitting = usable if len(usable) <= _MOST_KEYS else {}
        return {key: text for key, text in fitting.items() if key not in self._rivals[here]}


class _Level(NamedTuple):
    """An object on the way to the list, and how to take the object's members out of the outermost object."""

    here: str
    way: str
    names: Sequence[str]
    """Its other keys."""
    following: Callable[[object], Iterable[Raw]]
    """Takes what the way leads to; the list itself, for the last level."""
    readers: Sequence[Callable[[object], Raw | None]]
    """Take what stands under the other keys."""


class _Known:
    """The knowledge about a layout, compiled: a msgspec type, and a reader for each member."""

    def __init__(self, ways: Sequence[tuple[str, str]], keys: Mapping[str, frozenset[str]], form: Form) -> None:
        self.keys = keys
        self._levels: list[_Level] = []
        self._alike: tuple[tuple[str, ...], json_split.Quick[object] | None] = (), None
        leading = ""
        for here, way in ways:
            names = sorted(keys.get(here, ()))
            readers = [attrgetter(f"{leading}{field_name(at)}") for at, _ in enumerate(names, 1)]
            leading += f"{field_name(0)}."
            self._levels.append(_Level(here, way, names, attrgetter(leading.removesuffix(".")), readers))
        self.elements_of = self._levels[-1].following if ways else _itself
        self.split = json_split.Quick(msgspec.json.Decoder(self._type(list[Raw])).decode)
        self.form = form.reader(
            [
                LevelMember(level.here, name, reader)
                for level in self._levels
                for name, reader in zip(level.names, level.readers, strict=True)
            ]
        )

    def envelope(self, outermost: object) -> Envelope | None:
        """The objects around the list, with all of their members, as an Envelope for the rules."""
        known: dict[str, Members] = {}
        for level in self._levels:
            read = zip(level.names, (reader(outermost) for reader in level.readers), strict=True)
            way = {level.way: b"[" if level is self._levels[-1] else b"{"}
            known[level.here] = way | {name: bytes(raw) for name, raw in read if raw is not None}
        return Envelope(known) if known else None

    @cached_property
    def split_wrappers(self) -> json_split.Quick[object]:
        """The decoder that splits a page and also takes each element apart into members; built when first needed."""
        return json_split.Quick(msgspec.json.Decoder(self._type(list[dict[str, Raw]])).decode)

    def split_alike(self, keys: tuple[str, ...]) -> json_split.Quick[object]:
        """The decoder that splits a page, and takes each element apart into a struct with a field for each key."""
        known, split = self._alike
        if keys != known or split is None:
            fields = [(field_name(at), _raw_or_unset) for at, _ in enumerate(keys)]
            rename = {field_name(at): key for at, key in enumerate(keys)}
            wrapper = msgspec.defstruct("Wrapper", fields, rename=rename, forbid_unknown_fields=True, gc=False)
            split = json_split.Quick(msgspec.json.Decoder(self._type(_list_of[wrapper])).decode)
            self._alike = keys, split
        return split

    def structs_of(self, level: object) -> Sequence[Struct]:
        """The elements, in the result of ``split_alike``."""
        structs: object = self.elements_of(level)
        return cast("Sequence[Struct]", structs)

    def wrappers_of(self, level: object) -> Wrappers:
        """The elements, taken apart, in the result of ``split_wrappers``."""
        wrappers: object = self.elements_of(level)
        return cast("Wrappers", wrappers)

    def _type(self, elements: object) -> object:
        """Build the type of the outermost object, or of the list where the list is the whole body."""
        found = elements
        for level in reversed(self._levels):
            fields: list[tuple[str, object, None]] = [
                (field_name(at), Raw, None) for at, _ in enumerate(level.names, 1)
            ]
            rename = {field_name(at): key for at, key in enumerate([level.way, *level.names])}
            found = msgspec.defstruct(
                "Level", [(field_name(0), found), *fields], rename=rename, forbid_unknown_fields=True, gc=False
            )
        return found


def _keys_at(here: str, paths: Iterable[str]) -> frozenset[str]:
    """The keys by which ``paths`` lead out of the object at ``here``."""
    prefix = f"{here}." if here else ""
    return frozenset(path.removeprefix(prefix).partition(".")[0] for path in paths if path.startswith(prefix))


def _itself(level: object) -> Iterable[Raw]:
    return cast("Iterable[Raw]", level)
