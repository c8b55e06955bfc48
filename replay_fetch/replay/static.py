"""The page as one static HTML document: no script, no request, no link to another place.

A stranger's page is written anew here, node by node; no part of it is passed through unread. The policy in the head
forbids a second time everything that is left out. It stands in front of all of the stranger's bytes except the
attributes of ``<html>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from replay_fetch.replay.css import canvas_rules, css_text, harmless, with_inserted
from replay_fetch.replay.forms import value_of
from replay_fetch.replay.nodes import shadow_root, shown_attributes
from replay_fetch.replay.page import DOCTYPE, ELEMENT, SHADOW_ROOT, TEXT, Node, Page
from replay_fetch.replay.safety import safe_text, tag_of
from replay_fetch.replay.stage import Window
from replay_fetch.timestamps import iso

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; media-src data:; form-action 'none'"
)
_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr keygen frame bgsound basefont".split()  # noqa: SIM905 - as HTML lists them
)
# Elements without use where no script runs, and elements that speak to the browser itself.
_LEFT_OUT = frozenset({"script", "noscript", "base", "meta", "template", "link", "portal", "fencedframe"})
# Browsers read the content of these elements as text, or not at all: no text could be written there safely.
_EMPTIED = frozenset({"iframe", "noembed", "noframes", "object", "embed", "applet", "frameset", "audio", "video"})
_AS_PRE = frozenset({"xmp", "plaintext", "listing"})
_STRINGS_AND_TAGS = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|url\([^)]*\))|<(?=[A-Za-z/!?])""", re.DOTALL)
_PLAIN_ID = re.compile(r"[A-Za-z0-9 /+.:,-]{0,200}")


def static_page(page: Page, window: Window, at_ms: int) -> str:
    """Write a page as an HTML document, with its time and its window in a comment; empty where there is no page.

    ``at_ms`` is milliseconds since 1970, for the comment alone. Form values and scroll sizes are in the markup. The
    scroll place stands in the comment, since no script can scroll there.
    """
    html = page.html
    if page.root is None or html is None:
        return ""
    left, top = page.scroll
    facts = f"{iso(at_ms)}, window {window.width:g} x {window.height:g}, scrolled to {left:g}, {top:g}"
    parts = [_doctype(page.root), f"<!-- {facts} -->\n", _tag("html", _attributes(html)), "<head>", *_head(page.root)]
    head = next((child for child in html.children() if child.name == "head"), None)
    if head is not None:
        for child in head.children():
            parts += _written(child)
    parts += [*_adopted(page.root), "</head>"]
    for child in html.children():
        if child is not head:
            parts += _written(child)
    parts.append("</html>\n")
    return _encodable("".join(parts))


def _head(root: Node) -> Iterator[str]:
    yield '<meta charset="utf-8">'
    yield _tag("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY})
    yield '<meta name="viewport" content="width=device-width">'
    sizes = {
        (node.attributes.get("width", "300"), node.attributes.get("height", "150"))
        for node in root.walk()
        if node.name == "canvas"
    }
    yield from _style("".join(canvas_rules(sizes))) if sizes else ()


def _doctype(root: Node) -> str:
    """Write the document type, which decides how a browser lays out the page; without one the old way is right.

    Public and system names are written only if they are plain words: a quote in one would end the tag.
    """
    doctype = next((child for child in root.children() if child.kind == DOCTYPE), None)
    if doctype is None:
        return ""
    _name, public, system = doctype.doctype
    if public and _PLAIN_ID.fullmatch(public) and _PLAIN_ID.fullmatch(system):
        return f'<!DOCTYPE html PUBLIC "{public}" "{system}">\n'
    return "<!DOCTYPE html>\n"


def _written(top: Node) -> Iterator[str]:
    """Write a node and all nodes below it, without recursion: pages nest deeper than Python calls may."""
    stack: list[Node | str] = [top]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            yield node
        elif node.kind == TEXT:
            yield escape(safe_text(node))
        elif node.kind == SHADOW_ROOT:
            yield '<template shadowrootmode="open">'
            stack += ["</template>", *(reversed([*_adopted(node)])), *reversed(list(node.children()))]
        elif node.kind == ELEMENT and not _is_left_out(node):
            _write_element(node, stack)
            opening = stack.pop()
            yield opening if isinstance(opening, str) else ""


def _write_element(node: Node, stack: list[Node | str]) -> None:
    """Put an element on the stack: end tag first, then content, then start tag.

    A shadow root is written as a template, which browsers attach while they read. Content of frames and media is left
    out.
    """
    name = "pre" if node.name in _AS_PRE else tag_of(node)
    if node.name in {"style", "link"} and not node.svg:
        stack.append("".join(_style(_sheet_of(node), node)))
        return
    beginning = _tag(name, _attributes(node))
    if name in _VOID:
        stack.append(beginning)
        return
    stack.append(f"</{name}>")
    if node.name == "textarea":
        stack.append("\n" + escape(value_of(node)))
    elif node.name not in _EMPTIED:
        root = shadow_root(node)
        stack += [child for child in reversed(list(node.children())) if child.kind != SHADOW_ROOT]
        if root is not None:
            stack.append(root)
    # A browser drops a line break at the beginning of ``pre``: one more is written, which it may drop.
    stack.append(f"{beginning}\n" if name == "pre" else beginning)


def _is_left_out(node: Node) -> bool:
    return node.name.lower() in _LEFT_OUT and not (node.name == "link" and "_cssText" in node.attributes)


def _adopted(owner: Node) -> Iterator[str]:
    for sheet in owner.sheets:
        yield from _style(harmless(css_text(sheet)))


def _sheet_of(node: Node) -> str:
    text = node.attributes.get("_cssText")
    if text is None:
        text = "".join(child.text for child in node.children() if child.kind == TEXT)
    return harmless(with_inserted(text, node.rules))


def _style(css: str, node: Node | None = None) -> Iterator[str]:
    attributes = _attributes(node) if node is not None else {}
    kept = {name: value for name, value in attributes.items() if name in {"id", "media", "class"}}
    yield f"{_tag('style', kept)}{_STRINGS_AND_TAGS.sub(_without_tags, css)}</style>"


def _without_tags(found: re.Match[str]) -> str:
    """Write a ``<`` in a sheet so HTML finds no tag there; CSS reads the same sheet.

    ``</style>`` in a string of CSS would else end the element, and the rest would be markup.
    """
    return found[1].replace("<", "\\3c ") if found[1] else "< "


def _attributes(node: Node) -> dict[str, str]:
    attributes = shown_attributes(node)
    attributes.pop("_cssText", None)
    if node.name == "textarea":
        attributes.pop("value", None)
    if node.name in {"a", "area"} and "href" in attributes:
        attributes["href"] = "#"
    for name in ("autofocus", "autoplay"):
        attributes.pop(name, None)
    return attributes


def _tag(name: str, attributes: dict[str, str]) -> str:
    return "<" + name + "".join(f' {key}="{escape(value)}"' for key, value in attributes.items()) + ">"


def _encodable(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot encode, by the sign that a browser shows for them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
