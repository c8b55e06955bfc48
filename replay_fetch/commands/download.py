"""``download``: a list into an archive, stoppable."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import anyio

from replay_fetch.archive import Layout
from replay_fetch.errors import ReplayFetchError
from replay_fetch.ledger import Ledger
from replay_fetch.pipeline.job import DownloadJob
from replay_fetch.pipeline.run import Ended, prepared, run_until_signal
from replay_fetch.progress import Reporter

# Views among which one with a picture is looked for; recordings that lack their first snapshot are rare.
_LOOKED_AT = 50


def download(job: DownloadJob, shown_by: Reporter | None) -> Ended:
    """Download from the list to the report; to be called where no event loop runs.

    The list is read before the loop starts: reading may block, and Ctrl-C then ends it at once. Raises
    SettingsError and InputError before anything is asked, KeyboardInterrupt at a second signal.
    """
    with prepared(job) as run:
        return anyio.run(run_until_signal, run, shown_by)


def session_to_watch(out: Path) -> str | None:
    """The id of a session that was fetched and begins with a picture, one of the latest; None where none is found.

    The ledger knows without reading the manifest, which has a line for each of millions of views. A ledger that
    cannot be read is no failure of the run that ended before.
    """
    with suppress(ReplayFetchError), closing(Ledger.open_read_only(Layout(out).ledger)) as ledger:
        for record in ledger.latest_fetched(None, _LOOKED_AT):
            if record.size and not record.checks.get("lacks_full_snapshot"):
                return record.planned.view.session_id
    return None
