"""Form controls and their values: fields, checkboxes, radios of a group, lists.

A browser changes several controls where a visitor changes one: a radio clears its group, a list its other options. The
SDK tells only of the control in hand, so the rules of browsers are followed here.
"""

from __future__ import annotations

import re

from replay_fetch.replay.page import TEXT, Node

_FIELDS = frozenset({"input", "textarea", "select"})
_SPACE = re.compile(r"\s+")


def is_field(node: Node) -> bool:
    """Tell whether a node is a form control that holds a value: input, textarea or select."""
    return node.name in _FIELDS


def is_box(node: Node) -> bool:
    """Tell whether a node is a checkbox or a radio, whose state is a tick and whose value never changes."""
    return node.name == "input" and node.attributes.get("type", "").lower() in {"checkbox", "radio"}


def is_checked(node: Node) -> bool:
    """Tell whether a box is ticked: by the newest record, or before the first one by its attribute ``checked``."""
    return node.checked if node.checked is not None else "checked" in node.attributes


def value_of(node: Node) -> str:
    """Read a control's value as a form would send it; for a box the attribute ``value``, ticked or not.

    A recorded value goes before the markup. A masked value reads as the SDK wrote it, such as ``***``.
    """
    if is_box(node):
        return node.attributes.get("value", "on")
    if node.value is not None:
        return node.value
    if node.name == "select":
        return _chosen(node)
    if node.name == "textarea" and "value" not in node.attributes:
        return "".join(child.text for child in node.children() if child.kind == TEXT)
    return node.attributes.get("value", "")


def option_value(option: Node) -> str:
    """Read an option's value: the attribute, or without one the text with single spaces, as browsers read it."""
    if "value" in option.attributes:
        return option.attributes["value"]
    return _SPACE.sub(" ", "".join(node.text for node in option.walk() if node.kind == TEXT)).strip()


def list_of(option: Node) -> Node | None:
    """Find the select element that an option belongs to, through groups of options; None outside of a list."""
    return next((node for node in option.ancestors() if node.name == "select"), None)


def fill(node: Node, value: str) -> None:
    """Give a control a value; a list selects all its options of this value and clears the others."""
    node.value = value
    if node.name == "select":
        for option in _options(node):
            if option_value(option) == value:
                option.attributes["selected"] = ""
            else:
                option.attributes.pop("selected", None)


def tick(node: Node, on: bool, group: Node) -> None:  # noqa: FBT001 - the state itself
    """Tick a box or clear it; a ticked radio clears the radios of the same name in its form.

    ``group`` is the document, for radios outside of every form.
    """
    node.checked = on
    name = node.attributes.get("name")
    if not (on and name and is_radio(node)):
        return
    # A browser clears the others by itself; the SDK tells only of the radio that was ticked.
    form = _form_of(node)
    for other in (form or group).walk():
        if other is not node and is_radio(other) and other.attributes.get("name") == name and _form_of(other) is form:
            other.checked = False


def choose(option: Node, on: bool) -> Node | None:  # noqa: FBT001 - the state itself
    """Select an option or clear it; return the list where it shows another value now.

    The SDK tells a list's ``select.value`` only: of several selected options the first. So a selected option clears all
    other options. None is returned for a cleared option, and for an option outside of a list.
    """
    owner = list_of(option)
    if not on:
        option.attributes.pop("selected", None)
        return None
    if owner is None:
        return None
    for other in _options(owner):
        other.attributes.pop("selected", None)
    option.attributes["selected"] = ""
    owner.value = option_value(option)
    return owner


def _form_of(node: Node) -> Node | None:
    return next((above for above in node.ancestors() if above.name == "form"), None)


def is_radio(node: Node) -> bool:
    """Tell whether a node is a radio: at most one of its group is ticked, and no click clears it."""
    return node.name == "input" and node.attributes.get("type", "").lower() == "radio"


def _options(owner: Node) -> list[Node]:
    return [node for node in owner.walk() if node.name == "option"]


def _chosen(owner: Node) -> str:
    """Compute ``select.value``: the first of several selected options; in a list of one choice, the last wins.

    A list of one choice without a selected option shows its first; the empty text where there are no options.
    """
    options = _options(owner)
    chosen = [option for option in options if "selected" in option.attributes]
    if "multiple" in owner.attributes:
        return option_value(chosen[0]) if chosen else ""
    return option_value((chosen[-1:] or options)[0]) if options else ""
