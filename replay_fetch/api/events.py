"""The views in an answer of the RUM events search, and the cursor to the next answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import unquote

from replay_fetch.api import json_split
from replay_fetch.api.endpoint import check_id
from replay_fetch.api.envelope import path_in
from replay_fetch.api.json_answer import dig, json_object, json_text
from replay_fetch.errors import BadBody
from replay_fetch.model import NO_ID, Response, View
from replay_fetch.printable import printable
from replay_fetch.timestamps import epoch_ms, iso

_SDK_VERSION = "sdk_version:"
_HIGHEST = 2**53  # what JSON numbers are exact up to, and what fits a database
_COUNT_DIGITS = re.compile(r"[0-9]{1,9}")
# Names that other calls of the vendor's, and of others, have for the way to the next page.
_LIKE_A_CURSOR = re.compile("next|cursor|token|after|continu|scroll|marker")
# No documented answer goes deeper than meta.page.after; a stranger's may, and is not followed for ever.
_DEEPEST = 4
_CURSOR = "page[cursor]"
_names_none = re.compile(NO_ID).fullmatch


class FoundView(NamedTuple):
    """A view as an event of the search describes the view; all texts are as the visitor's browser sent them."""

    view: View
    date: str
    """When the view began, ISO 8601 in UTC; empty where it is not said."""
    application_id: str
    view_url: str
    segments_count: int | None
    """Segments that the SDK created: a hint, not proof."""
    sdk: str
    """Kind and version, such as ``browser 6.33.0``."""
    version: int = 0
    """Of several events of one view the one with the highest number is the last."""
    raw_bytes: int | None = None
    """Bytes of the view's segments before the SDK compressed them: a hint as well."""


class RawEvent(NamedTuple):
    """An event of a session with its exact JSON text, and the values by which events are told apart and ordered."""

    session_id: str
    event_id: str
    """The API's id of the event; of an event without an id, a hash of its text."""
    at_ms: int | None
    """The event's own time, in milliseconds since 1970."""
    version: int
    """Of several texts of one event the one with the highest number is the last."""
    text: bytes


class FoundPage(NamedTuple):
    """An answer of the search: views in the order of the events, the cursor, and how far the search has come."""

    views: list[FoundView]
    token: str | None
    """The cursor of the next page; None on the last one."""
    events: int = 0
    nameless: int = 0
    """Events without a session's and a view's id, or with ids that cannot be ones."""
    first_ms: int | None = None
    last_ms: int | None = None
    """Times of the first and last event, where the events are in the order of time."""
    warnings: tuple[str, ...] = ()
    more: str = ""
    """Why this is not the last page although it has no cursor; empty where it may be."""
    raw: Sequence[RawEvent] = ()
    """The events themselves, where `events_page` read the answer."""


def found_page(answer: Response) -> FoundPage:
    """Read the views and the cursor out of a 2xx answer of the search.

    Raises ServerTimeout where the search timed out, since the page is then incomplete, ServerError where the answer
    tells of errors, GarbledBody for a damaged answer, BadBody for an answer without a list of events.
    """
    body = json_object(answer)
    return _page(body, _events(body, answer))


def events_page(answer: Response) -> FoundPage:
    """Read a page as `found_page` does, and beside the views the exact text of every event that names a session."""
    body = json_object(answer)
    events = _events(body, answer)
    texts = json_split.elements(json_split.members(json_text(answer))["data"])
    raw = [found for each in zip(events, texts, strict=True) if (found := raw_event(*each)) is not None]
    return _page(body, events)._replace(raw=raw)


def raw_event(event: object, text: bytes) -> RawEvent | None:
    """Take an event with its exact text; None of an event that names no session."""
    rum = dig(event, "attributes", "attributes")
    session_id = _text(dig(rum, "session", "id"))
    if not session_id:
        return None
    event_id = _text(dig(event, "id")) or sha256(text).hexdigest()
    version = dig(rum, "_dd", "document_version")
    # A lone surrogate has no place in a database: ids are told apart by their escapes then.
    event_id = event_id.encode("ascii", "backslashreplace").decode()
    known = version if isinstance(version, int) and 0 <= version < _HIGHEST else 0
    began, at_ms = dig(rum, "date"), _time_ms(event)
    if at_ms is None and isinstance(began, int):  # an export may say it there alone
        at_ms = began
    return RawEvent(session_id, event_id, at_ms, known, text)


def _events(body: Mapping[str, object], answer: Response) -> list[object]:
    events = body.get("data")
    if not isinstance(events, list):
        raise BadBody("the answer of the events search has no list under data", answer)
    # One stranger among the events means that this is no page of the search: its other rows prove nothing either.
    if not all(isinstance(dig(event, "attributes"), dict) for event in events):
        raise BadBody("the events search answers with something else than events under data", answer)
    return events


