"""Format sessions for the people who read ``replay-fetch show``: a table of many, a timeline of one.

A timeline has a lane of text for each view, all over the time of the whole session.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import log2

from replay_fetch.api.recording import RECORD_TYPES
from replay_fetch.cli.remarks import remarks
from replay_fetch.inspect.events import EventFacts
from replay_fetch.inspect.sessions import ListedSession, Sums
from replay_fetch.inspect.timeline import ShownView, Stretch, all_types
from replay_fetch.printable import as_argument, printable
from replay_fetch.progress.units import count, duration, size, some

# On a narrow terminal a line is broken rather than an address cut to nothing.
_SHORTEST_URL = 12
LEVELS = "▁▂▃▄▅▆▇█"
"""Actions in a column, from one to a hundred and more."""
IDLE, MISSING, ABSENT = "·", "?", " "
LEGEND = (
    f"{LEVELS[1]}{LEVELS[4]}{LEVELS[7]} somebody acts   {IDLE} recorded, nobody acts   {MISSING} a segment is missing"
)


def listing_text(out: str, sums: Sums, sessions: Sequence[ListedSession], width: int) -> str:
    """Format the archive as a sentence, and its sessions as a table; each has a second line with the pages visited.

    Lines are cut to ``width`` columns. Sessions left out are counted in a last line, with the option that shows
    them.
    """
    lines = [_sums(out, sums)]
    if sessions:
        lines += ["", f"{'session':<9}{'start (UTC)':<20}{'length':>12}{'views':>9}{'segments':>11}{'size':>11}"]
    for session in sessions:
        lines.append(
            f"{session.session_id[:8]:<9}{_when(session.start_ms):<20}{duration(session.seconds):>12}"
            f"{count(session.views):>9}{count(session.segments):>11}{size(session.bytes):>11}"
        )
        lines.append(f"  {printable(', '.join(_about(session)), width - 2)}")
    hidden = sums.sessions - len(sessions)
    if hidden:
        older = some(hidden, "older session is", "older sessions are")
        lines += ["", f"{older} not shown: --limit N, or all with --csv or --json"]
    return "\n".join(lines)


def session_text(views: Sequence[ShownView], width: int, events: EventFacts | None = None) -> str:
    """Format a session's timeline: its facts, a lane for each view in order of time, and records by type.

    Where the archive holds the session's RUM events, their figures and the user's name stand behind the facts.
    A view without a recording has a line with its outcome and reason, and no lane.
    """
    spans = [view.span for view in views if view.span]
    lines = [f"session {views[0].record.planned.view.session_id}"]
    if not spans:
        lines.append("no segment of it is stored here")
    over = Stretch(min(s.start_ms for s in spans), max(s.end_ms for s in spans)) if spans else Stretch(0, 0)
    lines += [_session_facts(views, over)] if spans else []
    lines += _events_facts(events, width) if events else []
    lines += ["", _axis(over, width)] if spans else []
    in_time = sorted(views, key=lambda view: view.span.start_ms if view.span else over.end_ms)
    for number, view in enumerate(in_time, start=1):
        lines += _view_lines(number, view, over, width)
    types = all_types(views)
    if types:
        lines += ["", LEGEND, "", "records"]
        lines += [
            f"  {kind:>3}  {RECORD_TYPES.get(kind, 'unknown'):<22}{count(n):>9}" for kind, n in sorted(types.items())
        ]
    return "\n".join(lines)


def _sums(out: str, sums: Sums) -> str:
    parts = [some(sums.sessions, "session"), some(sums.views, "view"), some(sums.segments, "segment")]
    said = f"{out}: {', '.join(parts)}, {size(sums.bytes)}"
    if sums.first_ms is not None:
        said += f", from {_when(sums.first_ms)[:10]} to {_when(sums.last_ms)[:10]}"
    if sums.unfinished:
        said += f"\nnot finished: {some(sums.unfinished, 'view')}, see `replay-fetch status {as_argument(out)}`"
    return said


def _about(session: ListedSession) -> Iterator[str]:
    if session.unfinished:
        yield f"{session.unfinished} unfinished"
    if session.noted:
        yield f"{session.noted} to note"
    yield session.sdk or "no segment of it is stored here"
    yield from (page.removeprefix("https://") for page in dict.fromkeys(session.pages or ()))


def _session_facts(views: Sequence[ShownView], over: Stretch) -> str:
    idle = sum(stretch.seconds for view in views for stretch in view.idle)
    gaps = sum(len(view.gaps) for view in views)
    said = [f"{_when(over.start_ms)} UTC", duration(over.seconds)]
    said += [sdk for sdk in dict.fromkeys(printable(view.sdk, 20) for view in views) if sdk]
    said += [some(len(views), "view"), some(sum(view.record.segments for view in views), "segment")]
    said += [size(sum(view.record.size for view in views))]
    said += [f"idle {duration(idle)}"] if idle else []
    return ", ".join([*said, f"gaps: {gaps}"] if gaps else said)


def _events_facts(events: EventFacts, width: int) -> Iterator[str]:
    """Yield the counts of what readers look for first, failures in front, and the people that the events name."""
    kinds = events.kinds
    requests = some(kinds["resource"], "request")
    requests += f" ({count(events.failed)} failed)" if events.failed else ""
    said = [some(kinds["error"], "error"), requests, some(kinds["action"], "user action")]
    yield f"events: {', '.join(said)}, {some(kinds.total(), 'event')} in all"
    if events.users:
        yield printable(f"user: {', '.join(map(str, events.users))}", width)


def _axis(over: Stretch, width: int) -> str:
    start, end = _when(over.start_ms)[11:], _when(over.end_ms)[11:]
    return f"    {start}{end:>{max(width - 4 - len(start), len(end) + 1)}}"


def _view_lines(number: int, view: ShownView, over: Stretch, width: int) -> Iterator[str]:
    record = view.record
    length = duration(view.span.seconds) if view.span else "-"
    outcome = record.outcome or "not asked"
    head = f"{number:>3} {record.planned.view.view_id[:8]:<8}  {outcome:<13}{length:>12}  "
    text = view.href or record.reason
    yield (head + printable(text, max(width - len(head), _SHORTEST_URL)) if text else head).rstrip()
    for warning in remarks(view.record):
        yield f"    {printable(warning, width - 4)}"
    if view.span:
        yield f"    {lane(view, over, width - 4)}"


def _when(at_ms: int | None) -> str:
    if at_ms is None:
        return "-"
    try:
        return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):
        return str(at_ms)


def lane(view: ShownView, over: Stretch, width: int) -> str:
    """Draw a view as one line of ``width`` columns, from the start of ``over`` to its end.

    A bar's height is the number of actions in its column; a dot is recorded time without one, a question mark a
    gap.
    """
    columns = [ABSENT] * width
    if view.span:
        _fill(columns, view.span, over, IDLE)
    for gap in view.gaps:
        _fill(columns, gap, over, MISSING)
    counts = [0] * width
    for at_ms in view.by_hand:
        counts[_column(at_ms, over, width)] += 1
    return "".join(_level(count) if count else mark for count, mark in zip(counts, columns, strict=True)).rstrip()


def _fill(columns: list[str], stretch: Stretch, over: Stretch, mark: str) -> None:
    first, last = (_column(at_ms, over, len(columns)) for at_ms in stretch)
    if mark == MISSING and last - first > 1:  # its edges were recorded
        first, last = first + 1, last - 1
    columns[first : last + 1] = [mark] * (last + 1 - first)


def _column(at_ms: int, over: Stretch, width: int) -> int:
    whole = max(over.end_ms - over.start_ms, 1)
    # A record may lie outside what its segment claims to cover.
    return min(max((at_ms - over.start_ms) * width // whole, 0), width - 1)


def _level(count: int) -> str:
    # Logarithmic: one click and a hundred keystrokes should both be seen.
    return LEVELS[min(int(log2(count)), len(LEVELS) - 1)]
