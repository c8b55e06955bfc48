"""Wireframes of mobile SDKs as styles of boxes, by the vendor's published schema.

A wireframe is a rectangle of a native screen: place and size, colours, and perhaps a text or an image. Its numbers are
drawn as CSS pixels. Every value is checked or written anew, so no word of the recording gets into a style.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from replay_fetch.replay.values import BadValue, Json, many, number, table, text, word

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_MIME = re.compile(r"image/[a-z0-9.+-]{1,40}")
_SIDES = ("top", "right", "bottom", "left")
_ACROSS = {"left": "flex-start", "right": "flex-end", "center": "center"}
_DOWN = {"top": "flex-start", "bottom": "flex-end", "center": "center"}


def style_of(wireframe: Json) -> str:
    """Write the style of a wireframe's box, as CSS declarations; raises BadValue for a wireframe without a place.

    A text needs a size and a style of text too. Content that is not recorded gets a grey ground with its word in the
    middle.
    """
    kind = word(wireframe.get("type"))
    rules = [*_place(wireframe), *_shape(wireframe.get("shapeStyle")), *_border(wireframe.get("border"))]
    if not is_visible(wireframe):
        rules.append("visibility:hidden")
    if kind == "text":
        rules += _text(wireframe)
    elif kind in {"placeholder", "webview", "embedded_content"} or _is_elsewhere(wireframe):
        rules += ["background:#8883", "display:flex", "align-items:center", "justify-content:center"]
        rules.append("font:12px sans-serif")
    return ";".join(rules)


def is_visible(wireframe: Json) -> bool:
    """Tell whether a wireframe is to be seen; an SDK says ``isVisible: false`` of a web view behind other screens."""
    return wireframe.get("isVisible") is not False


def words_of(wireframe: Json) -> str:
    """Read the text that a box shows; for content that is not recorded, a word for the kind of box.

    The words are ``hidden``, ``web view`` with the view's number, and ``picture``. A shape and a recorded picture show
    no text.
    """
    kind = word(wireframe.get("type"))
    if kind == "text":
        return _said(wireframe, "text", "")
    if kind == "placeholder":
        return _said(wireframe, "label", "hidden")
    if kind in {"webview", "embedded_content"}:
        return f"web view {_said(wireframe, 'slotId', '')}".strip()
    return "picture" if _is_elsewhere(wireframe) else ""


def _is_elsewhere(wireframe: Json) -> bool:
    """Tell whether an image's bytes lie apart from the recording: without a word its place would be blank."""
    return wireframe.get("type") == "image" and picture_of(wireframe) is None and not wireframe.get("isEmpty")


def picture_of(wireframe: Json) -> str | None:
    """Write an image's address, ``data:image/…;base64,…``, where its bytes stand in the record itself; else None.

    Bytes and type are checked letter by letter: a quote in either could end the attribute.
    """
    data, mime = wireframe.get("base64"), wireframe.get("mimeType", "image/png")
    if wireframe.get("type") != "image" or not isinstance(data, str) or not isinstance(mime, str):
        return None
    if not data or not _BASE64.fullmatch(data) or not _MIME.fullmatch(mime):
        return None
    return f"data:{mime};base64,{data}"


def _said(wireframe: Json, name: str, otherwise: str) -> str:
    said = wireframe.get(name)
    return said if isinstance(said, str) else otherwise


def _place(wireframe: Json) -> Iterator[str]:
    left, top, width, height = (_px(wireframe.get(name)) for name in ("x", "y", "width", "height"))
    yield "position:absolute;box-sizing:border-box;overflow:hidden"
    yield f"left:{left};top:{top};width:{width};height:{height}"
    clip = wireframe.get("clip")
    if isinstance(clip, dict) and clip:
        yield "clip-path:inset(" + " ".join(_px(clip.get(side, 0)) for side in _SIDES) + ")"


def _shape(shape: object) -> Iterator[str]:
    if not isinstance(shape, dict):
        return
    if "backgroundColor" in shape:
        yield f"background:{_colour(shape['backgroundColor'])}"
    if isinstance(shape.get("backgroundGradient"), dict):
        yield _gradient(shape["backgroundGradient"])
    if shape.get("cornerRadius"):
        yield f"border-radius:{_px(shape['cornerRadius'])}"
    if "opacity" in shape:
        yield f"opacity:{number(shape['opacity']):g}"


def _gradient(gradient: Json) -> str:
    """Write a linear gradient from two points in the unit square; CSS has an angle instead, with 0 degrees upwards."""
    start, end = (_point(gradient.get(name)) for name in ("startPoint", "endPoint"))
    angle = math.degrees(math.atan2(end[1] - start[1], end[0] - start[0])) + 90
    stops = [table(stop) for stop in many(gradient.get("stops"))]
    listed = (f"{_colour(stop.get('color'))} {number(stop.get('position')) * 100:.1f}%" for stop in stops)
    return f"background:linear-gradient({angle:.1f}deg,{','.join(listed)})"


def _point(value: object) -> tuple[float, float]:
    point = table(value)
    return number(point.get("x")), number(point.get("y"))


def _border(border: object) -> Iterator[str]:
    if isinstance(border, dict):
        yield f"border:{_px(border.get('width'))} solid {_colour(border.get('color'))}"


def _text(wireframe: Json) -> Iterator[str]:
    font = table(wireframe.get("textStyle"))
    position = wireframe.get("textPosition")
    placed = position if isinstance(position, dict) else {}
    alignment = placed.get("alignment")
    aligned = alignment if isinstance(alignment, dict) else {}
    across = _ACROSS.get(str(aligned.get("horizontal")), "center" if aligned else "flex-start")
    down = _DOWN.get(str(aligned.get("vertical")), "center")
    yield f"font:{_px(font.get('size'))}/1.2 sans-serif;color:{_colour(font.get('color'))}"
    yield f"white-space:pre-wrap;display:flex;align-items:{down};justify-content:{across}"
    padding = placed.get("padding")
    if isinstance(padding, dict):
        yield "padding:" + " ".join(_px(padding.get(side, 0)) for side in _SIDES)


def _px(value: object) -> str:
    return f"{round(number(value), 2):g}px"


def _colour(value: object) -> str:
    """Read a colour as mobile SDKs write it, ``#RRGGBBAA``; ``transparent`` for any other value, null too."""
    try:
        written = text(value)
    except BadValue:
        return "transparent"
    return written if _COLOUR.fullmatch(written) else "transparent"
