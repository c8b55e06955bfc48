"""The page's charts as inline SVG: text stays text, colours are the page's own, and nothing is fetched or run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from math import ceil, floor, log10

from replay_fetch.progress.units import duration, size
from replay_fetch.report_page.run_facts import PacingStretch

WIDE, NARROW, HALF = 760, 350, 400
"""Pixels: for a screen, for a phone, and for either half a screen or a phone."""
_HEIGHT = 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 26, 36
_FONT = 11
# About as many marks as an axis bears before its words touch.
_TICKS = 5
_BINS = 24
_LENGTHS = (0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 3 * 3600, 12 * 3600)
_SIZES = tuple(digit * 10.0**power for power in range(1, 13) for digit in (1, 3))
# An allowed rate this many times above what was reached would press the curve to the ground.
_FAR = 2.0


class _Plot:
    """A chart's ground: turns figures into places, in pixels from the upper left, and gathers the elements drawn."""

    def __init__(self, width: int, across: tuple[float, float], highest: float) -> None:
        self._width = width
        self._first, self._last = across
        self._highest = highest
        self._drawn: list[str] = []

    def x(self, value: float) -> float:
        """Tell how far to the right a figure of the horizontal scale lies, in pixels from the left edge."""
        share = (value - self._first) / (self._last - self._first)
        return _LEFT + share * (self._width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Tell how far down a figure of the vertical scale lies, in pixels from the upper edge; the foot is 0."""
        return _HEIGHT - _BOTTOM - value / self._highest * (_HEIGHT - _TOP - _BOTTOM)

    def draw(self, markup: str) -> None:
        """Add an element of SVG, drawn in front of earlier elements; its text is ours, so nothing is escaped."""
        self._drawn.append(markup)

    def path(self, points: Sequence[tuple[float, float]], look: str) -> None:
        """Draw a line through places, given in pixels, with the SVG attributes of ``look``."""
        steps = " ".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(points))
        self.draw(f'<path d="{steps}" {look}/>')

    def words(self, place: tuple[float, float], words: str, anchor: str = "middle") -> None:
        """Write words at a place in pixels; they are ours: figures, units and names of the page."""
        x, y = place
        self.draw(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="var(--ink)">{words}</text>')

    def axes(self, across: Sequence[tuple[float, str]], up: Sequence[float], below: str = "") -> None:
        """Draw both axes: marks with words along the foot, figures up the side with a line across for each."""
        end = self._width - _RIGHT
        for value in up:
            y = self.y(value)
            self.path([(_LEFT, y), (end, y)], 'stroke="var(--faint)" stroke-width="0.7"')
            self.words((_LEFT - 6, y + 4), f"{value:,.10g}", "end")
        for value, words in across:
            x, foot = self.x(value), _HEIGHT - _BOTTOM
            self.path([(x, foot), (x, foot + 4)], 'stroke="var(--faint)"')
            self.words((x, foot + 17), words)
        if below:
            self.words(((_LEFT + end) / 2, _HEIGHT - 4), below)

    def svg(self) -> str:
        """Return the chart as an element of the page; the page decides on the size."""
        inside = "".join(self._drawn)
        # Hidden from screen readers: the figure around it says in words what it shows.
        box = f"0 0 {self._width} {_HEIGHT}"
        return f'<svg viewBox="{box}" aria-hidden="true" font-size="{_FONT}">{inside}</svg>'


def rate_chart(stretches: Sequence[PacingStretch], width: int) -> str:
    """Draw pages a second and the allowed rate over time, with 429s marked at the foot.

    An allowed rate of more than twice the reached one is left out, and the legend says so: drawn, it would press the
    curve to the ground. ``width`` is in pixels.
    """
    unit, name = _unit(stretches[-1].end)
    fastest = max(stretch.pages_per_s for stretch in stretches) or 1.0
    allowed = [at.allowed if at.allowed and at.allowed <= _FAR * fastest else None for at in stretches]
    highest = 1.15 * max([fastest, *filter(None, allowed)])
    start, end = stretches[0].start / unit, stretches[-1].end / unit
    plot = _Plot(width, (start, end), highest)
    plot.axes([(tick, f"{tick:g}") for tick in _even(start, end)], _even(0, highest), name)
    edges = [(plot.x(stretch.start / unit), plot.x(stretch.end / unit)) for stretch in stretches]
    area = [(x, plot.y(stretch.pages_per_s)) for stretch, both in zip(stretches, edges, strict=True) for x in both]
    foot = plot.y(0)
    # Closed at the foot, so that the first and the last stretch are filled as well.
    plot.path([(area[0][0], foot), *area, (area[-1][0], foot)], 'fill="var(--pages)" fill-opacity="0.6"')
    for run in _runs(allowed):
        line = [(x, plot.y(allowed[each] or 0)) for each in run for x in edges[each]]
        plot.path(line, 'fill="none" stroke="var(--allowed)" stroke-width="1.6"')
    limited = [sum(both) / 2 for stretch, both in zip(stretches, edges, strict=True) if stretch.rate_limited > 0]
    for x in limited:
        plot.draw(_mark(x, foot))
    beyond = any(stretch.allowed and stretch.allowed > _FAR * fastest for stretch in stretches)
    _legend(plot, f"allowed requests/s{' (more, where no line is)' if beyond else ''}", limited=bool(limited))
    return plot.svg()


def lengths_chart(seconds: Sequence[float]) -> str:
    """Draw a histogram of the sessions' lengths in seconds; the scale is logarithmic, from a tenth of a second."""
    # A session of a single record lasts 0 s, which has no place on a scale of powers.
    return _histogram([max(value, 0.1) for value in seconds], _LENGTHS, duration)


def sizes_chart(sizes: Sequence[float]) -> str:
    """Draw a histogram of the sessions' sizes in bytes, uncompressed; the scale is logarithmic."""
    return _histogram(sizes, _SIZES, size)


def _histogram(values: Sequence[float], ticks: Sequence[float], words: Callable[[float], str]) -> str:
    """Draw bars of equal width over a scale of powers of ten: sessions of seconds and of hours share one chart."""
    low, high = _bounds(log10(min(values)), log10(max(values)))
    counts = [0] * _BINS
    # The largest value lies on the last edge and belongs to the bin before it.
    for value in values:
        counts[min(int((log10(value) - low) / (high - low) * _BINS), _BINS - 1)] += 1
    plot = _Plot(HALF, (low, high), 1.1 * max(counts))
    shown = _few([tick for tick in ticks if low <= log10(tick) <= high])
    named = [(log10(tick), re.sub(r"\.0\b| 0 (s|min)$", "", words(tick))) for tick in shown]
    plot.axes(named, [tick for tick in _even(0, 1.1 * max(counts)) if tick == int(tick)])
    for number, count in enumerate(counts):
        left, right = (plot.x(low + (high - low) * (number + side) / _BINS) for side in (0, 1))
        if count:
            top = plot.y(count)
            box = f'x="{left:.1f}" y="{top:.1f}" width="{right - left - 0.5:.1f}" height="{plot.y(0) - top:.1f}"'
            plot.draw(f'<rect {box} fill="var(--pages)" fill-opacity="0.8"/>')
    plot.words((_LEFT, _TOP - 10), "sessions", "start")
    return plot.svg()


def _bounds(low: float, high: float) -> tuple[float, float]:
    """Choose where the first bin begins and the last ends: a little outside, and never without a width."""
    middle, half = (low + high) / 2, 1.01 * max(high - low, 0.3) / 2
    return middle - half, middle + half


def _few(ticks: Sequence[float]) -> Sequence[float]:
    while len(ticks) > _TICKS:
        ticks = ticks[::2]
    return ticks


def _even(low: float, high: float) -> list[float]:
    """Choose round figures between two, as many as an axis bears: a step of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / _TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= rough)
    return [round(each * step, 12) for each in range(ceil(low / step), floor(high / step) + 1)]


def _unit(seconds: float) -> tuple[float, str]:
    if seconds < 180:  # noqa: PLR2004 - as many ticks as people read in seconds
        return 1.0, "seconds"
    return (60.0, "minutes") if seconds < 3 * 3600 else (3600.0, "hours")


def _runs(allowed: Sequence[float | None]) -> Iterator[list[int]]:
    """Find runs of neighbours that have a rate; a stretch without any is a gap of the line."""
    run: list[int] = []
    for number, rate in enumerate([*allowed, None]):
        if rate is not None:
            run.append(number)
        elif run:
            yield run
            run = []


def _mark(x: float, foot: float) -> str:
    corners = f"{x:.1f},{foot - 7:.1f} {x - 4:.1f},{foot:.1f} {x + 4:.1f},{foot:.1f}"
    return f'<polygon points="{corners}" fill="var(--limited)"/>'


def _legend(plot: _Plot, allowed: str, *, limited: bool) -> None:
    """Draw the legend above the chart: a sign and a name for each colour; 429s only where there were any."""
    left, y = _LEFT, _TOP - 12
    named = [
        (20, "pages/s", f'<rect x="{left}" y="{y - 8}" width="14" height="8" fill="var(--pages)" fill-opacity="0.6"/>'),
        (131, allowed, f'<path d="M{left + 111} {y - 4}h14" stroke="var(--allowed)" stroke-width="1.6"/>'),
        (86, "429", _mark(left + 76, y)),
    ]
    for place, name, sign in named if limited else named[:2]:
        plot.draw(sign)
        plot.words((left + place, y), name, "start")
