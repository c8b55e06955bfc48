"""Incremental records of browsers, which all SDKs share: pointer, scroll, fields, media, rules, the window's size."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from replay_fetch.replay import v1
from replay_fetch.replay.changes import Changes
from replay_fetch.replay.stage import Interaction, Position, Stage
from replay_fetch.replay.values import BadValue, Json, many, number, table, text, whole

_INTERACTIONS = 9  # of rrweb's kinds of interaction, the last that the SDK sends
_MOVE, _TOUCH_MOVE = 1, 6


def increment(stage: Stage, record: Json, data: Json) -> None:
    """Apply one record; raises BadValue where it cannot be used."""
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
    html = stage.page.html
    node = whole(entry.get("id"))
    if node not in stage.page.nodes:
        if html is None:
            raise BadValue("a position without a page")
        node = html.id
    offset = number(entry.get("timeOffset", 0))
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
    """A rule's place; that of a rule inside others is a path."""
    return [whole(each) for each in value] if isinstance(value, list) else whole(value)


_CHANGES: dict[int, Callable[[Changes, Json], None]] = {
    0: v1.mutation,
    3: _scroll,
    5: _input,
    7: _play,
    8: _rules,
}
