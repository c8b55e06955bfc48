"""The writer of rrweb events: JSON texts for rrweb's player and all tools that read rrweb, in the order of playing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from replay_fetch.replay.changes import Changes
from replay_fetch.replay.css import harmless, harmless_edits, rules_of
from replay_fetch.replay.forms import is_box, is_checked, is_field, value_of
from replay_fetch.replay.nodes import changed_attributes, closing, encoded, opening, rrweb_id, tree_json
from replay_fetch.replay.page import DOCUMENT, SHADOW_ROOT, Node, Page
from replay_fetch.replay.safety import is_told, may_host, safe_href, safe_text
from replay_fetch.replay.stage import Frustration, Interaction, Position, Watcher, Window


class Event(NamedTuple):
    """An rrweb event; the times of events, in milliseconds since 1970, never go back, as rrweb's clock needs them."""

    at_ms: int
    json: bytes
    """ASCII; the same records give the same bytes."""


# rrweb's own numbers: of its types of events, and of the sources of incremental ones, which count from 0.
_FULL, _INCREMENTAL, _META, _CUSTOM = 2, 3, 4, 5
_MUTATION, _MOVE, _INTERACTION, _SCROLL, _RESIZE, _INPUT, _TOUCH, _MEDIA, _RULES = range(9)
_ADOPTED = 15
_NO_CHANGE = '{"texts":[],"attributes":[],"removes":[]}'


