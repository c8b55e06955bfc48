"""What one record changes: applied to the page at once, and kept until it is told as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from replay_fetch.replay.css import css_text
from replay_fetch.replay.forms import choose, fill, is_box, is_field, tick
from replay_fetch.replay.page import DOCUMENT, ELEMENT, FRAGMENT, SHADOW_ROOT, TEXT, Node, Page, Sheet
from replay_fetch.replay.safety import is_told
from replay_fetch.replay.values import BadValue

_CONTAINERS = frozenset({ELEMENT, DOCUMENT, SHADOW_ROOT, FRAGMENT})


class Removal(NamedTuple):
    """A node that was on the page before the record, and where it was then."""

    id: int
    parent: int
    """The element's id: where the node was a child of a shadow root, its host."""
    in_shadow: bool


class Changes:
    """One record's changes of a page, in the order in which they were made."""

    def __init__(self, page: Page, notes: Counter[str]) -> None:
        self.page = page
        self.notes = notes
        self.added: dict[int, Node] = {}
        self.removed: list[Removal] = []
        self.gone: set[int] = set()
        """All that went, with what stood below it."""
        self.texts: dict[int, Node] = {}
        self.attributes: dict[int, dict[str, None]] = {}
        """Names of attributes that changed, by node, in order."""
        self.filled: dict[int, Node] = {}
        self.scrolled: dict[int, Node] = {}
        self.adopted: dict[int, Node] = {}
        self.played: dict[int, Node] = {}
        self.rules: list[tuple[Node, dict[str, object]]] = []

    def node(self, id: int) -> Node:  # noqa: A002 - what it is called everywhere
        """A node of the page; raises BadValue where the page has none of this id."""
        node = self.page.nodes.get(id)
        if node is None:
            raise BadValue("an unknown node")
        return node

    def take_known(self, number: int) -> None:
        """Remove the node of an id; SDKs also name what went with something above it."""
        if number in self.page.nodes or number not in self.gone:
            self.take(self.node(number))

    def note(self, reason: object) -> None:
        """Count what cannot be used."""
        self.notes[str(reason)] += 1

    def put(self, node: Node, parent: Node, before: Node | None) -> None:
        """Add a node."""
        if parent.kind not in _CONTAINERS:
            raise BadValue("a child of what has none")
        self.page.insert(node, parent, before if before is not None and before.parent is parent else None)
        self.added[node.id] = node
        if parent.name == "style":
            parent.rules = []  # the browser reads the sheet anew

    def take(self, node: Node) -> None:
        """Remove a node with all below it."""
        if node.parent is None:
            raise BadValue("the document cannot be removed")
        # A shadow root is no node to rrweb: those in it go one by one.
        for each in list(node.children()) if node.kind == SHADOW_ROOT else [node]:
            self._tell_removal(each)
        self.gone.update(self.page.remove(node))

    def _tell_removal(self, node: Node) -> None:
        """Keep what is told of a node that goes: nothing where it, or what holds it, was never told of."""
        parent = node.parent
        in_shadow = parent is not None and parent.kind == SHADOW_ROOT
        above = parent.parent if parent is not None and in_shadow else parent
        told = node.id not in self.added and above is not None and above.id not in self.added
        if told and above is not None and (not self.page.has_shadows or is_told(node)):
            self.removed.append(Removal(node.id, above.id, in_shadow))

    def write(self, node: Node, text: str) -> None:
        """Change a text."""
        _must_be(node, TEXT)
        node.text = text
        self.texts[node.id] = node
        if node.parent is not None and node.parent.name == "style":
            node.parent.rules = []

    def set(self, node: Node, name: str, value: str | None) -> None:
        """Set an attribute, or take it away."""
        _must_be(node, ELEMENT)
        if name in {"rr_width", "rr_height"}:
            width, height = node.size or ("auto", "auto")
            node.size = (value or "auto", height) if name == "rr_width" else (width, value or "auto")
            name = "style"
        elif value is None:
            node.attributes.pop(name, None)
        else:
            node.attributes[name] = value
        if name == "_cssText":
            node.rules = []
        self.attributes.setdefault(node.id, {})[name] = None

    def resize(self, node: Node, size: tuple[str, str]) -> None:
        """Fix an element's size: its content is hidden, its place on the page is not."""
        _must_be(node, ELEMENT)
        node.size = size
        self.attributes.setdefault(node.id, {})["style"] = None

    def fill(self, node: Node, value: str) -> None:
        """Let a field hold a value."""
        if not is_field(node):
            raise BadValue("no field")
        fill(node, value)
        self.filled[node.id] = node

    def tick(self, node: Node, on: bool) -> None:  # noqa: FBT001 - the state itself
        """Tick a box, choose an option, or not."""
        if node.name == "option":
            owner = choose(node, on)
            if owner is not None:
                self.filled[owner.id] = owner
        elif is_box(node):
            tick(node, on, self.page.root or node)
            self.filled[node.id] = node
        else:
            raise BadValue("no box")

    def scroll(self, node: Node, x: float, y: float) -> None:
        """Scroll an element or the document."""
        _must_be(node, ELEMENT, DOCUMENT)
        self.page.scrolled(node, (x, y))
        if x or y or node.id not in self.added:
            self.scrolled[node.id] = node

    def adopt(self, node: Node, sheets: tuple[Sheet, ...]) -> None:
        """Give a document or a shadow root its sheets; a link or style element is given the text of its own."""
        _must_be(node, ELEMENT, DOCUMENT, SHADOW_ROOT)
        node.sheets = sheets
        node.rules = []
        if node.kind == ELEMENT:
            self.set(node, "_cssText", "".join(map(css_text, sheets)))
        else:
            self.adopted[node.id] = node

    def play(self, node: Node, *, paused: bool) -> None:
        """Let a medium play, or not."""
        _must_be(node, ELEMENT)
        node.media = "paused" if paused else "played"
        self.played[node.id] = node

    def insert_rules(self, node: Node, rules: dict[str, object]) -> None:
        """Insert rules into an element's sheet or delete some."""
        _must_be(node, ELEMENT)
        node.rules.append(rules)
        self.rules.append((node, rules))

    @property
    def told(self) -> bool:
        """True where anything of the tree changed."""
        return bool(self.added or self.removed or self.texts or self.attributes)

    def still_there(self, nodes: Iterable[Node]) -> list[Node]:
        """Those of some nodes that the page still has."""
        return [node for node in nodes if self.page.nodes.get(node.id) is node]


def _must_be(node: Node, *kinds: str) -> None:
    if node.kind not in kinds:
        raise BadValue(f"a change that {node.kind} does not take")
