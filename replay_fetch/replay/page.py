"""The page that a recording knows: nodes by id in a linked tree, changed by every dialect, read by every watcher.

Ids and kinds are the SDK's. The page is the newest state alone: no node keeps an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

DOCUMENT = "#document"
DOCTYPE = "#doctype"
ELEMENT = "#element"
TEXT = "#text"
CDATA = "#cdata-section"
SHADOW_ROOT = "#shadow-root"
FRAGMENT = "#document-fragment"

Scroll = tuple[float, float]


class Sheet(NamedTuple):
    """A style sheet, adopted by a document or a shadow root, or attached to a link or style element.

    Scripts make adopted sheets, so no element of the page holds their text. A disabled sheet styles nothing.
    """

    rules: str | tuple[str, ...]
    """A single text with all rules (SDK 7), or a text for each rule."""
    media: tuple[str, ...] = ()
    disabled: bool = False


def element_name(name: str, *, svg: bool) -> str:
    """Write an element's name in lower case; names of SVG keep their case, except of scripts and styles.

    SVG knows ``linearGradient`` and not ``lineargradient``. A script must be found by its name in any case.
    """
    low = name.lower()
    return name if svg and low not in {"script", "style"} else low


class Node:
    """A node and its state; neighbours are links, so a change costs no walk through the document.

    ``attributes`` are the markup's. ``value`` and ``checked`` are a field's state since then, None until a record tells
    one; ``size`` is the CSS width and height of hidden content. ``prev``, ``next``, ``first`` and ``last`` link the
    tree.
    """

    # A page may have a million nodes, and slots spare each of them a dictionary.
    __slots__ = (
        "attributes",
        "checked",
        "doctype",
        "first",
        "id",
        "kind",
        "last",
        "media",
        "name",
        "next",
        "parent",
        "prev",
        "rules",
        "scroll",
        "shadow",
        "sheets",
        "size",
        "svg",
        "text",
        "value",
    )

    def __init__(self, id: int, kind: str, name: str = "") -> None:  # noqa: A002 - what it is called everywhere
        self.id = id
        self.kind = kind
        self.name = name
        self.attributes: dict[str, str] = {}
        self.text = ""
        self.svg = False
        self.parent: Node | None = None
        self.prev: Node | None = None
        self.next: Node | None = None
        self.first: Node | None = None
        self.last: Node | None = None
        self.doctype: tuple[str, str, str] = ("html", "", "")
        self.sheets: tuple[Sheet, ...] = ()
        # Rules inserted and deleted since the sheet's text was last known: what a checkpoint must carry beside it.
        self.rules: list[dict[str, object]] = []
        self.shadow: Node | None = None
        """The shadow root, which is one of the children."""
        self.scroll: Scroll | None = None
        self.value: str | None = None
        self.checked: bool | None = None
        self.media: str | None = None
        self.size: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"<Node {self.id} {self.name or self.kind}>"  # no text: it is a stranger's

    def children(self) -> Iterator[Node]:
        """Iterate over the children in order, a shadow root among them; the tree must not change meanwhile."""
        child = self.first
        while child is not None:
            yield child
            child = child.next

    def walk(self) -> Iterator[Node]:
        """Iterate over the node and all nodes below it, through shadow roots, in the order of the document."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            child = node.last
            while child is not None:
                stack.append(child)
                child = child.prev

    def ancestors(self) -> Iterator[Node]:
        """Iterate over the parent, its parent and so on, through shadow roots up to the document."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent


class Page:
    """A page: the tree, and its nodes by id; a node is known as long as it is in the tree.

    Ids are unique on a page at any time. A removed node's id may come again, for a node that was only moved.
    """

    def __init__(self) -> None:
        self.root: Node | None = None
        self.nodes: dict[int, Node] = {}
        self.has_shadows = False
        """A node has or had a shadow root. Most pages have none, and need no search for one."""

    def plant(self, root: Node) -> None:
        """Begin the tree with its document, the only node without a parent."""
        self.root = root
        self.nodes[root.id] = root

    @property
    def html(self) -> Node | None:
        """The element that holds head and body, the document's first child element; None before it is there."""
        if self.root is None:
            return None
        return next((child for child in self.root.children() if child.kind == ELEMENT), None)

    def insert(self, node: Node, parent: Node, before: Node | None) -> None:
        """Put a node in front of ``before``, a child of ``parent``, or without it behind all children.

        The caller sees to it that the node's id is free and that ``before`` is a child of ``parent``: nothing is
        checked here.
        """
        self.nodes[node.id] = node
        node.parent = parent
        node.next = before
        node.prev = before.prev if before is not None else parent.last
        if node.prev is not None:
            node.prev.next = node
        else:
            parent.first = node
        if before is not None:
            before.prev = node
        else:
            parent.last = node
        if node.kind == SHADOW_ROOT and parent.shadow is None:
            parent.shadow = node
            self.has_shadows = True

    def remove(self, node: Node) -> list[int]:
        """Remove a node with all nodes below it; return the ids of all.

        All links of these nodes are cut, so Python frees the nodes at once. Links both ways are circles, and the
        search for circles among millions of nodes takes longer than reading the recording.
        """
        parent = node.parent
        if parent is not None:
            if parent.shadow is node:
                parent.shadow = None
            if node.prev is not None:
                node.prev.next = node.next
            else:
                parent.first = node.next
            if node.next is not None:
                node.next.prev = node.prev
            else:
                parent.last = node.prev
        gone = list(node.walk())
        for each in gone:
            if self.nodes.get(each.id) is each:
                del self.nodes[each.id]
            each.parent = each.prev = each.next = each.first = each.last = each.shadow = None
        return [each.id for each in gone]

    def scrolled(self, node: Node, to: Scroll) -> None:
        """Keep a node's scroll place; the document and its html element are one, and the later call holds.

        SDKs name either of the two for the page as a whole. Both kept, an old place would come back.
        """
        node.scroll = to
        if node is self.root:
            for child in node.children():
                child.scroll = None
        elif node.parent is self.root and self.root is not None:
            self.root.scroll = None

    @property
    def scroll(self) -> Scroll:
        """The document's scroll place, in CSS pixels from left and top; 0, 0 until a record tells a place."""
        html = self.html
        root = self.root.scroll if self.root is not None else None
        return root or (html.scroll if html is not None else None) or (0, 0)
