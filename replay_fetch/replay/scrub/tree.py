"""Pages as nested trees and their mutations: the dialect of SDK 5 to 6.33, and texts of both dialects.

A text is judged by the element around it, which a mutation does not name: the played page knows the element.
"""

from __future__ import annotations

from collections.abc import Callable

from replay_fetch.replay.page import Node, Page
from replay_fetch.replay.scrub.attributes import attribute
from replay_fetch.replay.scrub.css import css, css_text, is_closed
from replay_fetch.replay.scrub.shapes import choice, every, fields, or_null, rows
from replay_fetch.replay.scrub.words import masked, tag
from replay_fetch.replay.v1 import attribute_value
from replay_fetch.replay.values import BadValue, Json, many, number, table, text, whole

_ELEMENT, _TEXT, _DOCTYPE = 2, 3, 1
_SHEETS = every(fields(cssRules=every(css_text), media=every(css_text), disabled=bool))
_OFFSET = fields(left=number, top=number)
# The types of old that browsers look at for quirks; XHTML's put them into standards mode.
_PUBLIC = frozenset(
    f"-//W3C//DTD {name}//EN"
    for name in (
        "HTML 4.01", "HTML 4.01 Transitional", "HTML 4.01 Frameset", "HTML 3.2 Final", "XHTML 1.0 Strict",
        "XHTML 1.0 Transitional", "XHTML 1.0 Frameset", "XHTML 1.1",
    )
)  # fmt: skip


class Texts:
    """Writes a text node's words by the element around the node, looked up on the page of the player."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        """Ids of style elements with a text that leaves a comment or a string open: the texts behind go, too."""

    def clear(self) -> None:
        """Forget the style elements of the page before: a full snapshot gives ids anew."""
        self._open.clear()

    def written(self, page: Page, number_of_it: int, words: str) -> str:
        """Write a style's text as CSS and a script's as nothing; mask all others.

        A text that the page does not have is masked as well: masking is never wrong, only plain.
        """
        node = page.nodes.get(number_of_it)
        parent = node.parent if node is not None else None
        name = parent.name.lower() if parent is not None else ""
        if node is None or parent is None or name != "style":
            return "" if name == "script" else masked(words)
        # A comment that begins in one text and ends in the next would let its end pass for rules of the next.
        if parent.id in self._open or not _is_alone(node) or not is_closed(words):
            self._open.add(parent.id)
            return ""
        # Behind the last rule there is none that counts, but any text may stand there.
        return css(words[: words.rfind("}") + 1])


def _is_alone(node: Node) -> bool:
    """True where the text node in front is absent or closed: a browser reads a style's texts as one sheet."""
    return node.prev is None or is_closed(node.prev.text)


def doctype(name: object, public: object, system: object) -> tuple[str, str, str]:
    """Keep a document type by its known public name: browsers lay a page out by the old ones. Free text goes."""
    known = public if isinstance(public, str) and public in _PUBLIC else ""
    there = known and isinstance(system, str) and system.startswith("http://www.w3.org/TR/")
    return "html" if isinstance(name, str) else "", known, "http://www.w3.org/TR/html4/loose.dtd" if there else ""


