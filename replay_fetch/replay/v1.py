"""The dialect of SDK 5 to 6.33: a full snapshot as a nested tree, mutations by ids that are written out.

The form is close to rrweb's own. Since every node brings its id, a lost segment costs only the changes in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from replay_fetch.replay.changes import Changes
from replay_fetch.replay.page import (
    CDATA,
    DOCTYPE,
    DOCUMENT,
    ELEMENT,
    FRAGMENT,
    SHADOW_ROOT,
    TEXT,
    Node,
    Sheet,
    element_name,
)
from replay_fetch.replay.stage import Stage
from replay_fetch.replay.values import BadValue, Json, many, number, table, text, whole, word

_KINDS = {0: DOCUMENT, 1: DOCTYPE, 2: ELEMENT, 3: TEXT, 4: CDATA, 11: FRAGMENT}


def full_snapshot(stage: Stage, data: Json) -> None:
    """Rebuild the whole page from a full snapshot; raises BadValue for a tree whose top is no document.

    The page before stays in that case. A node of a bad form is counted and left out with all nodes below it.
    """
    top = table(data.get("node"))
    root = _made(top)
    if root.kind != DOCUMENT:
        raise BadValue("a full snapshot without a document")
    # From here on nothing raises: with the page gone, the caller must know that a new dialect has begun.
    children = iter(many(top.get("childNodes")))
    page = stage.cleared()
    page.plant(root)
    with stage.showing() as changes:
        _plant_below(changes, root, children)
        try:
            offset = table(data.get("initialOffset") or {})
            scroll = number(offset.get("left", 0)), number(offset.get("top", 0))
            root.scroll = scroll if any(scroll) else None
        except BadValue as error:
            changes.note(error)


def mutation(changes: Changes, data: Json) -> None:
    """Apply a mutation: removals, adds, texts, attributes; an entry with an unknown node is counted and left out.

    An add holds a node with all nodes below it; ``nextId`` names the child in front of which the node comes, null for
    none. A neighbour that is unknown puts the node behind all children. Raises BadValue, with nothing applied, where
    one of the four is no list.
    """
    # Removals first: a node that was moved is named in both, and its id is free again by then.
    for change, entries in [
        (_remove, many(data.get("removes"))),
        (_add, many(data.get("adds"))),
        (_write, many(data.get("texts"))),
        (_set, many(data.get("attributes"))),
    ]:
        for entry in entries:
            try:
                change(changes, table(entry))
            except BadValue as error:
                changes.note(error)


def _remove(changes: Changes, entry: Json) -> None:
    changes.take_known(whole(entry.get("id")))


def _add(changes: Changes, entry: Json) -> None:
    parent = changes.node(whole(entry.get("parentId")))
    following = entry.get("nextId")
    before = changes.page.nodes.get(whole(following)) if following is not None else None
    top = table(entry.get("node"))
    node, children = _made(top), iter(many(top.get("childNodes")))
    _make_room(changes, node, parent)
    # The neighbour may have stood below the node that is moved, and went with it.
    if before is not None and changes.page.nodes.get(before.id) is not before:
        before = None
    changes.put(node, parent, before)
    _plant_below(changes, node, children)


def _write(changes: Changes, entry: Json) -> None:
    value = entry.get("value")
    changes.write(changes.node(whole(entry.get("id"))), "" if value is None else text(value))


def _set(changes: Changes, entry: Json) -> None:
    node = changes.node(whole(entry.get("id")))
    for name, value in table(entry.get("attributes")).items():
        changes.set(node, name, attribute_value(value))


def _plant_below(changes: Changes, top: Node, children: Iterator[object]) -> None:
    """Add the nodes below a node, given its children, pre-order and without recursion: pages nest deep."""
    stack: list[tuple[Node, Iterator[object]]] = [(top, children)]
    while stack:
        parent, children = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            continue
        try:
            inside = table(child)
            node = _made(inside)
            _make_room(changes, node, parent)
            below = iter(many(inside.get("childNodes")))
            changes.put(node, parent, None)
        except BadValue as error:
            changes.note(error)
            continue
        stack.append((node, below))


def _make_room(changes: Changes, node: Node, parent: Node) -> None:
    """Remove a node of the same id, which is moved; raises BadValue where it would stand below itself.

    An id that this very record has added already is given twice: the second node is refused.
    """
    there = changes.page.nodes.get(node.id)
    if there is None:
        return
    if there is parent or there in parent.ancestors() or there.id in changes.added:
        raise BadValue("an id that is given twice")
    changes.take(there)


def _made(source: Json) -> Node:
    """Make a node from its JSON, without its children; raises BadValue for an unknown type, a bad id or a bad name."""
    kind = _KINDS.get(whole(source.get("type")))
    if kind is None:
        raise BadValue("a kind of node that is not known")
    if kind == FRAGMENT and source.get("isShadowRoot"):
        kind = SHADOW_ROOT
    node = Node(whole(source.get("id")), kind)
    if kind == TEXT:
        node.text = text(source.get("textContent", ""))
    elif kind == ELEMENT:
        node.svg = bool(source.get("isSVG"))
        node.name = element_name(text(source.get("tagName")), svg=node.svg)
        _give(node, table(source.get("attributes") or {}))
    elif kind == DOCTYPE:
        names = [source.get(name) for name in ("name", "publicId", "systemId")]
        node.doctype = tuple(name if isinstance(name, str) else "" for name in names)  # type: ignore[assignment] # three
    if source.get("adoptedStyleSheets"):
        node.sheets = tuple(_sheets(source["adoptedStyleSheets"]))
    return node


def _sheets(source: object) -> Iterator[Sheet]:
    for entry in many(source):
        sheet = table(entry)
        rules = tuple(text(rule) for rule in many(sheet.get("cssRules")))
        media = tuple(text(medium) for medium in many(sheet.get("media")))
        yield Sheet(rules, media, bool(sheet.get("disabled")))


def attribute_value(value: object) -> str | None:
    """Read an attribute's value; None for no attribute: the SDK writes ``checked: false`` for a box without a tick.

    True is the empty text, as of ``disabled`` in markup. Raises BadValue for a list or an object.
    """
    if value is None or value is False:
        return None
    if value is True:
        return ""
    if isinstance(value, int | float):
        return str(number(value))
    return text(value)


def _give(node: Node, attributes: Json) -> None:
    """Give a new element its attributes, and the state that rrweb writes among them: scroll place, media, size.

    Names with ``rr_`` are such state. An attribute of a bad type is left out alone, without a count.
    """
    for name, value in attributes.items():
        if name.startswith("rr_"):
            continue
        try:
            written = attribute_value(value)
        except BadValue:
            continue
        if written is not None:
            node.attributes[name] = written
    if "rr_width" in attributes:
        width, height = attributes["rr_width"], attributes.get("rr_height")
        node.size = (width if isinstance(width, str) else "auto", height if isinstance(height, str) else "auto")
    left, top = (_offset(attributes.get(name)) for name in ("rr_scrollLeft", "rr_scrollTop"))
    if left or top:
        node.scroll = (left, top)
    media = word(attributes.get("rr_mediaState"))
    if media in {"paused", "played"}:
        node.media = media


def _offset(value: object) -> float:
    try:
        return number(value)
    except BadValue:
        return 0
