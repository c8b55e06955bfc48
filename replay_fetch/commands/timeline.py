"""A view on a line of text: when it was recorded, when somebody did something, what is missing."""

from __future__ import annotations

from math import log2

from replay_fetch.inspect.timeline import ShownView, Stretch

LEVELS = "▁▂▃▄▅▆▇█"
"""Actions in a column, from one to a hundred and more."""
IDLE, MISSING, ABSENT = "·", "?", " "
LEGEND = (
    f"{LEVELS[1]}{LEVELS[4]}{LEVELS[7]} somebody acts   {IDLE} recorded, nobody acts   {MISSING} a segment is missing"
)


def lane(view: ShownView, over: Stretch, width: int) -> str:
    """``width`` columns from the start of ``over`` to its end."""
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
    return LEVELS[min(int(log2(count)), len(LEVELS) - 1)]
