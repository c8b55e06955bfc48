"""An outline of JSON in a shape that no rule knows, and where in it the segments might be.

Only what is shown is split, so that a page of many megabytes costs no more than a few passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from replay_fetch.api import json_split
from replay_fetch.api.envelope import kind
from replay_fetch.printable import printable

_DEEPEST = 5
_WIDEST = 12
_LONGEST_KEY = 60
SEGMENT_KEYS = frozenset(
    {"records", "records_count", "start", "end", "creation_reason", "index_in_view", "has_full_snapshot"}
)
"""Keys of a segment, as the recorders write them: an object that has several of these is one."""
_records = re.compile(rb'"records"[ \t\r\n]*+:[ \t\r\n]*+\[[ \t\r\n]*+\{')
# An object with a start and an end alone may be any stretch of time.
_ENOUGH, _ENOUGH_WITH_RECORDS = 3, 1


@dataclass(frozen=True, slots=True)
class Node:
    """One value: what it is, how large, and for objects and lists what is in it."""

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
        """The last key of the path."""
        return self.path.rpartition(".")[2]


def outline(text: bytes) -> Node:
    """The outline of one JSON value; ValueError where ``text`` is not one."""
    value, *others = json_split.values(text) or [b""]
    if others or not value:
        raise ValueError(f"{len(others) + bool(value)} JSON values, where one is outlined")
    return _node(value, "", depth=0, usable=True)


def outline_lines(node: Node, indent: int = 0) -> Iterator[str]:
    """The outline for people, a line a value, fit for a terminal."""
    label = printable(node.key, _LONGEST_KEY) if node.path else "body"
    yield f"{'  ' * indent}{label}: {_described(node)}"
    shown = node.children[0].children if node.kind == "list" and node.children else node.children
    for child in shown:
        yield from outline_lines(child, indent + 1)
    hidden = (node.children[0].count if node.kind == "list" and node.children else node.count) - len(shown)
    if shown and hidden > 0:
        yield f"{'  ' * (indent + 1)}and {hidden} more"


def segments_paths(node: Node) -> list[str]:
    """Paths to lists of objects, for ``--segments-path``: what looks most like segments first, then by size."""
    found = [each for each in _walk(node) if each.kind == "list" and each.usable and _holds_objects(each)]
    found.sort(key=lambda each: (-_likeness(each), -each.size))
    return [each.path or "." for each in found]


def hidden_segments(text: bytes) -> str | None:
    """A path to what looks like segments in one JSON value in which none were found; None where nothing does.

    Records are looked for at any place, other keys of segments where a path leads; where none leads, the
    path is empty.
    """
    has_records = _records.search(text) is not None
    enough = _ENOUGH_WITH_RECORDS if has_records else _ENOUGH
    node = outline(text)
    likely = {each.path or "." for each in _walk(node) if _holds_objects(each) and _likeness(each) >= enough}
    return next((path for path in segments_paths(node) if path in likely), "" if has_records else None)


def _node(text: bytes, path: str, *, depth: int, usable: bool) -> Node:
    what = kind(text)
    if what == "object":
        members = json_split.members(text)
        inside = list(members.items())[:_WIDEST] if depth < _DEEPEST else []
        children = [
            _node(
                value, f"{path}.{key}" if path else key, depth=depth + 1, usable=usable and bool(key) and "." not in key
            )
            for key, value in inside
        ]
        return Node(path, what, len(text), len(members), usable, children)
    if what == "list":
        elements = json_split.elements(text)
        first = [_node(elements[0], path, depth=depth + 1, usable=False)] if elements and depth < _DEEPEST else []
        return Node(path, what, len(text), len(elements), usable, first)
    return Node(path, what, len(text), usable=usable)


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _holds_objects(node: Node) -> bool:
    return bool(node.children) and node.children[0].kind == "object"


def _likeness(node: Node) -> int:
    """How many keys of a segment its first object has, or the object wrapped in it."""
    first = node.children[0]
    return max(len(SEGMENT_KEYS & {child.key for child in each.children}) for each in (first, *first.children))


def _described(node: Node) -> str:
    if node.kind == "object":
        return f"object with {node.count} keys, {node.size} bytes"
    if node.kind == "list":
        of = f" of {node.children[0].kind}s" if node.children else ""
        return f"list{of}, {node.count} long, {node.size} bytes"
    return node.kind if node.kind in ("null", "boolean") else f"{node.kind}, {node.size} bytes"
