"""``replay-fetch demo``: its options, and its closing line."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import anyio

from replay_fetch.cli.main import exit_code_of
from replay_fetch.cli.next_command import as_typed, watch_line
from replay_fetch.cli.output import conclude, say
from replay_fetch.cli.summary import report_text
from replay_fetch.commands.demo import demo
from replay_fetch.progress import Console, logging_to, reporter
from replay_fetch.settings import ShowSettings

_OUT = Path("replay-fetch-demo")
# Of the sample list, the session with the most to see: a checkout, four views, a rage click.
_WATCHED = "1f46e825"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("out", metavar="OUT", nargs="?", type=Path, default=_OUT, help="archive folder (%(default)s)")
    parser.epilog = "example: replay-fetch demo && replay-fetch verify replay-fetch-demo"


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    console, show = Console(), ShowSettings()
    with logging_to(console, show):
        report, failure = anyio.run(partial(demo, options.out, show, reporter(show, console)))
    conclude(report_text(report, options.out), failure)
    if failure is not None:
        return exit_code_of(failure)
    say(f"the recordings are in {options.out}/sessions/\nnext: {as_typed('show', str(options.out))}")
    say(watch_line(options.out, _WATCHED))
    return report.exit_code
