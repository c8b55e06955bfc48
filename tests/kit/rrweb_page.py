"""A page as rrweb's player would have it: applies events strictly, where rrweb would only warn.

Compared with the page of a checkpoint it tells whether what is played is what was rebuilt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from replay_fetch.replay.rrweb import Event

Json = dict[str, Any]  # Any: events as rrweb writes them, read by tests alone


CUSTOM = 5


def refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


class RrwebNode:
    """A node of the player's page."""

    def __init__(self, source: Json, parent: RrwebNode | None) -> None:
        self.id: int = source["id"]
        self.source = {name: value for name, value in source.items() if name not in {"childNodes", "attributes", "id"}}
        attributes = dict(source.get("attributes", {}))
        self.scroll = [attributes.pop("rr_scrollLeft", 0), attributes.pop("rr_scrollTop", 0)]
        self.media = attributes.pop("rr_mediaState", None)
        self.attributes = attributes
        self.parent = parent
        self.children: list[RrwebNode] = []
        self.shadow: list[RrwebNode] = []
        self.rules: list[Json] = []
        self.sheets: list[list[str]] = []
        self.value: str | None = None
        self.checked: bool | None = None

    @property
    def tag(self) -> str:
        return str(self.source.get("tagName", ""))

    def walk(self) -> Iterator[RrwebNode]:
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack += [*reversed(node.children), *reversed(node.shadow)]


