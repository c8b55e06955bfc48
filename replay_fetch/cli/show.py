"""List an archive's sessions for ``replay-fetch show``, or show the timeline of one, in text, JSON or CSV.

The list comes from the manifest alone; SDK and pages are read out of the recordings, for the sessions shown.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import orjson

from replay_fetch.cli.archive_option import add_archive, on_current_shelf
from replay_fetch.cli.options import add_output
from replay_fetch.cli.output import require_stdout, say, warn_of_standing
from replay_fetch.cli.session_text import listing_text, session_text
from replay_fetch.errors import SettingsError
from replay_fetch.inspect.events import EventFacts, has_events, session_events
from replay_fetch.inspect.sessions import ListedSession, list_sessions, look_inside, newest
from replay_fetch.inspect.timeline import all_types, show_session
from replay_fetch.view_list.writing import table_text

# A screen: two lines each, on forty lines.
_SHOWN = 20
_NARROWEST = 40

_EPILOG = """\
examples:
  replay-fetch show archive/
  replay-fetch show archive/ 1f46e825
  replay-fetch show archive/ --csv --pages > sessions.csv

exit codes: 0 what is there was printed; 2 no session begins so, or several do;
3 it is no archive, or cannot be read
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, the session, the number of sessions and the form; for one session each row is a view."""
    parser.epilog = _EPILOG
    add_archive(parser)
    parser.add_argument(
        "session",
        metavar="SESSION",
        nargs="?",
        help="one session's timeline; its id, how that begins, or a replay link",
    )
    parser.add_argument(
        "--limit", metavar="N", type=int, help=f"newest N sessions, 0 for all ({_SHOWN}; 0 with --json)"
    )
    parser.add_argument("--pages", action="store_true", help="SDK and pages visited with --json and --csv, too: slower")
    form = parser.add_mutually_exclusive_group()
    add_output(parser, form, json="an object a session, or for one session one with its views,")
    form.add_argument("--csv", action="store_true", help="one row a session; for one session, one a view")


@on_current_shelf
def run(options: argparse.Namespace) -> int:
    """Print the sessions or the one asked for; returns 0.

    Raises InputError where no session, or more than one, begins with the id, ArchiveError where the archive
    cannot be read.
    """
    require_stdout("the list of sessions" if options.session is None else "the session")
    if options.limit is not None and options.limit < 0:
        raise SettingsError("--limit must be 0 or more")
    warn_of_standing(options.out)
    if options.session is not None:
        _say_session(options)
    else:
        _say_sessions(options)
    return 0


def _say_session(options: argparse.Namespace) -> None:
    views = show_session(options.out, options.session)
    session_id = views[0].record.planned.view.session_id
    events = EventFacts.of(session_events(options.out, session_id)) if has_events(options.out, session_id) else None
    if options.json:
        types = {str(kind): number for kind, number in sorted(all_types(views).items())}
        shown = {"session_id": session_id, "record_types": types, "events": events.fields() if events else None}
        say(_json(shown | {"views": [view.fields() for view in views]}))
    elif options.csv:
        _say_csv(view.fields() for view in views)
    else:
        say(session_text(views, _width(), events))


def _say_sessions(options: argparse.Namespace) -> None:
    # All sessions, as they are read: a program reads to the end, and memory does not grow with the archive.
    if options.json or options.csv:
        rows = _rows(options)
        if options.csv:
            _say_csv(rows)
        else:
            for row in rows:
                say(_json(row))
        return
    sums, sessions = newest(list_sessions(options.out), _SHOWN if options.limit is None else options.limit)
    # Only the sessions that are printed: the sums come from the manifest, but SDK and pages from the segments.
    for session in sessions:
        look_inside(options.out, session)
    say(listing_text(options.out.place(), sums, sessions, _width()))


def _rows(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Yield a row for each session: all in the archive's order, as they are read, or the newest ``--limit``."""
    sessions: Iterable[ListedSession] = list_sessions(options.out)
    if options.limit:
        sessions = newest(sessions, options.limit)[1]
    for session in sessions:
        if options.pages:
            look_inside(options.out, session)
        yield session.fields()


def _say_csv(rows: Iterable[Mapping[str, object]]) -> None:
    """Print rows as CSV, each as soon as it is made: with ``--pages`` the next one takes a while."""
    each = iter(rows)
    first = next(each, None)
    if first is not None:
        for text in table_text(list(first), (row.values() for row in chain([first], each)), rows_at_once=1):
            say(text, end="")


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _width() -> int:
    return max(shutil.get_terminal_size((80, 24)).columns, _NARROWEST)
