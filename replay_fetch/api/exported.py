"""RUM events in the lines of an export: as the events search answers events, or as the SDK wrote them.

The vendor's export to a bucket has an event on each line or in each row; how much is around the event is not public.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import orjson

from replay_fetch.api import json_split
from replay_fetch.api.events import RawEvent, raw_event
from replay_fetch.api.json_answer import dig


def exported_events(text: bytes) -> Iterator[RawEvent]:
    """Read the events of a line: one, or those of a whole answer of the search; events that name no session are none.

    An event is given in the form of the search, with the exact text of each part. Raises ValueError where the line is
    no JSON object.
    """
    value = _loaded(text)
    if not isinstance(value, dict):
        raise ValueError("no JSON object, as an event is")  # noqa: TRY004 - one error for what a file may hold
    listed = value.get("data")
    if not isinstance(listed, list):
        yield from _event(value, text)
        return
    for each, its_text in zip(listed, json_split.elements(json_split.members(text)["data"]), strict=True):
        yield from _event(each, its_text)


def _event(value: object, text: bytes) -> Iterator[RawEvent]:
    if dig(value, "attributes", "attributes", "session") is not None:
        found = raw_event(value, text)
    elif dig(value, "attributes", "session") is not None:
        found = raw_event(*_wrapped(json_split.members(text)))
    else:
        found = raw_event(*_wrapped({"attributes": text}))
    if found is not None:
        rum = dig(value, "attributes", "attributes") or dig(value, "attributes") or value
        yield found if dig(value, "id") else found._replace(event_id=_own_id(rum) or found.event_id)


def _wrapped(parts: dict[str, bytes]) -> tuple[object, bytes]:
    """Put the SDK's values, under ``attributes``, where the search has them; the other parts stay beside them."""
    parts = {"type": b'"rum"', **parts, "attributes": b'{"attributes":%b}' % parts["attributes"].strip()}
    text = b"{%b}" % b",".join(orjson.dumps(name) + b":" + part for name, part in parts.items())
    return _loaded(text), text


def _own_id(rum: object) -> str:
    """The id that the SDK gave to an event: by it the states of a view are one event, of which the last counts."""
    kind = dig(rum, "type")
    own = dig(rum, kind, "id") if isinstance(kind, str) else None
    return f"{kind}-{own}" if isinstance(own, str) and own else ""


def _loaded(text: bytes) -> object:
    try:
        return orjson.loads(text)
    except ValueError:
        try:
            # Lone surrogates are in what browsers send; the standard library takes them.
            return json.loads(text)
        except RecursionError:
            raise ValueError("no JSON: nested too deeply") from None
