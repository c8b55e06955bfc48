"""``replay-fetch prune``: sessions removed from an archive for good, by the age of their recordings."""

from __future__ import annotations

import argparse

from replay_fetch.cli.erasure_summary import add_erasure_options, carry_out, now, stored_settings
from replay_fetch.option import age
from replay_fetch.pipeline.erasing import ErasureJob
from replay_fetch.timestamps import epoch_ms

_EPILOG = """\
examples:
  replay-fetch prune archive/ --older-than 400d --dry-run
  replay-fetch prune archive/ --older-than 400d

exit codes: 0 nothing that old is left; 1 files set aside by verify --rebuild
may hold some; 2 the age cannot be read; 3 a run is writing to the archive, it
is none, or disk or store refuse: run it again, what had begun is finished first
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, the age, and the options that every erasure has, such as ``--dry-run``."""
    parser.description = (
        "Erases every session whose recording began longer ago than an age. Sessions\n"
        "of unknown time are kept and counted. A mark of each erased session stays, so\n"
        "that no later download brings it back."
    )
    parser.epilog = _EPILOG
    parser.add_argument("--older-than", metavar="AGE", type=_age, required=True, help="such as 400d or 36h, from now")
    add_erasure_options(parser)


def run(options: argparse.Namespace) -> int:
    """Erase the old sessions, or say what would go; returns the exit code that the epilog lists.

    The age counts to the start of the recording, by the recording machine's clock.
    """
    at = now()
    # One instant for the age and for the report: a session that grows too old meanwhile is the next prune's.
    before_ms = epoch_ms(at) - round(options.older_than * 1000)
    job = ErasureJob(options.out, at, "age", before_ms=before_ms, settings=stored_settings(options))
    return carry_out(job, options)


def _age(text: str) -> float:
    """Read an age in seconds; one of no length would be the whole archive, and is refused."""
    try:
        seconds = age(text)
    except ValueError as reason:
        raise argparse.ArgumentTypeError(str(reason)) from None
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no age: more than 0, such as 400d")
    return seconds
