"""RUM events as rows of the player's list and as lines of a transcript: errors, requests, actions, long tasks.

They come from the archive, where the session's own are stored, or from a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from replay_fetch.archive.read.events import stored_events
from replay_fetch.archive.shelf import Shelf
from replay_fetch.errors import InputError
from replay_fetch.inspect.events import FAILED, NS_PER_MS, events_of_line, part
from replay_fetch.printable import printable

_LONGEST = 300
# Asked for by the page's own scripts. What the markup asks for, pictures and fonts, is many times as much.
_BY_SCRIPT = {"xhr", "fetch", "beacon", "native"}


class ListedEvent(NamedTuple):
    """A row of the player's list: an event of a view, its time in milliseconds since 1970.

    ``kind`` is ``error``, ``request``, ``user action`` or ``long task``; texts are printable and at most 300
    characters.
    """

    view_id: str
    at_ms: int
    kind: str
    text: str
    detail: str = ""
    failed: bool = False
    by_script: bool = False
    """A request that a script of the page sent."""

    @property
    def telling(self) -> bool:
        """True of events that a reader of a transcript looks for: not of every picture that was loaded."""
        return self.kind in {"error", "user action"} or self.by_script or self.failed


def read_rum_events(path: Path, session_id: str) -> list[ListedEvent]:
    """Read a session's errors, requests and long tasks from a file, by view and then by time.

    A line is an event as the events search answers it or as the SDK wrote it, or a whole answer of the search. Raises
    InputError, which names the line that is none of the three.
    """
    try:
        with path.open("rb") as lines:
            return _in_order(lines, f"--events {path}", session_id)
    except OSError as error:
        raise InputError(f"--events {path} cannot be read: {error.strerror or error}") from None


def stored_rum_events(shelf: Shelf, session_id: str) -> list[ListedEvent]:
    """Read the same kinds of events out of the archive, where it holds the session's; none where it does not.

    Raises ArchiveError where the file of events is damaged.
    """
    return _in_order(stored_events(shelf, session_id), f"the events of {session_id}", session_id)


def _in_order(lines: Iterable[bytes], where: str, session_id: str) -> list[ListedEvent]:
    found: list[ListedEvent] = []
    for number, line in enumerate(lines, start=1):
        rums = events_of_line(line, f"{where}, line {number}")
        rows = (_row(rum) for rum in rums if part(rum, "session").get("id") == session_id)
        found += [row for row in rows if row is not None]
    return sorted(found)


def _row(rum: Mapping[str, object]) -> ListedEvent | None:
    """Make a row of an event; None for an event without a time, or of a kind that tells nothing more."""
    at, view_id = rum.get("date"), _text(part(rum, "view").get("id"))
    if not isinstance(at, int) or isinstance(at, bool):
        return None
    match rum.get("type"):
        case "error":
            error = part(rum, "error")
            return ListedEvent(view_id, at, "error", _text(error.get("message")) or "error", _text(error.get("source")))
        case "resource":
            return _request(view_id, at, part(rum, "resource"))
        case "action":
            action = part(rum, "action")
            name = _text(part(action, "target").get("name")) or "without a name"
            return ListedEvent(view_id, at, "user action", name, _text(action.get("type")))
        case "long_task":
            took = _took(part(rum, "long_task"))
            return ListedEvent(view_id, at, "long task", took or "of unknown length")
    return None


def _request(view_id: str, at: int, resource: Mapping[str, object]) -> ListedEvent:
    status = resource.get("status_code")
    said = [_text(resource.get("method")) or "GET", _text(resource.get("url"))]
    kind = _text(resource.get("type"))
    detail = [str(status) if isinstance(status, int) and status else "", _took(resource), kind]
    failed = isinstance(status, int) and status >= FAILED
    if failed:
        said.insert(0, str(status))
    words, more = " ".join(filter(None, said)), ", ".join(filter(None, detail))
    return ListedEvent(view_id, at, "request", words, more, failed, kind in _BY_SCRIPT)


def _took(event: Mapping[str, object]) -> str:
    duration = event.get("duration")
    return f"{duration / NS_PER_MS:,.0f} ms" if isinstance(duration, int | float) else ""


def _text(value: object) -> str:
    return printable(value, _LONGEST) if isinstance(value, str) else ""
