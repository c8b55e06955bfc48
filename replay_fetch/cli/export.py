"""``replay-fetch export``: its options, and what to do with the files."""

from __future__ import annotations

import argparse
from pathlib import Path

from replay_fetch.cli.output import say
from replay_fetch.commands.export import export_parquet
from replay_fetch.progress import Console, logging_to, reporter
from replay_fetch.progress.units import some
from replay_fetch.settings import ShowSettings


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("out", metavar="OUT", type=Path, help="archive folder")
    parser.add_argument(
        "--parquet", metavar="FOLDER", type=Path, required=True, help="gets views.parquet and segments.parquet"
    )
    parser.add_argument("-q", "--quiet", action="count", default=0, help="no progress")
    parser.epilog = "example: replay-fetch export archive/ --parquet tables/"


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    console, show = Console(), ShowSettings(verbosity=-options.quiet)
    with logging_to(console, show):
        exported = export_parquet(options.out, options.parquet, reporter(show, console))
    for file, rows in zip(exported.files, (exported.views, exported.segments), strict=True):
        say(f"{file}  {some(rows, 'row')}")
    return 0
