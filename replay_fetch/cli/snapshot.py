"""Print the page of ``replay-fetch snapshot``: a recorded page as it stood at a time, as one HTML document.

No script is in it and nothing is fetched, so a stranger's page can be opened safely.
"""

from __future__ import annotations

import argparse
import json

from replay_fetch.cli.archive_option import add_archive, add_session, on_current_shelf
from replay_fetch.cli.options import add_output
from replay_fetch.cli.output import require_stdout, say, warn
from replay_fetch.inspect.recordings import chosen_views, nothing_to_play, recording_of, start_of
from replay_fetch.timestamps import iso, place_ms

_EPILOG = """\
example:
  replay-fetch snapshot archive/ 1f46e825 --view d651b473 --at +12s > page.html

exit codes: 0 the page was printed; 1 no page had been recorded by then; 2 no
session or view begins so, or several do, or --at is no time; 3 the archive
cannot be read, or stdout is closed
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, the session, the view and the time; all are required, since a page stands in one view."""
    parser.description = (
        "A recorded page as it stood at a time, as HTML: no script, nothing that is\n"
        "fetched, links lead nowhere. It opens at its top; how far it was scrolled\n"
        "stands in its first lines."
    )
    parser.epilog = _EPILOG
    add_archive(parser)
    add_session(parser, one_view=True)
    parser.add_argument(
        "--at", metavar="TIME", required=True, help="90, 1:30 or +1m30s from the view's start, or 2026-01-31T08:00:05Z"
    )
    add_output(parser, json="an object whose html is the page,")


@on_current_shelf
def run(options: argparse.Namespace) -> int:
    """Print the page as it stood at the time; returns 1 where there was none yet, else 0.

    A time behind the recording's end gives the last page, and a warning. Raises InputError for an unknown
    session or view.
    """
    require_stdout("the page")
    (entry,) = chosen_views(options.out, options.session, options.view)
    reason = nothing_to_play(entry)
    start_ms = start_of(options.out, entry)
    if reason or start_ms is None:
        warn(reason or f"view {entry.record.planned.view.view_id}: nothing says when it was recorded")
        return 1
    # Times count from the view's own start, as the transcript's do.
    at_ms = place_ms(options.at, start_ms, "--at")
    recording = recording_of(options.out, entry)
    page = recording.page_at(at_ms)
    account = recording.account
    # Nothing before the first full snapshot, or nothing at all: the two have different reasons.
    if not page:
        view = entry.record.planned.view.view_id
        early = f"view {view}: no page had been recorded at {iso(at_ms)}; the recording begins at {iso(start_ms)}"
        warn((recording.is_over and nothing_to_play(entry, account)) or early)
        return 1
    if account.end_ms is not None and recording.is_over and at_ms > account.end_ms:
        at_ms = account.end_ms
        warn(f"the recording ends at {iso(at_ms)}: this is the page as it stood then")
        page = recording_of(options.out, entry).page_at(at_ms)  # which says so itself
    if options.json:
        session_id, view_id = entry.record.planned.view
        content = {"session_id": session_id, "view_id": view_id, "at": iso(at_ms), "at_ms": at_ms, "html": page}
        say(json.dumps(content, ensure_ascii=False))
    else:
        say(page, end="")
    return 0
