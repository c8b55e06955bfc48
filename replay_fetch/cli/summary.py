"""Format the last words of a download: the report, and the command to go on with.

``download`` and ``demo`` print the same words. A line is at most 80 columns wide, but a command is never
broken.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from replay_fetch.archive.report import Report
from replay_fetch.model import WARNING_WORDS, Noted, Outcome
from replay_fetch.printable import printable
from replay_fetch.progress.units import asked, count, duration, size, some

if TYPE_CHECKING:
    from replay_fetch.store.location import Location

# As wide as a terminal in doubt, and as logs and mails are read.
_WIDTH = 80
# Reasons of an outcome that are told one by one.
# The rest is in the manifest, a line for each view.
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


def report_text(report: Report, out: Path | Location, again: str = "the same command") -> str:
    """Format the report for people: views by outcome with the reasons, requests, bytes, time, and advice.

    ``again`` is what is to be run again for views that are not finished.
    """
    return "\n".join(_report_lines(report, out, again))


def report_json(report: Report) -> str:
    """Format the report as in ``report.json``, without its lists of points and slowest views."""
    content = report.fields()
    del content["pacing"], content["slowest"]
    return orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS).decode()


def _report_lines(report: Report, out: Path | Location, again: str) -> Iterator[str]:
    yield f"{some(report.views, 'view')} in {out}"
    # The views that are not home, and why, come first: they are what a reader has to act upon.
    yield from _outcome_lines(report, finished=False)
    if report.unasked:
        yield f"  {'not asked':<14}{count(report.unasked):>11}  run {again} again"
    if report.bad_rows:
        yield f"  {'bad rows':<14}{count(report.bad_rows):>11}  see reports/ for the lines"
    yield from _outcome_lines(report, finished=True)
    if report.duplicates:
        yield f"  {'duplicates':<14}{count(report.duplicates):>11}  rows that name a view again"
    if report.erased:
        yield f"  {'erased':<14}{count(report.erased):>11}  rows of sessions that were erased; not asked for"
    if report.noted.views:
        start = f"  {'to note':<14}{count(report.noted.views):>11}  "
        text = f"{start}{', '.join(_noted(report.noted))}: see the manifest"
        yield from _wrapped(text, len(start))
    if report.finished_before:
        yield f"{some(report.finished_before, 'was', 'were')} finished by an earlier run and not asked for again"
    if report.search:
        yield from _search_lines(report.search)
    yield (
        f"{asked(report.requests, report.rate_limited, report.retries)}, "
        f"{size(report.wire_bytes)}, {duration(report.seconds)}"
    )
    yield from events_lines(report.events or {})
    yield from _advice(report, again)


def _search_lines(figures: Mapping[str, int | float]) -> Iterator[str]:
    """Yield what the search took that found the views of a list of sessions; its requests are in no other figure."""
    number = {name: int(value) for name, value in figures.items()}
    requests = asked(number["requests"], number["rate_limited"], number["retries"])
    took = f"{requests}, {size(number['wire_bytes'])}, {duration(figures['seconds'])}"
    yield from _wrapped(f"search: {some(number['views'], 'view')} found in {took}", 2)


def _outcome_lines(report: Report, *, finished: bool) -> Iterator[str]:
    """Yield a line for each outcome, finished or not as asked, and the reasons behind each line."""
    for outcome in Outcome:
        if outcome.finished is finished and outcome in report.outcomes:
            meaning = _MEANING[outcome] or f"{some(report.segments, 'segment')}, {size(report.bytes)}"
            yield f"  {outcome:<14}{count(report.outcomes[outcome]):>11}  {meaning}"
            named = [(str(each["reason"]), int(each["views"])) for each in report.reasons if each["outcome"] == outcome]
            yield from reason_lines(named)


def events_lines(figures: Mapping[str, object]) -> Iterator[str]:
    """Yield the lines about RUM events: sessions by ending, reasons, requests; nothing where none were asked for.

    ``events`` and ``download --events`` print the same words.
    """
    number = {name: value for name, value in figures.items() if isinstance(value, int)}
    if not number.get("sessions"):
        return
    yield f"RUM events of {some(number['sessions'], 'session')}"
    stored = f"{some(number['events'], 'event')}, {size(number['bytes'])}"
    yield f"  {'fetched':<14}{count(number['fetched']):>11}  {stored}"
    if number["none"]:
        yield f"  {'none':<14}{count(number['none']):>11}  no events of these sessions"
    yield from _because(figures["lacking"])
    if number["unfinished"]:
        yield f"  {'unfinished':<14}{count(number['unfinished']):>11}  run the same command again"
        yield from _because(figures["reasons"])
    if number["bad_lines"]:
        yield f"  {'bad lines':<14}{count(number['bad_lines']):>11}  of the export; the log names the first"
    if number["not_asked"]:
        yield f"  {'not asked':<14}{count(number['not_asked']):>11}  run the same command again"
    seconds = figures["seconds"]
    lasted = f", {duration(seconds)}" if isinstance(seconds, int | float) else ""
    if figures["exported"]:
        yield f"read from {figures['exported']}{lasted}"
        return
    requests = asked(number["requests"], number["rate_limited"], number["retries"])
    yield f"{requests}, {size(number['wire_bytes'])}{lasted}"


def _because(reasons: object) -> Iterator[str]:
    """Yield the reasons for which sessions lack events, the most frequent first."""
    known = list(reasons.items())[:_REASONS] if isinstance(reasons, dict) else []
    for reason, sessions in known:
        start = f"  {'':<14}{count(sessions):>11}  "
        yield from _wrapped(start + printable(reason), len(start))


def reason_lines(reasons: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Yield the reasons of an outcome, each on a line with its number of views; past five, the rarest together."""
    if len(reasons) > _REASONS:
        rest = sum(views for _, views in reasons[_REASONS:])
        reasons = [*reasons[:_REASONS], ("other reasons: see the manifest", rest)]
    for reason, views in reasons:
        start = f"  {'':<14}{count(views):>11}  "
        yield from _wrapped(start + printable(reason), len(start))


