"""Watch a run that is going on for ``replay-fetch status --watch``: redrawn on a terminal, else a line at a time."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from replay_fetch.cli.output import say
from replay_fetch.cli.summary import reason_lines
from replay_fetch.inspect.running import Look, look
from replay_fetch.model import Outcome
from replay_fetch.progress.units import count, duration, size, some

# Seconds between two looks: a terminal is looked at by somebody, a pipe is kept.
_ON_SCREEN, _IN_PIPE = 2.0, 10.0
_UP, _CLEAR_BELOW = "\x1b[{}F", "\x1b[J"


@dataclass(frozen=True, slots=True)
class Watching:
    """The archive to watch, and how: the seconds between two looks, the form, and a clock for tests to replace."""

    root: Path
    interval: float | None = None
    """None: two seconds on a terminal, ten in a pipe."""
    as_json: bool = False
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    @property
    def redraws(self) -> bool:
        """Tell whether stdout is a terminal that can take lines back."""
        return not self.as_json and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def watch(watching: Watching) -> bool:
    """Show the run until it has ended, or until the reader of a pipe has gone; False where no run was going on.

    Raises KeyboardInterrupt at Ctrl-C, which ends the watching and not the run.
    """
    seen = look(watching.root, watching.now(), None)
    was_running = seen.running is not None
    interval = watching.interval or (_ON_SCREEN if watching.redraws else _IN_PIPE)
    drawn = 0
    while seen.running is not None:
        text = _text(seen, watching)
        if not say((_UP.format(drawn) + _CLEAR_BELOW if drawn else "") + text):
            # The reader of the pipe is gone, as behind `head`: the run itself goes on.
            break
        drawn = text.count("\n") + 1 if watching.redraws else 0
        watching.sleep(interval)
        seen = look(watching.root, watching.now(), seen)
    return was_running


def _text(seen: Look, watching: Watching) -> str:
    if watching.as_json:
        return orjson.dumps(seen.fields(), option=orjson.OPT_NON_STR_KEYS).decode()
    if not watching.redraws:
        return ", ".join([*_words(seen), str(seen.running)])
    # A line that the terminal folds would take two, and the next drawing would begin one too low.
    width = shutil.get_terminal_size((80, 24)).columns - 1
    return "\n".join(line[:width] for line in _lines(seen))


def _words(seen: Look) -> Iterator[str]:
    """Yield the progress in words as the bar has them: views, unfinished endings, speed, time left."""
    if seen.totals is None:
        yield "the list is being read"
        return
    yield f"{count(seen.totals.finished)}/{count(seen.totals.views)} views"
    ended_badly = seen.totals.views - seen.totals.finished - seen.totals.unasked
    if ended_badly:
        yield f"{count(ended_badly)} unfinished"
    if seen.seconds_left is not None:
        yield f"{duration(seen.seconds_left)} left"
    if seen.pages_per_s is not None and seen.bytes_per_s is not None:
        yield f"{seen.pages_per_s:.1f} pages/s"
        yield f"{size(seen.bytes_per_s)}/s"


def _lines(seen: Look) -> Iterator[str]:
    """Yield the lines of one drawing: progress, outcomes with their reasons, and the process that runs."""
    yield ", ".join(_words(seen))
    totals = seen.totals
    for outcome in sorted(Outcome, key=lambda outcome: outcome.finished):
        if totals is not None and outcome in totals.outcomes:
            yield f"  {outcome:<14}{count(totals.outcomes[outcome]):>11}"
            yield from reason_lines([(each.reason, each.views) for each in seen.reasons if each.outcome == outcome])
    if totals is not None:
        yield f"  {'not asked':<14}{count(totals.unasked):>11}"
        yield f"{some(totals.segments, 'segment')}, {size(totals.size)}"
    yield f"running: {seen.running}; Ctrl-C ends the watching, not the run"
