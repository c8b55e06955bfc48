"""``replay-fetch find``: the sessions of an archive in which a user appears.

For a request by a person to see or to erase their data: recordings say nothing of users, but RUM events do.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from replay_fetch.cli.archive_option import add_archive, on_current_shelf
from replay_fetch.cli.options import add_output
from replay_fetch.cli.output import require_stdout, say
from replay_fetch.inspect.users import FoundUser, find_user
from replay_fetch.printable import printable
from replay_fetch.progress.units import count, few, size, some
from replay_fetch.timestamps import iso

_NOT_ALL = 1
_NAMED = 5
_LOOK = "store their events with `replay-fetch events OUT`, or look at them with `replay-fetch show OUT`"

_EPILOG = """\
examples:
  replay-fetch find archive/ --user ada@example.com
  replay-fetch find archive/ --user 4711 --events events.ndjson
  replay-fetch find s3://bucket/season --user ada@example.com

exit codes: 0 there are such sessions, and all were looked through; 1 there is
none, or sessions without events may be others (unless --events tells which
are); 2 nothing names users, or --events cannot be read; 3 the archive cannot be
read, or stdout is closed
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, the user, and the file of events that may stand for the archive's own."""
    parser.description = (
        "The sessions in whose RUM events a user appears. The events lie in the\n"
        "archive, under events/, or in the file that --events names."
    )
    parser.epilog = _EPILOG
    add_archive(parser)
    parser.add_argument("--user", metavar="ID|EMAIL", required=True, help="usr.id or usr.email of the events")
    add_events(parser)
    add_output(parser, json="the sessions")


def add_events(parser: argparse.ArgumentParser) -> None:
    """Add ``--events``, which every command has that looks for a user."""
    parser.add_argument(
        "--events", metavar="FILE", type=Path, help="RUM events of a search, one a line; default: the archive's own"
    )


@on_current_shelf
def run(options: argparse.Namespace) -> int:
    """Print the sessions of the user; returns the exit code of the epilog.

    Raises InputError where nothing names users.
    """
    require_stdout("the list of sessions")
    found = find_user(options.out, options.user.strip(), options.events)
    out = options.out.place()
    # A file of events is the whole answer of whose the sessions are, as for an erasure.
    unsure = found.untold > 0 and options.events is None
    code = _NOT_ALL if unsure or not found.ids else 0
    say(_json(out, found, code) if options.json else "\n".join([*_lines(out, found), *([_LOOK] if unsure else [])]))
    return code


def untold(found: FoundUser) -> Iterator[str]:
    """Yield the line about sessions that nothing tells the user of; none where events reach all sessions."""
    if found.untold:
        sessions = f"{count(found.untold)} of {some(found.total, 'session')}"
        yield f"{sessions} have no events and were not looked through: nothing tells whose they are"


def by_name_alone(found: FoundUser) -> Iterator[str]:
    """Yield a line with the ids of the users whose name was given in place of an id or an address."""
    if found.namesakes and not found.ids:
        ids = [printable(user_id, 60) for user_id in found.namesakes]
        users = some(len(ids), "user")
        yield f"it is a name, and not an id or an address, of {users}; their ids: {few(ids, _NAMED)}"


def _lines(out: str, found: FoundUser) -> Iterator[str]:
    yield f"{some(len(found.sessions), 'session')} of {out} {'names' if len(found.sessions) == 1 else 'name'} this user"
    for session in found.sessions:
        began = "" if session.start_ms is None else f"{iso(session.start_ms)[:19]}Z  "
        yield f"  {session.session_id}  {began}{some(session.views, 'view')}, {size(session.bytes)}"
    if found.elsewhere:
        yield f"{some(len(found.elsewhere), 'session')} of this user not in {out}:"
        yield from (f"  {session_id}" for session_id in found.elsewhere)
    yield from untold(found)
    yield from by_name_alone(found)


def _json(out: str, found: FoundUser, code: int) -> str:
    sessions = [
        # Both are read out of recordings, which a question about people does not open: here they are always None.
        {name: value for name, value in session.fields().items() if name not in {"sdk", "pages"}}
        for session in found.sessions
    ]
    content = {
        "archive": out,
        "sessions": sessions,
        "not_in_archive": found.elsewhere,
        "sessions_total": found.total,
        "sessions_without_events": found.untold,
        "user_ids_of_this_name": list(found.namesakes),
        "exit_code": code,
    }
    return json.dumps(content)
