"""Segments as records: brought into their order, each played once, and read from JSON.

A segment is the JSON object that the SDK uploads every few seconds: ``records``, ``index_in_view``, ``start`` and
``end`` in milliseconds since 1970, ``source``. The API serves segments in any order, and some of them twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import orjson

from replay_fetch.api.segment import facts
from replay_fetch.replay.values import BadValue, Json, many, table, whole

_LATEST_MS = 253_402_300_799_999  # the end of the year 9999
# Bytes of segments held while a segment in front of them may still come: leaves room for the page below 200 MB.
_HELD = 32 * 10**6


class Order:
    """The segments of a view in the order of playing; counts segments that came again, or too late.

    An archive keeps segments as the API served them: out of order, or twice. A segment ahead of its turn is held, up to
    32 MB of segments. Beyond that the missing segment is given up, and counts as late if it comes after all.
    """

    def __init__(self, segments: Iterable[bytes]) -> None:
        self.repeated = self.late = 0
        self._segments = segments
        self._held: dict[int, bytes] = {}
        self._size = 0
        self._next = 0
        self._played: set[int] = set()

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the segments as bytes, by ``index_in_view``; a segment without an index comes at once.

        An index that never came is skipped: the player finds the gap by the index of the next segment.
        """
        for segment in self._segments:
            index = facts(segment).index
            if index is None:
                yield segment
                continue
            if index < self._next or index in self._held:
                known = index in self._played or index in self._held
                self.repeated += known
                self.late += not known
                continue
            self._held[index] = segment
            self._size += len(segment)
            yield from self._whose_turn_it_is()
            while self._size > _HELD:
                # The segment in front is given up: without a bound, one that never comes would hold the whole view in
                # memory.
                self._next = min(self._held)
                yield from self._whose_turn_it_is()
        for index in sorted(self._held):
            yield self._held[index]

    def _whose_turn_it_is(self) -> Iterator[bytes]:
        while (segment := self._held.pop(self._next, None)) is not None:
            self._size -= len(segment)
            self._played.add(self._next)
            self._next += 1
            yield segment


class ReadSegment(NamedTuple):
    """A segment after reading: its records, and its place and time in the view where the segment tells them.

    Records are values of a stranger's JSON, not looked at yet. ``place`` counts from 0; times are milliseconds since
    1970.
    """

    records: list[object]
    place: int | None
    start_ms: int | None
    end_ms: int | None
    source: str


def read_segment(segment: bytes) -> ReadSegment:
    """Read a segment from its exact bytes; raises BadValue where the bytes are no JSON object, or the records no list.

    A place, a time or a source of another type is left out alone: a segment plays without them.
    """
    content = table(_parsed(segment))
    source = content.get("source")
    return ReadSegment(
        many(content.get("records")),
        _time(content.get("index_in_view")),
        _time(content.get("start")),
        _time(content.get("end")),
        source if isinstance(source, str) else "",
    )


def time_of(record: Json) -> int:
    """Read the time of a record, milliseconds since 1970; raises BadValue where the record has none.

    A time behind the year 9999 is none either, since no date could be printed for it.
    """
    at_ms = whole(record.get("timestamp"))
    if at_ms > _LATEST_MS:
        raise BadValue("a time that no calendar has")
    return at_ms


def _time(value: object) -> int | None:
    try:
        return whole(value)
    except BadValue:
        return None


def _parsed(segment: bytes) -> object:
    """Parse JSON by the quick parser, and where that refuses by Python's own, slower and more lenient.

    The SDK really sends lone surrogates, halves of an emoji for example, which the quick parser refuses. Raises
    BadValue where both refuse.
    """
    try:
        return orjson.loads(segment)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(segment.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise BadValue("a segment that is no JSON") from None
