"""The sessions of a user, found by RUM events: a recording itself carries no user.

A segment names its application, session and view. The user stands in the events alone, as ``usr.id`` and
``usr.email``, where the site set a user. Events lie beside the sessions, as ``events/<session_id>.ndjson``, or come
in a file from a search.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from replay_fetch.archive.compress import decompressed
from replay_fetch.archive.layout import EVENTS
from replay_fetch.archive.shelf import Shelf, readable
from replay_fetch.blocks import lines_of, whole_file
from replay_fetch.errors import InputError
from replay_fetch.inspect.events import events_of_line, part, plain, session_events
from replay_fetch.inspect.sessions import ListedSession, list_sessions
from replay_fetch.printable import as_argument
from replay_fetch.settings import Compression


@dataclass(slots=True)
class FoundUser:
    """The sessions of an archive in whose events a user appears, and how far the events reach."""

    sessions: list[ListedSession] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    """Ids of sessions of the user's that the archive has no view of."""
    total: int = 0
    """All sessions of the archive."""
    untold_ids: list[str] = field(default_factory=list)
    """Ids of the archive's sessions of which there is no event: nothing tells whose they are."""
    namesakes: dict[str, None] = field(default_factory=dict)
    """Ids of people whose name is the text looked for. A name is nobody's alone, so no session is found by it."""

    @property
    def untold(self) -> int:
        """Return how many sessions of the archive have no event."""
        return len(self.untold_ids)

    @property
    def ids(self) -> list[str]:
        """Return the ids of all sessions of the user's, in the archive or not."""
        return [*(session.session_id for session in self.sessions), *self.elsewhere]


def find_user(shelf: Shelf, user: str, events: Path | None = None) -> FoundUser:
    """Find the sessions in whose events ``user`` appears, by id or by e-mail address, in a file or beside them.

    An address matches in any case of its letters. Raises InputError where nothing names users or ``events`` is no
    file of events, ArchiveError where the archive cannot be read.
    """
    readable(shelf)
    named: set[str] = set()
    told: set[str] = set()
    found = FoundUser()
    for session_id, usr in _of_archive(shelf) if events is None else _of_file(events):
        told.add(session_id)
        if _names(usr, user):
            named.add(session_id)
        elif plain(usr.get("name")).casefold() == user.casefold() and isinstance(usr.get("id"), str | int):
            found.namesakes.setdefault(str(usr["id"]))
    if not told:
        raise InputError(_nothing_names_users(shelf, events))
    for session in list_sessions(shelf):
        found.total += 1
        if session.session_id not in told:
            found.untold_ids.append(session.session_id)
        if session.session_id in named:
            found.sessions.append(session)
            named.discard(session.session_id)
    found.elsewhere = sorted(named)
    return found


def _nothing_names_users(shelf: Shelf, events: Path | None) -> str:
    if events is not None:
        return f"--events {events} holds no event of a session, so nothing in it names users"
    out = as_argument(shelf.place())
    return (
        f"nothing in {shelf.place()} names users: a recording carries the ids of its application, session and view, "
        f"and no user. Store the RUM events of its sessions with `replay-fetch events {out}`, or give those of a "
        "search, such as @usr.email:ADDRESS, with --events FILE; where they are gone, go by the ids of sessions, which "
        f"`replay-fetch show {out}` lists"
    )


def _of_archive(shelf: Shelf) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Give the session and the user's fields of each event that the archive stores; raises ArchiveError at damage."""
    # By the files' names, each session once: a file has its name only when it is whole.
    names = (file.name.removeprefix(f"{EVENTS}/") for file in shelf.files(EVENTS))
    for session_id in sorted({name.partition(".")[0] for name in names if ".ndjson" in name}):
        for event in session_events(shelf, session_id):
            yield session_id, part(event.rum, "usr")


def _of_file(file: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Give the session and the user's fields of each event of a search's file; events without a session are left out.

    Raises InputError where the file cannot be read, is damaged, or has a line that is no JSON object.
    """
    for number, line in enumerate(_lines_of(file), start=1):
        for event in events_of_line(line, f"--events {file}, line {number}"):
            session_id = part(event, "session").get("id")
            if isinstance(session_id, str):
                yield session_id, part(event, "usr")


def _lines_of(file: Path) -> Iterator[bytes]:
    """Give the lines of a file, packed or not, with an empty line behind the last."""
    kinds = (kind for kind in Compression if kind.suffix and file.name.endswith(kind.suffix))
    try:
        blocks = decompressed(whole_file(file), next(kinds, Compression.NONE))
        yield from lines_of(chain(blocks, [b"\n"]))
    except OSError as error:
        raise InputError(f"--events {file} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(f"--events {file} is damaged: {error}") from None


def _names(usr: Mapping[str, object], user: str) -> bool:
    """Tell whether an event's user is the one looked for; ids of some sites are numbers."""
    user_id, email = usr.get("id"), usr.get("email")
    by_id = isinstance(user_id, str | int) and str(user_id) == user
    return by_id or (isinstance(email, str) and email.strip().casefold() == user.casefold())
