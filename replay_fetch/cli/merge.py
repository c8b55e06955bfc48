"""Put the shards of an archive together for ``replay-fetch merge``: one manifest and one report.

The shards stay as they are. A shard that goes on later removes both files, and the next merge writes them again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from replay_fetch.archive.layout import MANIFEST
from replay_fetch.archive.shelf import Shelf
from replay_fetch.cli.archive_option import add_archive
from replay_fetch.cli.options import add_output, show_settings
from replay_fetch.cli.output import say, shown, warn
from replay_fetch.cli.process import allow_open_files
from replay_fetch.cli.summary import report_json, report_text
from replay_fetch.inspect.merge import Merged, merge
from replay_fetch.shard import MOST

_EPILOG = """\
example: replay-fetch merge archive/

The manifest is byte for byte the one of a single run over the whole list.
It may be repeated, and killed. A shard that goes on later removes both
files: merge again then.

exit codes: 0 merged; 1 merged with --partial, and something is lacking;
2 an archive without shards; 3 a shard has not begun, has not ended, or is
running
"""
# Files that a shard's ledger and lock keep open.
FILES_A_SHARD = 4


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, and ``--partial`` for a look at an archive whose shards have not all ended."""
    parser.epilog = _EPILOG
    add_archive(parser)
    parser.add_argument("--partial", action="store_true", help="merge what is there, though shards are lacking")
    add_output(parser, json="the report")


def run(options: argparse.Namespace) -> int:
    """Merge and print the report; returns the exit code of the epilog."""
    with shown(show_settings(options)):
        # All ledgers are read side by side.
        allow_open_files(MOST * FILES_A_SHARD)
        merged = _merged(options.out, partial=options.partial)
    for why in merged.lacking:
        warn(why)
    if options.json:
        say(report_json(merged.report))
    else:
        ended = f", of which {len(merged.lacking)} did not end," if merged.lacking else ""
        say(f"{merged.shards} shards{ended} merged into {options.out.place(MANIFEST)}")
        out = Path(options.out.place()) if options.out.layout else options.out.location
        say(report_text(merged.report, out, again="the same downloads"))
    return 1 if merged.lacking else 0


def _merged(out: Shelf, *, partial: bool) -> Merged:
    if out.layout is not None:
        return merge(out.layout.root, partial=partial)
    from replay_fetch.inspect.merge_stored import merge_stored  # noqa: PLC0415 - for archives in a store alone

    return merge_stored(out, partial=partial)
