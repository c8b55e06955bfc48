"""A segment's records and labels: the recorder, the reason for closing, and how far each record matters to a timeline.

Read for people and for tables, never for archiving: unreadable parts are left out, and nothing raises.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

# Of the vendor's published record schemas, browser and mobile.
RECORD_TYPES: Mapping[int, str] = {
    2: "full snapshot",
    3: "incremental",
    4: "meta",
    6: "focus",
    7: "view end",
    8: "visual viewport",
    9: "frustration",
    10: "mobile full snapshot",
    11: "mobile incremental",
    12: "change",
}
_META = 4
_INCREMENTAL = frozenset({3, 11})
# Sources of incremental records that come from a hand: mouse move, click, scroll, input, touch, media, pointer.
_BY_HAND = frozenset({1, 2, 3, 5, 6, 7, 9})


class Labels(NamedTuple):
    """Words of a segment about itself; empty where the segment does not say."""

    source: str = ""
    """The kind of SDK: ``browser``, ``android``, ``ios``, …"""
    creation_reason: str = ""
    application_id: str = ""


class Record(NamedTuple):
    """A record as far as a timeline needs records; ``at_ms`` is milliseconds since 1970."""

    type: int
    at_ms: int | None = None
    by_hand: bool = False
    """Somebody moved, clicked, scrolled or typed; not: the page changed."""
    href: str = ""
    """Where a page was opened; meta records alone tell."""


class _Application(Struct, gc=False, frozen=True):
    id: str = ""


class _Labels(Struct, gc=False):
    source: str = ""
    creation_reason: str = ""
    application: _Application = _Application()


class _Record(Struct, gc=False):
    type: int = 0
    timestamp: float | None = None
    data: Raw = Raw()


class _Records(Struct, gc=False):
    records: list[_Record] = []


class _Meta(Struct, gc=False):
    href: str = ""


class _Increment(Struct, gc=False):
    source: int = -1


# msgspec reads only the fields named here and skips the rest at the speed of the scan: a segment may have megabytes.
_labels = msgspec.json.Decoder(_Labels)
_records = msgspec.json.Decoder(_Records)
_meta = msgspec.json.Decoder(_Meta)
_increment = msgspec.json.Decoder(_Increment)
# Later times are no times; datetime would raise for them.
_LATEST = 253_402_300_800_000  # the year 10000, where calendars end
# UnicodeDecodeError is no DecodeError of msgspec's; RecursionError: nested deeper than the interpreter goes.
_REFUSED = (msgspec.DecodeError, ValueError, RecursionError)


def labels(segment: bytes) -> Labels:
    """Read the recorder, the application and the reason for closing out of a segment's JSON text."""
    try:
        found = _labels.decode(segment)
    except _REFUSED:
        return _plain_labels(segment)
    return Labels(found.source, found.creation_reason, found.application.id)


def records(segment: bytes) -> list[Record]:
    """Read the segment's records, in the order of the segment; lone surrogates and odd types are passed over."""
    try:
        return [_record(record) for record in _records.decode(segment).records]
    except _REFUSED:
        return list(_plain_records(segment))


def _record(found: _Record) -> Record:
    at_ms = _ms(found.timestamp)
    if found.type in _INCREMENTAL:
        return Record(found.type, at_ms, by_hand=_increment.decode(found.data).source in _BY_HAND)
    return Record(found.type, at_ms, href=_meta.decode(found.data).href if found.type == _META else "")


def _plain_labels(segment: bytes) -> Labels:
    found = _plain(segment)
    application = found.get("application")
    named = application.get("id") if isinstance(application, dict) else None
    texts = (found.get("source"), found.get("creation_reason"), named)
    return Labels(*map(_text, texts))


def _plain_records(segment: bytes) -> Iterator[Record]:
    """Read the records where msgspec refuses the segment: lone surrogates, a value of an unexpected type."""
    # Type by type, as nothing was checked: this way is taken exactly where the schema does not hold.
    listed = _plain(segment).get("records")
    for record in listed if isinstance(listed, list) else []:
        if isinstance(record, dict) and isinstance(record.get("type"), int):
            at, data = record.get("timestamp"), record.get("data")
            inside = data if isinstance(data, dict) else {}
            source = inside.get("source")
            yield Record(
                record["type"],
                _ms(at if isinstance(at, int | float) else None),
                record["type"] in _INCREMENTAL and isinstance(source, int) and source in _BY_HAND,
                _text(inside.get("href")) if record["type"] == _META else "",
            )


def _ms(time: float | None) -> int | None:
    return int(time) if time is not None and 0 <= time < _LATEST else None


def _text(value: object) -> str:
    """The value where the value is text, lone surrogates replaced: no table and no terminal takes surrogates."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else ""


def _plain(segment: bytes) -> dict[str, object]:
    try:
        found = json.loads(segment.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
