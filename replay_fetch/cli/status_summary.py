"""The words of ``status``: an archive's figures for people, and the command to go on with."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from replay_fetch.cli.remarks import remarks
from replay_fetch.cli.summary import reason_lines
from replay_fetch.inspect.shards_state import ShardsState
from replay_fetch.inspect.status import Status, Tally
from replay_fetch.model import Outcome
from replay_fetch.printable import as_argument, printable
from replay_fetch.progress.units import count, duration, few, size, some
from replay_fetch.timestamps import utc

# A view may lack thousands of segments; the first ones tell where.
_NUMBERS_SHOWN = 8
_WIDTH = 80
_ORDER = [*Outcome, None]


def status_text(found: Status) -> str:
    """Format the figures for people, at most 80 columns wide unless a name is longer; views to note come by name."""
    return "\n".join(_lines(found))


def ordered(found: Status) -> list[tuple[Outcome | None, Tally]]:
    """Return the sums of each outcome in the order of the outcomes, of the views not asked for last."""
    return sorted(found.outcomes.items(), key=lambda pair: _ORDER.index(pair[0]))


def _lines(found: Status) -> Iterator[str]:
    yield f"{some(found.total.views, 'view')} in {found.root}"
    # First the views that are not home, each outcome with its reasons: a reader acts upon these.
    for outcome, tally in sorted(ordered(found), key=lambda pair: pair[0] is not None and pair[0].finished):
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
    if not found.by_ledger and found.run_ended is None:
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
    merged = "merged with --partial" if shards.partial else "merged" if shards.merged else "not merged"
    yield f"{some(shards.count, 'shard')}: {told}; {merged}"
    if shards.partial:
        which = "shard" if len(shards.not_ended) == 1 else "shards"
        yield f"the merged manifest is not whole: {which} {_named(shards, shards.not_ended)} had not ended"
    if len(shards.ended) == shards.count and not shards.merged:
        yield f"all shards have ended: replay-fetch merge {as_argument(found.root)}"


def _again(shards: ShardsState, views: int) -> str:
    """Say which shards to run again: an archive's shards read the same list for ever, so no shorter one helps."""
    run = f"run the same download for --shard {_named(shards, shards.to_run_again)}"
    return f"{some(views, 'view')} to go: {run}" if views else f"to go on: {run}"


def _named(shards: ShardsState, which: Sequence[int]) -> str:
    """Name shards as ``--shard`` takes them: ``2/8, 5/8``; of many the first."""
    return few([f"{index}/{shards.count}" for index in which], _NUMBERS_SHOWN)


def _noted(found: Status) -> Iterator[str]:
    if found.noted:
        yield f"views to note: {count(found.noted)}"
    for record in found.named:
        yield f"  {record.planned.view}"
        yield from (f"    {remark}" for remark in remarks(record))
    if found.noted > len(found.named):
        yield f"  and {count(found.noted - len(found.named))} more: see --json"


def _run(found: Status) -> Iterator[str]:
    """Yield the lines about runs: one that is writing now, the last one's end, and the command to go on with."""
    if found.running:
        yield f"running now: {found.running}"
        figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found.progress.items())
        yield from textwrap.wrap(printable(figures, 300), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    # The report is of the last run that ended, so a killed one stands nowhere else.
    killed = found.run_ended is False and not found.running
    if found.last_run and "scrubbed" in found.last_run:
        yield "this is a scrubbed copy; no run made it"
    elif found.last_run:
        yield f"last run{' that ended' if killed else ''}: {_ending(found.last_run)}"
    limiter = printable(str((found.last_run or {}).get("limiter") or ""), 100)
    if limiter and not limiter.startswith("window"):
        yield f"its rate limit: {limiter}"
    if killed:
        wrote = f"; it last wrote at {utc(found.last_wrote_ms)}" if found.last_wrote_ms is not None else ""
        yield f"the last run did not come to its end{wrote}"
    if not found.running:
        yield from _go_on(found, killed=killed)


def _go_on(found: Status, *, killed: bool) -> Iterator[str]:
    """Yield the command that continues, where something is left to be done."""
    if found.shards:
        if found.shards.to_run_again:
            yield _again(found.shards, found.unfinished)
            if found.shards.partial:
                yield f"then merge again: replay-fetch merge {as_argument(found.root)}"
    elif found.unfinished:
        yield f"{some(found.unfinished, 'view')} to go: run the same download again, or"
        out = as_argument(found.root)
        yield f"  replay-fetch status {out} --unfinished | replay-fetch download - {out}"
    elif killed:
        yield "to finish it, run the same command again: no finished view is asked for twice"


def _ending(report: Mapping[str, object]) -> str:
    seconds = report.get("seconds")
    lasted = f", {duration(seconds)}" if isinstance(seconds, int | float) else ""
    ended = "interrupted" if report.get("interrupted") else "came to its end"
    if report.get("stopped"):
        ended = f"stopped: {printable(str(report['stopped']), 300)}"
    started = printable(str(report.get("started")), 40).replace("T", " ").replace("+00:00", " UTC")
    return f"{started}{lasted}, {ended}"