class Trees:
    """Scrubs full snapshots and mutations; ``dropped`` is called with the reason for each part left out.

    Used for SDK 5 to 6.33. Each node is written with known keys alone, so a key of a newer SDK brings nothing along.
    """

    def __init__(self, texts: Texts, dropped: Callable[[str], None]) -> None:
        self._texts = texts
        self._dropped = dropped

    def full(self, page: Page, data: Json) -> Json:
        """Scrub a full snapshot: the tree and how far it was scrolled; raises BadValue without a tree.

        A bad scroll place is left out, and the page begins at its top, as the player has it.
        """
        written: Json = {"node": self._tree(page, table(data.get("node")))}
        try:
            written["initialOffset"] = _OFFSET(data.get("initialOffset") or {})
        except BadValue as error:
            self._dropped(str(error))
        return written

    def mutation(self, page: Page, data: Json) -> Json:
        """Scrub a mutation, given the page behind the mutation; an entry of a bad form is left out alone."""
        return {
            "source": 0,
            "removes": rows(fields(id=whole, parentId=or_null(whole)))(data.get("removes")),
            "adds": rows(lambda entry: self._add(page, table(entry)))(data.get("adds")),
            "texts": rows(lambda entry: self._text(page, table(entry)))(data.get("texts")),
            "attributes": rows(lambda entry: self._set(table(entry)))(data.get("attributes")),
        }

    def _add(self, page: Page, entry: Json) -> Json:
        placed = table(fields(parentId=whole, nextId=whole)(entry))
        return placed | {"node": self._tree(page, table(entry.get("node")))}

    def _text(self, page: Page, entry: Json) -> Json:
        node, value = whole(entry.get("id")), entry.get("value")
        return {"id": node, "value": None if value is None else self._texts.written(page, node, text(value))}

    def _set(self, entry: Json) -> Json:
        return {"id": whole(entry.get("id")), "attributes": _attributes(table(entry.get("attributes")), changed=True)}

    def _tree(self, page: Page, top: Json) -> Json:
        """Scrub a node and all below it, without recursion: pages nest deeper than Python calls may.

        A child of a bad form is left out with its own children, as the player leaves it out.
        """
        first = self._node(page, top)
        stack = [(first, top)]
        # Parents before children: the order does not count, for texts are looked up on the page.
        while stack:
            written, source = stack.pop()
            children: list[Json] = []
            for child in many(source.get("childNodes")):
                try:
                    inside = table(child)
                    many(inside.get("childNodes"))
                    children.append(self._node(page, inside))
                except BadValue as error:
                    self._dropped(str(error))
                    continue
                stack.append((children[-1], inside))
            if "childNodes" in source:
                written["childNodes"] = children
        return first

    def _node(self, page: Page, source: Json) -> Json:
        """Scrub a node without its children; raises BadValue for a node without a kind or an id."""
        kind, number_of_it = whole(source.get("type")), whole(source.get("id"))
        written: Json = {"type": kind, "id": number_of_it}
        if kind == _TEXT:
            written["textContent"] = self._texts.written(page, number_of_it, text(source.get("textContent", "")))
        elif kind == _ELEMENT:
            written["tagName"] = tag(text(source.get("tagName")))
            written["attributes"] = _attributes(table(source.get("attributes") or {}))
            if source.get("isSVG"):
                written["isSVG"] = True
        elif kind == _DOCTYPE:
            names = doctype(*(source.get(name) for name in ("name", "publicId", "systemId")))
            written |= zip(("name", "publicId", "systemId"), names, strict=True)
        elif source.get("isShadowRoot"):
            written["isShadowRoot"] = True
        if source.get("adoptedStyleSheets"):
            written["adoptedStyleSheets"] = _SHEETS(source["adoptedStyleSheets"])
        return written


def _attributes(source: Json, *, changed: bool = False) -> Json:
    """Scrub an element's attributes; ``changed`` keeps a null, which says that an attribute was taken away.

    Behind a value of a bad type the player reads a changed element no further, and a new one all the same.
    """
    written: Json = {}
    for name, value in source.items():
        try:
            read = attribute_value(value)
        except BadValue:
            if changed:
                break
            continue
        kept = _value(name, value, read)
        if kept is not None or (changed and value is None and attribute(name, "") is not None):
            written[name] = kept
    return written


def _value(name: str, value: object, read: str | None) -> object:
    """Scrub an attribute's value, by the value that the player reads; figures of scrolls stay figures.

    None leaves the attribute out.
    """
    try:
        if name in {"rr_scrollLeft", "rr_scrollTop"}:
            return number(value)
        if name == "rr_mediaState":
            return choice("paused", "played")(value)
    except BadValue:
        return None
    return None if read is None else attribute(name, read)
