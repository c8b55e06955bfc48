"""Records of mobile SDKs: wireframes, drawn as boxes in a page of our own.

Record 10 is a full snapshot, a list of wireframes from the hindmost to the foremost; record 11 changes it. Read by the
published schema; no device's recording was ever tried.
"""

from __future__ import annotations

from replay_fetch.replay.changes import Changes
from replay_fetch.replay.page import DOCTYPE, DOCUMENT, ELEMENT, TEXT, Node
from replay_fetch.replay.stage import Interaction, Position, Stage
from replay_fetch.replay.values import BadValue, Json, many, number, table, whole, word
from replay_fetch.replay.wireframes import is_visible, picture_of, style_of, words_of

# By the vendor's schema; a touch is told as rrweb's interactions of a finger.
_FULL, _INCREMENTAL = 10, 11
_MUTATION, _TOUCH, _RESIZE, _POINTER = 0, 2, 4, 9
_TOUCH_START, _TOUCH_END = 7, 9


class Mobile:
    """The player of records of a mobile SDK: draws wireframes as boxes on a stage.

    Each wireframe becomes a ``div`` in the body, placed absolutely. Every watcher can read such a page, as it is made
    of ordinary nodes. Records of other kinds are the same as a browser's, and are played as such.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._boxes: dict[int, Node] = {}
        """Boxes by the number of their wireframe."""
        self._wireframes: dict[int, Json] = {}
        self._body = Node(0, ELEMENT, "body")
        self._nodes = 0

    def play(self, record: Json) -> None:
        """Play a record of type 10 or 11; raises BadValue where the record cannot be used.

        Sources of type 11 are 0 mutation, 2 touch, 4 size of the window, 9 pointer.
        """
        data = table(record.get("data"))
        if record.get("type") == _FULL:
            self._full(data)
            return
        source = data.get("source")
        if source == _MUTATION:
            with self._stage.changing() as changes:
                self._mutate(changes, data)
        elif source == _RESIZE:
            self._stage.resize(number(data.get("width")), number(data.get("height")))
        elif source == _TOUCH:
            self._touched(data, whole(record.get("timestamp")))
        elif source == _POINTER:
            self._pointed(data)
        else:
            raise BadValue("a mobile record that is not known")

    def _full(self, data: Json) -> None:
        page = self._stage.cleared()
        self._boxes, self._wireframes, self._nodes = {}, {}, 0
        root, html = self._node(DOCUMENT), self._node(ELEMENT, "html")
        self._body = self._node(ELEMENT, "body")
        self._body.attributes["style"] = "margin:0;background:#fff"
        page.plant(root)
        page.insert(self._node(DOCTYPE), root, None)
        page.insert(html, root, None)
        page.insert(self._node(ELEMENT, "head"), html, None)
        page.insert(self._body, html, None)
        with self._stage.showing() as changes:
            for wireframe in many(data.get("wireframes")):
                try:
                    self._put(changes, table(wireframe), None)
                except BadValue as error:
                    changes.note(error)

    def _mutate(self, changes: Changes, data: Json) -> None:
        for change, entries in (
            (self._remove, data.get("removes")),
            (self._add, data.get("adds")),
            (self._update, data.get("updates")),
        ):
            for entry in many(entries):
                try:
                    change(changes, table(entry))
                except BadValue as error:
                    changes.note(error)

    def _remove(self, changes: Changes, entry: Json) -> None:
        number_of_it = whole(entry.get("id"))
        changes.take(self._box(number_of_it))
        del self._boxes[number_of_it], self._wireframes[number_of_it]

    def _add(self, changes: Changes, entry: Json) -> None:
        """Add a wireframe next to ``previousId`` in the list, over its box; without one first, under all boxes."""
        previous = self._boxes.get(whole(entry["previousId"])) if entry.get("previousId") is not None else None
        self._put(changes, table(entry.get("wireframe")), previous.next if previous else self._body.first)

    def _update(self, changes: Changes, entry: Json) -> None:
        """Draw a wireframe anew in its place, with the fields of an update.

        Raises BadValue where the result cannot be drawn; the box as it was then stays. Else the box is a new node: text
        and image of a wireframe may come and go with an update.
        """
        number_of_it = whole(entry.get("id"))
        box = self._box(number_of_it)
        wireframe = self._wireframes[number_of_it] | entry
        style_of(wireframe)  # raises where it cannot be drawn: then what is there stays
        following = box.next
        self._remove(changes, {"id": number_of_it})
        self._put(changes, wireframe, following)

    def _put(self, changes: Changes, wireframe: Json, before: Node | None) -> None:
        number_of_it = whole(wireframe.get("id"))
        # A browser's full snapshot may have come in between, or none of ours yet.
        if changes.page.nodes.get(self._body.id) is not self._body:
            raise BadValue("a wireframe without a page")
        if number_of_it in self._boxes:
            raise BadValue("an id that is given twice")
        style = style_of(wireframe)
        box = self._node(ELEMENT, "div")
        box.attributes = {"style": style, "data-wireframe": str(number_of_it)}
        changes.put(box, self._body, before)
        picture, said = picture_of(wireframe), words_of(wireframe)
        if picture is not None:
            image = self._node(ELEMENT, "img")
            image.attributes = {"src": picture, "style": "width:100%;height:100%"}
            changes.put(image, box, None)
        elif said:
            words = self._node(TEXT)
            words.text = said
            changes.put(words, box, None)
        self._boxes[number_of_it], self._wireframes[number_of_it] = box, wireframe

    def _box(self, number_of_it: int) -> Node:
        box = self._boxes.get(number_of_it)
        if box is None or self._stage.page.nodes.get(box.id) is not box:
            raise BadValue("an unknown wireframe")
        return box

    def _node(self, kind: str, name: str = "") -> Node:
        self._nodes += 1
        return Node(self._nodes - 1, kind, name)

    def _touched(self, data: Json, at_ms: int) -> None:
        entries = [table(entry) for entry in many(data.get("positions"))]
        positions = [
            Position(
                self._under(entry).id,
                number(entry.get("x")),
                number(entry.get("y")),
                min(whole(entry.get("timestamp", at_ms)) - at_ms, 0),
            )
            for entry in entries
        ]
        for watcher in self._stage.watchers:
            watcher.moved(self._stage.at_ms, positions, touch=True)

    def _pointed(self, data: Json) -> None:
        x, y = number(data.get("x")), number(data.get("y"))
        node = self._under(data)
        kind = word(data.get("pointerEventType"))
        for watcher in self._stage.watchers:
            if kind == "move":
                watcher.moved(self._stage.at_ms, [Position(node.id, x, y, 0)], touch=True)
            elif kind in {"down", "up"}:
                touched = _TOUCH_START if kind == "down" else _TOUCH_END
                watcher.interacted(self._stage.at_ms, Interaction(touched, node, x, y, None))

    def _under(self, place: Json) -> Node:
        """Find the topmost box with words under a point, else the topmost box, else the body.

        A button is often a shape with a text in front, and people say that the text was tapped.
        """
        if self._stage.page.root is None:
            raise BadValue("a touch without a page")
        x, y = number(place.get("x")), number(place.get("y"))
        covering = (each for each, wireframe in self._wireframes.items() if _covers(wireframe, x, y))
        there = {self._boxes[each].id for each in covering}
        # By their order in the body, not by id: an update draws a box anew, with a new id in the old place.
        found = [box for box in self._body.children() if box.id in there]
        with_words = [box for box in found if box.first is not None]
        return (with_words or found or [self._body])[-1]


def _covers(wireframe: Json, x: float, y: float) -> bool:
    left, top, width, height = (number(wireframe.get(name)) for name in ("x", "y", "width", "height"))
    return is_visible(wireframe) and left <= x < left + width and top <= y < top + height
