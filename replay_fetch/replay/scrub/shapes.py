"""Records that are tables of figures: the keys that a copy may have, and for each key a shape, which writes its value.

A key without a shape is left out. A value of another kind than the shape asks for raises BadValue, which costs the
record, or the row where the table is a list. So a key of a newer SDK can bring no word into a copy.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from replay_fetch.replay.scrub.css import css_text
from replay_fetch.replay.scrub.words import address_text, masked_text
from replay_fetch.replay.values import BadValue, Json, many, number, table, text, whole

Shape = Callable[[object], object]
Rows = Callable[[object], list[object]]


def fields(**known: Shape) -> Shape:
    """Make the shape of an object from the shapes of its keys; null stays null, for SDKs write it for nothing."""

    def write(value: object) -> Json:
        source = table(value)
        return {
            name: None if source[name] is None else shape(source[name])
            for name, shape in known.items()
            if name in source
        }

    return write


def rows(shape: Shape) -> Rows:
    """Make the shape of a list from the shape of a row; a bad row is left out alone, as players do."""

    def write(value: object) -> list[object]:
        written = []
        for entry in many(value):
            try:
                written.append(shape(entry))
            except BadValue:
                continue
        return written

    return write


def every(shape: Shape) -> Rows:
    """Make the shape of a list from the shape of a row, where a bad row costs the whole list, as with players."""

    def write(value: object) -> list[object]:
        return [shape(entry) for entry in many(value)]

    return write


def or_null(shape: Shape) -> Shape:
    """Make the shape of a value without which players play the record: a bad one is written as null, not refused."""

    def write(value: object) -> object:
        try:
            return shape(value)
        except BadValue:
            return None

    return write


def choice(*known: str) -> Shape:
    """Make the shape of a word from a few known ones, such as directions; raises BadValue for every other."""

    def write(value: object) -> str:
        if not isinstance(value, str) or value not in known:
            raise BadValue("no known word")
        return value

    return write


def matching(pattern: str) -> Shape:
    """Make the shape of a text from a pattern for the whole of it, such as a colour; raises BadValue otherwise."""
    form = re.compile(pattern)

    def write(value: object) -> str:
        if not form.fullmatch(text(value)):
            raise BadValue("not of that form")
        return text(value)

    return write


def flag(value: object) -> bool:
    """Write true or false; raises BadValue for every other value, also for 0 and 1."""
    if not isinstance(value, bool):
        raise BadValue("neither true nor false")
    return value


def _rule_index(value: object) -> object:
    return [whole(each) for each in value] if isinstance(value, list) else whole(value)


# By the vendor's published schema; no device's recording was ever tried.
_SIDES = fields(top=number, right=number, bottom=number, left=number)
_POINT = fields(x=number, y=number)
_COLOUR = matching(r"#[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?")
WIREFRAME = fields(
    id=whole,
    type=choice("text", "shape", "image", "placeholder", "webview", "embedded_content"),
    **dict.fromkeys(("x", "y", "width", "height"), number),
    clip=_SIDES,
    shapeStyle=fields(
        backgroundColor=_COLOUR,
        opacity=number,
        cornerRadius=number,
        backgroundGradient=fields(
            startPoint=_POINT, endPoint=_POINT, stops=rows(fields(color=_COLOUR, position=number))
        ),
    ),
    border=fields(width=number, color=_COLOUR),
    textStyle=fields(size=number, color=_COLOUR),
    textPosition=fields(
        padding=_SIDES,
        alignment=fields(horizontal=choice("left", "right", "center"), vertical=choice("top", "bottom", "center")),
    ),
    text=masked_text,
    label=masked_text,
    isEmpty=flag,
    isVisible=flag,
)
"""A box of a mobile SDK: geometry, colours, masked words. Pictures, numbers of web views and fonts are left out."""

_MOVED = fields(
    source=whole, positions=rows(fields(id=whole, x=number, y=number, timeOffset=number, timestamp=or_null(whole)))
)
_RESIZED = fields(source=whole, width=number, height=number)
INCREMENTS: dict[int, Shape] = {
    1: _MOVED,
    # Played without a place unless both are there.
    2: fields(source=whole, type=whole, id=whole, x=or_null(number), y=or_null(number)),
    3: fields(source=whole, id=whole, x=number, y=number),
    4: _RESIZED,
    # What somebody typed or chose; a box's tick is kept, its label is not.
    5: fields(source=whole, id=whole, text=or_null(masked_text), isChecked=or_null(flag)),
    6: _MOVED,
    7: fields(source=whole, id=whole, type=whole),
    8: fields(
        source=whole,
        id=whole,
        removes=rows(fields(index=_rule_index)),
        adds=rows(fields(rule=css_text, index=_rule_index)),
    ),
    9: fields(
        source=whole,
        pointerEventType=choice("down", "up", "move"),
        pointerType=choice("mouse", "touch", "pen"),
        pointerId=whole,
        x=number,
        y=number,
    ),
}
"""Incremental records of browsers by their source; 0, the mutations, has a module of its own."""

MOBILE_INCREMENTS: dict[int, Shape] = {
    0: fields(
        source=whole,
        removes=rows(fields(id=whole)),
        adds=rows(fields(previousId=whole, wireframe=WIREFRAME)),
        updates=rows(WIREFRAME),
    ),
    2: _MOVED,
    4: _RESIZED,
    9: INCREMENTS[9],
}
MOBILE_FULL = fields(wireframes=rows(WIREFRAME))

ABOUT: dict[int, Shape] = {
    4: fields(href=or_null(address_text), width=number, height=number),
    6: fields(has_focus=bool),
    7: fields(),  # a view's end has no data
    8: fields(**dict.fromkeys(("scale", "offsetLeft", "offsetTop", "pageLeft", "pageTop", "width", "height"), number)),
    9: fields(frustrationTypes=rows(choice("rage_click", "dead_click", "error_click")), recordIds=rows(whole)),
}
"""Records about the window and the view, by their type."""