class EventWriter(Watcher):
    """A watcher that writes events into ``events``, until a reader takes them out; a record may give several."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.window = Window()
        self._is_open = False
        self._sheets = 0
        self._pointer: Position | None = None

    def taken(self) -> list[Event]:
        """Take out the events since the last call, in order; a reader calls between records, so none piles up."""
        events, self.events = self.events, []
        return events

    def checkpoint(self, at_ms: int, page: Page) -> list[Event]:
        """Write events that show the page as it is, without any event before them; none where there is no page."""
        # By the methods that write the recording's own events, so both have one form; those that wait stay apart.
        before, self.events = self.events, []
        if page.root is not None:
            self.opened(at_ms, self.window)
            self.snapshot(at_ms, page)
            if self._pointer is not None and self._pointer.node in page.nodes:
                self.moved(at_ms, [self._pointer], touch=False)
        events, self.events = self.events, before
        return events

    def opened(self, at_ms: int, window: Window) -> None:
        """Write an event of type 4, meta: address and size of the window; empty for an address that runs a script."""
        self.window, self._is_open = window, True
        self._emit(at_ms, _META, {"href": safe_href(window.href), "width": window.width, "height": window.height})

    def snapshot(self, at_ms: int, page: Page) -> None:
        """Write an event of type 2, full snapshot, and behind it the state that a snapshot cannot hold."""
        if page.root is None:
            return
        if not self._is_open:  # the meta record is missing, and the player must have a size
            self.opened(at_ms, self.window)
        left, top = page.scroll
        tree = tree_json(page.root)
        data = f'{{"node":{tree},"initialOffset":{{"left":{left},"top":{top}}}}}'
        self._append(at_ms, f'{{"type":{_FULL},"data":{data},"timestamp":{at_ms}}}')
        # State that a snapshot cannot hold follows it: first sheets, then the rules that were inserted into them, last
        # the values, which rrweb sets on nodes that are there.
        state = list(page.root.walk())
        for node in state:
            self._adopt(at_ms, node)
        for node in state:
            for rules in node.rules:
                self._rules(at_ms, node, rules)
            if node.value is not None or node.checked is not None:
                self._input(at_ms, node)

    def changed(self, at_ms: int, changes: Changes) -> None:
        """Write the changes of one record: a mutation, then sheets, scrolling, form values, media and rules."""
        if changes.told:
            self._mutation(at_ms, changes)
        for node in changes.still_there(changes.adopted.values()):
            if node.id not in changes.added:
                self._adopt(at_ms, node, even_none=True)
        for node in changes.still_there(changes.scrolled.values()):
            left, top = node.scroll or (0, 0)
            self._incremental(at_ms, _SCROLL, id=rrweb_id(node), x=left, y=top)
        for node in changes.still_there(changes.filled.values()):
            self._input(at_ms, node)
        for node in changes.still_there(changes.played.values()):
            self._incremental(at_ms, _MEDIA, id=rrweb_id(node), type=1 if node.media == "paused" else 0)
        for node, rules in changes.rules:
            self._rules(at_ms, node, rules)

    def resized(self, at_ms: int, window: Window) -> None:
        """Write a viewport resize (type 3, source 4), in CSS pixels; checkpoints repeat the last size."""
        self.window = window
        self._incremental(at_ms, _RESIZE, width=window.width, height=window.height)

    def moved(self, at_ms: int, positions: Sequence[Position], *, touch: bool) -> None:
        """Write moves of the mouse (source 1) or a finger (source 6); checkpoints repeat the last place."""
        told = [{"id": p.node + 1, "x": p.x, "y": p.y, "timeOffset": p.offset_ms} for p in positions]
        if told:
            self._incremental(at_ms, _TOUCH if touch else _MOVE, positions=told)
            self._pointer = positions[-1]._replace(offset_ms=0)

    def interacted(self, at_ms: int, interaction: Interaction) -> None:
        """Write a mouse interaction (source 2), a click, a press, a touch or a change of focus."""
        place = {} if interaction.x is None else {"x": interaction.x, "y": interaction.y}
        self._incremental(at_ms, _INTERACTION, type=interaction.type, id=rrweb_id(interaction.node), **place)

    def zoomed(self, at_ms: int, viewport: dict[str, float]) -> None:
        """Write a custom event (type 5) for the page around the player: the visual viewport, unknown to rrweb."""
        self._custom(at_ms, "viewport", viewport)

    def focused(self, at_ms: int, *, has_focus: bool) -> None:
        """Write a custom event (type 5): the window got the focus or lost it."""
        self._custom(at_ms, "focus", {"has_focus": has_focus})

    def frustrated(self, at_ms: int, frustration: Frustration) -> None:
        """Write a custom event (type 5): a frustration by the SDK's word, its own time in the payload as ``at``."""
        self._custom(at_ms, "frustration", {"types": frustration.types, "at": frustration.at_ms})

    def ended(self, at_ms: int) -> None:
        """Write a custom event (type 5): the end of the view, where the SDK recorded it."""
        self._custom(at_ms, "end", {})

    def _mutation(self, at_ms: int, changes: Changes) -> None:
        # rrweb removes first and adds then, one node an add, each in front of a neighbour that is there already.
        # Attributes and texts of a new node stand in its add.
        there, added, shadows = changes.page.nodes, changes.added, changes.page.has_shadows
        adds = ",".join([_told_add(node, root) for root in _roots(changes) for node in _tellable(root)])
        rest = encoded(
            {
                "texts": [
                    {"id": rrweb_id(node), "value": safe_text(node)}
                    for node in changes.still_there(changes.texts.values())
                    if node.id not in added and (not shadows or is_told(node))
                ],
                "attributes": [
                    {"id": number + 1, "attributes": changed_attributes(there[number], names)}
                    for number, names in changes.attributes.items()
                    if number not in added and number in there and (not shadows or is_told(there[number]))
                ],
                "removes": [
                    {"id": number + 1, "parentId": parent + 1, **({"isShadow": True} if in_shadow else {})}
                    for number, parent, in_shadow in changes.removed
                ],
            }
        )
        if adds or rest != _NO_CHANGE:
            data = f'{{"source":{_MUTATION},"adds":[{adds}],{rest[1:]}'
            self._append(at_ms, f'{{"type":{_INCREMENTAL},"data":{data},"timestamp":{at_ms}}}')
        for node in changes.still_there(added.values()):
            # An adopted sheet needs its shadow root, which is there as soon as rrweb has added a node in it.
            if node.sheets:
                self._adopt(at_ms, node)
            if node.scroll and any(node.scroll):  # rrweb's quick way keeps none of what is added
                left, top = node.scroll
                self._incremental(at_ms, _SCROLL, id=rrweb_id(node), x=left, y=top)

    def _adopt(self, at_ms: int, node: Node, *, even_none: bool = False) -> None:
        """Write the sheets that a document or a shadow root adopts; each gets a number, as rrweb wants it."""
        if not (node.sheets or even_none) or node.kind not in {DOCUMENT, SHADOW_ROOT}:
            return
        owner = node if node.kind == DOCUMENT else node.parent
        if owner is None or (node.kind == SHADOW_ROOT and not may_host(owner)):
            return
        styles = []
        for sheet in node.sheets:
            if not sheet.disabled:
                self._sheets += 1
                rules = [{"rule": harmless(rule), "index": index} for index, rule in enumerate(rules_of(sheet))]
                styles.append({"styleId": self._sheets, "rules": rules})
        ids = [style["styleId"] for style in styles]
        self._incremental(at_ms, _ADOPTED, id=rrweb_id(owner), styles=styles, styleIds=ids)

    def _rules(self, at_ms: int, node: Node, rules: dict[str, object]) -> None:
        if node.name in {"style", "link"}:
            self._incremental(at_ms, _RULES, id=rrweb_id(node), **harmless_edits(rules))

    def _input(self, at_ms: int, node: Node) -> None:
        """Write the value of a field (source 5), typed or set; not of a file field, whose value no script may set."""
        if is_field(node) and node.attributes.get("type", "").lower() != "file":
            checked = is_box(node) and is_checked(node)
            self._incremental(at_ms, _INPUT, id=rrweb_id(node), text=value_of(node), isChecked=checked)

    def _incremental(self, at_ms: int, source: int, **data: object) -> None:
        self._emit(at_ms, _INCREMENTAL, {"source": source, **data})

    def _custom(self, at_ms: int, tag: str, payload: Mapping[str, object]) -> None:
        self._emit(at_ms, _CUSTOM, {"tag": tag, "payload": payload})

    def _emit(self, at_ms: int, type: int, data: dict[str, object]) -> None:  # noqa: A002 - rrweb's own name
        self._append(at_ms, encoded({"type": type, "data": data, "timestamp": at_ms}))

    def _append(self, at_ms: int, text: str) -> None:
        self.events.append(Event(at_ms, text.encode("ascii")))


