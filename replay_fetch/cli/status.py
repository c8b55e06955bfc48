"""Print the figures of ``replay-fetch status``: the outcomes of an archive's views, and the views still lacking.

The archive may be in use by a run: the ledger is read as of its last commit.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Mapping, Sequence

import orjson

from replay_fetch.cli.archive_option import add_archive, require_folder
from replay_fetch.cli.options import add_output
from replay_fetch.cli.output import require_stdout, say
from replay_fetch.cli.summary import reason_lines
from replay_fetch.cli.watch import Watching, watch
from replay_fetch.errors import SettingsError
from replay_fetch.inspect.shards_state import ShardsState
from replay_fetch.inspect.status import Status, Tally, status, unfinished_csv
from replay_fetch.model import WARNING_WORDS, Outcome, ViewRecord
from replay_fetch.printable import printable
from replay_fetch.progress.units import count, duration, size, some

# A view may lack thousands of segments; the first ones tell where.
_NUMBERS_SHOWN = 8
_WIDTH = 80
_ORDER = [*Outcome, None]
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


def _ordered(found: Status) -> list[tuple[Outcome | None, Tally]]:
    return sorted(found.outcomes.items(), key=lambda pair: _ORDER.index(pair[0]))


def _sums(tally: Tally) -> dict[str, int]:
    return {"views": tally.views, "segments": tally.segments, "bytes": tally.size}


def _events_fields(found: Status) -> dict[str, int]:
    events = found.events
    sessions = {"fetched": events.fetched, "none": events.none, "not_asked": events.unasked}
    return {**sessions, "events": events.events, "bytes": events.size}


def _noted_fields(record: ViewRecord) -> dict[str, object]:
    return {**record.planned.view._asdict(), "segments": record.segments, **record.warnings.fields()}


def _lines(found: Status) -> Iterator[str]:
    yield f"{some(found.total.views, 'view')} in {found.root}"
    # First the views that are not home, each outcome with its reasons: a reader acts upon these.
    for outcome, tally in sorted(_ordered(found), key=lambda pair: pair[0] is not None and pair[0].finished):
        holds = f"{some(tally.segments, 'segment')}, {size(tally.size)}" if tally.size else ""
        yield f"  {outcome or 'not asked':<14}{count(tally.views):>11}  {holds}".rstrip()
        yield from reason_lines(found.reasons[outcome].most_common() if outcome in found.reasons else [])
    sessions = found.whole + found.partial + found.untouched
    kinds = ((found.whole, "whole"), (found.partial, "partial"), (found.untouched, "not begun"))
    told = ", ".join(f"{count(number)} {kind}" for number, kind in kinds if number)
    yield f"{some(sessions, 'session')}: {told}" if told else some(sessions, "session")
    yield from _shards(found)
    if found.erased:
        yield f"{some(found.erased, 'session')} erased: no download brings them back"
    if found.events.asked:
        events = found.events
        stored = f"{some(events.events, 'event')}, {size(events.size)}"
        left = [f"{count(events.none)} without any"] if events.none else []
        left += [f"{count(events.unasked)} not asked for"] if events.unasked else []
        yield f"RUM events of {some(events.fetched, 'session')}: {', '.join([stored, *left])}"
    yield from _run(found)
    if found.run_ended is False and not found.running:
        yield "the last run did not come to its end; these are its figures"
    elif not found.by_ledger and found.run_ended is None:
        yield "there is no ledger: this is what the manifest says, as of the last run's end"
    yield from _noted(found)


def _shards(found: Status) -> Iterator[str]:
    """Yield the line about the shards of an archive: how many are in each state, and whether they are merged."""
    shards = found.shards
    if shards is None:
        return
    states = (
        (shards.ended, "ended"),
        (shards.running, "running"),
        (shards.stopped, "stopped"),
        (shards.not_begun, "not begun"),
    )
    told = ", ".join(f"{count(len(which))} {state}" for which, state in states if which)
    yield f"{some(shards.count, 'shard')}: {told}; {'merged' if shards.merged else 'not merged'}"
    if len(shards.ended) == shards.count and not shards.merged:
        yield f"all shards have ended: replay-fetch merge {found.root}"


def _again(shards: ShardsState, views: int) -> str:
    """Say which shards to run again: an archive's shards read the same list for ever, so no shorter one helps."""
    which = shards.to_run_again
    named = ", ".join(f"{index}/{shards.count}" for index in which[:_NUMBERS_SHOWN])
    more = f" and {len(which) - _NUMBERS_SHOWN} more" if len(which) > _NUMBERS_SHOWN else ""
    run = f"run the same download for --shard {named}{more}"
    return f"{some(views, 'view')} to go: {run}" if views else f"to go on: {run}"


def _noted(found: Status) -> Iterator[str]:
    if found.noted:
        yield f"views to note: {count(found.noted)}"
    for record in found.named:
        yield f"  {record.planned.view}"
        yield from (f"    {remark}" for remark in _remarks(record))
    if found.noted > len(found.named):
        yield f"  and {count(found.noted - len(found.named))} more: see --json"


def _remarks(record: ViewRecord) -> Iterator[str]:
    """Yield the warnings about a view's recording: gaps, repeats, no full snapshot, fewer segments than listed."""
    warnings, words = record.warnings, WARNING_WORDS
    if warnings.gaps:
        yield f"{words['gaps']}: segments {_numbers(warnings.gaps)} never came"
    if warnings.repeats:
        yield f"{words['repeats']}: segments {_numbers(warnings.repeats)} came again"
    if warnings.lacks_full_snapshot:
        yield f"{words['lacks_full_snapshot']} at its start"
    if warnings.segments_expected is not None:
        yield f"{words['segments_expected']}: {some(record.segments, 'segment')} of {warnings.segments_expected}"


def _numbers(numbers: Sequence[int]) -> str:
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
    if found.shards and (found.unfinished or found.shards.not_begun) and not found.running:
        yield _again(found.shards, found.unfinished)
    elif found.unfinished and not found.running:
        yield f"{some(found.unfinished, 'view')} to go: run the same download again, or"
        yield f"  replay-fetch status {found.root} --unfinished | replay-fetch download - {found.root}"


def _ending(report: Mapping[str, object]) -> str:
    seconds = report.get("seconds")
    lasted = f", {duration(seconds)}" if isinstance(seconds, int | float) else ""
    ended = "interrupted" if report.get("interrupted") else "came to its end"
    if report.get("stopped"):
        ended = f"stopped: {printable(str(report['stopped']), 300)}"
    return f"{printable(str(report.get('started')), 40)}{lasted}, {ended}"
