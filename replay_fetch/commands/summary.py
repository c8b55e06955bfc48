"""The last words of a download, and of its rehearsal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import orjson

from replay_fetch.archive import Report
from replay_fetch.model import Noted, Outcome
from replay_fetch.pipeline.job import Rehearsal
from replay_fetch.printable import printable
from replay_fetch.progress.units import asked, count, duration, size, some

_WIDTH = 80
# Reasons of an outcome that are told one by one.
_REASONS = 5
_MEANING = {
    Outcome.FETCHED: "",
    Outcome.EMPTY: "the API answered: nothing there",
    Outcome.MISSING: "the API does not know them (404)",
    Outcome.UNCONFIRMED: "not there, by an answer that is not to be relied on",
    Outcome.FORBIDDEN: "not for these keys (403)",
    Outcome.INCOMPLETE: "not whole; what came is in .partial files",
    Outcome.UNRECOGNISED: "no rule knows the shape; pages are kept under raw/",
    Outcome.FAILED: "attempts spent, or refused; see the manifest",
}


def report_text(report: Report, out: Path) -> str:
    """The report for people, at most 80 columns wide."""
    return "\n".join(_report_lines(report, out))


def report_json(report: Report) -> str:
    """The report for programs, as in ``report.json`` without its lists of points and views."""
    content = report.fields()
    del content["pacing"], content["slowest"]
    return orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS).decode()


def plan_json(rehearsal: Rehearsal) -> str:
    """The plan for programs."""
    plan, totals = rehearsal.plan, rehearsal.totals
    content = {
        "list_name": plan.list_name,
        "rows": plan.rows,
        "views": plan.views,
        "sessions": totals.sessions,
        "duplicates": plan.duplicates,
        "bad_rows": plan.bad_rows,
        "finished": totals.finished,
        "to_do": totals.views - totals.finished,
        "repeated_headers": plan.repeated_headers,
        "bad_row_reasons": plan.reasons,
    }
    return orjson.dumps(content).decode()


def plan_text(rehearsal: Rehearsal) -> str:
    """The plan for people."""
    plan, totals, fetch = rehearsal.plan, rehearsal.totals, rehearsal.settings.fetch
    to_do = totals.views - totals.finished
    lines = [
        f"{some(plan.rows, 'row')} in {rehearsal.plan.list_name}, nothing asked (--dry-run)",
        f"  {'views':<14}{count(plan.views):>11}",
        f"  {'sessions':<14}{count(totals.sessions):>11}",
        f"  {'duplicates':<14}{count(plan.duplicates):>11}",
        f"  {'bad rows':<14}{count(plan.bad_rows):>11}",
        *_headers(plan.repeated_headers),
        f"  {'finished':<14}{count(totals.finished):>11}  in {rehearsal.out} already",
        f"  {'to do':<14}{count(to_do):>11}  at least one request each",
    ]
    if fetch.max_rate and to_do:
        lines.append(f"at --max-rate {fetch.max_rate:g}: {duration(to_do / fetch.max_rate)} or more")
    return "\n".join(lines)


def _headers(repeated: int) -> Iterator[str]:
    if repeated:
        yield f"  {'headers':<14}{count(repeated):>11}  in the middle of the list, passed over"


def _report_lines(report: Report, out: Path) -> Iterator[str]:
    yield f"{some(report.views, 'view')} in {out}"
    for outcome, views in sorted(report.outcomes.items(), key=lambda pair: list(Outcome).index(pair[0])):
        meaning = _MEANING[outcome] or f"{some(report.segments, 'segment')}, {size(report.bytes)}"
        yield f"  {outcome:<14}{count(views):>11}  {meaning}"
        yield from _reasons(report, outcome)
    if report.unasked:
        yield f"  {'not asked':<14}{count(report.unasked):>11}  run the same command again"
    if report.duplicates:
        yield f"  {'duplicates':<14}{count(report.duplicates):>11}  rows that name a view again"
    if report.bad_rows:
        yield f"  {'bad rows':<14}{count(report.bad_rows):>11}  see report.json for the lines"
    if report.noted.views:
        start = f"  {'to note':<14}{count(report.noted.views):>11}  "
        text = f"{start}{', '.join(_noted(report.noted))}: see the manifest"
        yield from _wrapped(text, len(start))
    if report.finished_before:
        yield f"{some(report.finished_before, 'was', 'were')} finished by an earlier run and not asked for again"
    yield (
        f"{asked(report.requests, report.rate_limited, report.retries)}, "
        f"{size(report.wire_bytes)}, {duration(report.seconds)}"
    )
    yield from _advice(report)


def _reasons(report: Report, outcome: Outcome) -> Iterator[str]:
    """Each reason of an outcome on a line of its own; the rarest of many together."""
    reasons = [(str(each["reason"]), int(each["views"])) for each in report.reasons if each["outcome"] == outcome]
    if len(reasons) > _REASONS:
        rest = sum(views for _, views in reasons[_REASONS:])
        reasons = [*reasons[:_REASONS], ("other reasons: see the manifest", rest)]
    for reason, views in reasons:
        start = f"  {'':<14}{count(views):>11}  "
        yield from _wrapped(start + printable(reason), len(start))


def _wrapped(text: str, indent: int) -> list[str]:
    """Lines of a text; a flag or an id stays in one piece, to be copied."""
    return textwrap.wrap(text, _WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)


def _noted(noted: Noted) -> Iterator[str]:
    """What the views lack, in words; only what there is."""
    if noted.gaps:
        yield "gaps"
    if noted.repeats:
        yield "repeats"
    if noted.lacks_full_snapshot:
        yield "no full snapshot"
    if noted.segments_expected:
        yield "fewer than the list says"


def _advice(report: Report) -> Iterator[str]:
    unrecognised = report.outcomes.get(Outcome.UNRECOGNISED, 0)
    if unrecognised:
        yield "unrecognised: `replay-fetch probe SESSION VIEW` tells which paths to try;"
        yield "`replay-fetch decode` then reads the kept pages, without asking the API again"
    if report.nothing_there:
        yield "not one view of the list is there: are the session and the view column"
        yield "exchanged? is --site right, and whose keys are these?"
    if report.interrupted:
        yield "interrupted; run the same command again to go on"
    elif report.unfinished > unrecognised and not report.stopped:
        yield "run the same command again to retry what is not finished"
