"""Print the figures of ``replay-fetch status``: the outcomes of an archive's views, and the views still lacking.

The archive may be in use by a run: the ledger is read as of its last commit.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Mapping

import orjson

from replay_fetch.cli.archive_option import add_archive
from replay_fetch.cli.options import add_output
from replay_fetch.cli.output import say
from replay_fetch.inspect.status import Status, Tally, status, unfinished_csv
from replay_fetch.model import Outcome, ViewRecord
from replay_fetch.printable import printable
from replay_fetch.progress.units import count, duration, size, some

# A view may lack thousands of segments; the first ones tell where.
_NUMBERS_SHOWN = 8
_WIDTH = 80
_ORDER = [*Outcome, None]
# A choice: the whole report is in report.json for programs that want it.
_RUN_KEYS = ("started", "seconds", "rows", "requests", "rate_limited", "limiter", "interrupted", "stopped", "exit_code")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive and the form of output: text, JSON, or the unfinished views as a list for ``download``."""
    add_archive(parser)
    form = parser.add_mutually_exclusive_group()
    add_output(parser, form, json="the figures, with every view to note,")
    form.add_argument("--unfinished", action="store_true", help="CSV of the unfinished views, as download reads it")
    parser.epilog = "example: replay-fetch status OUT --unfinished | replay-fetch download - OUT"


def run(options: argparse.Namespace) -> int:
    """Print the figures, or the unfinished views as CSV; returns 0. Raises ArchiveError where there is no archive."""
    if options.unfinished:
        for block in unfinished_csv(options.out):
            say(block, end="")
        return 0
    if options.json:
        say(status_json(status(options.out, name_at_most=None)))
    else:
        say(status_text(status(options.out)))
    return 0


def status_text(found: Status) -> str:
    """Format the figures for people, at most 80 columns wide unless a name is longer; views to note come by name."""
    return "\n".join(_lines(found))


def status_json(found: Status) -> str:
    """Format the figures as a JSON object, with every view to note; sizes are bytes uncompressed."""
    content = {
        "archive": found.root,
        "from": "ledger" if found.by_ledger else "manifest",
        "running": found.running,
        "progress": dict(found.progress) or None,
        **_sums(found.total),
        "unfinished": found.unfinished,
        "outcomes": {outcome or "unasked": _sums(tally) for outcome, tally in _ordered(found)},
        "sessions": {"whole": found.whole, "partial": found.partial, "untouched": found.untouched},
        "noted": [_noted_fields(record) for record in found.named],
        "last_run": {key: found.last_run.get(key) for key in _RUN_KEYS} if found.last_run else None,
    }
    return orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS).decode()


def _ordered(found: Status) -> list[tuple[Outcome | None, Tally]]:
    return sorted(found.outcomes.items(), key=lambda pair: _ORDER.index(pair[0]))


def _sums(tally: Tally) -> dict[str, int]:
    return {"views": tally.views, "segments": tally.segments, "bytes": tally.size}


def _noted_fields(record: ViewRecord) -> dict[str, object]:
    return {**record.planned.view._asdict(), "segments": record.segments, **record.warnings.fields()}


def _lines(found: Status) -> Iterator[str]:
    yield f"{some(found.total.views, 'view')} in {found.root}"
    for outcome, tally in _ordered(found):
        holds = f"{some(tally.segments, 'segment')}, {size(tally.size)}" if tally.size else ""
        yield f"  {outcome or 'not asked':<14}{count(tally.views):>11}  {holds}".rstrip()
    sessions = found.whole + found.partial + found.untouched
    kinds = ((found.whole, "whole"), (found.partial, "partial"), (found.untouched, "not begun"))
    yield f"{some(sessions, 'session')}: {', '.join(f'{count(number)} {kind}' for number, kind in kinds if number)}"
    yield from _noted(found)
    yield from _run(found)
    if found.run_ended is False and not found.running:
        yield "the last run did not come to its end; these are its figures"
    elif not found.by_ledger and not found.run_ended:
        yield "there is no ledger: this is what the manifest says, as of the last run's end"


def _noted(found: Status) -> Iterator[str]:
    if found.noted:
        yield f"views to note: {count(found.noted)}"
    for record in found.named:
        yield f"  {record.planned.view}"
        yield from (f"    {remark}" for remark in _remarks(record))
    if found.noted > len(found.named):
        yield f"  and {count(found.noted - len(found.named))} more: see --json"


def _remarks(record: ViewRecord) -> Iterator[str]:
    """Yield what a reader of a view's recording should know: segments missing, served twice, or fewer than listed."""
    warnings = record.warnings
    if gaps := warnings.gaps:
        yield f"segments {_numbers(gaps)} never came"
    if repeats := warnings.repeats:
        yield f"segments {_numbers(repeats)} came again"
    if warnings.lacks_full_snapshot:
        yield "no full snapshot at its start"
    if (expected := warnings.segments_expected) is not None:
        yield f"{some(record.segments, 'segment')} where the list says {expected}"


def _numbers(value: object) -> str:
    numbers = value if isinstance(value, list) else [value]
    shown = ", ".join(map(str, numbers[:_NUMBERS_SHOWN]))
    return f"{shown} …" if len(numbers) > _NUMBERS_SHOWN else shown


def _run(found: Status) -> Iterator[str]:
    """Yield the lines about runs: one that is writing now, the last one's end, and the command to go on with."""
    if found.running:
        yield f"running now: {found.running}"
        figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found.progress.items())
        yield from textwrap.wrap(printable(figures, 300), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    if found.last_run and "scrubbed" in found.last_run:
        yield "this is a scrubbed copy; no run made it"
    elif found.last_run:
        yield f"last run: {_ending(found.last_run)}"
    limiter = printable(str((found.last_run or {}).get("limiter") or ""), 100)
    if limiter and not limiter.startswith("window"):
        yield f"its rate limit: {limiter}"
    if found.unfinished and not found.running:
        yield f"{some(found.unfinished, 'view')} to go: run the same download again, or"
        yield f"  replay-fetch status {found.root} --unfinished | replay-fetch download - {found.root}"


def _ending(report: Mapping[str, object]) -> str:
    seconds = report.get("seconds")
    lasted = f", {duration(seconds)}" if isinstance(seconds, int | float) else ""
    ended = "interrupted" if report.get("interrupted") else "came to its end"
    if report.get("stopped"):
        ended = f"stopped: {printable(str(report['stopped']), 300)}"
    return f"{printable(str(report.get('started')), 40)}{lasted}, {ended}"
