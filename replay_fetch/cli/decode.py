"""``replay-fetch decode``: its options, and its summary."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import anyio

from replay_fetch.cli.download_options import add_path_options
from replay_fetch.cli.main import exit_code_of
from replay_fetch.cli.output import conclude
from replay_fetch.commands.decode_summary import decoded_json, decoded_text
from replay_fetch.pipeline.decode import Redecoding, decode, rehearse_decode
from replay_fetch.progress import Console, logging_to
from replay_fetch.settings import ShowSettings

_EPILOG = """\
The paths are kept with the archive: a download with the same ones goes on
behind the decoded pages. Without paths the pages are read by the rules alone.
Pages on which nothing at --segments-path has the records of a segment are left
as they are, unless --keep-raw takes them. Views that are finished are not read
again: look at --dry-run first.

example:
  replay-fetch decode archive/ --segments-path payload.chunks --dry-run

exit codes: 0 every raw page is understood; 1 some are not, or their chain is
cut; 2 usage; 3 stopped (disk full, archive locked); 130 interrupted
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("out", metavar="OUT", type=Path, help="archive folder")
    add_path_options(parser)
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would be understood, change nothing")
    parser.add_argument("--keep-raw", action="store_true", help="keep the raw pages of views that are finished now")
    parser.add_argument("--json", action="store_true", help="the summary as JSON")
    parser.add_argument("-q", "--quiet", action="count", default=0, help="warnings and errors only")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say more")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    wanted = Redecoding(options.out, options.segments_path, options.next_path, options.keep_raw)
    with logging_to(Console(), ShowSettings(verbosity=options.verbose - options.quiet)):
        found = anyio.run(partial(rehearse_decode if options.dry_run else decode, wanted))
    text = decoded_json(found) if options.json else decoded_text(found, wanted, dry_run=options.dry_run)
    conclude(text, found.failure)
    return found.exit_code if found.failure is None else exit_code_of(found.failure)
