"""``replay-fetch download``: its options, and its summary."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import resource
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import anyio

from replay_fetch.archive import Layout, Report
from replay_fetch.cli.main import exit_code_of
from replay_fetch.cli.options import add_options, settings_from
from replay_fetch.cli.output import conclude, say, shown
from replay_fetch.cli.rehearsal import plan_json, plan_text
from replay_fetch.cli.summary import report_json, report_text, watch_line
from replay_fetch.environment import credentials, warn_if_exposed
from replay_fetch.errors import ReplayFetchError
from replay_fetch.ledger import Ledger
from replay_fetch.model import Outcome
from replay_fetch.pipeline.job import DownloadJob, prepared, rehearse
from replay_fetch.pipeline.run import Ended
from replay_fetch.pipeline.stopping import run_until_signal
from replay_fetch.progress import Reporter
from replay_fetch.transport import check_connection

__all__ = ["add_options", "run"]
# Views among which one with a picture is looked for; recordings that lack their first snapshot are rare.
_LOOKED_AT = 50
log = logging.getLogger(__name__)
# Session files on their way to the disk together, and what the interpreter, the ledger and the logs keep open.
_BESIDE_CONNECTIONS = 64 + 64


def run(options: argparse.Namespace) -> int:
    """Run the command; the summary goes to stdout, everything else to stderr."""
    settings = settings_from(options)
    if options.dry_run:
        with shown(settings.show):
            rehearsal = rehearse(options.views, options.out, settings)
        say(plan_json(rehearsal) if options.json else plan_text(rehearsal))
        return 1 if rehearsal.plan.bad_rows else 0
    keys = credentials(os.environ, options.env_file)
    check_connection(settings.api, settings.fetch)
    collect_rarely()
    with shown(settings.show, keys.secrets) as reporter:
        warn_if_exposed(options.env_file)
        fetch = replace(settings.fetch, workers=allow_open_files(settings.fetch.workers))
        job = DownloadJob(options.views, options.out, replace(settings, fetch=fetch), keys)
        report, failure = download(job, reporter)
    conclude(report_json(report) if options.json else report_text(report, job.out), failure)
    if failure is not None:
        return exit_code_of(failure)
    if not options.json:
        _name_play(report, job.out)
    return report.exit_code


def _name_play(report: Report, out: Path) -> None:
    """Say how to watch what came, where there is something to watch."""
    session_id = session_to_watch(out) if report.outcomes.get(Outcome.FETCHED) else None
    if session_id is not None:
        say(watch_line(out, session_id))


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
            if record.size and not record.warnings.lacks_full_snapshot:
                return record.planned.view.session_id
    return None


def collect_rarely() -> None:
    """Have the garbage collector look less often, and never again at what was imported.

    Pages are freed as they are written; what a run leaves in cycles is little. At the defaults the
    collector took a twentieth of the time, and every look at all that was imported held up the loop for 7 to 11 ms.
    """
    gc.freeze()
    gc.set_threshold(5_000, 20, 10)


def allow_open_files(workers: int) -> int:
    """Let the process open what ``workers`` need, each with a connection; returns how many there is room for."""
    needed = workers + _BESIDE_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return workers
    may_have = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
    resource.setrlimit(resource.RLIMIT_NOFILE, (may_have, hard))
    if may_have >= needed:
        return workers
    room = max(1, min(workers, may_have // 2))
    log.warning(
        "%d workers need %d open files and there may be %d: %d ask; see `ulimit -n`", workers, needed, may_have, room
    )
    return room
