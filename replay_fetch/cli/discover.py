"""Search for ``replay-fetch discover`` and print the list of views, on stdout or into a file.

The summary goes where the list does not: to the log, or to stdout beside ``--out``.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import anyio
import orjson

from replay_fetch.cli.options import PATIENCE, add_fields, add_server, add_shown, check_shown_files, settings_from
from replay_fetch.cli.output import require_stdout, say, shown
from replay_fetch.cli.run_log import begun, log_end
from replay_fetch.cli.search_options import add_search, wanted_search, warn_of_unusable
from replay_fetch.environment import credentials, warn_if_exposed
from replay_fetch.errors import SettingsError
from replay_fetch.named_file import NamedFile, require_another
from replay_fetch.pipeline.discover import Discovery, Wanted, discover
from replay_fetch.printable import printable
from replay_fetch.progress.reporters import Reporter
from replay_fetch.progress.units import asked, count, duration, size, some
from replay_fetch.settings import Credentials, FetchSettings, Settings
from replay_fetch.view_list.writing import csv_text

log = logging.getLogger(__name__)

# Requests a second where neither --max-rate nor the API has said any: 100 in 10 s is what its other calls allow.
_ASSUMED_RATE = 10.0

_EPILOG = """\
points in time: now, 24h or now-24h (s m min h d w mo), 2026-01-31,
2026-01-31T08:00Z, or milliseconds since 1970; without an offset they are UTC

examples:
  replay-fetch discover --from now-7d | replay-fetch download - archive/
  replay-fetch discover --since 7d --user ana@shop.example --error --count
  replay-fetch discover SESSION_ID --out views.csv

exit codes: 0 the list is whole and holds views; 1 it is empty, lacks a session
that --session names, or the API warned that it may not be whole; 2 usage or
settings, or --out cannot be written: nothing was asked; 3 stopped (keys
refused, API dead, search refused, disk full, stdout closed), 130 interrupted:
there is no new list.

