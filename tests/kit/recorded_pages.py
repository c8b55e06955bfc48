"""Recorded pages written by hand, as SDK 6 records them, and archives of the sample recordings."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from made_archives import START, ended, write_archive

from replay_fetch.model import Outcome
from replay_fetch.settings import Compression
from replay_fetch.simulator.recordings import load_recordings

Json = Mapping[str, object]


class Author:
    """Gives every node a number of its own, as the SDK does."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)

    def element(self, tag: str, attributes: Json | None = None, *kids: Json, **more: object) -> dict[str, object]:
        kid_nodes = list(kids)
        return {
            "type": 2,
            "id": next(self._ids),
            "tagName": tag,
            "attributes": dict(attributes or {}),
            "childNodes": kid_nodes,
            **more,
        }

    def text(self, words: str) -> dict[str, object]:
        return {"type": 3, "id": next(self._ids), "textContent": words}

    def page(self, *body: Json, head: Sequence[Json] = (), attributes: Json | None = None) -> dict[str, object]:
        """The record of a full snapshot."""
        html = self.element("html", {}, self.element("head", {}, *head), self.element("body", attributes, *body))
        doctype = {"type": 1, "id": next(self._ids), "name": "html", "publicId": "", "systemId": ""}
        node = {"type": 0, "id": next(self._ids), "childNodes": [doctype, html]}
        return {"type": 2, "data": {"node": node, "initialOffset": {"left": 0, "top": 0}}}


def at(seconds: float, record: Json) -> dict[str, object]:
    """The record at a time behind START."""
    return {**record, "timestamp": START + round(seconds * 1000)}


def opened(href: str = "https://shop.example/cart", width: int = 800, height: int = 600) -> dict[str, object]:
    return {"type": 4, "data": {"href": href, "width": width, "height": height}}


def clicked(node: Json, x: int = 5, y: int = 5) -> dict[str, object]:
    return {"type": 3, "data": {"source": 2, "type": 2, "id": node["id"], "x": x, "y": y}}


def changed_text(node: Json, words: str) -> dict[str, object]:
    texts = [{"id": node["id"], "value": words}]
    return {"type": 3, "data": {"source": 0, "adds": [], "removes": [], "texts": texts, "attributes": []}}


def added(parent: Json, node: Json) -> dict[str, object]:
    adds = [{"parentId": parent["id"], "nextId": None, "node": node}]
    return {"type": 3, "data": {"source": 0, "adds": adds, "removes": [], "texts": [], "attributes": []}}


VIEW_END: Json = {"type": 7}
FOCUS: Json = {"type": 6, "data": {"has_focus": True}}


def samples(root: Path, *beginnings: str, compression: Compression = Compression.NONE) -> Path:
    """An archive of the sample recordings' sessions whose ids begin so, or of all; by hand, in milliseconds."""
    views = {}
    nothing = []
    for recorded in load_recordings():
        session_id, view_id = recorded.view
        if beginnings and not session_id.startswith(beginnings):
            continue
        if recorded.segments:
            views[session_id, view_id] = recorded.segments
        else:
            nothing.append(ended(session_id, view_id, Outcome.EMPTY))
    return write_archive(root, dict(sorted(views.items())), nothing, compression)
