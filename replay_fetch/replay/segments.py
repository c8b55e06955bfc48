"""Segments as records: in their order, each once, and what is missing between them."""

from __future__ import annotations

import json
from typing import NamedTuple

import orjson

from replay_fetch.replay.values import BadValue, Json, many, table, whole

_LATEST_MS = 253_402_300_799_999  # the end of the year 9999


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
