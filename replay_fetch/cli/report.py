"""``replay-fetch report``: its options, and where the page is."""

from __future__ import annotations

import argparse
from pathlib import Path

from replay_fetch.cli.output import say
from replay_fetch.named_file import NamedFile

_PAGE = Path("report.html")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("archive", metavar="OUT", type=Path, help="archive folder")
    parser.add_argument("--out", metavar="FILE", type=Path, default=_PAGE, help="the page (%(default)s)")
    parser.epilog = "example: replay-fetch report archive/ --out report.html"


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from replay_fetch.report_page.making import make_page  # noqa: PLC0415 - the template's language, for this alone

    page = NamedFile("--out", options.out)
    make_page(options.archive, page)
    if not page.is_stream:  # which may be stdout
        say(str(options.out))
    return 0
