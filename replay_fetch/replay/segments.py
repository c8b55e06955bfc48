"""Segments as records: in their order, each once, and what is missing between them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import orjson

from replay_fetch.api import facts
from replay_fetch.replay.values import BadValue, Json, many, table, whole

_LATEST_MS = 253_402_300_799_999  # the end of the year 9999
# Held at once while one in front of them may still come: as much as leaves room for the page below 200 MB.
_HELD = 32 * 10**6


class Order:
    """The segments of one view as they are to be played; counts what came again, or too late."""

    def __init__(self, segments: Iterable[bytes]) -> None:
        self.repeated = self.late = 0
        self._segments = segments
        self._held: dict[int, bytes] = {}
        self._size = 0
        self._next = 0
        self._played: set[int] = set()

    def __iter__(self) -> Iterator[bytes]:
        """Each segment when its turn has come; one without an index at once."""
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
    """A segment's records, and its place in the view as far as it says."""

    records: list[object]
    place: int | None
    start_ms: int | None
    end_ms: int | None
    source: str


def read_segment(segment: bytes) -> ReadSegment:
    """Read a segment; raises BadValue where it is none."""
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
    """When a record was made; raises BadValue where it does not say."""
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
    """JSON as Python reads it; the quick parser refuses lone surrogates, which the SDK really sends."""
    try:
        return orjson.loads(segment)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(segment.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise BadValue("a segment that is no JSON") from None
