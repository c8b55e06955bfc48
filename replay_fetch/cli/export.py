"""Write files of other programs for ``replay-fetch export``: Parquet tables, and rrweb events.

The tables hold the whole archive; events may be those of some sessions alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson

from replay_fetch.cli.archive_option import add_archive, on_current_shelf
from replay_fetch.cli.options import add_output, show_settings
from replay_fetch.cli.output import say, shown, warn, warn_of_standing
from replay_fetch.cli.readers_options import add_readers, check_readers, readers, seen_by_readers
from replay_fetch.errors import SettingsError
from replay_fetch.inspect.recordings import WrittenViews, write_rrweb
from replay_fetch.inspect.tables import Exported, export_parquet
from replay_fetch.progress.units import size, some

# Views without a file of events that are named one by one; the others are counted.
_NAMED = 10

_EPILOG = """\
examples:
  replay-fetch export archive/ --parquet tables/
  replay-fetch export archive/ --rrweb events/ 1f46e825

exit codes: 0 the files are there; views without a file of events are named on
stderr; 1 no view has events, or none of a SESSION; 2 no session begins so, or
an option cannot be used; 3 the archive cannot be read, or a file not be written
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, the sessions whose events are wanted, and a folder for each kind of file."""
    parser.epilog = _EPILOG
    add_archive(parser)
    parser.add_argument(
        "sessions", metavar="SESSION", nargs="*", help="--rrweb for these alone: ids, how they begin, or links"
    )
    parser.add_argument(
        "--parquet",
        metavar="FOLDER",
        type=Path,
        help="gets views.parquet, segments.parquet, actions.parquet and, of stored RUM events, events.parquet",
    )
    parser.add_argument(
        "--rrweb",
        metavar="FOLDER",
        type=Path,
        help="gets SESSION/VIEW.json: a JSON array of rrweb events a view",
    )
    add_readers(parser, "processes that read for --parquet; default: all processors")
    add_output(parser, json="the files")


@on_current_shelf
def run(options: argparse.Namespace) -> int:
    """Write the files and print a line for each; returns 1 where no view of all, or of a named session, had events.

    Raises SettingsError where no kind of file is named, or a session is named for tables, which cannot leave
    one out.
    """
    # Checked by hand: argparse has no group of which one or more must be given.
    if options.parquet is None and options.rrweb is None:
        raise SettingsError("export needs --parquet FOLDER, --rrweb FOLDER or both")
    check_readers(options)
    if options.sessions and options.rrweb is None:
        raise SettingsError("a SESSION is for --rrweb FOLDER; --parquet takes the whole archive")
    warn_of_standing(options.out)
    tables: list[Exported] = []
    events: WrittenViews | None = None
    with shown(show_settings(options)) as reporter:
        if options.parquet is not None:
            with readers(options) as those:
                tables = export_parquet(seen_by_readers(options), options.parquet, those, reporter)
            if not options.json:
                say("\n".join(f"{table.path}  {some(table.rows, 'row')}" for table in tables))
        if options.rrweb is not None:
            # After the tables, whose lines are printed already: a mistake in one does not hide the other.
            events = write_rrweb(options.out, options.rrweb, options.sessions, reporter)
            _warn_of_silent(events.left_out)
            for session_id in events.silent_sessions:
                warn(f"session {session_id}: no file was written, for none of its views can be played")
            if not options.json:
                say(f"{events.folder}  {some(events.files, 'view')}, {size(events.bytes)}")
    if options.json:
        say(_json(tables, events))
    return 1 if events is not None and (not events.files or events.silent_sessions) else 0


def _warn_of_silent(reasons: Sequence[str]) -> None:
    """Print the first reasons for views without a file to stderr, each with the view's id, and count the rest."""
    for reason in reasons[:_NAMED]:
        warn(reason)
    if len(reasons) > _NAMED:
        warn(f"and {some(len(reasons) - _NAMED, 'more view')} with nothing to play")


def _json(tables: Iterable[Exported], events: WrittenViews | None) -> str:
    """Format the written files as a JSON object; ``left_out`` has the reason of every view without events."""
    content: dict[str, object] = {"tables": [{"file": str(table.path), "rows": table.rows} for table in tables]}
    if events is not None:
        content |= {"folder": str(events.folder), "views": events.files, "bytes": events.bytes}
        content |= {"left_out": events.left_out, "silent_sessions": events.silent_sessions}
    return orjson.dumps(content).decode()
