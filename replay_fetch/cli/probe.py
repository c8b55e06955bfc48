"""``replay-fetch probe``: its options, and what it found."""

from __future__ import annotations

import argparse
import os
from functools import partial

import anyio

from replay_fetch.cli.download_options import add_api_options, api_settings
from replay_fetch.cli.output import say
from replay_fetch.commands.probe_summary import probe_json, probe_text
from replay_fetch.environment import credentials, site, warn_if_exposed
from replay_fetch.model import View
from replay_fetch.pipeline.probe import Probing, probe
from replay_fetch.settings import FetchSettings

_EPILOG = """\
example:
  replay-fetch probe SESSION_ID VIEW_ID

exit codes: 0 recognised, with segments or none; 1 not; 2 bad ids or settings;
3 keys refused, no answer
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("session", type=str.strip, metavar="SESSION", help="a session id")
    parser.add_argument("view", type=str.strip, metavar="VIEW", help="the id of one of its views")
    add_api_options(parser)
    parser.add_argument("--json", action="store_true", help="what was found as JSON")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    keys = credentials(os.environ, options.env_file)
    warn_if_exposed(options.env_file)
    api = api_settings(options, site(os.environ, options.env_file))
    view, fetch = View(options.session, options.view), FetchSettings(workers=1, ca_file=options.ca_file)
    found = anyio.run(partial(probe, Probing(view, api, fetch, keys)))
    say(probe_json(found) if options.json else probe_text(found))
    return found.exit_code