def _roots(changes: Changes) -> list[Node]:
    """Order the topmost added nodes for rrweb: a node comes behind the new neighbour in front of which it stands."""
    added, done = changes.added, set[int]()
    roots: list[Node] = []
    for node in changes.still_there(list(added.values())):
        if node.id in done or node.parent is None or node.parent.id in added:
            continue
        chain = [node]
        while (following := chain[-1].next) is not None and following.id in added and following.id not in done:
            chain.append(following)
        done.update(each.id for each in chain)
        roots.extend(reversed(chain))
    return roots


def _tellable(root: Node) -> Iterable[Node]:
    """List the nodes of a subtree in the order of adds, without shadow roots that no browser would make."""
    if not is_told(root):
        return
    stack = [root]
    while stack:
        node = stack.pop()
        if node.kind != SHADOW_ROOT:
            yield node
        elif node.parent is None or not may_host(node.parent):
            continue
        child = node.last
        while child is not None:
            stack.append(child)
            child = child.prev


def _told_add(node: Node, root: Node) -> str:
    parent = node.parent
    if parent is not None and parent.kind == SHADOW_ROOT:
        parent = parent.parent
    following = node.next if node is root else None
    while following is not None and following.kind == SHADOW_ROOT:
        following = following.next
    into = "null" if parent is None else parent.id + 1
    before = "null" if following is None else following.id + 1
    return f'{{"parentId":{into},"nextId":{before},"node":{opening(node)}{closing(node)}}}'