def _page(body: Mapping[str, object], events: Sequence[object]) -> FoundPage:
    views = [found for event in events if (found := _found(event)) is not None]
    times = [_time_ms(event) for event in events]
    known = [time for time in times if time is not None]
    # How far the search has come is told from the last event, and only where the order proves that it is the last.
    in_order = len(known) == len(times) and known == sorted(known)
    first, last = (known[0], known[-1]) if known and in_order else (None, None)
    token = _token(body)
    return FoundPage(
        views,
        token,
        len(events),
        len(events) - len(views),
        first,
        last,
        tuple(_warnings(body)),
        "" if token else _more(body),
    )


def _token(body: Mapping[str, object]) -> str | None:
    """The next page's cursor, from ``meta.page.after``, else from the link to the next page; None where both lack."""
    after = dig(body, "meta", "page", "after")
    if isinstance(after, str) and after:
        return after
    if after is not None:
        return None
    # The link is not followed, only its cursor taken: a "+" in it stays one, as it was not meant for a form.
    query = _text(dig(body, "links", "next")).partition("#")[0].partition("?")[2]
    cursors = (
        value for name, _, value in (part.partition("=") for part in query.split("&")) if unquote(name) == _CURSOR
    )
    return unquote(next(cursors, "")) or None


def _more(body: Mapping[str, object]) -> str:
    """Say in words why more events may follow although no cursor can be read; empty where nothing hints at more.

    A search that stopped here would pass for complete, so the words end up in a warning to the user.
    """
    if dig(body, "meta", "page", "after"):
        return "gives a cursor that is no text"
    for path, value in _around(body):
        key = path.rpartition(".")[2].lower()
        if value is True and "more" in key:
            return f"says that more follows ({printable(path, 60)}) but gives no cursor"
        if value and isinstance(value, str) and _LIKE_A_CURSOR.search(key):
            return f"gives {printable(path, 60)}, which no rule reads, where a cursor should be"
    return ""


def _around(body: Mapping[str, object], path: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """Walk through the object around the events, down to four levels: each value with the dotted path to the value."""
    for key, value in body.items():
        here = path_in(path, key)
        if here == "data":
            continue
        yield here, value
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _around(value, here, depth + 1)


def _found(event: object) -> FoundView | None:
    rum = dig(event, "attributes", "attributes")
    try:
        view = View(check_id(_text(dig(rum, "session", "id"))), check_id(_text(dig(rum, "view", "id"))))
    except ValueError:
        return None
    if any(map(_names_none, view)):  # the SDKs send zeros where they keep no session
        return None
    began = dig(rum, "date")
    version = dig(rum, "_dd", "document_version")
    return FoundView(
        view,
        date=iso(began) if isinstance(began, int) else _text(dig(event, "attributes", "timestamp")),
        application_id=_text(dig(rum, "application", "id")),
        view_url=_text(dig(rum, "view", "url")),
        segments_count=_count(dig(rum, "_dd", "replay_stats", "segments_count")),
        sdk=_sdk(rum, dig(event, "attributes", "tags")),
        version=max(-_HIGHEST, min(version, _HIGHEST)) if isinstance(version, int) else 0,
        raw_bytes=_count(dig(rum, "_dd", "replay_stats", "segments_total_raw_size")),
    )


def _time_ms(event: object) -> int | None:
    """The time of an event in milliseconds since 1970, rounded down: a window that begins there holds the event."""
    written = dig(event, "attributes", "timestamp")
    if isinstance(written, int):
        return written
    try:
        return epoch_ms(datetime.fromisoformat(_text(written)))
    except ValueError:
        return None


def _sdk(rum: object, tags: object) -> str:
    named = tags if isinstance(tags, list) else []
    versions = (tag.removeprefix(_SDK_VERSION) for tag in named if _text(tag).startswith(_SDK_VERSION))
    return " ".join(filter(None, (_text(dig(rum, "source")), next(versions, ""))))


def _warnings(body: Mapping[str, object]) -> Iterator[str]:
    """The warnings of an answer: documented as a list of objects, taken in any other form under the same name too."""
    for told in (
        dig(body, "meta", "warnings"),
        dig(body, "meta", "warning"),
        body.get("warnings"),
        body.get("warning"),
    ):
        for warning in told if isinstance(told, list) else [told] if told else []:
            said = _text(warning) or _text(dig(warning, "detail")) or _text(dig(warning, "title"))
            yield printable(said) or "a warning without words"


def _count(value: object) -> int | None:
    digits = str(value) if isinstance(value, int | str) else ""
    return int(digits) if _COUNT_DIGITS.fullmatch(digits) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
