"""Print the transcript of ``replay-fetch transcript``: the actions of a session, in words or as JSON lines.

A text that was masked while it was recorded stays masked; the transcript names the masked places.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from replay_fetch.archive import Entry
from replay_fetch.cli.archive_option import add_archive, on_current_shelf
from replay_fetch.cli.options import add_output
from replay_fetch.cli.output import say, warn
from replay_fetch.inspect.recordings import chosen_views, nothing_to_play, recording_of
from replay_fetch.printable import printable
from replay_fetch.progress.units import count, duration, some
from replay_fetch.replay import Account, Action
from replay_fetch.timestamps import iso

_EPILOG = """\
examples:
  replay-fetch transcript archive/ 1f46e825
  replay-fetch transcript archive/ 1f46e825 --json | jq -r .selector
"""
# Named at the end of a view; --json has no such line, and every selector stands with its action.
_NAMED = 5
# What takes less is shown as a moment.
_SHOWN_MS = 100


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive, the session and a single view; ids may be cut short where only one begins so."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    add_archive(parser)
    parser.add_argument("session", metavar="SESSION", help="the session's id or how that begins")
    parser.add_argument("--view", metavar="ID", help="this view alone")
    add_output(parser, json="each action, on a line of its own,")


@on_current_shelf
def run(options: argparse.Namespace) -> int:
    """Print the actions of each view in order of time; returns 1 where no view has any, else 0.

    A view without a picture is left out with a warning. Raises InputError for an unknown session or view.
    """
    told = 0
    views = chosen_views(options.out, options.session, options.view)
    # As JSON each line names the session itself.
    if not options.json:
        say(f"session {views[0].record.planned.view.session_id}")
    for entry in views:
        reason = nothing_to_play(entry)
        account = Account() if reason else recording_of(options.out, entry).watch()
        reason = reason or nothing_to_play(entry, account)
        if reason:
            warn(reason)
        if account.actions:
            told += 1
            for line in _as_json(entry, account) if options.json else _in_words(entry, account):
                say(line)
    return 0 if told else 1


def _as_json(entry: Entry, account: Account) -> Iterator[str]:
    """Yield each action as a JSON object on one line, with session, view and time, for ``jq`` and the like."""
    session_id, view_id = entry.record.planned.view
    for action in account.actions:
        fields = {
            "session_id": session_id,
            "view_id": view_id,
            "at": iso(action.at_ms),
            "at_ms": action.at_ms,
            "until_ms": action.until_ms,
            **action.fields(),
        }
        yield json.dumps(fields, ensure_ascii=False)


def _in_words(entry: Entry, account: Account) -> Iterator[str]:
    """Yield a view's lines: its facts, an action a line with the time since its start, masked places, odd records."""
    start_ms, end_ms = account.start_ms or 0, account.end_ms or 0
    lasted = duration((end_ms - start_ms) / 1000)
    view = entry.record.planned.view.view_id
    boxes = ", drawn from wireframes" if account.mobile else ""
    yield f"\nview {view}, {iso(start_ms)}, {lasted}, {some(len(account.actions), 'line')}{boxes}"
    for action in account.actions:
        yield f"  {_clock(action.at_ms - start_ms):>10}  {action.kind.value:<13} {_words(action)}"
    if account.deepest:
        yield f"  seen down to {account.deepest:,.0f} px of the page"
    if account.masked:
        places = ", ".join(f"{masked.selector} ({masked.how})" for masked in account.masked[:_NAMED])
        more = f" and {count(len(account.masked) - _NAMED)} more" if len(account.masked) > _NAMED else ""
        yield f"  masked by their attribute: {printable(places, 1000)}{more}"
    if account.notes:
        noted = ", ".join(f"{reason} ({count(times)})" for reason, times in sorted(account.notes.items()))
        yield f"  not used: {noted}"


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
