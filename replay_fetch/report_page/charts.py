"""The page's charts as inline SVG: text stays text, colours are the page's own; the one place that knows matplotlib."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from math import log10

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from replay_fetch.progress.units import duration, size
from replay_fetch.report_page.run_facts import Pace

WIDE, NARROW, HALF = 7.6, 3.5, 4.0
"""Inches of 100 pixels: for a screen, for a phone, and for either half a screen or a phone."""
_HEIGHT = 2.3
# Colours that stand for the page's variables; no other part of a chart has them.
_INK, _FAINT, _PAGES, _ALLOWED, _LIMITED = "#010101", "#020202", "#030303", "#040404", "#050505"
_VARIABLES = {_INK: "ink", _FAINT: "faint", _PAGES: "pages", _ALLOWED: "allowed", _LIMITED: "limited"}
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "replay-fetch",  # the same run gives the same page
    "figure.dpi": 100,
    "font.size": 8.5,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _FAINT,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _FAINT,
    "grid.linewidth": 0.5,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
_BINS = 24
_LENGTHS = (0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 3 * 3600, 12 * 3600)
_SIZES = tuple(digit * 10.0**power for power in range(1, 13) for digit in (1, 3))
_TICKS = 5
# An allowed rate this many times above what was reached would press the curve to the ground.
_FAR = 2.0


def rate_chart(paces: Sequence[Pace], width: float) -> str:
    """Pages a second and the allowed rate over time, 429s marked at the foot."""
    unit, name = _unit(paces[-1].end)
    edges = [paces[0].start / unit, *(pace.end / unit for pace in paces)]
    highest = max(pace.pages_per_s for pace in paces) or 1.0
    allowed = [min(pace.allowed, 2 * _FAR * highest) if pace.allowed else float("nan") for pace in paces]
    with rc_context(_STYLE):  # type: ignore[arg-type] # its keys are a Literal of hundreds
        figure, axes = _axes(width)
        axes.stairs([pace.pages_per_s for pace in paces], edges, fill=True, color=_PAGES, alpha=0.6, label="pages/s")
        axes.stairs(allowed, edges, color=_ALLOWED, linewidth=1.4, baseline=None, label="allowed requests/s")
        limited = [(pace.start + pace.end) / 2 / unit for pace in paces if pace.rate_limited > 0]
        if limited:
            axes.plot(limited, [0.0] * len(limited), "^", color=_LIMITED, markersize=6, clip_on=False, label="429")
        seen = [rate for rate in allowed if rate <= _FAR * highest]
        axes.set_ylim(0, 1.15 * max([highest, *seen]))
        axes.set_xlim(edges[0], edges[-1])
        axes.set_xlabel(name)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=1.2, handlelength=1.4)
        return _svg(figure)


def lengths_chart(seconds: Sequence[float]) -> str:
    """How many sessions are how long."""
    return _histogram([max(value, 0.1) for value in seconds], _LENGTHS, duration)


def sizes_chart(sizes: Sequence[float]) -> str:
    """How many sessions are how large."""
    return _histogram(sizes, _SIZES, size)


def _histogram(values: Sequence[float], ticks: Sequence[float], words: Callable[[float], str]) -> str:
    edges = _edges(log10(min(values)), log10(max(values)))
    with rc_context(_STYLE):  # type: ignore[arg-type] # as above
        figure, axes = _axes(HALF)
        axes.hist(values, edges, color=_PAGES, alpha=0.8)
        axes.set_xscale("log")
        shown = _few([tick for tick in ticks if edges[0] <= tick <= edges[-1]])
        axes.set_xticks(shown, [re.sub(r"\.0\b| 0 (s|min)$", "", words(tick)) for tick in shown])
        axes.minorticks_off()
        axes.set_ylabel("sessions")
        return _svg(figure)


def _edges(low: float, high: float) -> list[float]:
    """Those of the bins, evenly spaced between two powers of ten and a little outside them."""
    middle, span = (low + high) / 2, 1.01 * max(high - low, 0.3)
    return [10 ** (middle + span * (number / _BINS - 0.5)) for number in range(_BINS + 1)]


def _few(ticks: Sequence[float]) -> Sequence[float]:
    while len(ticks) > _TICKS:
        ticks = ticks[::2]
    return ticks


def _axes(width: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, _HEIGHT), layout="constrained")
    return figure, figure.subplots()


def _unit(seconds: float) -> tuple[float, str]:
    if seconds < 180:  # noqa: PLR2004 - as many ticks as people read in seconds
        return 1.0, "seconds"
    return (60.0, "minutes") if seconds < 3 * 3600 else (3600.0, "hours")


def _svg(figure: Figure) -> str:
    """The figure as an element of the page: no prologue, no ids but those it refers to, no size of its own."""
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", svg)
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', svg, count=1)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg
