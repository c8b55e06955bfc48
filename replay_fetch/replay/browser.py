"""Records of browsers: which dialect a record is in, and what it is about."""

from __future__ import annotations

from replay_fetch.replay import v1
from replay_fetch.replay.change import Reader, apply_items
from replay_fetch.replay.increments import increment
from replay_fetch.replay.roles import ROLE_ITEMS
from replay_fetch.replay.stage import Frustration, Stage, Window
from replay_fetch.replay.values import BadValue, Json, many, number, table, whole

_FULL, _INCREMENTAL, _META, _FOCUS, _END, _VIEWPORT, _FRUSTRATION, _CHANGE = 2, 3, 4, 6, 7, 8, 9, 12
_AS_CHANGES = 1
_VIEWPORT_KEYS = ("scale", "offsetLeft", "offsetTop", "pageLeft", "pageTop", "width", "height")


class Browser:
    """Plays records of a browser's SDK on a stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.still = False
        """Change records are missing: those behind cannot be read until the next full snapshot."""
        self._reader: Reader | None = None

    def missed(self) -> bool:
        """Some segments are missing here; True where the page cannot be followed from now on."""
        self.still = self.still or self._reader is not None
        return self.still

    def play(self, record: Json) -> None:
        """Play one record; raises BadValue where it cannot be used at all."""
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
        # Numbers of nodes and strings go on from record to record: behind a missing one all of them name others.
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