def _wrapped(text: str, indent: int) -> list[str]:
    """Fold a text into lines; a flag or an id stays in one piece, to be copied."""
    return textwrap.wrap(text, _WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)


def _noted(noted: Noted) -> Iterator[str]:
    """Yield the kinds of lack that some views have, in words; a kind that no view has is left out."""
    return (word for name, word in WARNING_WORDS.items() if getattr(noted, name))


def _advice(report: Report, again: str) -> Iterator[str]:
    """Yield the next steps, where views are unrecognised, none is there, the run was cut short, or some failed."""
    unrecognised = report.outcomes.get(Outcome.UNRECOGNISED, 0)
    if unrecognised:
        yield "unrecognised: `replay-fetch probe SESSION VIEW` tells which paths to try;"
        yield "`replay-fetch decode` then reads the kept pages, without asking the API again"
    if report.nothing_there:
        yield "not one view of the list is there: are the session and the view column"
        yield "exchanged? is --site right, and whose keys are these?"
    if report.interrupted:
        yield f"interrupted; run {again} again to go on"
    elif report.unfinished > unrecognised and not report.stopped:
        yield f"run {again} again to retry what is not finished"


def watch_line(out: Path, session: str) -> str:
    """Format the line that names ``play``; a command too long for the line stands on a line of its own, unbroken."""
    command = as_typed("play", str(out), session)
    line = f"watch one: {command}"
    return line if len(line) <= _WIDTH else f"watch one:\n  {command}"


def as_typed(name: str, *arguments: str, options: Iterable[str] = ()) -> str:
    """Format a command in words that this shell finds, quoted, for pasting; ``options`` stand before the arguments.

    The program of a virtual environment that is not activated is named by path.
    """
    # A folder or an id may begin like an option.
    dashes = ["--"] if any(argument.startswith("-") for argument in arguments) else []
    return " ".join([_program(), name, *map(shlex.quote, options), *dashes, *map(shlex.quote, arguments)])


def _program() -> str:
    """Return the word or words that start this program in the user's shell."""
    if shutil.which("replay-fetch"):
        return "replay-fetch"
    called = Path(sys.argv[0])
    return (
        shlex.quote(str(called)) if called.name == "replay-fetch" else f"{shlex.quote(sys.executable)} -m replay_fetch"
    )
