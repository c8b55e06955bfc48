"""Check an archive for ``replay-fetch verify``, print the findings, and with ``--rebuild`` mend its ledger.

The checks are in ``inspect``; here are the command's options and its output.
"""

from __future__ import annotations

import argparse

from replay_fetch.cli.archive_option import add_archive, require_folder
from replay_fetch.cli.options import add_output, show_settings
from replay_fetch.cli.output import say, shown
from replay_fetch.cli.readers_options import add_readers, check_readers, readers, seen_by_workers
from replay_fetch.cli.verify_summary import findings_json, findings_text, rebuilt_text
from replay_fetch.errors import SettingsError
from replay_fetch.inspect.verification import Depth
from replay_fetch.inspect.verify_shards import verify

_EPILOG = """\
examples:
  replay-fetch verify archive/
  replay-fetch verify s3://bucket/season --quick
  replay-fetch verify archive/ --lines

--quick sees files that are missing, cut off, too long or extra, those of events
as well, and in a store recordings that were replaced, but no flipped bit: that
takes reading.

Without an option every byte is read, inflated and hashed, and the hashes are
held against the ledger. Where there is no ledger to trust, each line is read
as JSON as well, and its facts are held against the manifest; --lines does so
in any case.

Of an archive whose last run was killed the files are held against the ledger,
which then knows more than the manifest.

exit codes: 0 nothing is wrong; 1 something is, or shards have not begun; 3 a
run is writing to the archive, it is none, or it cannot be read; or the ledger
is intact and --rebuild would make one that knows less
"""
_REBUILT_ON_DISK = "a ledger is rebuilt on a disk: in a store the log takes its place, and is never made anew"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, the number of processes, and ``--rebuild``, which alone of all checks writes to an archive."""
    add_archive(parser)
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="make a new ledger for one that is damaged or lost, from the manifest and what is good",
    )
    parser.add_argument("--quick", action="store_true", help="names and sizes alone: seconds, and no recording is read")
    parser.add_argument(
        "--lines",
        action="store_true",
        help="also read each line as JSON, though its hash is right: two to three times the CPU",
    )
    add_readers(parser, "processes that check at once; default: all processors")
    add_output(parser, json="what was found")
    parser.epilog = _EPILOG


def run(options: argparse.Namespace) -> int:
    """Check every file, or rebuild the ledger, and print the findings; returns the exit code of the epilog.

    Raises SettingsError for fewer processes than one, ArchiveError where the archive cannot be read or a run
    writes to it.
    """
    check_readers(options)
    if options.rebuild and options.quick:
        raise SettingsError("--rebuild keeps what was read and found good, so it cannot be --quick")
    depth = _depth(options)
    with shown(show_settings(options)) as reporter, readers(options) as those:
        if options.rebuild:
            from replay_fetch.inspect.rebuild import rebuild  # noqa: PLC0415 - a check needs nothing that writes

            rebuilt = rebuild(require_folder(options.out, _REBUILT_ON_DISK), those, reporter)
            found, text = rebuilt.found, rebuilt_text(rebuilt)
        else:
            found = verify(seen_by_workers(options.out), those, reporter, depth)
            text = findings_text(found)
    say(findings_json(found) if options.json else text)
    return found.exit_code


def _depth(options: argparse.Namespace) -> Depth:
    if options.lines and options.quick:
        raise SettingsError("--lines reads every line, and --quick none: choose one of them")
    return Depth.NAMES if options.quick else Depth.LINES if options.lines else Depth.BYTES
