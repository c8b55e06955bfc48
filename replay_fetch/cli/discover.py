"""``replay-fetch discover``: its options, and the list on stdout or in a file."""

from __future__ import annotations

import argparse
import logging
import os
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio

from replay_fetch.api import REPLAYED_VIEWS, Window, check_id
from replay_fetch.cli.download_options import (
    add_patience_options,
    add_server_options,
    add_show_options,
    fetch_settings,
    show_settings,
)
from replay_fetch.cli.output import say
from replay_fetch.commands.discover_summary import doubts, summary_json, summary_lines
from replay_fetch.environment import credentials, site, warn_if_exposed
from replay_fetch.errors import SettingsError
from replay_fetch.moments import moment_ms
from replay_fetch.named_file import NamedFile
from replay_fetch.pipeline.discover import Wanted, discover
from replay_fetch.plan import csv_text
from replay_fetch.progress import Console, logging_to, reporter
from replay_fetch.settings import SITES, ApiSettings, Settings

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
_FROM, _FROM_OF_SESSIONS = "now-24h", "now-30d"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
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
    add_server_options(parser)
    add_patience_options(parser.add_argument_group("asking"))
    add_show_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; stdout holds the list alone or, where that goes to a file, the summary alone."""
    if options.json and options.out is None:
        raise SettingsError("--json needs --out FILE: without it, stdout is for the list")
    out = None if options.out is None else NamedFile("--out", options.out)
    wanted = _wanted(options, int(time.time() * 1000))
    settings = Settings(
        api=ApiSettings(site=options.site or site(os.environ, options.env_file) or SITES[0], base_url=options.base_url),
        fetch=fetch_settings(options, workers=1),  # each page needs the cursor of the one before
        show=show_settings(options),
    )
    keys = credentials(os.environ, options.env_file)
    console = Console()
    with logging_to(console, settings.show, (keys.api_key, keys.app_key, keys.bearer_token)):
        warn_if_exposed(options.env_file)
        found = anyio.run(partial(discover, wanted, settings, keys, reporter(settings.show, console)))
        with closing(found.views):
            quiet = settings.show.verbosity < 0
            for doubt in doubts(found) if quiet else ():  # the summary says them, else
                log.warning("%s", doubt)
            if out is None:
                for line in summary_lines(found):
                    log.info("%s", line)
                for piece in csv_text(found.views):
                    say(piece, end="")
                return found.exit_code
            out.write(piece.encode() for piece in csv_text(found.views))
            if options.json:
                say(summary_json(found))
            elif not quiet:
                say("\n".join([*summary_lines(found), f"in {options.out}"]))
    return found.exit_code


def _wanted(options: argparse.Namespace, now_ms: int) -> Wanted:
    by_session = bool(options.sessions or options.playlist)
    begin = options.begin or (_FROM_OF_SESSIONS if by_session else _FROM)
    window = Window(moment_ms(begin, now_ms, "--from"), moment_ms(options.end, now_ms, "--to"))
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
    try:
        check_id(text)
    except ValueError as reason:
        raise SettingsError(f"{flag}: {reason}") from None
