"""The chart of ``scale``: ``python -m benchmarks.chart scale.json scale.svg`` draws it from what was measured before.

It stands in a README, on a light page or a dark one: no ground of its own, and colours that both bear.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.growth import STEPS, Trial
from benchmarks.programs import Price

_INK, _FAINT = "#808890", "#80889055"
_COLOURS = dict(zip(STEPS, ("#2f8fd8", "#e0762c", "#2aa37f", "#b45fc4", "#c9a21a", "#e0566a", "#7a8f3c"), strict=True))
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "replay-fetch",  # the same figures give the same file
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": _FAINT,
    "grid.linewidth": 0.5,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
    "legend.frameon": False,
}
_UNSAID = ("Creator", "Date", "Format", "Type")
_INCHES = (7.2, 3.3)  # of 72 points, which are a browser's pixels here: about as wide as a README


def draw(trials: Sequence[Trial], file: Path) -> None:
    """Cost of a view and peak memory against rows, a line a step."""
    with rc_context(_STYLE):  # type: ignore[arg-type] # its keys are a Literal of hundreds
        figure = Figure(figsize=_INCHES, layout="constrained")
        cost, memory = figure.subplots(1, 2)
        cost.set(title="CPU a view, beyond the start", xscale="log", yscale="log", ylabel="µs")
        memory.set(title="peak memory", xscale="log", ylabel="MB")
        _lines(cost, trials, lambda trial: 1e6 * trial.cpu)
        _lines(memory, trials, lambda trial: trial.whole.peak / 1e6)
        memory.set_ylim(bottom=0)
        figure.legend(*memory.get_legend_handles_labels(), loc="outside lower center", ncols=len(STEPS))
        figure.savefig(file, format="svg", transparent=True, metadata=dict.fromkeys(_UNSAID))


def _lines(axes: Axes, trials: Sequence[Trial], value: Callable[[Trial], float]) -> None:
    for step, colour in _COLOURS.items():
        points = [(trial.rows, value(trial)) for trial in trials if trial.step == step]
        # What a short list costs beyond the start can drown in the noise of starting.
        shown = sorted(point for point in points if point[1] > 0)
        if shown:
            axes.plot(*zip(*shown, strict=True), "o-", color=colour, label=step)
    axes.set_xlabel("rows of the list")
    axes.minorticks_off()
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.10g}"))


def read(file: Path) -> list[Trial]:
    """What ``scale --json`` wrote."""
    measured = json.loads(file.read_bytes())["measurements"]
    return [
        Trial(**{**trial, "started": Price(**trial["started"]), "whole": Price(**trial["whole"])}) for trial in measured
    ]


if __name__ == "__main__":
    draw(read(Path(sys.argv[1])), Path(sys.argv[2]))
