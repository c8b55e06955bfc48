"""Search for ``replay-fetch discover`` and print the list of views, on stdout or into a file.

The summary goes where the list does not: to the log, or to stdout beside ``--out``.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio
import orjson

from replay_fetch.api.endpoint import check_id
from replay_fetch.api.search import REPLAYED_VIEWS, Window
from replay_fetch.cli.options import PATIENCE, add_fields, add_server, add_shown, settings_from
from replay_fetch.cli.output import say, shown
from replay_fetch.cli.run_log import begun, log_end
from replay_fetch.environment import credentials, warn_if_exposed
from replay_fetch.errors import SettingsError
from replay_fetch.named_file import NamedFile
from replay_fetch.pipeline.discover import Discovery, Wanted, discover
from replay_fetch.progress.units import asked, duration, size, some
from replay_fetch.settings import FetchSettings
from replay_fetch.timestamps import timestamp_ms
from replay_fetch.view_list.writing import csv_text

log = logging.getLogger(__name__)

_EPILOG = """\
points in time: now, now-24h (s m h d w), 2026-01-31, 2026-01-31T08:00Z, or
milliseconds since 1970; without an offset they are UTC

examples:
  replay-fetch discover --from now-7d | replay-fetch download - archive/
  replay-fetch discover --session SESSION_ID --out views.csv

