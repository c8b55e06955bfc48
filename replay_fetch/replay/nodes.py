"""Nodes in rrweb's JSON: ids, attributes, and a page as one nested tree.

rrweb's events of type 2 hold a whole page as such a tree. Events of type 3 with adds hold single nodes of the same
form. All text and each attribute passes ``safety`` on its way into the JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from json import JSONEncoder
from json.encoder import encode_basestring_ascii

from replay_fetch.replay.forms import is_box, is_checked
from replay_fetch.replay.page import CDATA, DOCTYPE, DOCUMENT, ELEMENT, SHADOW_ROOT, TEXT, Node
from replay_fetch.replay.safety import may_be_shown, may_host, safe_attributes, safe_text, tag_of

# ASCII, since texts of a page may hold lone surrogates, which UTF-8 cannot encode.
encoded = JSONEncoder(separators=(",", ":"), check_circular=False, allow_nan=False).encode
quoted = encode_basestring_ascii

_CHILDLESS = frozenset({TEXT, DOCTYPE, CDATA})

# Elements that have no width unless they are blocks; a hidden element keeps its place by its width.
_INLINE = frozenset(
    {
        "a", "abbr", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
        "input", "ins", "kbd", "label", "mark", "output", "q", "s", "samp", "select", "small", "span", "strong",
        "sub", "sup", "svg", "textarea", "time", "tt", "u", "var",
    }
)  # fmt: skip


def rrweb_id(node: Node) -> int:
    """Translate a node's id for events: rrweb counts from 1, the SDK from 0."""
    return node.id + 1


def shown_attributes(node: Node) -> dict[str, str]:
    """List an element's attributes as the page stands: values of fields, sizes of hidden content, nothing unsafe.

    A snapshot of the SDK holds the attributes of the markup. A checkpoint or a static page is written later, so the
    value and the tick that a field has by then replace ``value`` and ``checked``. A size becomes part of ``style``.
    """
    attributes = safe_attributes(node)
    if node.size:
        attributes["style"] = _style(node, attributes.get("style", ""))
    if node.value is not None and node.name in {"input", "textarea"} and not is_box(node):
        attributes["value"] = node.value
    if node.checked is not None and node.name == "input":
        attributes.pop("checked", None)
        if is_checked(node):
            attributes["checked"] = ""
    return attributes


def _style(node: Node, style: str) -> str:
    width, height = node.size or ("auto", "auto")
    block = node.attributes.get("data-dd-privacy") == "hidden" and node.name in _INLINE
    sized = f"width:{width};height:{height}" + (";display:inline-block" if block else "")
    return f"{style};{sized}" if style else sized


def changed_attributes(node: Node, names: Iterable[str]) -> dict[str, str | None]:
    """List the new values of changed attributes for rrweb's mutation, by name; None takes an attribute away.

    A name that is never shown is left out. A value that is unsafe is told as None, since the value before it must go.
    """
    shown = shown_attributes(node)
    return {name: shown.get(name) for name in names if may_be_shown(name)}


def opening(node: Node) -> str:
    """Write a node's JSON up to its children; whole for a node that takes none.

    rrweb's types are 0 document, 1 document type, 2 element, 3 text, 4 CDATA. rrweb has no node for a shadow root, so
    ``told_children`` lists the root's children as the host's. A root that stands alone is written as a ``div``.
    """
    if node.kind == TEXT:
        return f'{{"type":3,"id":{node.id + 1},"textContent":{quoted(safe_text(node))}{_in_shadow(node)}}}'
    if node.kind == ELEMENT:
        return (
            f'{{"type":2,"id":{node.id + 1},"tagName":{quoted(tag_of(node))}{_marks(node)},'
            f'"attributes":{{{_attributes(node)}}},"childNodes":['
        )
    if node.kind == DOCUMENT:
        return f'{{"type":0,"id":{node.id + 1},"childNodes":['
    if node.kind == DOCTYPE:
        name, public, system = map(quoted, node.doctype)
        return f'{{"type":1,"id":{node.id + 1},"name":{name},"publicId":{public},"systemId":{system}}}'
    if node.kind == CDATA:
        return f'{{"type":4,"id":{node.id + 1},"textContent":""{_in_shadow(node)}}}'
    return f'{{"type":2,"id":{node.id + 1},"tagName":"div"{_in_shadow(node)},"attributes":{{}},"childNodes":['


def closing(node: Node) -> str:
    """Write the end of a node's JSON, behind its children; empty for texts, document types and CDATA."""
    return "" if node.kind in _CHILDLESS else "]}"


def _in_shadow(node: Node) -> str:
    return ',"isShadow":true' if node.parent is not None and node.parent.kind == SHADOW_ROOT else ""


def _marks(node: Node) -> str:
    marks = ',"isSVG":true' if node.svg else ""
    if shadow_root(node) is not None:
        marks += ',"isShadowHost":true'
    return marks + _in_shadow(node)


def _attributes(node: Node) -> str:
    told = [f"{quoted(name)}:{quoted(value)}" for name, value in shown_attributes(node).items()]
    if node.scroll and any(node.scroll):
        told.append(f'"rr_scrollLeft":{node.scroll[0]},"rr_scrollTop":{node.scroll[1]}')
    if node.media:
        told.append(f'"rr_mediaState":{quoted(node.media)}')
    return ",".join(told)


def shadow_root(node: Node) -> Node | None:
    """Find an element's shadow root; None where a browser gives the element none, such as a field or a table."""
    return node.shadow if node.shadow is not None and may_host(node) else None


def told_children(node: Node) -> list[Node]:
    """List the children that events tell: the children of the shadow root, then the element's own.

    rrweb tells the two apart by the mark ``isShadow`` on each child. The root itself is never told.
    """
    root = shadow_root(node)
    children = list(root.children()) if root is not None else []
    child = node.first
    while child is not None:
        if child.kind != SHADOW_ROOT:
            children.append(child)
        child = child.next
    return children


def tree_json(root: Node) -> str:
    """Write a page from its document down as one JSON tree, for an event of type 2.

    Works without recursion, since pages nest deeper than Python calls may.
    """
    parts: list[str] = []
    stack: list[Node | str] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        parts.append(opening(node))
        if node.kind in _CHILDLESS:
            continue
        stack.append("]}")
        for child in reversed(told_children(node)):
            stack += (child, ",")
        if stack[-1] == ",":
            stack.pop()
    return "".join(parts)