`discover --out F && download F OUT` never works with less than there is.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the query, its window of time and its filters, and the options that every command asking the API takes."""
    parser.epilog = _EPILOG
    add_search(parser)
    group = parser.add_argument_group("the list")
    group.add_argument("--out", metavar="FILE", type=Path, help="write the list there; default: stdout")
    group.add_argument("--count", action="store_true", help="print what a download would take in place of the list")
    add_server(parser)
    add_fields(parser.add_argument_group("asking"), FetchSettings, *PATIENCE)
    add_shown(parser, "progress", "log_json", "log_file")


def run(options: argparse.Namespace) -> int:
    """Search to the end and write the list; returns the exit code that the epilog lists.

    stdout holds the list alone or, with ``--out`` or ``--count``, the summary alone. The file appears whole or not at
    all: a search that fails leaves an earlier list as it was.
    """
    _check_output(options)
    if options.out is None:
        require_stdout("the figures" if options.count else "the list")
    # Refused before the search: an hour of it must not end at a folder that is not there.
    out = None if options.out is None else NamedFile("--out", options.out)
    require_another("--out", options.out, options.sessions, *options.views)
    settings = settings_from(options, workers=1)  # each page needs the cursor of the one before
    check_shown_files(settings.show, options.sessions, *options.views)
    with shown_search(options, settings) as (wanted, keys, reporter):
        unusable = warn_of_unusable(wanted)
        with begun("discover", {"query": wanted.query or "*"}, settings):
            found = anyio.run(partial(discover, wanted, settings, keys, reporter))
        with closing(found.views):
            found.unusable = unusable
            log_end("discover", _summary_lines(found) if out is not None else (), None, found.exit_code)
            quiet = settings.show.verbosity < 0
            # Even with -q a reason to doubt the list is a warning.
            for doubt in _doubts(found) if quiet else ():  # the summary says them, else
                log.warning("%s", doubt)
            if options.count:
                say(_count_json(found, settings.fetch) if options.json else _count_text(found, settings.fetch))
            elif out is None:
                for line in _summary_lines(found):
                    log.info("%s", line)
                for piece in csv_text(found.views):
                    say(piece, end="")
            else:
                # Whole or not at all: `discover --out F && download F OUT` must not see half a list.
                out.write(piece.encode() for piece in csv_text(found.views))
                if options.json:
                    say(_summary_json(found))
                elif not quiet:
                    say("\n".join([*_summary_lines(found), f"in {options.out}"]))
            return found.exit_code


@contextmanager
def shown_search(
    options: argparse.Namespace, settings: Settings
) -> Iterator[tuple[Wanted, Credentials, Reporter | None]]:
    """Read the sessions and the keys, open the log, and print the query: plain words are seen as they are asked."""
    now_ms = int(time.time() * 1000)
    with ExitStack() as opened:
        # Mistakes in the options are told before keys are looked for.
        wanted = opened.enter_context(wanted_search(options, now_ms, settings))
        keys = credentials(os.environ, options.env_file)
        reporter = opened.enter_context(shown(settings.show, keys.secrets))
        warn_if_exposed(options.env_file)
        log.info("query: %s", printable(wanted.query))
        yield wanted, keys, reporter


def _check_output(options: argparse.Namespace) -> None:
    if options.count and options.out is not None:
        raise SettingsError("--count prints figures and writes no list: leave --out out")
    if options.json and options.out is None and not options.count:
        raise SettingsError("--json needs --out FILE or --count: without, stdout is for the list")


def _summary_lines(found: Discovery) -> list[str]:
    """Format the summary for people: views and sessions found, requests, bytes, time, then the `_doubts`."""
    stats = found.stats
    lines = [
        f"{some(found.views.size, 'view')} of {some(found.views.sessions(), 'session')} found",
        (
            f"{some(found.events, 'event')} in {asked(stats.requests, stats.rate_limited, stats.retries)}, "
            f"{size(stats.wire_bytes)}, {duration(found.seconds)}"
        ),
    ]
    return lines + _doubts(found)


def _doubts(found: Discovery) -> list[str]:
    """List the reasons to look twice at a list, with the option to change; empty for a whole list with views."""
    lines = []
    if found.unusable:
        lines.append(f"left out: {some(found.unusable, 'row')} of the list of sessions; look at the warnings above")
    if found.cut:
        lines.append(f"ended at --limit {found.views.size}: there may be more")
    if found.nameless:
        nameless = some(found.nameless, "event that names", "events that name")
        lines.append(f"left out: {nameless} no view; ask for @type:view in --query")
    if not found.events:
        lines.append("nothing matches: widen --from, or look at --query and --application")
    if not found.views.size:
        lines.append("the list is empty")
    elif found.lacking:
        lines.append(f"the list lacks {some(found.lacking, 'session')} of those that were named")
    if found.warnings:
        lines.append("the API warned, so the list may not be whole: look at the warnings above")
    return lines


def _summary_json(found: Discovery) -> str:
    """Format the summary as a JSON object; times are seconds, sizes bytes, and ``exit_code`` is the command's own."""
    stats = found.stats
    content = {
        "views": found.views.size,
        "sessions": found.views.sessions(),
        "events": found.events,
        "events_without_view": found.nameless,
        "bad_rows": found.unusable,
        "limit_reached": found.cut,
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


def _count_text(found: Discovery, fetch: FetchSettings) -> str:
    """Format for people what a download of the views found would take; nothing of it was downloaded."""
    sums, rate = found.views.sums(), fetch.max_rate or _ASSUMED_RATE
    at = f"--max-rate {rate:g}" if fetch.max_rate else f"{rate:g} a second, which is assumed"
    uncounted = f"  of {count(sums.views - sums.uncounted)} views; of the others nothing is known"
    lines = [
        f"{some(sums.views, 'view')} found, nothing downloaded (--count)",
        f"  {'sessions':<14}{count(sums.sessions):>11}",
        f"  {'segments':<14}{count(sums.segments):>11}{uncounted if sums.uncounted else ''}",
        f"  {'requests':<14}{count(sums.views):>11}  at least one a view",
        f"  {'time':<14}{duration(sums.views / rate):>11}  or more, at {at}",
        f"  {'bytes':<14}{size(sums.raw_bytes):>11}  as the SDK counted them, before --compress",
    ]
    return "\n".join([*lines, *_doubts(found)])


def _count_json(found: Discovery, fetch: FetchSettings) -> str:
    """Format the same count as a JSON object; times are seconds, sizes bytes."""
    sums, rate = found.views.sums(), fetch.max_rate or _ASSUMED_RATE
    content = {
        "views": sums.views,
        "sessions": sums.sessions,
        "segments": sums.segments,
        "views_without_count": sums.uncounted,
        "least_requests": sums.views,
        "rate_per_s": rate,
        "rate_assumed": fetch.max_rate is None,
        "least_seconds": round(sums.views / rate, 3),
        "raw_bytes": sums.raw_bytes,
        "exit_code": found.exit_code,
    }
    return orjson.dumps(content).decode()
