"""``replay-fetch export``: its options, and what to do with the files."""

from __future__ import annotations

import argparse
from pathlib import Path

from replay_fetch.cli.output import say, warn
from replay_fetch.errors import SettingsError
from replay_fetch.inspect.recordings import write_rrweb
from replay_fetch.inspect.tables import export_parquet
from replay_fetch.progress import Console, logging_to, reporter
from replay_fetch.progress.units import size, some
from replay_fetch.settings import ShowSettings

# Views without a file of events that are named one by one; the others are counted.
_NAMED = 10

_EPILOG = """\
examples:
  replay-fetch export archive/ --parquet tables/
  replay-fetch export archive/ --rrweb events/ 1f46e825
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("out", metavar="OUT", type=Path, help="archive folder")
    parser.add_argument("sessions", metavar="SESSION", nargs="*", help="--rrweb for these alone: ids or how they begin")
    parser.add_argument(
        "--parquet",
        metavar="FOLDER",
        type=Path,
        help="gets views.parquet, segments.parquet and actions.parquet",
    )
    parser.add_argument(
        "--rrweb",
        metavar="FOLDER",
        type=Path,
        help="gets SESSION/VIEW.json: a JSON array of rrweb events a view",
    )
    parser.add_argument("-q", "--quiet", action="count", default=0, help="no progress")


def run(options: argparse.Namespace) -> int:
    """Run the command; 1 where there was no recording to write events of."""
    if options.parquet is None and options.rrweb is None:
        raise SettingsError("export needs --parquet FOLDER, --rrweb FOLDER or both")
    if options.sessions and options.rrweb is None:
        raise SettingsError("a SESSION is for --rrweb FOLDER; --parquet takes the whole archive")
    console, show = Console(), ShowSettings(verbosity=-options.quiet)
    code = 0
    with logging_to(console, show):
        if options.parquet is not None:
            exported = export_parquet(options.out, options.parquet, reporter(show, console))
            for table in exported:
                say(f"{table.path}  {some(table.rows, 'row')}")
        if options.rrweb is not None:
            written = write_rrweb(options.out, options.rrweb, options.sessions, reporter(show, console))
            for reason in written.left_out[:_NAMED]:
                warn(reason)
            if len(written.left_out) > _NAMED:
                warn(f"and {some(len(written.left_out) - _NAMED, 'more view')} with nothing to play")
            say(f"{written.folder}  {some(written.files, 'view')}, {size(written.bytes)}")
            code = 0 if written.files else 1
    return code
