"""``replay-fetch status``: its options, and its figures."""

from __future__ import annotations

import argparse
from pathlib import Path

from replay_fetch.cli.output import say
from replay_fetch.commands.status_summary import status_json, status_text
from replay_fetch.inspect.status import status, unfinished_csv


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("out", metavar="OUT", type=Path, help="archive folder")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the figures as JSON, with every view to note")
    form.add_argument("--unfinished", action="store_true", help="CSV of the unfinished views, as download reads it")
    parser.epilog = "example: replay-fetch status OUT --unfinished | replay-fetch download - OUT"


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    if options.unfinished:
        for block in unfinished_csv(options.out):
            say(block, end="")
        return 0
    if options.json:
        say(status_json(status(options.out, name_at_most=None)))
    else:
        say(status_text(status(options.out)))
    return 0
