"""Run ``replay-fetch download``: the settings, the process around the run, and the summary.

The options are in `cli.options`: other commands share them, and the help of this command need not load the HTTP
client.
"""

from __future__ import annotations

import argparse
import logging
import os
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import anyio

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.report import Report
from replay_fetch.cli.listing import list_of
from replay_fetch.cli.main import exit_code_of
from replay_fetch.cli.options import add_options, check_engine, check_shown_files, settings_from
from replay_fetch.cli.output import conclude, say, shown
from replay_fetch.cli.process import allow_open_files, collect_rarely
from replay_fetch.cli.rehearsal import plan_json, plan_text
from replay_fetch.cli.run_log import begun, log_end
from replay_fetch.cli.summary import as_typed, report_json, report_text, watch_line
from replay_fetch.environment import credentials, warn_if_exposed
from replay_fetch.errors import ReplayFetchError
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.model import Outcome
from replay_fetch.pipeline.exported_events import check_export
from replay_fetch.pipeline.first_stage import found_first
from replay_fetch.pipeline.job import (
    DownloadJob,
    list_at_hand,
    require_views,
)
from replay_fetch.pipeline.opening import check_usable
from replay_fetch.pipeline.preparing import prepared
from replay_fetch.pipeline.rehearsal import Rehearsal, rehearse
from replay_fetch.pipeline.run import Ended, run_until_signal
from replay_fetch.progress.reporters import Reporter
from replay_fetch.settings import Credentials
from replay_fetch.shard import ShardId
from replay_fetch.transport import check_connection

__all__ = ["add_options", "run"]
# Views among which one with a picture is looked for; recordings that lack their first snapshot are rare.
_LOOKED_AT = 50
log = logging.getLogger(__name__)
# Session files on their way to the disk together, and what the interpreter, the ledger and the logs keep open.
_BESIDE_CONNECTIONS = 64 + 64


def run(options: argparse.Namespace) -> int:
    """Download, and print the summary on stdout; progress and log go to stderr. Returns the exit code.

    With ``--dry-run`` only the plan is printed, and no key is needed. All that can be refused (settings, keys,
    the connection) is refused before the list is read.
    """
    source, settings = list_of(options, settings_from(options))
    check_shown_files(settings.show, source)
    check_engine(options)
    if options.engine is not None:
        from replay_fetch.cli.engine_download import check, download_on_engine  # noqa: PLC0415 - for engines alone

        check(options, source, settings)
        if not options.dry_run:
            return download_on_engine(options, settings)
    # Before keys are looked for: a plan can be made on a machine that has none.
    if options.dry_run:
        with shown(settings.show) as reporter:
            nobody = Credentials(bearer_token="-")  # noqa: S106 - no password: nothing is asked
            rehearsal = rehearsed(DownloadJob(source, options.out, settings, nobody), reporter)
        say(plan_json(rehearsal) if options.json else plan_text(rehearsal))
        return 1 if rehearsal.plan.bad_rows else 0
    keys = credentials(os.environ, options.env_file)
    # A mistake in a proxy's URL or a CA file is found before a list of millions is read.
    check_connection(settings.api, settings.fetch)
    collect_rarely()
    with shown(settings.show, keys.secrets) as reporter:
        warn_if_exposed(options.env_file)
        # Inside the log: it warns where fewer than asked for have room.
        fetch = replace(settings.fetch, workers=workers_with_room(settings.fetch.workers))
        job = DownloadJob(source, options.out, replace(settings, fetch=fetch), keys)
        with begun("download", {"views": str(options.views), "out": str(job.out)}, job.settings):
            report, failure = download(job, reporter)
        code = report.exit_code if failure is None else exit_code_of(failure)
        log_end("download", report_text(report, job.out).splitlines(), failure, code)
    conclude(report_json(report) if options.json else report_text(report, job.out), failure)
    if failure is None and not options.json:
        _name_next(report, job)
    return code


def _name_next(report: Report, job: DownloadJob) -> None:
    """Print the command that plays a session of this archive, where a fetched one begins with a picture.

    A shard names the command that puts the manifest of all shards together.
    """
    shard = job.settings.plan.shard
    if isinstance(job.out, Path) and report.outcomes.get(Outcome.FETCHED):
        session_id = session_to_watch(job.out, shard)
        if session_id is not None:
            say(watch_line(job.out, session_id))
    if shard is not None:
        say(f"this is shard {shard}; when all have ended: {as_typed('merge', str(job.out))}")


def download(job: DownloadJob, reporter: Reporter | None) -> Ended:
    """Download from the list to the report; returns both the report and the failure that stopped the run.

    Must be called where no event loop runs. The views of a list of sessions are searched for first. The list is read
    before a loop starts, because reading may block, and Ctrl-C then ends it at once. Raises SettingsError and
    InputError before anything is asked, a search's errors where views cannot be found, KeyboardInterrupt at a second
    signal.
    """
    if job.settings.plan.shard:  # takes lists of views alone
        with prepared(job, reporter=reporter) as run:
            return anyio.run(run_until_signal, run, reporter)
    if isinstance(job.out, Path):
        check_usable(job.out, job.settings.archive.compress)
    with list_at_hand(job) as at_hand, found_first(at_hand.listed(), job.out, job.settings, reporter) as finding:
        if finding.needed:
            anyio.run(finding.search_until_signal, job.credentials, reporter)
        with prepared(at_hand, finding.views(), reporter, finding.stored) as run:
            run.search = finding.figures()
            return anyio.run(run_until_signal, run, reporter)


def rehearsed(job: DownloadJob, reporter: Reporter | None = None) -> Rehearsal:
    """Make the plan of a download; of sessions it counts those to search for, and the views of all others."""
    check_export(job.settings.archive.events_from)
    if job.settings.plan.shard:  # takes lists of views alone
        with list_at_hand(job) as at_hand, at_hand.listed() as listed:
            listed.begin()
            require_views(listed)
            return rehearse(listed, job, reporter=reporter)
    if isinstance(job.out, Path):
        check_usable(job.out, job.settings.archive.compress)
    with (
        list_at_hand(job) as at_hand,
        found_first(at_hand.listed(), job.out, job.settings, reporter, rehearsed=True) as finding,
    ):
        return rehearse(finding.views(planned=True), job, finding.needed, reporter)


def session_to_watch(out: Path, shard: ShardId | None = None) -> str | None:
    """Find a fetched session that begins with a picture, among the latest; returns its id or None.

    The ledger is asked, since the manifest of millions of views would have to be read whole. A ledger that
    cannot be read gives None: the run itself has ended well before.
    """
    with suppress(ReplayFetchError), closing(Ledger.open_read_only(Layout(out, shard=shard).ledger)) as ledger:
        for record in ledger.latest_fetched(None, _LOOKED_AT):
            if record.size and not record.warnings.lacks_full_snapshot:
                return record.planned.view.session_id
    return None


def workers_with_room(workers: int) -> int:
    """Raise the process's limit of open files to the need of ``workers`` connections.

    Returns the number of workers for which there is room, ``workers`` where the limit could be raised. Logs a
    warning where there is less.
    """
    needed = workers + _BESIDE_CONNECTIONS
    may_have = allow_open_files(needed)
    if may_have >= needed:
        return workers
    # Half, since session files on their way to the disk need files, too.
    room = max(1, min(workers, may_have // 2))
    log.warning(
        "%d workers need %d open files and there may be %d: %d ask; see `ulimit -n`", workers, needed, may_have, room
    )
    return room
