"""Check an archive for ``replay-fetch verify``, print the findings, and with ``--rebuild`` mend its ledger.

The checks are in ``inspect``; here are the command's options and its output.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from replay_fetch.cli.options import add_output, show_settings
from replay_fetch.cli.output import say, shown
from replay_fetch.cli.verify_summary import findings_json, findings_text, rebuilt_text
from replay_fetch.errors import SettingsError
from replay_fetch.inspect.rebuild import rebuild
from replay_fetch.inspect.verify import Verifying

_EPILOG = """\
example: replay-fetch verify archive/

Of an archive whose last run was killed the files are held against the ledger,
which then knows more than the manifest.

exit codes: 0 nothing is wrong; 1 something is; 3 a run is writing to the
archive, it is none, or it cannot be read; or the ledger is intact and
--rebuild would make one that knows less
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, the number of processes, and ``--rebuild``, which alone of all checks writes to an archive."""
    parser.add_argument("out", metavar="OUT", type=Path, help="archive folder")
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="make a new ledger for one that is damaged or lost, from the manifest and what is good",
    )
    parser.add_argument("--jobs", metavar="N", type=int, help="processes that check at once; default: all processors")
    add_output(parser, json="what was found")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG


def run(options: argparse.Namespace) -> int:
    """Check every file, or rebuild the ledger, and print the findings; returns the exit code of the epilog.

    Raises SettingsError for fewer processes than one, ArchiveError where the archive cannot be read or a run
    writes to it.
    """
    if options.jobs is not None and options.jobs < 1:
        raise SettingsError("--jobs must be at least 1")
    with shown(show_settings(options)) as reporter:
        if options.rebuild:
            rebuilt = rebuild(options.out, options.jobs, reporter)
            found, text = rebuilt.found, rebuilt_text(rebuilt)
        else:
            found = Verifying(options.out, options.jobs, reporter).run()
            text = findings_text(found)
    say(findings_json(found) if options.json else text)
    return found.exit_code
