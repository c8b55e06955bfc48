"""The form of a page's envelope, learned from pages before and read in one call of msgspec.

Beside the list of segments a page says where the next page is, and how the page itself fared. Once the rules have
read a page's envelope, msgspec reads envelopes of the same form: the token from the place where the token stood, and
of every other member only that the member says nothing. Refused are keys that are new, at any depth, and every value
that the rules would have to judge: a filled value where a token may stand, an error, a status not seen before,
objects in a list, and on a last page a value that looks like a token. The rules read a refused page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Annotated, Literal, NamedTuple, Union

import msgspec
from msgspec import Meta, Raw, Struct

from replay_fetch.api import json_split
from replay_fetch.api.envelope import Members, kind, path_in, string
from replay_fetch.api.fast_extent import ExtentReader
from replay_fetch.api.guess import DEEPEST, LIKE_THE_EXAMPLE, is_named_like_a_token
from replay_fetch.api.soundness import ERRORS, SPOKEN_OF, STATUSES
from replay_fetch.api.tokens import LOOKED_AT, TOKEN_PLACES, Next
from replay_fetch.model import Extent

_NO_TOKEN = Next()
_BY_RULES = LOOKED_AT | TOKEN_PLACES
_SCALARS = (bool, float, str)
_NONE_IN_IT = Annotated[list[None], Meta(max_length=0)]
# Words of a status that are remembered; one that differs on every page (a request's id) would grow without end.
_MOST_WORDS = 20
# Types are made of values here, which no annotation can be.
_literal: Mapping[object, object] = Literal  # type: ignore[assignment]
_union: Mapping[object, object] = Union  # type: ignore[assignment]


class LevelMember(NamedTuple):
    """A member of an object on the way to the list, and the reader for the member's text."""

    here: str
    """The object's path."""
    key: str
    reader: Callable[[object], Raw | None]
    """Takes it out of the outermost level."""


class _Node(NamedTuple):
    """The values seen under a key so far: which kinds of JSON, which words, and the members of objects."""

    kinds: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    members: Mapping[str, _Node] = {}

    def extended(self, text: bytes, depth: int) -> _Node:
        """Return the node widened by another value's text, ``depth`` objects below the top."""
        what = kind(text)
        if what == "object" and depth < DEEPEST:
            return self._replace(
                kinds=self.kinds | {what}, members=_extended(self.members, json_split.members(text), depth)
            )
        words = self.words | {_word(text)} if what == "string" and len(self.words) < _MOST_WORDS else self.words
        return self._replace(kinds=self.kinds | {what}, words=words)


class Form(Struct, frozen=True):
    """The form of the members beside the list, in the pages so far.

    ``by_rules`` says that the user names the token's place, which only the rules read.
    """

    by_rules: bool = False
    place: str = "paging"
    """Where the latest page that had a token had it."""
    levels: Mapping[str, Mapping[str, _Node]] = {}
    """By the path of the object and the key in it."""

    def extended(self, beside: Mapping[str, Members], place: str) -> Form:
        """Return the form widened by another page, whose token stands at ``place``."""
        levels = {here: _extended(self.levels.get(here, {}), members, 1) for here, members in beside.items()}
        return Form(self.by_rules, place if place in TOKEN_PLACES else self.place, levels)

    def reader(self, members: Sequence[LevelMember]) -> Callable[[object], Next | None]:
        """Build a reader that tells, as the rules would, which page follows.

        The reader is given the outermost level of a page, and gives None where only the rules can tell.
        """
        if self.by_rules:
            return _for_the_rules
        reads: list[_Read] = []
        extent = ExtentReader()
        for member in members:
            path = path_in(member.here, member.key)
            node = self.levels.get(member.here, {}).get(member.key, _Node())
            decode = msgspec.json.Decoder(_type(path, node, self.place)).decode
            reads.append((member.reader, decode, _token_of(path, node, self.place)))
            extent.watch(member.reader, path, node)
        return _Reader(self.place, reads, extent)


_Read = tuple[Callable[[object], Raw | None], Callable[[Raw], object], Callable[[object], str | None] | None]


