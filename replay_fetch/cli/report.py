"""Write the HTML page of ``replay-fetch report``, which shows an archive's last run in figures and charts.

The page is made by ``report_page``, loaded late: matplotlib takes half a second, and is an optional extra.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import orjson

from replay_fetch.cli.archive_option import add_archive
from replay_fetch.cli.options import add_output
from replay_fetch.cli.output import say, warn_of_standing
from replay_fetch.named_file import NamedFile

_PAGE = Path("report.html")
_EPILOG = """\
example: replay-fetch report archive/ --out report.html

exit codes: 0 the page is there, whatever it says of the run; 2 --out cannot be
written; 3 it is no archive, no run has begun, or it cannot be read
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive and the file for the page, which may be ``/dev/stdout``."""
    add_archive(parser, "archive")
    parser.add_argument("--out", metavar="FILE", type=Path, default=_PAGE, help="the page (%(default)s)")
    add_output(parser, json="where the page is")
    parser.epilog = _EPILOG


def run(options: argparse.Namespace) -> int:
    """Write the page and print its place; returns 0.

    Raises SettingsError before any work where the file cannot be written, ArchiveError where no run has begun
    yet.
    """
    from replay_fetch.report_page.making import make_page  # noqa: PLC0415 - the template's language, for this alone

    page = NamedFile("--out", options.out)
    warn_of_standing(options.archive)
    make_page(options.archive, page)
    if not page.is_stream:  # which may be stdout
        say(orjson.dumps({"file": str(options.out)}).decode() if options.json else str(options.out))
    return 0