class RrwebPage:
    """Plays events; raises AssertionError at what rrweb could not do."""

    def __init__(self) -> None:
        self.root: RrwebNode | None = None
        self.nodes: dict[int, RrwebNode] = {}
        self.window: tuple[float, float] = (0, 0)
        self.at_ms = 0

    def play(self, events: Iterable[Event]) -> RrwebPage:
        for event in events:
            read = json.loads(event.json, parse_constant=refuse)
            assert read["timestamp"] == event.at_ms >= self.at_ms
            self.at_ms = event.at_ms
            if read["type"] != CUSTOM:
                {2: self.full, 3: self.incremental, 4: self.meta}[read["type"]](read["data"])
        return self

    def meta(self, data: Json) -> None:
        self.window = data["width"], data["height"]

    def full(self, data: Json) -> None:
        self.nodes = {}
        self.root = self.build(data["node"], None)
        offset = data["initialOffset"]
        self.root.scroll = [offset["left"], offset["top"]]

    def build(self, source: Json, parent: RrwebNode | None) -> RrwebNode:
        top = None
        stack: list[tuple[Json, RrwebNode | None]] = [(source, parent)]
        while stack:
            told, into = stack.pop()
            assert told["id"] not in self.nodes, "an id that is there already"
            node = self.nodes[told["id"]] = RrwebNode(told, into)
            top = top or node
            if into is not None and node is not top:
                (into.shadow if told.get("isShadow") else into.children).append(node)
            stack += [(child, node) for child in reversed(told.get("childNodes", []))]
        assert top is not None
        return top

    def incremental(self, data: Json) -> None:
        source = data["source"]
        if source == 0:
            self.mutation(data)
        elif source in {1, 6}:
            assert all(position["id"] in self.nodes for position in data["positions"])
        elif source == 4:
            self.window = data["width"], data["height"]
        else:
            node = self.nodes[data["id"]]
            {2: self.nothing, 3: self.scroll, 5: self.input, 7: self.media, 8: self.insert_rules, 15: self.adopt}[
                source
            ](node, data)

    def nothing(self, node: RrwebNode, data: Json) -> None:
        pass

    def mutation(self, data: Json) -> None:
        for removal in data["removes"]:
            self.remove(removal)
        for addition in data["adds"]:
            self.add(addition)
        for change in data["texts"]:
            node = self.nodes[change["id"]]
            node.source["textContent"] = change["value"]
            self.reread(node.parent)
        for change in data["attributes"]:
            self.set_attributes(self.nodes[change["id"]], change["attributes"])

    def remove(self, removal: Json) -> None:
        node, parent = self.nodes[removal["id"]], self.nodes[removal["parentId"]]
        (parent.shadow if removal.get("isShadow") else parent.children).remove(node)
        for each in node.walk():
            del self.nodes[each.id]

    def add(self, addition: Json) -> None:
        parent = self.nodes[addition["parentId"]]
        told = addition["node"]
        siblings = parent.shadow if told.get("isShadow") else parent.children
        place = len(siblings)
        if addition["nextId"] is not None:
            place = siblings.index(self.nodes[addition["nextId"]])
        siblings.insert(place, self.build(told, parent))
        self.reread(parent)

    @staticmethod
    def reread(parent: RrwebNode | None) -> None:
        if parent is not None and parent.tag == "style":
            parent.rules = []

    @staticmethod
    def set_attributes(node: RrwebNode, attributes: Json) -> None:
        for name, value in attributes.items():
            if value is None:
                node.attributes.pop(name, None)
            else:
                node.attributes[name] = value
            if name == "_cssText":
                node.rules = []

    def scroll(self, node: RrwebNode, data: Json) -> None:
        node.scroll = [data["x"], data["y"]]
        if node is self.root:
            for child in node.children:
                child.scroll = [0, 0]
        elif node.parent is self.root and self.root is not None:
            self.root.scroll = node.scroll

    def input(self, node: RrwebNode, data: Json) -> None:
        assert node.tag in {"input", "textarea", "select"}
        node.value, node.checked = data["text"], data["isChecked"]
        if node.checked and kind_of(node) == "radio" and node.attributes.get("name"):
            for other in self.group(node):
                other.checked = False

    def group(self, radio: RrwebNode) -> Iterator[RrwebNode]:
        for other in (self.root or radio).walk():
            same = other.attributes.get("name") == radio.attributes["name"]
            if other is not radio and kind_of(other) == "radio" and same and form_of(other) is form_of(radio):
                yield other

    @staticmethod
    def media(node: RrwebNode, data: Json) -> None:
        node.media = "paused" if data["type"] == 1 else "played"

    @staticmethod
    def insert_rules(node: RrwebNode, data: Json) -> None:
        node.rules.append({name: data[name] for name in ("removes", "adds") if name in data})

    @staticmethod
    def adopt(node: RrwebNode, data: Json) -> None:
        by_id = {style["styleId"]: [rule["rule"] for rule in style["rules"]] for style in data["styles"]}
        node.sheets = [by_id[number] for number in data["styleIds"]]

    def state(self) -> object:
        """All that a visitor would see, comparable, without what two ways of playing may tell differently."""
        return self.window, [shown(node) for node in self.root.walk()] if self.root else []


def form_of(node: RrwebNode) -> RrwebNode | None:
    above = node.parent
    while above is not None and above.tag != "form":
        above = above.parent
    return above


def kind_of(node: RrwebNode) -> str:
    return str(node.attributes.get("type", "")).lower() if node.tag == "input" else ""


def shown(node: RrwebNode) -> object:
    form = (
        {"value", "checked"} if node.tag in {"input", "textarea"} else {"selected"} if node.tag == "option" else set()
    )
    attributes = {name: value for name, value in node.attributes.items() if name not in form}
    scroll = [] if node.tag == "html" else node.scroll  # the document has it
    below = [child.id for child in node.shadow], [child.id for child in node.children]
    state = node.media, node.rules, node.sheets, held(node)
    # rrweb gives a shadow root to whatever it adds a node in one to; the mark on the host is for empty ones.
    source = {name: value for name, value in node.source.items() if name != "isShadowHost"}
    return node.id, source, attributes, scroll, below, state


def held(node: RrwebNode) -> object:
    """What a field holds: what an event said, else what stands in the page."""
    if kind_of(node) in {"checkbox", "radio"}:
        return node.checked if node.checked is not None else "checked" in node.attributes
    if node.tag in {"input", "textarea"} and kind_of(node) != "file":
        return node.value if node.value is not None else node.attributes.get("value", "")
    return node.value