class _Reader:
    """Reads the members that can be there, the token's among them; gives None as soon as msgspec refuses a member."""

    def __init__(self, place: str, reads: Sequence[_Read], extent: ExtentReader) -> None:
        self._place = place
        self._reads = reads
        # Most pages tell nothing beside the token: they do not even ask.
        self._extent = extent if extent.watches else None

    def __call__(self, level: object) -> Next | None:
        token = extent = None
        try:
            for member_of, decode, token_of in self._reads:
                raw = member_of(level)
                if raw is not None:
                    found = decode(raw)
                    if token_of is not None:
                        token = token_of(found)
            if self._extent is not None:
                extent = self._extent(level)
        except json_split.REFUSED:
            return None
        # An empty string is no token, as by the rules.
        return Next(token, place=self._place, extent=extent) if token else self._without_token(level, extent)

    def _without_token(self, level: object, extent: Extent | None) -> Next | None:
        """Tell that a page is the last; None, so that the rules judge, where a value of any key looks like a token."""
        for member_of, _, _ in self._reads:
            raw = member_of(level)
            if raw is not None and LIKE_THE_EXAMPLE in bytes(raw):
                return None
        return _NO_TOKEN if extent is None else Next(extent=extent)


def field_name(number: int) -> str:
    """The name of a struct's field, numbered: a JSON key may be no Python name at all."""
    return f"f{number}"


def _extended(nodes: Mapping[str, _Node], members: Members, depth: int) -> dict[str, _Node]:
    more = {
        key: nodes.get(key, _Node()).extended(text, depth)
        for key, text in members.items()
        if json_split.can_be_field(key)
    }
    return {**nodes, **more}


def _type(path: str, node: _Node, place: str) -> object:
    """Build the type of values at ``path`` that say nothing; at the token's own place, the type of tokens."""
    # Null is a token's end of the chain; anything but text or null goes to the rules.
    if path == place:
        return str | None
    allowed: list[object] = [None]
    key = path.rpartition(".")[2]
    # 1. what the page says of itself  2. where the rules look for a token  3. what is only called like one
    if path in SPOKEN_OF:
        if key in ERRORS:
            allowed.append(_NONE_IN_IT)
        elif key in STATUSES and node.words:
            allowed.append(_literal[tuple(sorted(node.words))])
    elif path in _BY_RULES:
        allowed.append(Literal[""])
    elif is_named_like_a_token(path):
        allowed += [Literal[""], *_lists(node)]
    elif node.kinds - {"null", "object", "list"}:
        allowed += [*_SCALARS, *_lists(node)]
    else:
        allowed += _lists(node)
    if "object" in node.kinds and path not in _BY_RULES - TOKEN_PLACES:
        allowed.append(_struct(path, node, place))
    return _union[tuple(allowed)]


def _lists(node: _Node) -> list[object]:
    """The type for lists of scalars, where lists were seen; in a list of objects segments may hide, for the rules."""
    return [list[bool | float | str | None]] if "list" in node.kinds else []


def _struct(path: str, node: _Node, place: str) -> object:
    names = sorted(node.members)
    fields = [(field_name(at), _type(f"{path}.{key}", node.members[key], place), None) for at, key in enumerate(names)]
    rename = {field_name(at): key for at, key in enumerate(names)}
    return msgspec.defstruct("Level", fields, rename=rename, forbid_unknown_fields=True, gc=False)


def _token_of(path: str, node: _Node, place: str) -> Callable[[object], str | None] | None:
    """Build the function that takes the token out of the value at ``path``; None where the token stands elsewhere."""
    if path == place:
        return _itself
    if not place.startswith(f"{path}."):
        return None
    names = []
    for key in place.removeprefix(f"{path}.").split("."):
        if key not in node.members:
            return None
        names.append(field_name(sorted(node.members).index(key)))
        node = node.members[key]
    within = attrgetter(".".join(names))

    def token_of(found: object) -> str | None:
        try:
            token: str | None = within(found)
        except AttributeError:  # null, or a struct without the next one
            return None
        return token

    return token_of


def _itself(found: object) -> str | None:
    return found if isinstance(found, str) else None


def _for_the_rules(_level: object) -> Next | None:
    return None


def _word(text: bytes) -> str:
    try:
        return string(text)
    except ValueError:
        return ""
