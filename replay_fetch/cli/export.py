"""``replay-fetch export``: its options, and what to do with the files."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson

from replay_fetch.cli.options import add_output, show_settings
from replay_fetch.cli.output import say, shown, warn
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
    add_output(parser, json="the files")


def run(options: argparse.Namespace) -> int:
    """Run the command; 1 where there was no recording to write events of."""
    if options.parquet is None and options.rrweb is None:
        raise SettingsError("export needs --parquet FOLDER, --rrweb FOLDER or both")
    if options.sessions and options.rrweb is None:
        raise SettingsError("a SESSION is for --rrweb FOLDER; --parquet takes the whole archive")
    tables: list[Exported] = []
    events: WrittenViews | None = None
    with shown(show_settings(options)) as reporter:
        if options.parquet is not None:
            tables = export_parquet(options.out, options.parquet, reporter)
            if not options.json:
                say("\n".join(f"{table.path}  {some(table.rows, 'row')}" for table in tables))
        if options.rrweb is not None:
            events = write_rrweb(options.out, options.rrweb, options.sessions, reporter)
            _warn_of_silent(events.left_out)
            if not options.json:
                say(f"{events.folder}  {some(events.files, 'view')}, {size(events.bytes)}")
    if options.json:
        say(_json(tables, events))
    return 1 if events is not None and not events.files else 0


def _warn_of_silent(reasons: Sequence[str]) -> None:
    for reason in reasons[:_NAMED]:
        warn(reason)
    if len(reasons) > _NAMED:
        warn(f"and {some(len(reasons) - _NAMED, 'more view')} with nothing to play")


def _json(tables: Iterable[Exported], events: WrittenViews | None) -> str:
    content: dict[str, object] = {"tables": [{"file": str(table.path), "rows": table.rows} for table in tables]}
    if events is not None:
        content |= {"folder": str(events.folder), "views": events.files, "bytes": events.bytes}
        content["left_out"] = events.left_out
    return orjson.dumps(content).decode()
