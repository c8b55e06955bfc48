"""Attributes as the dialects write them, and state of an element that the SDK keeps among them."""

from __future__ import annotations

from replay_fetch.replay.page import Node
from replay_fetch.replay.values import BadValue, Json, number, text


def value_of(value: object) -> str | None:
    """An attribute's value; None where it is not there: the SDK writes ``checked: false`` for a box without a tick."""
    if value is None or value is False:
        return None
    if value is True:
        return ""
    if isinstance(value, int | float):
        return str(number(value))
    return text(value)


def give(node: Node, attributes: Json) -> None:
    """Give a new element its attributes, and the state that stands among them."""
    for name, value in attributes.items():
        if name.startswith("rr_"):
            continue
        try:
            written = value_of(value)
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
    if attributes.get("rr_mediaState") in {"paused", "played"}:
        node.media = str(attributes["rr_mediaState"])


def _offset(value: object) -> float:
    try:
        return number(value)
    except BadValue:
        return 0
