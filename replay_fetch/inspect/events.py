"""A session's stored RUM events, looked at: each event as it was sent, the user, and counts by kind.

``find`` and ``erase`` know a person by `User`; ``show`` prints `EventFacts`, ``export`` makes `event_rows`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from replay_fetch.archive.durable import explained
from replay_fetch.archive.layout import EVENTS, Layout
from replay_fetch.archive.read.events import stored_events
from replay_fetch.archive.shelf import Shelf
from replay_fetch.errors import ArchiveError, InputError
from replay_fetch.printable import as_argument, printable
from replay_fetch.settings import Compression

FAILED = 400
"""The least status of a request that failed."""
NS_PER_MS = 1_000_000
"""The SDK gives durations in nanoseconds."""
_LONGEST = 300


class User(NamedTuple):
    """A person as the application named them to the SDK; each text is empty where it was not said."""

    id: str
    email: str
    name: str

    def __str__(self) -> str:
        said = [each for each in dict.fromkeys((self.name, self.email, self.id)) if each]
        return f"{said[0]} ({', '.join(said[1:])})" if len(said) > 1 else "".join(said)


class RumEvent(NamedTuple):
    """A stored event: its exact text, the API's id, and the attributes that the SDK sent."""

    text: bytes
    event_id: str
    rum: Mapping[str, object]

    @property
    def kind(self) -> str:
        """The event's type: view, error, resource, action, long_task, vital, or a later one."""
        return plain(self.rum.get("type"))

    @property
    def user(self) -> User | None:
        """The person named by the event; None for an event without a user."""
        usr = part(self.rum, "usr")
        user = User(*(_id(usr.get(name)) for name in User._fields))
        return user if any(user) else None


def session_events(shelf: Shelf, session_id: str) -> Iterator[RumEvent]:
    """Give a session's stored events in order of time; none where none are stored.

    Raises ArchiveError where the file is damaged, or a line of it is no event.
    """
    for number, text in enumerate(stored_events(shelf, session_id), start=1):
        try:
            event = json.loads(text)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            where = shelf.place(f"{EVENTS}/{session_id}")
            raise ArchiveError(
                f"{where}, line {number}: no event; run `replay-fetch verify {as_argument(shelf.place())}`"
            )
        yield RumEvent(text, plain(event.get("id")), part(part(event, "attributes"), "attributes"))


def events_of_line(line: bytes, where: str) -> Iterator[Mapping[str, object]]:
    """Give what the SDK sent of each event in a line of a user's file; none for an empty line.

    A line is an event as the events search answers it or as the SDK wrote it, or a whole answer of the search. Raises
    InputError, which begins with ``where``, for a line that is none of the three.
    """
    if not line.strip():
        return
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):  # a stranger's line may be nested deeper than Python reads
        content = None
    if not isinstance(content, dict):
        raise InputError(f"{where}: no JSON object; such a file has one RUM event a line")
    answered = content.get("data")
    for event in answered if isinstance(answered, list) else [content]:
        yield part(part(event, "attributes"), "attributes") or (event if isinstance(event, dict) else {})


def has_events(shelf: Shelf, session_id: str) -> bool:
    """Tell whether events of a session are stored, by the file's name alone; raises ArchiveError where nobody tells."""
    names = (Layout(Path(), compression).events_name(session_id) for compression in Compression)
    with explained(f"reading {shelf.place(EVENTS)}"):
        return any(map(shelf.is_file, names))


@dataclass(slots=True)
class EventFacts:
    """The figures of a session's events: counts by kind, failed requests, and the people named, the first first."""

    kinds: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    """Requests that were answered with a status of 400 or more."""
    users: list[User] = field(default_factory=list)

    @classmethod
    def of(cls, events: Iterable[RumEvent]) -> EventFacts:
        """Read a session's events through, and keep counts and users; memory does not grow with the events."""
        facts = cls()
        for event in events:
            facts.kinds[event.kind] += 1
            facts.failed += event.kind == "resource" and (status_of(event) or 0) >= FAILED
            user = event.user
            if user is not None and user not in facts.users:
                facts.users.append(user)
        return facts

    def fields(self) -> dict[str, object]:
        """Return the figures by name, for programs, with the kinds in the order of the alphabet."""
        return {
            "events": self.kinds.total(),
            "kinds": dict(sorted(self.kinds.items())),
            "failed_requests": self.failed,
            "users": [user._asdict() for user in self.users],
        }


def event_row(session_id: str, event: RumEvent) -> dict[str, object]:
    """Make the row of an event for a table: plain columns, and the event's own text under ``json``; absent is None."""
    rum, user = event.rum, event.user or User("", "", "")
    return {
        "session_id": session_id,
        "view_id": plain(part(rum, "view").get("id")) or None,
        "event_id": event.event_id or None,
        "at_ms": number if isinstance(number := rum.get("date"), int) else None,
        "type": event.kind or None,
        "text": _text_of(event) or None,
        "status": status_of(event),
        "duration_ms": _duration_ms(event),
        "url": plain(part(rum, "view").get("url")) or None,
        "user_id": user.id or None,
        "user_email": user.email or None,
        "service": plain(rum.get("service")) or None,
        "json": event.text.decode("utf-8", "replace"),
    }


def status_of(event: RumEvent) -> int | None:
    """The HTTP status of a request; None of other events, and of a request without an answer."""
    status = part(event.rum, "resource").get("status_code")
    return status if isinstance(status, int) and 0 < status < 2**31 else None


def part(event: object, name: str) -> Mapping[str, object]:
    """The JSON object under a name in another; an empty one where there is none, or a value of another type."""
    found = event.get(name) if isinstance(event, dict) else None
    return found if isinstance(found, dict) else {}


def plain(value: object) -> str:
    """A text without what no database takes (lone surrogates); empty for any other value."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _id(value: object) -> str:
    # Applications give numbers for ids, too.
    return printable(str(value), _LONGEST) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _text_of(event: RumEvent) -> str:
    """The words of an event: an error's message, a request's URL, an action's name."""
    match event.kind:
        case "error":
            return plain(part(event.rum, "error").get("message"))
        case "resource":
            return plain(part(event.rum, "resource").get("url"))
        case "action":
            return plain(part(part(event.rum, "action"), "target").get("name"))
    return ""


def _duration_ms(event: RumEvent) -> float | None:
    took = part(event.rum, event.kind).get("duration")
    return took / NS_PER_MS if isinstance(took, int | float) else None
