"""Guesses at JSON in a shape that no rule knows: an outline, where segments might be, and where a token might be.

Guesses never decide what is archived. They refuse a page that looks complete and may not be, and name the flag that
would help. Only shown parts are split, so a page of many megabytes costs a few passes and no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from replay_fetch.api import json_split
from replay_fetch.api.envelope import Envelope, kind, path_in
from replay_fetch.api.extent import is_read
from replay_fetch.api.segment import SEGMENT_KEYS
from replay_fetch.api.tokens import LOOKED_AT, TOKEN_PLACES
from replay_fetch.printable import printable

DEEPEST = 5
"""Objects further in are not looked into."""
# Members shown of an object; a map by id has thousands, and its first dozen tells as much.
_WIDEST = 12
_LONGEST_KEY = 60
_records = re.compile(rb'"records"[ \t\r\n]*+:[ \t\r\n]*+\[[ \t\r\n]*+\{')
# An object with a start and an end alone may be any stretch of time.
_ENOUGH, _ENOUGH_WITH_RECORDS = 3, 1


@dataclass(frozen=True, slots=True)
class Node:
    """A value in the outline: kind, size in bytes, and for objects and lists the values inside."""

    path: str
    """Dotted, empty for the whole; the first element stands for all of a list's and has the list's path."""
    kind: str
    size: int
    """Bytes of JSON text."""
    count: int = 0
    """Members or elements."""
    usable: bool = True
    """Whether the path leads here: a key with a dot in it, or a list on the way, cannot be named."""
    children: list[Node] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The last key of the path, empty for the whole body."""
        return self.path.rpartition(".")[2]


def outline(text: bytes) -> Node:
    """Outline a single JSON value, five levels deep and twelve members wide; ValueError where ``text`` is none."""
    value, *others = json_split.values(text) or [b""]
    if others or not value:
        raise ValueError(f"{len(others) + bool(value)} JSON values, where one is outlined")
    return _node(value, "", depth=0, usable=True)


def outline_lines(node: Node, indent: int = 0) -> Iterator[str]:
    """Write the outline for people, a line for each value, fit for a terminal."""
    label = printable(node.key, _LONGEST_KEY) if node.path else "body"
    yield f"{'  ' * indent}{label}: {_described(node)}"
    shown = node.children[0].children if node.kind == "list" and node.children else node.children
    for child in shown:
        yield from outline_lines(child, indent + 1)
    hidden = (node.children[0].count if node.kind == "list" and node.children else node.count) - len(shown)
    if shown and hidden > 0:
        yield f"{'  ' * (indent + 1)}and {hidden} more"


def segments_paths(node: Node) -> list[str]:
    """Paths to lists of objects, for ``--segments-path``: the likeliest segments first, then the largest."""
    found = [each for each in _nodes(node) if each.kind == "list" and each.usable and _holds_objects(each)]
    found.sort(key=lambda each: (-_likeness(each), -each.size))
    return [each.path or "." for each in found]


def hidden_segments(text: bytes) -> str | None:
    """A path to likely segments in a JSON value in which no rule found any; None where nothing looks like segments.

    Records are searched for at any place, other keys of segments only where a path leads. The result is empty for
    records to which no path leads.
    """
    # Cheap first: one search through the bytes. The outline is made of every page that is empty.
    has_records = _records.search(text) is not None
    enough = _ENOUGH_WITH_RECORDS if has_records else _ENOUGH
    node = outline(text)
    likely = {each.path or "." for each in _nodes(node) if _holds_objects(each) and _likeness(each) >= enough}
    return next((path for path in segments_paths(node) if path in likely), "" if has_records else None)


def _node(text: bytes, path: str, *, depth: int, usable: bool) -> Node:
    what = kind(text)
    if what == "object":
        members = json_split.members(text)
        inside = list(members.items())[:_WIDEST] if depth < DEEPEST else []
        children = [
            _node(value, path_in(path, key), depth=depth + 1, usable=usable and bool(key) and "." not in key)
            for key, value in inside
        ]
        return Node(path, what, len(text), len(members), usable, children)
    if what == "list":
        elements = json_split.elements(text)
        first = [_node(elements[0], path, depth=depth + 1, usable=False)] if elements and depth < DEEPEST else []
        return Node(path, what, len(text), len(elements), usable, first)
    return Node(path, what, len(text), usable=usable)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _holds_objects(node: Node) -> bool:
    return bool(node.children) and node.children[0].kind == "object"


