"""The views in an answer of the RUM events search."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from replay_fetch.api.endpoint import check_id
from replay_fetch.api.json_answer import dig, json_object
from replay_fetch.errors import BadBody, ServerError
from replay_fetch.model import Answer, View
from replay_fetch.moments import epoch_ms, iso

_SDK_VERSION = "sdk_version:"
_HIGHEST = 2**53  # what JSON numbers are exact up to, and what fits a database
_COUNT_DIGITS = re.compile(r"[0-9]{1,9}")


class FoundView(NamedTuple):
    """What one event says of its view; all texts are as the visitor's browser sent them."""

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


class FoundPage(NamedTuple):
    """One answer of the search."""

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


def found_page(answer: Answer) -> FoundPage:
    """The page in a 2xx answer.

    Raises ServerError where the search timed out, since its page is then incomplete, GarbledBody
    where the answer is damaged, BadBody where it holds no list of events.
    """
    body = json_object(answer)
    events = body.get("data")
    if not isinstance(events, list):
        raise BadBody("the answer of the events search has no list under data", answer)
    if dig(body, "meta", "status") == "timeout":
        raise ServerError("the events search timed out on the server's side")
    views = [found for event in events if (found := _found(event)) is not None]
    times = [_time_ms(event) for event in events]
    known = [time for time in times if time is not None]
    in_order = len(known) == len(times) and known == sorted(known)
    first, last = (known[0], known[-1]) if known and in_order else (None, None)
    token = dig(body, "meta", "page", "after")
    return FoundPage(
        views,
        token if isinstance(token, str) and token else None,
        len(events),
        len(events) - len(views),
        first,
        last,
        tuple(_warnings(dig(body, "meta", "warnings"))),
    )


def _found(event: object) -> FoundView | None:
    rum = dig(event, "attributes", "attributes")
    try:
        view = View(check_id(_text(dig(rum, "session", "id"))), check_id(_text(dig(rum, "view", "id"))))
    except ValueError:
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
    )


def _time_ms(event: object) -> int | None:
    """When the event happened, rounded down: a window that begins there holds it."""
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


def _warnings(warnings: object) -> Iterable[str]:
    for warning in warnings if isinstance(warnings, list) else []:
        yield _text(dig(warning, "detail")) or _text(dig(warning, "title")) or "a warning without words"


def _count(value: object) -> int | None:
    digits = str(value) if isinstance(value, int | str) else ""
    return int(digits) if _COUNT_DIGITS.fullmatch(digits) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
