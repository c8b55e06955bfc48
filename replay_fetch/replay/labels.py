"""Labels of elements: words for people, a CSS selector for programs.

A transcript says ``button "Add to cart"`` where the record has the number of a node. A selector finds the element again
on the page itself, for programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from replay_fetch.printable import printable
from replay_fetch.replay.forms import is_field
from replay_fetch.replay.page import ELEMENT, TEXT, Node

_LONGEST = 60
# Texts looked at for a name: a label is short, and an element that is clicked may hold half the page.
_TEXTS = 40
_PRESSED = frozenset({"a", "button", "input", "select", "textarea", "summary", "label", "option"})
_ROLES = {
    "a": "link",
    "select": "list",
    "textarea": "field",
    "summary": "disclosure",
    "img": "image",
    "h1": "heading",
    "h2": "heading",
    "h3": "heading",
    "td": "cell",
    "th": "cell",
    "li": "item",
    "body": "page",
    "html": "page",
}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_BEGINS, _GOES_ON = re.compile(r"[A-Za-z_]"), re.compile(r"[A-Za-z0-9_-]")
_LONGEST_NAME = 100
_UNSHOWN = frozenset({"script", "style", "noscript", "template", "option"})


class Named(NamedTuple):
    """The names of an element: role and label for a line of a transcript, the label alone, a CSS selector."""

    text: str
    """``button "Add to cart"``."""
    label: str
    selector: str


def named(node: Node) -> Named:
    """Name the nearest element that can be pressed, from a node upwards; without one, the node's own element.

    A pointer hits the icon in a button; people say that the button was clicked. A document or a lone text is ``page``.
    """
    element = node if node.kind == ELEMENT else next((a for a in node.ancestors() if a.kind == ELEMENT), None)
    if element is None:
        return Named("page", "", "")
    above = (element, *element.ancestors())
    target = next((each for each in above if each.name in _PRESSED or "role" in each.attributes), element)
    role, label = _role(target), printable(_name(target), _LONGEST)
    return Named(f'{role} "{label}"' if label else role, label, selector(target))


def can_be_pressed(node: Node) -> bool:
    """Tell whether a node is, or lies in, a button, a link, or an element with such a role.

    Stricter than the naming of elements: a click on a field or a label need change nothing, so it is no dead click.
    """
    for each in (node, *node.ancestors()):
        if each.name in {"button", "summary"} or (each.name == "a" and "href" in each.attributes):
            return True
        if each.attributes.get("role") in {"button", "link", "tab", "menuitem"}:
            return True
    return False


def selector(node: Node) -> str:
    """Write the CSS path of a node, from the nearest id above, else from the top of the page or its shadow root.

    Ids, names and places in the path are escaped, so any recorded text gives a valid selector. Empty for a node that is
    no element.
    """
    steps: list[str] = []
    step: Node | None = node
    while step is not None and step.kind == ELEMENT:
        id_there = step.attributes.get("id", "")
        if 0 < len(id_there) <= _LONGEST_NAME:  # cut, it would be the id of no element
            steps.append(f"{_identifier(step.name)}#{_identifier(id_there)}")
            break
        steps.append(_identifier(step.name) + _place(step))
        step = step.parent
    return " > ".join(reversed(steps))


def words(node: Node, texts: int = _TEXTS) -> str:
    """Join the first ``texts`` texts in a node to one line, with single spaces; no scripts, styles and options."""
    found = islice(_texts(node), texts)
    return " ".join(" ".join(found).split())


def _texts(node: Node) -> Iterator[str]:
    for each in node.walk():
        if each.kind == TEXT and each.parent is not None and each.parent.name not in _UNSHOWN:
            yield each.text


def _role(node: Node) -> str:
    role = node.attributes.get("role", "")
    if _PLAIN.fullmatch(role):
        return role
    if node.name == "input":
        kind = node.attributes.get("type", "text").lower()
        return kind if kind in {"button", "submit", "reset", "checkbox", "radio"} else f"{printable(kind, 20)} field"
    return _ROLES.get(node.name, printable(node.name, 40))


def _name(node: Node) -> str:
    """Find an element's name: its own words, then the label around it, then its name inside the page.

    ``aria-label`` goes before all. ``name`` and ``id`` come last: words of programmers are better than none.
    """
    attributes = node.attributes
    if attributes.get("aria-label"):
        return attributes["aria-label"]
    if node.name == "input" and attributes.get("type", "").lower() in {"submit", "button", "reset"}:
        return attributes.get("value", "")
    told = _field_name(node) if is_field(node) else words(node)
    rest = (attributes.get(name) for name in ("title", "alt", "placeholder", "name", "id"))
    return told or next((name for name in rest if name), "")


def _field_name(field: Node) -> str:
    """Find the words of the label around a field, or of a label that points to its id; near by only.

    Looked for in 4 elements above and in 500 nodes of the form, since a page may have any number of both.
    """
    around = next((each for each in islice(field.ancestors(), 4) if each.name == "label"), None)
    if around is not None:
        return words(around)
    wanted = field.attributes.get("id")
    form = next((each for each in islice(field.ancestors(), 6) if each.name in {"form", "fieldset", "body"}), None)
    if not wanted or form is None:
        return ""
    pointing = (each for each in islice(form.walk(), 500) if each.attributes.get("for") == wanted)
    label = next(pointing, None)
    return words(label) if label is not None else ""


def _place(node: Node) -> str:
    """Write a node's place among siblings of its name as ``:nth-of-type``; empty for an only child of its name."""
    before, earlier = 0, node.prev
    while earlier is not None:
        before += earlier.name == node.name
        earlier = earlier.prev
    later = node.next
    while later is not None and later.name != node.name:
        later = later.next
    return f":nth-of-type({before + 1})" if before or later is not None else ""


def _identifier(name: str) -> str:
    """Write a name as CSS does, with other characters escaped: printable for any name of a stranger's page."""
    if _PLAIN.fullmatch(name):
        return name
    # A digit in front, as in a UUID, begins a number in CSS, and a dash may: a browser refuses the whole selector.
    return "".join(
        char if (_BEGINS if place == 0 else _GOES_ON).fullmatch(char) else f"\\{ord(char):x} "
        for place, char in enumerate(name[:_LONGEST_NAME])
    )
