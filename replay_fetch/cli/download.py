"""``replay-fetch download``: its options, and its summary."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

from replay_fetch.archive import Report
from replay_fetch.cli.download_options import add_options, settings_from
from replay_fetch.cli.main import exit_code_of
from replay_fetch.cli.next_command import watch_line
from replay_fetch.cli.output import conclude, say
from replay_fetch.cli.process import allow_open_files, collect_rarely
from replay_fetch.commands.download import download, session_to_watch
from replay_fetch.commands.summary import plan_json, plan_text, report_json, report_text
from replay_fetch.environment import credentials, site, warn_if_exposed
from replay_fetch.model import Outcome
from replay_fetch.pipeline.job import DownloadJob, rehearse
from replay_fetch.progress import Console, logging_to, reporter
from replay_fetch.settings import Credentials
from replay_fetch.transport import check_connection

__all__ = ["add_options", "run"]


def run(options: argparse.Namespace) -> int:
    """Run the command; the summary goes to stdout, everything else to stderr."""
    settings = settings_from(options, site(os.environ, options.env_file))
    if options.dry_run:
        with logging_to(Console(), settings.show):
            rehearsal = rehearse(options.views, options.out, settings)
        say(plan_json(rehearsal) if options.json else plan_text(rehearsal))
        return 1 if rehearsal.plan.bad_rows else 0
    keys = credentials(os.environ, options.env_file)
    check_connection(settings.api, settings.fetch)
    collect_rarely()
    console = Console()
    with logging_to(console, settings.show, secrets(keys)):
        warn_if_exposed(options.env_file)
        fetch = replace(settings.fetch, workers=allow_open_files(settings.fetch.workers))
        job = DownloadJob(options.views, options.out, replace(settings, fetch=fetch), keys)
        report, failure = download(job, reporter(settings.show, console))
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


def secrets(keys: Credentials) -> tuple[str, ...]:
    """What must not be printed, whatever happens."""
    return keys.api_key, keys.app_key, keys.bearer_token