def _likeness(node: Node) -> int:
    """Count the keys of a segment in a list's first object, or in the object wrapped in there, whichever has more."""
    first = node.children[0]
    return max(len(SEGMENT_KEYS & {child.key for child in each.children}) for each in (first, *first.children))


def _described(node: Node) -> str:
    if node.kind == "object":
        return f"object with {node.count} keys, {node.size} bytes"
    if node.kind == "list":
        of = f" of {node.children[0].kind}s" if node.children else ""
        return f"list{of}, {node.count} long, {node.size} bytes"
    return node.kind if node.kind in ("null", "boolean") else f"{node.kind}, {node.size} bytes"


# Words in the names of keys that hold tokens, the likelier the earlier; searched for within the key.
_WORDS = (
    *("paging", "next", "cursor", "token", "after", "continu", "scroll", "marker", "resume", "bookmark"),
    *("checkpoint", "anchor", "iterator", "offset", "position", "truncat", "more", "page"),
)
# A key that leads back or counts holds no token, though a word of the above is in its name.
_no_token = re.compile(r"prev|before|first|size|limit|count|total|per_?page")
LIKE_THE_EXAMPLE = b'"eyJ'
"""JSON as an object in base64, as is the token in the vendor's own example, whatever its key is called."""
_BY_RULES = LOOKED_AT | TOKEN_PLACES
_EMPTY = (b"null", b'""', b"false")


class TokenLike(NamedTuple):
    """Paths for ``--next-path`` to values that are called like a token, the likelier first."""

    filled: list[str]
    """To strings, numbers and true."""
    empty: list[str]
    """To null, false and empty strings where no rule looks: on a page that leads on a token may stand there."""


def token_like(envelope: Envelope, segments_path: str = "") -> TokenLike:
    """Find members called like a token in the object around the segments, which are at ``segments_path``."""
    filled: list[tuple[int, int, str]] = []
    empty: list[tuple[int, int, str]] = []
    for path, text in _members_within(envelope, "", segments_path):
        rank = _rank(path)
        # A likely name, or a likely value: either is reason enough to ask before a chain is called complete.
        if (rank == len(_WORDS) and not text.startswith(LIKE_THE_EXAMPLE)) or is_read(path, text):
            continue
        if text in _EMPTY:
            if path not in _BY_RULES:
                empty.append((rank, path.count("."), path))
        elif kind(text) in ("string", "number", "boolean"):
            filled.append((rank, path.count("."), path))
    return TokenLike(_paths(filled), _paths(empty))


def token_like_in(text: bytes) -> TokenLike:
    """Find members called like a token in a whole body, if the body is a single object; NotJson for other text."""
    values = json_split.values(text)
    if len(values) != 1 or kind(values[0]) != "object":
        return TokenLike([], [])
    return token_like(Envelope({"": json_split.members(values[0])}))


def is_named_like_a_token(path: str) -> bool:
    """True where the path's last key has a word that tokens are called by, and no word that counts or leads back."""
    return _rank(path) < len(_WORDS)


def unread(envelope: Envelope, segments_path: str) -> list[str]:
    """Paths to values that look like a token and stand where no rule looks, so pages may follow unseen."""
    return [path for path in token_like(envelope, segments_path).filled if path not in _BY_RULES]


def _members_within(envelope: Envelope, here: str, segments_path: str) -> Iterator[tuple[str, bytes]]:
    """Walk through the members of the object at ``here`` and of objects inside, leaving out ``segments_path``."""
    for key, text in envelope.members(here).items():
        path = path_in(here, key)
        # --next-path could not name these, so no advice could follow.
        if not key or "." in key or path == segments_path:
            continue
        yield path, text
        if kind(text) == "object" and path.count(".") + 1 < DEEPEST:
            yield from _members_within(envelope, path, segments_path)


def _rank(path: str) -> int:
    key = path.rpartition(".")[2].lower()
    if _no_token.search(key):
        return len(_WORDS)
    return next((rank for rank, word in enumerate(_WORDS) if word in key), len(_WORDS))


def _paths(ranked: list[tuple[int, int, str]]) -> list[str]:
    return [path for _, _, path in sorted(ranked)]
