"""The log of content: texts on the page, masked elements, sizes of canvases.

Texts are for the search in a recording, masked elements for its reader to know what is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable

from replay_fetch.printable import printable
from replay_fetch.replay.account import Account, Masked, Seen
from replay_fetch.replay.changes import Changes
from replay_fetch.replay.labels import selector
from replay_fetch.replay.page import ELEMENT, TEXT, Node, Page
from replay_fetch.replay.stage import Watcher

_CHARACTERS = 1_000_000
_LONGEST = 1_000
_MASKED = 1_000
# Elements looked at: a masked table that is drawn again and again has the same selectors, and each takes time to find.
_LOOKED = 10_000
_SIZES = 1_000
_UNSHOWN = frozenset({"script", "style", "noscript", "template", "title"})
_PRIVACY = "data-dd-privacy"
_CLASS = "dd-privacy-"
_OPEN = frozenset({"allow", ""})


class SeenLog(Watcher):
    """A watcher that writes content into an account: each text, masked element and canvas size once, with bounds.

    The bounds are a million characters, 1,000 masked elements and 1,000 sizes: an account stays in memory, and a
    stranger's page may bring any number.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._texts: set[str] = set()
        self._left = _CHARACTERS
        self._masked: set[str] = set()
        self._looked = 0

    def snapshot(self, at_ms: int, page: Page) -> None:
        """Look at all nodes of the page, hidden ones too: a recording does not say what the styles hide."""
        if page.root is not None:
            self._look(at_ms, page.root.walk())

    def changed(self, at_ms: int, changes: Changes) -> None:
        """Look at the new and changed nodes of one record, as far as the page still has them at its end."""
        if changes.told:
            self._look(at_ms, changes.still_there(changes.added.values()))
            self._look(at_ms, changes.still_there(changes.texts.values()))
            there = (changes.page.nodes.get(node) for node in changes.attributes)
            self._look(at_ms, (node for node in there if node is not None))

    def _look(self, at_ms: int, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if node.kind == TEXT:
                if self._left > 0:
                    self._read(at_ms, node)
            elif node.kind == ELEMENT:
                if node.name == "canvas" and len(self._account.canvas_sizes) < _SIZES:
                    attributes = node.attributes
                    self._account.canvas_sizes.add((attributes.get("width", "300"), attributes.get("height", "150")))
                if _PRIVACY in node.attributes or _CLASS in node.attributes.get("class", ""):
                    self._mask(at_ms, node)

    def _read(self, at_ms: int, node: Node) -> None:
        text = " ".join(node.text[:_LONGEST].split())
        if not text or text in self._texts or (node.parent is not None and node.parent.name in _UNSHOWN):
            return
        self._texts.add(text)
        self._left -= len(text)
        self._account.seen_cut = self._left <= 0
        self._account.seen.append(Seen(at_ms, text))

    def _mask(self, at_ms: int, node: Node) -> None:
        how = node.attributes.get(_PRIVACY) or next(
            (name[len(_CLASS) :] for name in node.attributes.get("class", "").split() if name.startswith(_CLASS)), ""
        )
        if how in _OPEN or len(self._masked) >= _MASKED or self._looked >= _LOOKED:
            return
        self._looked += 1
        place = selector(node)
        if place not in self._masked:
            self._masked.add(place)
            self._account.masked.append(Masked(at_ms, place, printable(how, 40)))
