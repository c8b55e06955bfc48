"""Records of browsers: which dialect a record is in, and the incremental records that all dialects share.

Types of records: 2 full snapshot, 3 increment, 4 window, 6 focus, 7 end of the view, 8 visual viewport, 9 frustration,
12 change. Up to SDK 6.33 pages come as nested trees (type 2 and increments of source 0), from SDK 7.0 as changes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from replay_fetch.replay import v1
from replay_fetch.replay.change import Reader, apply_items
from replay_fetch.replay.changes import Changes
from replay_fetch.replay.roles import ROLE_ITEMS
from replay_fetch.replay.stage import Frustration, Interaction, Position, Stage, Window
from replay_fetch.replay.values import BadValue, Json, many, number, table, text, whole

_FULL, _INCREMENTAL, _META, _FOCUS, _END, _VIEWPORT, _FRUSTRATION, _CHANGE = 2, 3, 4, 6, 7, 8, 9, 12
_AS_CHANGES = 1
_VIEWPORT_KEYS = ("scale", "offsetLeft", "offsetTop", "pageLeft", "pageTop", "width", "height")
_INTERACTIONS = 9  # of rrweb's kinds of interaction, the last that the SDK sends
_MOVE, _TOUCH_MOVE = 1, 6


class Browser:
    """The player of records of a browser's SDK: applies each record to a stage, in the dialect of the record.

    A full snapshot says the dialect of all records up to the next: a nested tree begins ids that are written out,
    change items begin ids that are counted.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.still = False
        """Change records are missing: later change records cannot be read until the next full snapshot."""
        self._reader: Reader | None = None

    def missed(self) -> bool:
        """Take note that segments are missing; True where the page cannot be followed from here on.

        A page of SDK 6 and before is followed all the same, since its records name nodes by ids of their own. Records
        of SDK 7 count nodes and strings from record to record, so they are lost until the next full snapshot.
        """
        self.still = self.still or self._reader is not None
        return self.still

    def play(self, record: Json) -> None:
        """Play one record on the stage and tell the watchers; raises BadValue where the record cannot be used at all.

        A part of a record that cannot be used is counted in the stage's notes, and raises nothing.
        """
        kind = whole(record.get("type"))
        if kind == _FULL:
            self._full(record)
        elif kind == _CHANGE:
            self._change(record.get("data"))
        elif kind == _INCREMENTAL:
            increment(self.stage, record, table(record.get("data")))
        else:
            self._about(kind, record)

    def _full(self, record: Json) -> None:
        if record.get("format") == _AS_CHANGES:
            self._full_change(record.get("data"))
        else:
            v1.full_snapshot(self.stage, table(record.get("data")))
            self._reader, self.still = None, False

    def _full_change(self, items: object) -> None:
        self._reader, self.still = Reader(), False
        self.stage.cleared()
        with self.stage.showing() as changes:
            apply_items(self._reader, changes, items, ROLE_ITEMS)
        if self.stage.page.root is None:
            raise BadValue("a full snapshot without a document")

    def _change(self, items: object) -> None:
        # Numbers of nodes and strings go on from record to record. Behind a missing record each number names another
        # node or string: a page built from them would be wrong, and nobody could see it.
        if self.still:
            raise BadValue("a change behind missing ones")
        if self.stage.page.root is None:  # SDK 6.25 to 6.33 may begin a view with it
            self._full_change(items)
            return
        if self._reader is None:
            raise BadValue("a change of a page that came otherwise")
        with self.stage.changing() as changes:
            apply_items(self._reader, changes, items, ROLE_ITEMS)

    def _about(self, kind: int, record: Json) -> None:
        stage, data = self.stage, record.get("data")
        if kind == _META:
            told = table(data)
            href = told.get("href")
            stage.open(
                Window(href if isinstance(href, str) else "", number(told.get("width")), number(told.get("height")))
            )
        elif kind == _FOCUS:
            for watcher in stage.watchers:
                watcher.focused(stage.at_ms, has_focus=bool(table(data).get("has_focus")))
        elif kind == _END:
            for watcher in stage.watchers:
                watcher.ended(stage.at_ms)
        elif kind == _VIEWPORT:
            told = table(data)
            viewport = {name: number(told[name]) for name in _VIEWPORT_KEYS if name in told}
            for watcher in stage.watchers:
                watcher.zoomed(stage.at_ms, viewport)
        elif kind == _FRUSTRATION:
            self._frustrated(record, table(data))
        else:
            raise BadValue("a type of record that is not known")

    def _frustrated(self, record: Json, data: Json) -> None:
        types = [each for each in many(data.get("frustrationTypes")) if isinstance(each, str)]
        records = [each for each in many(data.get("recordIds")) if type(each) is int]
        frustration = Frustration(whole(record.get("timestamp")), tuple(types), tuple(records))
        for watcher in self.stage.watchers:
            watcher.frustrated(self.stage.at_ms, frustration)


