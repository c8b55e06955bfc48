"""Print the transcript of ``replay-fetch transcript``: the actions of a session, in words or as JSON lines.

Where the archive holds the session's RUM events, errors, requests and user actions stand between. A text that was
masked while it was recorded stays masked; the transcript names the masked places.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from replay_fetch.archive.manifest import Entry
from replay_fetch.cli.archive_option import add_archive, add_session, on_current_shelf
from replay_fetch.cli.options import add_output
from replay_fetch.cli.output import for_terminal, require_stdout, say, warn
from replay_fetch.inspect.recordings import chosen_views, nothing_to_play, recording_of
from replay_fetch.player.rum_events import ListedEvent, stored_rum_events
from replay_fetch.printable import printable
from replay_fetch.progress.units import count, duration, some
from replay_fetch.replay.account import Account, Action, ActionKind
from replay_fetch.timestamps import iso

_EPILOG = """\
examples:
  replay-fetch transcript archive/ 1f46e825
  replay-fetch transcript archive/ 1f46e825 --json | jq -r .selector

exit codes: 0 what can be told was printed; views without words are named on
stderr; 1 there is none; 2 no session or view begins so, or several do; 3 the
archive cannot be read, or stdout is closed
"""
# Named at the end of a view; --json has no such line, and every selector stands with its action.
_NAMED = 5
# An action that takes less is shown as a moment.
_SHOWN_MS = 100
# Columns in front of the words of a line: its time and its kind.
_BEFORE_WORDS = 28


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, the session and a single view; ids may be cut short where only one begins so."""
    parser.epilog = _EPILOG
    add_archive(parser)
    add_session(parser)
    parser.add_argument("--no-events", action="store_true", help="the recording alone, without stored RUM events")
    add_output(parser, json="each action, on a line of its own,")


class _Line(NamedTuple):
    """A line of a view: an action of the recording, or a RUM event; times are milliseconds since 1970."""

    at_ms: int
    kind: str
    words: str
    fields: Mapping[str, object]


@on_current_shelf
def run(options: argparse.Namespace) -> int:
    """Print the actions of each view in order of time; returns 1 where no view has any, else 0.

    A view without a picture is left out with a warning, but for its RUM events. Raises InputError for an unknown
    session or view.
    """
    require_stdout("the transcript")
    told = 0
    views = chosen_views(options.out, options.session, options.view)
    session_id = views[0].record.planned.view.session_id
    events = [] if options.no_events else stored_rum_events(options.out, session_id)
    # As JSON each line names the session itself.
    if not options.json:
        say(f"session {session_id}")
    for entry in views:
        reason = nothing_to_play(entry)
        account = Account() if reason else recording_of(options.out, entry).watch()
        reason = reason or nothing_to_play(entry, account)
        if reason:
            warn(reason)
        lines = _lines(entry, account, events)
        if lines:
            told += 1
            for line in _as_json(entry, lines) if options.json else _in_words(entry, account, lines):
                say(line)
    return 0 if told else 1


def _lines(entry: Entry, account: Account, events: Sequence[ListedEvent]) -> list[_Line]:
    """Put a view's actions and those events of it that tell something into the order of their times."""
    view_id = entry.record.planned.view.view_id
    lines = [
        _Line(action.at_ms, action.kind.value, _words(action), {"until_ms": action.until_ms, **action.fields()})
        for action in account.actions
    ]
    lines += [_of_event(event) for event in events if event.view_id == view_id and event.telling]
    return sorted(lines, key=lambda line: line.at_ms)  # stable: of one millisecond, the recording comes first


def _of_event(event: ListedEvent) -> _Line:
    """Make the line of an event; its fields are those of an action, empty where an event has none, and two more."""
    action = Action(event.at_ms, ActionKind.PAGE, event.text, by="event").fields()
    detail = {"detail": event.detail or None, "failed": event.failed}
    words = f"{event.text} ({event.detail})" if event.detail else event.text
    return _Line(event.at_ms, event.kind, words, {"until_ms": None, **action, "kind": event.kind, **detail})


def _as_json(entry: Entry, lines: Sequence[_Line]) -> Iterator[str]:
    """Yield each line as a JSON object, with session, view and time, for ``jq`` and the like."""
    session_id, view_id = entry.record.planned.view
    for line in lines:
        at = {"session_id": session_id, "view_id": view_id, "at": iso(line.at_ms), "at_ms": line.at_ms}
        yield json.dumps({**at, **line.fields}, ensure_ascii=False)


def _in_words(entry: Entry, account: Account, lines: Sequence[_Line]) -> Iterator[str]:
    """Yield a view's lines: its facts, an action a line with the time since its start, masked places, odd records."""
    # A view without a picture begins with its first event.
    start_ms = lines[0].at_ms if account.start_ms is None else account.start_ms
    end_ms = lines[-1].at_ms if account.end_ms is None else account.end_ms
    lasted = duration((end_ms - start_ms) / 1000)
    view = entry.record.planned.view.view_id
    boxes = ", drawn from wireframes" if account.mobile else ""
    yield ""
    yield for_terminal(f"view {view}, {iso(start_ms)}, {lasted}, {some(len(lines), 'line')}{boxes}", 2)
    for line in lines:
        yield for_terminal(f"  {_clock(line.at_ms - start_ms):>10}  {line.kind:<13} {line.words}", _BEFORE_WORDS)
    if account.deepest:
        yield f"  seen down to {account.deepest:,.0f} px of the page"
    if account.masked:
        places = ", ".join(f"{masked.selector} ({masked.how})" for masked in account.masked[:_NAMED])
        more = f" and {count(len(account.masked) - _NAMED)} more" if len(account.masked) > _NAMED else ""
        yield for_terminal(f"  masked by their attribute: {printable(places, 1000)}{more}", 4)
    if account.notes:
        noted = ", ".join(f"{reason} ({count(times)})" for reason, times in sorted(account.notes.items()))
        yield for_terminal(f"  not used: {noted}", 4)


def _words(action: Action) -> str:
    """Format one action: its text, the value typed or reached, and how long it took, from a tenth of a second."""
    said = action.text
    if action.kind.value in {"input", "scroll", "page", "resize"} and action.value is not None:
        said += f" = {json.dumps(action.value, ensure_ascii=False)}" if action.kind.value == "input" else ""
        said += f" to {action.value} px" if action.kind.value == "scroll" else ""
        said += f" ({action.value})" if action.kind.value in {"page", "resize"} else ""
    if action.until_ms is not None and action.until_ms - action.at_ms >= _SHOWN_MS:
        said += f", {duration((action.until_ms - action.at_ms) / 1000)}"
    return said


def _clock(milliseconds: int) -> str:
    """Format milliseconds since a view's start as a clock shows them: ``1:02:03.4``, without the hours below one."""
    tenths = max(milliseconds, 0) // 100
    seconds, tenth = divmod(tenths, 10)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}.{tenth}" if hours else f"{minute}:{second:02}.{tenth}"
