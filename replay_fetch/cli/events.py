"""Store the RUM events of an archive's sessions for ``replay-fetch events``, and print the figures.

``download --events`` does the same for the sessions of its list, when the views of the run are done.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import orjson

from replay_fetch.archive.folder import existing
from replay_fetch.cli.main import exit_code_of
from replay_fetch.cli.options import PATIENCE, add_fields, add_server, add_shown, check_shown_files, settings_from
from replay_fetch.cli.output import conclude, shown
from replay_fetch.cli.summary import events_lines
from replay_fetch.environment import credentials, warn_if_exposed
from replay_fetch.pipeline.events import EventsRun
from replay_fetch.pipeline.events_result import StoredEvents
from replay_fetch.pipeline.exported_events import check_export
from replay_fetch.pipeline.opening import open_as_it_is
from replay_fetch.pipeline.place import place
from replay_fetch.pipeline.stopping import stoppable
from replay_fetch.progress.reporters import Reporter
from replay_fetch.progress.units import some
from replay_fetch.settings import ArchiveSettings, Credentials, FetchSettings, Settings
from replay_fetch.transport import check_connection

if TYPE_CHECKING:
    from replay_fetch.store.location import Location

_EPILOG = """\
A session's events become OUT/events/SESSION.ndjson, one event a line, with the
exact bytes that the API sent. A session whose events are there is not asked for
again. Events are kept by the API for 30 days (requests, long tasks and vitals
for 15), also where the recordings are kept longer: store them before.
The application key needs the permission rum_apps_read.

With --events-from, events come out of a folder or file of the vendor's export
of RUM events (dt=.../hour=.../*.json.gz or .parquet), and nobody is asked.

examples:
  replay-fetch events archive/
  replay-fetch events s3://bucket/season
  replay-fetch events archive/ --events-from export/

exit codes: 0 every session ended well, with events or without; 1 some searches
did not come to their end, run again; 2 usage or settings; 3 stopped (keys
refused, API dead, disk full, archive locked): run again; 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, and the options that every command asking the API takes."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "out",
        metavar="OUT",
        type=place,
        help="archive: a folder, or s3://, gs:// or az://; with or without events so far",
    )
    add_fields(parser, ArchiveSettings, "events_from")
    add_server(parser)
    add_fields(parser.add_argument_group("asking"), FetchSettings, *PATIENCE)
    add_fields(
        parser.add_argument_group("an archive in a store"), ArchiveSettings, "scratch", "commit_every", "wait_for_lock"
    )
    add_shown(parser, "progress", "log_json", "log_file")


def run(options: argparse.Namespace) -> int:
    """Store the events that the archive lacks and print the summary; returns the exit code of the epilog.

    Raises ArchiveError where there is no archive, SettingsError for settings that cannot be used; nothing was asked
    then.
    """
    settings = settings_from(options)
    check_shown_files(settings.show, settings.archive.events_from)
    if isinstance(options.out, Path):
        existing(options.out)
    export = settings.archive.events_from
    check_export(export)
    # An export is at hand already, so no key is needed.
    keys = credentials(os.environ, options.env_file) if export is None else Credentials(bearer_token="-")  # noqa: S106
    check_connection(settings.api, settings.fetch)
    with shown(settings.show, keys.secrets if export is None else ()) as reporter:
        warn_if_exposed(options.env_file)
        stored = store_events(options.out, settings, keys, reporter)
    code = exit_code_of(stored.failure) if stored.failure is not None else stored.exit_code
    text = "\n".join(summary_lines(stored, options.out))
    conclude(orjson.dumps({**stored.fields(), "exit_code": code}).decode() if options.json else text, stored.failure)
    return code


def store_events(
    out: Path | Location, settings: Settings, keys: Credentials, reporter: Reporter | None
) -> StoredEvents:
    """Store the events of an archive's sessions that lack theirs.

    Must be called where no event loop runs. A failure is part of the result; raises ArchiveError where the archive
    cannot be opened, KeyboardInterrupt at a second signal.
    """

    async def to_its_end(events: EventsRun) -> StoredEvents:
        async with stoppable() as stop:
            return await events.run(stop, reporter)

    if isinstance(out, Path):
        with open_as_it_is(out) as (layout, ledger):
            return anyio.run(to_its_end, EventsRun(layout, ledger, settings, keys))
    from replay_fetch.pipeline.stored import opened_as_it_is  # noqa: PLC0415 - a disk needs none of it

    with opened_as_it_is(out, settings) as stored:
        return anyio.run(stored.store_events, settings, keys, to_its_end)


def summary_lines(stored: StoredEvents, out: Path | Location) -> Iterator[str]:
    """Format the figures for people, at most 80 columns wide unless a name is longer."""
    if not stored.sessions:
        done = "read" if stored.exported else "asked"
        yield f"events of {some(stored.totals.fetched, 'session')} are there already; nothing was {done}"
        return
    yield from events_lines(stored.fields())
    if stored.fetched:
        yield f"the events are in {out}/events/"
    if stored.interrupted:
        yield "interrupted; run the same command again to go on"
