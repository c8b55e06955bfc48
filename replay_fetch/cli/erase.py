"""``replay-fetch erase``: sessions removed from an archive for good, by their ids or by a user."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from replay_fetch.cli.archive_option import shelf_at
from replay_fetch.cli.erasure_summary import add_erasure_options, carry_out, now, stored_settings
from replay_fetch.cli.find import add_events, by_name_alone, untold
from replay_fetch.cli.output import warn
from replay_fetch.errors import InputError, SettingsError
from replay_fetch.inspect.users import FoundUser, find_user
from replay_fetch.pipeline.erasing import ErasureJob, finish_begun
from replay_fetch.settings import PlanSettings
from replay_fetch.view_list.ids import IdColumn
from replay_fetch.view_list.links import has_link, read_link
from replay_fetch.view_list.rows import BadRow, PlannedRow, SessionRow
from replay_fetch.view_list.view_list import ViewList

_NOTHING = 1
_LOOK = (
    "They stay, and may be of this user. Store their events first, with `replay-fetch events OUT`, while the vendor "
    "has them; or look at them, with `replay-fetch show OUT`, and erase those that are: --session ID"
)

_EPILOG = """\
examples:
  replay-fetch erase archive/ --user ada@example.com --dry-run
  replay-fetch erase archive/ --session 1f46e825-0000-4000-8000-000000000001
  replay-fetch erase archive/ --sessions ids.txt
  replay-fetch erase s3://bucket/season --user ada@example.com

exit codes: 0 nothing of the sessions is left; 1 no session of that user is
known, sessions without events stay that may be theirs (unless --events tells
which are), or files set aside by verify --rebuild may hold some; 2 an option
or a list cannot be used; 3 a run is writing to the archive, it is none, or
disk or store refuse: run it again, what had begun is finished first
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, the three ways to choose sessions, and what every erasure has."""
    parser.description = (
        "Removes sessions from an archive: their files, whole, partial and raw, their\n"
        "events, and their rows in manifest, ledger and reports. A mark of each stays,\n"
        "so that no later download brings it back."
    )
    parser.epilog = _EPILOG
    parser.add_argument(
        "--session",
        type=str.strip,
        metavar="ID",
        nargs="+",
        action="extend",
        default=[],
        help="whole ids, or links",
    )
    parser.add_argument("--sessions", metavar="FILE", help="all of a list, as download reads lists; - is stdin")
    parser.add_argument("--user", metavar="ID|EMAIL", help="all sessions in whose RUM events this user appears")
    add_events(parser)
    add_erasure_options(parser)


def run(options: argparse.Namespace) -> int:
    """Erase the chosen sessions, or say what would go; returns the exit code that the epilog lists."""
    if not options.session and options.sessions is None and options.user is None:
        raise SettingsError("name the sessions: --session ID, --sessions FILE or --user ID|EMAIL")
    if options.events is not None and options.user is None:
        raise SettingsError("--events needs --user: the user to look for in the events")
    sessions, untold = list(_typed(options.session)), 0
    if options.sessions is not None:
        sessions += _listed(options.sessions)
    if options.user is not None:
        found = _of_user(options)
        sessions += found.ids
        # Sessions named one by one go as well. A file of events is the whole answer of whose the sessions are: where it
        # holds one person's events, as a search for that person gives them, it names no other session.
        untold = 0 if options.events else len({*found.untold_ids}.difference(sessions))
        if not sessions:
            return _NOTHING
    if not sessions:
        raise InputError(f"--sessions {options.sessions} holds no id")
    by = "session" if options.user is None else "user"
    job = ErasureJob(options.out, now(), by, sessions, untold, settings=stored_settings(options))
    return carry_out(job, options)


def _typed(texts: Iterable[str]) -> Iterator[str]:
    """Give the ids of sessions that were typed behind ``--session``, as ids or as replay links."""
    column = IdColumn("session id")
    try:
        for text in texts:
            yield column.checked(read_link(text).session_id if has_link(text) else text)
    except ValueError as reason:
        raise InputError(f"--session: {reason}") from None


def _listed(source: str) -> Iterator[str]:
    """Give the id of each row's session, in a list of any kind that a download reads.

    Raises InputError at the first row that names no session: what is removed by mistake cannot be had again.
    """
    with ViewList(source, PlanSettings(whole_sessions=True)) as sessions:
        for row in sessions.rows():
            match row:
                case BadRow(line, reason):
                    raise InputError(f"{sessions.name}, line {line}: {reason}")
                case SessionRow():
                    yield row.session_id
                case PlannedRow():
                    yield row.view.session_id


def _of_user(options: argparse.Namespace) -> FoundUser:
    """Find the user's sessions; says where there is none, and of how many sessions nothing is known."""
    from replay_fetch.inspect.current import current  # noqa: PLC0415 - help loads none of what it does

    user = options.user.strip()
    if not options.dry_run:  # behind an erasure that was killed, nothing may name its user any more
        finish_begun(ErasureJob(options.out, now(), "user", settings=stored_settings(options)))
    with current(shelf_at(str(options.out))) as there:
        found = find_user(there.shelf, user, options.events)
    for line in untold(found):
        warn(f"{line}. {_LOOK}")
    if not found.ids:
        warn(f"no session of this user is known in {options.out}")
    for line in by_name_alone(found):
        warn(line)
    return found