def increment(stage: Stage, record: Json, data: Json) -> None:
    """Apply an incremental record, type 3, which all SDKs write alike; raises BadValue where the record cannot be used.

    Its source says the kind, as in rrweb: 0 mutation, 1 and 6 moves, 2 clicks and focus, 3 scroll, 4 size of the
    window, 5 value of a field, 7 media, 8 rules of a sheet.
    """
    source = whole(data.get("source"))
    if source in {_MOVE, _TOUCH_MOVE}:
        _moved(stage, data, touch=source == _TOUCH_MOVE)
    elif source == 2:  # noqa: PLR2004 - rrweb's MouseInteraction
        _interacted(stage, record, data)
    elif source == 4:  # noqa: PLR2004 - rrweb's ViewportResize
        stage.resize(number(data.get("width")), number(data.get("height")))
    elif source in _CHANGES:
        with stage.changing() as changes:
            _CHANGES[source](changes, data)
    elif source != 9:  # noqa: PLR2004 - the SDK's PointerInteraction, which source 2 tells as well
        raise BadValue("an incremental record that is not known")


def _moved(stage: Stage, data: Json, *, touch: bool) -> None:
    positions = []
    for entry in many(data.get("positions")):
        with suppress(BadValue):
            positions.append(_position(stage, table(entry)))
    for watcher in stage.watchers:
        watcher.moved(stage.at_ms, positions, touch=touch)


def _position(stage: Stage, entry: Json) -> Position:
    """Read a position of the pointer, which is drawn over the root element where its own node is unknown."""
    html = stage.page.html
    node = whole(entry.get("id"))
    if node not in stage.page.nodes:
        if html is None:
            raise BadValue("a position without a page")
        node = html.id
    offset = number(entry.get("timeOffset", 0))
    # rrweb plays the positions of a record ahead of its time: one behind it would come after later events.
    return Position(node, number(entry.get("x")), number(entry.get("y")), min(offset, 0))


def _interacted(stage: Stage, record: Json, data: Json) -> None:
    kind = whole(data.get("type"))
    node = stage.page.nodes.get(whole(data.get("id")))
    if node is None or kind > _INTERACTIONS:
        raise BadValue("an interaction with an unknown node" if node is None else "an interaction that is not known")
    place: tuple[float | None, float | None] = None, None
    if "x" in data and "y" in data:
        place = number(data["x"]), number(data["y"])
    number_of_it = record.get("id")
    interaction = Interaction(kind, node, *place, number_of_it if type(number_of_it) is int else None)
    for watcher in stage.watchers:
        watcher.interacted(stage.at_ms, interaction)


def _scroll(changes: Changes, data: Json) -> None:
    changes.scroll(changes.node(whole(data.get("id"))), number(data.get("x")), number(data.get("y")))


def _input(changes: Changes, data: Json) -> None:
    node = changes.node(whole(data.get("id")))
    checked, value = data.get("isChecked"), data.get("text")
    if isinstance(value, str):
        changes.fill(node, value)
    if isinstance(checked, bool):
        with suppress(BadValue):  # fields that are no boxes say false
            changes.tick(node, checked)


def _play(changes: Changes, data: Json) -> None:
    changes.play(changes.node(whole(data.get("id"))), paused=whole(data.get("type")) == 1)


def _rules(changes: Changes, data: Json) -> None:
    node = changes.node(whole(data.get("id")))
    rules: dict[str, object] = {}
    removes = [{"index": _index(table(entry).get("index"))} for entry in many(data.get("removes"))]
    adds = [_added_rule(table(entry)) for entry in many(data.get("adds"))]
    if removes:
        rules["removes"] = removes
    if adds:
        rules["adds"] = adds
    if rules:
        changes.insert_rules(node, rules)


def _added_rule(entry: Json) -> dict[str, object]:
    rule: dict[str, object] = {"rule": text(entry.get("rule"))}
    if entry.get("index") is not None:
        rule["index"] = _index(entry["index"])
    return rule


def _index(value: object) -> int | list[int]:
    """Read a rule's place in its sheet; the place of a rule inside other rules is a path, such as ``[3, 0]``."""
    return [whole(each) for each in value] if isinstance(value, list) else whole(value)


_CHANGES: dict[int, Callable[[Changes, Json], None]] = {
    0: v1.mutation,
    3: _scroll,
    5: _input,
    7: _play,
    8: _rules,
}
