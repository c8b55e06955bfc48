"""Read raw pages again for ``replay-fetch decode``, with other paths and without asking the API.

Holds the command's options, its two ways to run (in earnest, or as a rehearsal) and its summary.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial

import anyio
import orjson

from replay_fetch.api.tokens import NO_OTHER_PLACE
from replay_fetch.cli.archive_option import folder_for
from replay_fetch.cli.main import exit_code_of
from replay_fetch.cli.options import PATHS, add_fields, add_output, show_settings
from replay_fetch.cli.output import conclude, shown
from replay_fetch.cli.summary import as_typed
from replay_fetch.pipeline.decode import Redecoding, decode, rehearse_decode
from replay_fetch.pipeline.decoded import Decoded, Understanding
from replay_fetch.printable import printable
from replay_fetch.progress.units import count, some
from replay_fetch.settings import ApiSettings

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
_IS_LOCAL = "decode writes to the archive's ledger and parts, which a run alone may do in a store"
_MEANING = {
    Understanding.FETCHED: "complete",
    Understanding.EMPTY: "complete, and nothing in them",
    Understanding.GOES_ON: "understood; the rest is to be asked for",
    Understanding.INCOMPLETE: "understood, but the chain of pages is cut",
    Understanding.UNRECOGNISED: "these paths do not fit their pages",
    Understanding.UNCHANGED: "no kept page leads further than the archive is",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, the two paths, and ``--dry-run``, ``--keep-raw``, which are this command's own."""
    parser.epilog = _EPILOG
    parser.add_argument("out", metavar="OUT", type=folder_for(_IS_LOCAL), help="archive folder")
    add_fields(parser, ApiSettings, *PATHS)
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would be understood, change nothing")
    parser.add_argument("--keep-raw", action="store_true", help="keep the raw pages of views that are finished now")
    add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Read the raw pages and print a summary; returns the exit code that the epilog lists.

    A rehearsal opens the ledger read-only and needs no event loop. A failure that stopped the work is printed
    behind the summary, because pages that were read until then are kept.
    """
    wanted = Redecoding(options.out, options.segments_path, options.next_path, options.keep_raw)
    with shown(show_settings(options)):
        found = anyio.run(partial(rehearse_decode if options.dry_run else decode, wanted))
    # A failure such as a full disk comes with findings: what was decoded until then stays.
    text = decoded_json(found) if options.json else decoded_text(found, wanted, dry_run=options.dry_run)
    conclude(text, found.failure)
    return _code(found)


def _code(found: Decoded) -> int:
    return found.exit_code if found.failure is None else exit_code_of(found.failure)


def decoded_text(found: Decoded, wanted: Redecoding, *, dry_run: bool = False) -> str:
    """Format the summary for people: views by ending, segments, first reason, and the command to go on with."""
    return "\n".join(_lines(found, wanted, dry_run=dry_run))


def decoded_json(found: Decoded) -> str:
    """Format the summary as a JSON object; ``findings`` has every kind of ending, zeros included.

    ``exit_code`` is the command's own.
    """
    findings = {str(each): found.understood[each] for each in Understanding}
    content = {"views": found.views, "findings": findings, "segments": found.segments, "reason": found.reason or None}
    return orjson.dumps(content | {"interrupted": found.interrupted, "exit_code": _code(found)}).decode()


def _lines(found: Decoded, wanted: Redecoding, *, dry_run: bool) -> Iterator[str]:
    """Yield the lines of the summary; a last one names the download that asks for the rest of the pages."""
    if not found.views:
        yield f"no view in {wanted.out} waits with raw pages: nothing to decode"
        return
    aside = ", nothing changed (--dry-run)" if dry_run else ""
    yield f"{some(found.views, 'view')} with raw pages in {wanted.out}{aside}"
    for understanding in Understanding:
        if found.understood[understanding]:
            yield f"  {understanding:<14}{count(found.understood[understanding]):>11}  {_MEANING[understanding]}"
    yield f"{some(found.segments, 'segment')} understood"
    if found.segments and not found.leads_on and wanted.next_path != NO_OTHER_PLACE:
        where = f" at {printable(wanted.next_path, 60)}" if wanted.next_path else ""
        yield f"no page names a next one{where}; where that is wrong, name its token with --next-path"
    if found.reason:
        yield f"first reason: {printable(found.reason, 300)}"
    if found.interrupted:
        yield "interrupted; run the same command again to go on"
    elif found.understood[Understanding.GOES_ON] or found.understood[Understanding.UNCHANGED]:
        paths = (("--segments-path", wanted.segments_path), ("--next-path", wanted.next_path))
        flags = [word for flag, path in paths if path for word in (flag, path)]
        yield f"to go on:\n  {as_typed('download', 'VIEWS', str(wanted.out), options=flags)}"
