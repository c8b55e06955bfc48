"""``replay-fetch download``: its options, and its summary."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

from replay_fetch.cli.download_options import add_options, settings_from
from replay_fetch.cli.main import exit_code_of
from replay_fetch.cli.output import conclude, say
from replay_fetch.cli.process import allow_open_files, collect_rarely
from replay_fetch.commands.download import download, rehearse
from replay_fetch.commands.summary import plan_json, plan_text, report_json, report_text
from replay_fetch.environment import credentials, site, warn_if_exposed
from replay_fetch.pipeline.request import Request
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
        request = Request(options.views, options.out, replace(settings, fetch=fetch), keys)
        report, failure = download(request, reporter(settings.show, console))
    conclude(report_json(report) if options.json else report_text(report, request.out), failure)
    return report.exit_code if failure is None else exit_code_of(failure)


def secrets(keys: Credentials) -> tuple[str, ...]:
    """What must not be printed, whatever happens."""
    return keys.api_key, keys.app_key, keys.bearer_token
