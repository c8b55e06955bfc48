"""Print the figures of ``replay-fetch status``: the outcomes of an archive's views, and the views still lacking.

The archive may be in use by a run: the ledger is read as of its last commit.
"""

from __future__ import annotations

import argparse

import orjson

from replay_fetch.cli.archive_option import add_archive, require_folder
from replay_fetch.cli.options import add_output
from replay_fetch.cli.output import require_stdout, say
from replay_fetch.cli.status_summary import ordered, status_text
from replay_fetch.cli.watch import Watching, watch
from replay_fetch.errors import SettingsError
from replay_fetch.inspect.status import Status, Tally, status, unfinished_csv
from replay_fetch.model import ViewRecord
from replay_fetch.timestamps import iso

# A choice: the whole report is in report.json for programs that want it.
_RUN_KEYS = ("started", "seconds", "rows", "requests", "rate_limited", "limiter", "interrupted", "stopped", "exit_code")

_EPILOG = """\
examples:
  replay-fetch status OUT --unfinished | replay-fetch download - OUT
  replay-fetch status OUT --watch          Ctrl-C ends the watching with 130

exit codes: 0 the figures are there, whatever they say of the views; 3 it is no
archive, or cannot be read; 130 interrupted
"""
_WATCH_IS_LOCAL = "--watch reads the ledger of a run on this machine; without it, status shows a stored run's figures"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive and the form of output: text, JSON, or the unfinished views as a list for ``download``."""
    add_archive(parser)
    form = parser.add_mutually_exclusive_group()
    add_output(parser, form, json="the figures, with every view to note,")
    form.add_argument("--unfinished", action="store_true", help="CSV of the unfinished views, as download reads it")
    parser.add_argument("--watch", action="store_true", help="show the run that is going on until it ends")
    parser.add_argument(
        "--interval", metavar="S", type=float, help="of --watch: seconds (2 on a terminal, 10 in a pipe)"
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG


def run(options: argparse.Namespace) -> int:
    """Print the figures, or the unfinished views as CSV; returns 0. Raises ArchiveError where there is no archive.

    With ``--watch`` a run that is going on is shown first, until it ends.
    """
    if options.unfinished:
        require_stdout("the list of views")
    interval = options.interval
    if interval is not None and not (options.watch and 0 < interval < float("inf")):
        raise SettingsError("--interval is for --watch, and must be above 0 seconds")
    if options.unfinished and options.watch:
        raise SettingsError("--unfinished prints a list, and --watch a run: name one of them")
    if options.unfinished:
        for block in unfinished_csv(options.out):
            say(block, end="")
        return 0
    if options.watch:
        was_running = watch(Watching(require_folder(options.out, _WATCH_IS_LOCAL), interval, options.json))
        if not options.json:
            say("the run has ended" if was_running else f"no run is going on in {options.out.place()}")
    if options.json:
        say(status_json(status(options.out, name_at_most=None)))
    else:
        say(status_text(status(options.out)))
    return 0


def status_json(found: Status) -> str:
    """Format the figures as a JSON object, with every view to note; sizes are bytes uncompressed."""
    content = {
        "archive": found.root,
        "from": "ledger" if found.by_ledger else "manifest",
        "running": found.running,
        "progress": dict(found.progress) or None,
        "run_ended": found.run_ended,
        "last_wrote": None if found.last_wrote_ms is None else iso(found.last_wrote_ms),
        **_sums(found.total),
        "unfinished": found.unfinished,
        "outcomes": {outcome or "unasked": _sums(tally) for outcome, tally in ordered(found)},
        "reasons": [
            {"outcome": outcome, "reason": reason, "views": views}
            for outcome, reasons in found.reasons.items()
            for reason, views in reasons.most_common()
        ],
        "sessions": {"whole": found.whole, "partial": found.partial, "untouched": found.untouched},
        "erased_sessions": found.erased,
        "events": _events_fields(found) if found.events.asked else None,
        "shards": found.shards.fields() if found.shards else None,
        "noted": [_noted_fields(record) for record in found.named],
        "last_run": {key: found.last_run.get(key) for key in _RUN_KEYS} if found.last_run else None,
    }
    return orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS).decode()


def _sums(tally: Tally) -> dict[str, int]:
    return {"views": tally.views, "segments": tally.segments, "bytes": tally.size}


def _events_fields(found: Status) -> dict[str, int]:
    events = found.events
    sessions = {"fetched": events.fetched, "none": events.none, "not_asked": events.unasked}
    return {**sessions, "events": events.events, "bytes": events.size}


def _noted_fields(record: ViewRecord) -> dict[str, object]:
    return {**record.planned.view._asdict(), "segments": record.segments, **record.warnings.fields()}