exit codes: 0 the list is whole and holds views; 1 it is empty, lacks a session
that --session names, or the API warned that it may not be whole; 2 usage or
settings, or --out cannot be written: nothing was asked; 3 stopped (keys
refused, API dead, search refused, disk full), 130 interrupted: there is no new
list. `discover --out F && download F OUT` never works with less than there is
"""
# A day is the list of a nightly job.
_FROM, _FROM_OF_SESSIONS = "now-24h", "now-30d"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the query, its window of time and its filters, and the options that every command asking the API takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    group = parser.add_argument_group("what to find")
    group.add_argument("--query", metavar="Q", default=REPLAYED_VIEWS, help="a RUM search (%(default)s)")
    # Sessions bound the search by themselves: 30 days is as long as their events are kept.
    group.add_argument(
        "--from",
        metavar="TIME",
        dest="begin",
        help=f"default: {_FROM}, with --session or --playlist {_FROM_OF_SESSIONS}",
    )
    group.add_argument("--to", metavar="TIME", dest="end", default="now", help="default: now")
    group.add_argument("--application", type=str.strip, metavar="ID", default="", help="only this application's views")
    # A file of ids that was made elsewhere leaves a carriage return on each of them.
    group.add_argument(
        "--session",
        type=str.strip,
        metavar="ID",
        dest="sessions",
        nargs="+",
        action="extend",
        default=[],
        help="only theirs",
    )
    group.add_argument("--playlist", type=str.strip, metavar="ID", default="", help="only views of its sessions")
    group.add_argument("--out", metavar="FILE", type=Path, help="write the list there; default: stdout")
    add_server(parser)
    add_fields(parser.add_argument_group("asking"), FetchSettings, *PATIENCE)
    add_shown(parser, "progress", "log_json", "log_file")


def run(options: argparse.Namespace) -> int:
    """Search to the end and write the list; returns the exit code that the epilog lists.

    stdout holds the list alone or, with ``--out``, the summary alone. The file appears whole or not at all: a
    search that fails leaves an earlier list as it was.
    """
    if options.json and options.out is None:
        raise SettingsError("--json needs --out FILE: without it, stdout is for the list")
    # Refused before the search: an hour of it must not end at a folder that is not there.
    out = None if options.out is None else NamedFile("--out", options.out)
    wanted = _wanted(options, int(time.time() * 1000))
    settings = settings_from(options, workers=1)  # each page needs the cursor of the one before
    keys = credentials(os.environ, options.env_file)
    with shown(settings.show, keys.secrets) as reporter:
        warn_if_exposed(options.env_file)
        with begun("discover", {"query": wanted.query or "*"}, settings):
            found = anyio.run(partial(discover, wanted, settings, keys, reporter))
        with closing(found.views):
            log_end("discover", summary_lines(found) if out is not None else (), None, found.exit_code)
            quiet = settings.show.verbosity < 0
            # Even with -q a reason to doubt the list is a warning.
            for doubt in doubts(found) if quiet else ():  # the summary says them, else
                log.warning("%s", doubt)
            if out is None:
                for line in summary_lines(found):
                    log.info("%s", line)
                for piece in csv_text(found.views):
                    say(piece, end="")
                return found.exit_code
            # Whole or not at all: `discover --out F && download F OUT` must not see half a list.
            out.write(piece.encode() for piece in csv_text(found.views))
            if options.json:
                say(summary_json(found))
            elif not quiet:
                say("\n".join([*summary_lines(found), f"in {options.out}"]))
    return found.exit_code


def _wanted(options: argparse.Namespace, now_ms: int) -> Wanted:
    """Make the search out of the options; raises SettingsError for bad ids, and a window that ends before its start."""
    by_session = bool(options.sessions or options.playlist)
    begin = options.begin or (_FROM_OF_SESSIONS if by_session else _FROM)
    window = Window(timestamp_ms(begin, now_ms, "--from"), timestamp_ms(options.end, now_ms, "--to"))
    if window.length_ms <= 0:
        raise SettingsError(f"--from {begin} is not before --to {options.end}")
    for flag, ids in (
        ("--session", options.sessions),
        ("--application", [options.application] if options.application else []),
        ("--playlist", [options.playlist] if options.playlist else []),
    ):
        for each in ids:
            _check(flag, each)
    return Wanted(options.query, window, options.application, options.sessions, options.playlist)


def _check(flag: str, text: str) -> None:
    """Raise a SettingsError that names the flag where a text is no id: as a part of a query it could widen that."""
    try:
        check_id(text)
    except ValueError as reason:
        raise SettingsError(f"{flag}: {reason}") from None


def summary_lines(found: Discovery) -> list[str]:
    """Format the summary for people: views and sessions found, requests, bytes, time, then the `doubts`."""
    stats = found.stats
    lines = [
        f"{some(found.views.size, 'view')} of {some(found.views.sessions(), 'session')} found",
        (
            f"{some(found.events, 'event')} in {asked(stats.requests, stats.rate_limited, stats.retries)}, "
            f"{size(stats.wire_bytes)}, {duration(found.seconds)}"
        ),
    ]
    return lines + doubts(found)


def doubts(found: Discovery) -> list[str]:
    """List the reasons to look twice at a list, with the option to change; empty for a whole list with views."""
    lines = []
    if found.nameless:
        nameless = some(found.nameless, "event that names", "events that name")
        lines.append(f"left out: {nameless} no view; ask for @type:view in --query")
    if not found.events:
        lines.append("nothing matches: widen --from, or look at --query and --application")
    if not found.views.size:
        lines.append("the list is empty")
    elif found.lacking:
        lines.append(f"the list lacks {some(found.lacking, 'session')} that --session names")
    if found.warnings:
        lines.append("the API warned, so the list may not be whole: look at the warnings above")
    return lines


def summary_json(found: Discovery) -> str:
    """Format the summary as a JSON object; times are seconds, sizes bytes, and ``exit_code`` is the command's own."""
    stats = found.stats
    content = {
        "views": found.views.size,
        "sessions": found.views.sessions(),
        "events": found.events,
        "events_without_view": found.nameless,
        "sessions_without_view": found.lacking,
        "warnings": found.warnings,
        "requests": stats.requests,
        "retries": stats.retries,
        "rate_limited": stats.rate_limited,
        "wire_bytes": stats.wire_bytes,
        "seconds": round(found.seconds, 3),
        "exit_code": found.exit_code,
    }
    return orjson.dumps(content).decode()
