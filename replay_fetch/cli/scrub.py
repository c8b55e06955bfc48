"""``replay-fetch scrub``: a copy of an archive without what people typed or read, to hand on."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from functools import partial

from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.shelf import readable
from replay_fetch.cli.archive_option import add_archive, folder_for, on_current_shelf
from replay_fetch.cli.options import add_output, show_settings
from replay_fetch.cli.output import say, shown, warn, warn_of_standing
from replay_fetch.errors import SettingsError
from replay_fetch.inspect.entries import entries
from replay_fetch.inspect.recordings import chosen_views
from replay_fetch.progress.units import count, size, some

_NOTHING = 1
_COPY_IS_LOCAL = "a scrubbed copy is written to a disk, whole or not at all"
# Reasons of what was left out that are named.
_NAMED = 8

_EPILOG = """\
examples:
  replay-fetch scrub archive/ shared/
  replay-fetch scrub archive/ ticket/ --session 1f46e825
  replay-fetch play ticket/ 1f46e825 --html page.html

exit codes: 0 the copy is there, 1 there is no recording to copy, 2 COPY is
there already or an option cannot be used, 3 the archive cannot be read or the
copy not be written
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, the copy's folder, and the session and the view that are copied alone."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "A copy of an archive without what people typed or read: texts and values\n"
        "become x, addresses their origin and the shape of their path; pictures, raw\n"
        "pages and everything without a rule are left out. It plays as the original."
    )
    parser.epilog = _EPILOG
    add_archive(parser)
    parser.add_argument(
        "copy", metavar="COPY", type=folder_for(_COPY_IS_LOCAL), help="the copy's folder, which must not be there yet"
    )
    parser.add_argument("--session", metavar="ID", help="this session alone; its id, how that begins, or a replay link")
    parser.add_argument("--view", metavar="ID", help="this view of the session alone; its id or how that begins")
    add_output(parser, json="the result")


@on_current_shelf
def run(options: argparse.Namespace) -> int:
    """Write the copy and say what is in it and what was left out; 1 where no view has a recording.

    Raises SettingsError for ``--view`` without ``--session``.
    """
    from replay_fetch.pipeline.scrubbed_copy import scrub  # noqa: PLC0415 - the converter, for this alone

    if options.view is not None and options.session is None:
        raise SettingsError("--view needs --session: the session that the view is one of")
    if not any(entry.span for entry in _chosen(options)):
        warn(f"there is no recording to copy in {options.out.place()}")
        return _NOTHING
    warn_of_standing(options.out)
    with shown(show_settings(options)) as reporter:
        copied = scrub(options.out, options.copy, partial(_chosen, options), reporter)
    if options.json:
        say(json.dumps({"copy": str(copied.folder), **copied.fields()}))
        return 0 if copied.views else _NOTHING
    say(str(copied.folder))
    say(
        f"{some(copied.sessions, 'session')}, {some(copied.views, 'view')}, {some(copied.records, 'record')}, "
        f"{size(copied.bytes)}"
    )
    if copied.silent:
        say(f"{some(copied.silent, 'view has', 'views have')} no recording")
    if copied.waiting:
        say(f"of these, {some(copied.waiting, 'waits', 'wait')} for a session to be whole: copy again behind the run")
    for reason, times in sorted(copied.dropped.items(), key=lambda item: (-item[1], item[0]))[:_NAMED]:
        say(f"left out: {reason} ({count(times)})")
    return 0 if copied.views else _NOTHING


def _chosen(options: argparse.Namespace) -> Iterable[Entry]:
    """Find the views to copy, in the manifest's order: all of them, a session's, or one view."""
    if options.session is None:
        return entries(readable(options.out))
    found = chosen_views(options.out, options.session, options.view)
    return sorted(found, key=lambda entry: entry.record.planned.row)
