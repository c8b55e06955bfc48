"""RUM events from a file, as rows of the player's list: errors, requests, long tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from replay_fetch.errors import InputError
from replay_fetch.printable import printable

_NS_PER_MS = 1_000_000
_FAILED = 400
_LONGEST = 300


class RumEvent(NamedTuple):
    """A row of the player's list: an event of a view, its time in milliseconds since 1970."""

    view_id: str
    at_ms: int
    kind: str
    text: str
    detail: str = ""
    failed: bool = False


def read_rum_events(path: Path, session_id: str) -> list[RumEvent]:
    """Read a session's errors, requests and long tasks from a file, in order of time.

    A line is an event as the events search answers it or as the SDK wrote it, or a whole answer of the search. Raises
    InputError, which names the line that is none of the three.
    """
    found: list[RumEvent] = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                found += _of_line(line, f"--events {path}, line {number}", session_id)
    except OSError as error:
        raise InputError(f"--events {path} cannot be read: {error.strerror or error}") from None
    return sorted(found)


def _of_line(line: bytes, where: str, session_id: str) -> Iterator[RumEvent]:
    if not line.strip():
        return
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise InputError(f"{where}: no JSON object; the file has one event of the events search a line")
    events = content.get("data")
    for event in events if isinstance(events, list) else [content]:
        rum = _dict(_dict(event, "attributes"), "attributes") or event
        if isinstance(rum, dict) and _dict(rum, "session").get("id") == session_id:
            row = _row(rum)
            if row is not None:
                yield row


def _row(rum: Mapping[str, object]) -> RumEvent | None:
    """Make a row of an event; None for an event without a time, or of a kind that the recording itself tells."""
    at, view_id = rum.get("date"), _text(_dict(rum, "view").get("id"))
    if not isinstance(at, int) or isinstance(at, bool):
        return None
    match rum.get("type"):
        case "error":
            error = _dict(rum, "error")
            return RumEvent(view_id, at, "error", _text(error.get("message")) or "error", _text(error.get("source")))
        case "resource":
            return _request(view_id, at, _dict(rum, "resource"))
        case "long_task":
            took = _took(_dict(rum, "long_task"))
            return RumEvent(view_id, at, "long task", took or "of unknown length")
    return None


def _request(view_id: str, at: int, resource: Mapping[str, object]) -> RumEvent:
    status = resource.get("status_code")
    said = [_text(resource.get("method")) or "GET", _text(resource.get("url"))]
    detail = [str(status) if isinstance(status, int) and status else "", _took(resource), _text(resource.get("type"))]
    failed = isinstance(status, int) and status >= _FAILED
    if failed:
        said.insert(0, str(status))
    return RumEvent(view_id, at, "request", " ".join(filter(None, said)), ", ".join(filter(None, detail)), failed)


def _took(event: Mapping[str, object]) -> str:
    duration = event.get("duration")
    return f"{duration / _NS_PER_MS:,.0f} ms" if isinstance(duration, int | float) else ""


def _dict(event: object, name: str) -> Mapping[str, object]:
    part = event.get(name) if isinstance(event, dict) else None
    return part if isinstance(part, dict) else {}


def _text(value: object) -> str:
    return printable(value, _LONGEST) if isinstance(value, str) else ""
