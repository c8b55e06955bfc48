"""One view's segments, scrubbed: each record is played first, so a string is judged by its place on the played page.

Two readings of one record would be a way out for words. So a record that the player refuses is not written, and texts
are looked up in the player's own page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from replay_fetch.api.recording import labels
from replay_fetch.api.segment import facts
from replay_fetch.model import ID, View
from replay_fetch.replay.browser import Browser
from replay_fetch.replay.mobile import Mobile
from replay_fetch.replay.nodes import encoded
from replay_fetch.replay.scrub.changes import ChangeItems, UnknownChange
from replay_fetch.replay.scrub.shapes import ABOUT, INCREMENTS, MOBILE_FULL, MOBILE_INCREMENTS, Shape
from replay_fetch.replay.scrub.tree import Texts, Trees
from replay_fetch.replay.segments import Order, ReadSegment, read_segment, time_of
from replay_fetch.replay.stage import Stage
from replay_fetch.replay.values import BadValue, Json, table, whole

_FULL, _INCREMENTAL, _MOBILE_FULL, _MOBILE_INCREMENTAL, _CHANGE = 2, 3, 10, 11, 12
_AS_CHANGES = 1
_MUTATION = 0
# Words that the SDKs write about a segment, by their published schema.
_REASONS = frozenset(
    [
        "init",
        "segment_duration_limit",
        "segment_bytes_limit",
        "view_change",
        "before_unload",
        "visibility_hidden",
        "page_hide",
        "page_frozen",
        "stop",
    ]
)
_SOURCES = frozenset({"browser", "android", "ios", "flutter", "react-native", "roku", "unity", "kotlin-multiplatform"})
# The form that ids of a list must have, too.
_APPLICATION = re.compile(ID)


class ScrubbedView:
    """One view's recording as anyone may see it; read once, from the front, with the memory of one page.

    ``records`` counts records written, ``dropped`` parts left out, by reason. No reason quotes the recording, so both
    may be printed.
    """

    def __init__(self, view: View, segments: Iterable[bytes]) -> None:
        self.records = 0
        self.dropped = Counter[str]()
        self._view = view
        # Each once and in its turn: strings and nodes are counted from record to record, so a segment that came
        # twice, or out of its order, would be read with the wrong ones.
        self._order = Order(segments)
        self._stage = Stage([], Counter())
        self._browser, self._mobile = Browser(self._stage), Mobile(self._stage)
        self._texts = Texts()
        self._trees = Trees(self._texts, self._drop)
        self._changes: ChangeItems | None = None
        self._index = -1

    def segments(self) -> Iterator[bytes]:
        """Write each segment as JSON in ASCII, in the player's order; segments that are no JSON are counted."""
        for segment in self._order:
            try:
                written = self._segment(read_segment(segment), segment)
            except BadValue as error:
                self._drop(str(error))
            else:
                yield written
        self.dropped["a segment that came twice"] += self._order.repeated
        self.dropped["a segment that came too late"] += self._order.late
        self.dropped = +self.dropped

    def _drop(self, reason: str) -> None:
        self.dropped[reason] += 1

    def _segment(self, read: ReadSegment, segment: bytes) -> bytes:
        if read.place is not None:
            # Change records count on all before them: behind a hole the player refuses them, and so does the copy.
            if read.place > self._index + 1:
                self._browser.missed()
            self._index = read.place
        records = [written for record in read.records if (written := self._record(record)) is not None]
        self.records += len(records)
        written = {"records": records, **self._about(segment), "records_count": len(records)}
        try:
            return encoded(written).encode("ascii")
        except RecursionError:  # read by a parser that goes a level deeper than the writer
            self.records -= len(records)
            raise BadValue("a page that is nested too deep") from None

    def _about(self, segment: bytes) -> Json:
        """Write a segment's envelope: ids of the manifest, times, index, and words of the published schema alone.

        Other keys, which hold users, pages and custom attributes, have no place in the copy.
        """
        place, said = facts(segment), labels(segment)
        # Ids come from the manifest: a segment's own are strings like any other, and could be any.
        session_id, view_id = self._view
        known: Json = {
            "start": place.start_ms,
            "end": place.end_ms,
            "creation_reason": said.creation_reason if said.creation_reason in _REASONS else None,
            "has_full_snapshot": place.has_full_snapshot,
            "index_in_view": place.index,
            "source": said.source if said.source in _SOURCES else None,
            "application": {"id": said.application_id} if _APPLICATION.fullmatch(said.application_id) else None,
            "session": {"id": session_id},
            "view": {"id": view_id},
        }
        return {key: value for key, value in known.items() if value is not None}

    def _record(self, record: object) -> Json | None:
        """Play a record, then write it; None for a record that is left out, whose reason is counted."""
        try:
            read = table(record)
            kind = whole(read.get("type"))
            written: Json = {"type": kind, "timestamp": time_of(read)}
            if type(read.get("id")) is int:
                written["id"] = read["id"]
            return written | self._played(kind, read)
        except UnknownChange as error:
            # Numbers of strings and nodes behind it cannot be trusted: nothing is read until a snapshot comes.
            self._browser.missed()
            self._drop(str(error))
        except BadValue as error:
            self._drop(str(error))
        return None

    def _played(self, kind: int, record: Json) -> Json:
        """Play a record and write its data by its type; raises BadValue where a player or a rule refuses."""
        data = record.get("data")
        if kind in {_MOBILE_FULL, _MOBILE_INCREMENTAL}:
            self._mobile.play(record)
            return {"data": MOBILE_FULL(data) if kind == _MOBILE_FULL else _increment(MOBILE_INCREMENTS, table(data))}
        # SDK 6.25 to 6.33 may begin a view with a change; the page is empty then, and numbers start from nothing.
        begins = kind == _FULL or (kind == _CHANGE and self._stage.page.root is None)
        # Played first: a text is looked up on the page as the record leaves it, with its new parents.
        self._browser.play(record)
        if begins:
            return self._begun(kind, record)
        if kind == _CHANGE and self._changes is not None:
            return {"data": self._changes.written(self._stage.page, data)}
        if kind == _INCREMENTAL:
            told = table(data)
            if told.get("source") == _MUTATION:
                return {"data": self._trees.mutation(self._stage.page, told)}
            return {"data": _increment(INCREMENTS, told)}
        if kind not in ABOUT:
            raise BadValue("a type of record that is not known")
        return {} if data is None else {"data": ABOUT[kind](data)}

    def _begun(self, kind: int, record: Json) -> Json:
        """Write a full snapshot in its dialect; strings, nodes and sheets are counted anew from here."""
        page, data = self._stage.page, record.get("data")
        self._texts.clear()
        if kind == _FULL and record.get("format") != _AS_CHANGES:
            self._changes = None
            return {"format": 0, "data": self._trees.full(page, table(data))}
        self._changes = ChangeItems(self._texts, self._drop)
        written: Json = {"format": _AS_CHANGES} if kind == _FULL else {}
        return written | {"data": self._changes.written(page, data)}


def _increment(shapes: Mapping[int, Shape], data: Json) -> object:
    shape = shapes.get(whole(data.get("source")))
    if shape is None:
        raise BadValue("an incremental record that is not known")
    return shape(data)
