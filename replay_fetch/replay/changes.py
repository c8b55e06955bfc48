"""The changes of one record: applied to the page at once, and kept until watchers are told of all together.

rrweb's player wants the changes of a record as one event, and each node in it once.
"""

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
    """The removal of a node that was on the page before the record, with the node's place at that time.

    Kept with numbers alone: by the time a watcher is told, the node is out of the tree and its links are cut.
    """

    id: int
    parent: int
    """The id of the element around the node; for a child of a shadow root, the id of the host."""
    in_shadow: bool


class Changes:
    """The changes of a page by one record, in the order in which they were made.

    Each method applies one change and raises BadValue where the page does not allow it. The fields then say by id which
    nodes changed, so a writer of events tells each node once.
    """

    def __init__(self, page: Page, notes: Counter[str]) -> None:
        self.page = page
        self.notes = notes
        self.added: dict[int, Node] = {}
        self.removed: list[Removal] = []
        self.gone: set[int] = set()
        """Ids of all nodes that went, with the nodes below them."""
        self.texts: dict[int, Node] = {}
        self.attributes: dict[int, dict[str, None]] = {}
        """Names of attributes that changed, by node, in order."""
        self.filled: dict[int, Node] = {}
        self.scrolled: dict[int, Node] = {}
        self.adopted: dict[int, Node] = {}
        self.played: dict[int, Node] = {}
        self.rules: list[tuple[Node, dict[str, object]]] = []

    def node(self, id: int) -> Node:  # noqa: A002 - what it is called everywhere
        """Find a node of the page by its id; raises BadValue for an id that was never added, or that is gone."""
        node = self.page.nodes.get(id)
        if node is None:
            raise BadValue("an unknown node")
        return node

    def take_known(self, number: int) -> None:
        """Remove a node by its id; an id that went together with a node above is no error, since SDKs name both.

        Raises BadValue for every other unknown id.
        """
        if number in self.page.nodes or number not in self.gone:
            self.take(self.node(number))

    def note(self, reason: object) -> None:
        """Count a part of a record that cannot be used, by its reason: a BadValue, or a text of ours."""
        self.notes[str(reason)] += 1

    def put(self, node: Node, parent: Node, before: Node | None) -> None:
        """Add a node below a parent, in front of ``before`` or behind all children.

        A ``before`` that stands below another parent is passed over. Raises BadValue for a parent that takes no
        children, such as a text.
        """
        if parent.kind not in _CONTAINERS:
            raise BadValue("a child of what has none")
        self.page.insert(node, parent, before if before is not None and before.parent is parent else None)
        self.added[node.id] = node
        if parent.name == "style":
            parent.rules = []  # a browser then reads the sheet from its text, without the inserted rules

    def take(self, node: Node) -> None:
        """Remove a node with all nodes below it; raises BadValue for the document, without which there is no page."""
        if node.parent is None:
            raise BadValue("the document cannot be removed")
        # rrweb has no node for a shadow root: its children are told one by one.
        for each in list(node.children()) if node.kind == SHADOW_ROOT else [node]:
            self._tell_removal(each)
        self.gone.update(self.page.remove(node))

    def _tell_removal(self, node: Node) -> None:
        """Keep a removal for the watchers, unless the node or its parent is new in this record and was never told."""
        parent = node.parent
        in_shadow = parent is not None and parent.kind == SHADOW_ROOT
        above = parent.parent if parent is not None and in_shadow else parent
        told = node.id not in self.added and above is not None and above.id not in self.added
        if told and above is not None and (not self.page.has_shadows or is_told(node)):
            self.removed.append(Removal(node.id, above.id, in_shadow))

    def write(self, node: Node, text: str) -> None:
        """Change the text of a text node; raises BadValue for any other kind of node.

        Within a style element the browser reads the sheet anew, so inserted rules are forgotten.
        """
        _must_be(node, TEXT)
        node.text = text
        self.texts[node.id] = node
        if node.parent is not None and node.parent.name == "style":
            node.parent.rules = []

    def set(self, node: Node, name: str, value: str | None) -> None:
        """Set an attribute of an element; None takes the attribute away. Raises BadValue for a node that is no element.

        ``rr_width`` and ``rr_height`` are the SDK's names for the size of hidden content, which is told as ``style``.
        """
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
        """Fix an element's size, as CSS width and height, for hidden content that keeps its place on the page."""
        _must_be(node, ELEMENT)
        node.size = size
        self.attributes.setdefault(node.id, {})["style"] = None

    def fill(self, node: Node, value: str) -> None:
        """Give a field a value, as typed or set by a script; raises BadValue for an element that is no field."""
        if not is_field(node):
            raise BadValue("no field")
        fill(node, value)
        self.filled[node.id] = node

    def tick(self, node: Node, on: bool) -> None:  # noqa: FBT001 - the state itself
        """Tick a box or select an option, or clear it; raises BadValue for any other element.

        A list counts as filled by a selection alone: an option that is cleared gives the list no new value.
        """
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
        """Scroll an element or the document to a place in CSS pixels; raises BadValue for any other kind of node.

        A node that this record adds at its beginning has not scrolled, so watchers are told of no scroll to 0, 0.
        """
        _must_be(node, ELEMENT, DOCUMENT)
        self.page.scrolled(node, (x, y))
        if x or y or node.id not in self.added:
            self.scrolled[node.id] = node

    def adopt(self, node: Node, sheets: tuple[Sheet, ...]) -> None:
        """Give a document or a shadow root its sheets; a link or style element gets the sheets' text.

        The list replaces all sheets of the node. Raises BadValue for a text, a document type and the like.
        """
        _must_be(node, ELEMENT, DOCUMENT, SHADOW_ROOT)
        node.sheets = sheets
        node.rules = []
        if node.kind == ELEMENT:
            self.set(node, "_cssText", "".join(map(css_text, sheets)))
        else:
            self.adopted[node.id] = node

    def play(self, node: Node, *, paused: bool) -> None:
        """Let an audio or video element play or pause; the media's own bytes and place are not recorded."""
        _must_be(node, ELEMENT)
        node.media = "paused" if paused else "played"
        self.played[node.id] = node

    def insert_rules(self, node: Node, rules: dict[str, object]) -> None:
        """Insert rules into the sheet of an element, or delete rules, in the form of rrweb's event (source 8).

        The edits are kept on the node: a checkpoint must tell them behind the sheet's text.
        """
        _must_be(node, ELEMENT)
        node.rules.append(rules)
        self.rules.append((node, rules))

    @property
    def told(self) -> bool:
        """Whether the tree itself changed: nodes, texts or attributes, which go into one event of rrweb's."""
        return bool(self.added or self.removed or self.texts or self.attributes)

    def still_there(self, nodes: Iterable[Node]) -> list[Node]:
        """Keep from some nodes the nodes still on the page: a record may add a node and remove it again."""
        return [node for node in nodes if self.page.nodes.get(node.id) is node]


def _must_be(node: Node, *kinds: str) -> None:
    """Raise BadValue where a node is of none of the kinds that a change can be made to."""
    if node.kind not in kinds:
        raise BadValue(f"a change that {node.kind} does not take")
