"""What the benchmark of growing lists runs, and the chart of what it found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import growth
from benchmarks.chart import draw, read
from benchmarks.figures import _of_growth
from benchmarks.growth import STEPS, Growth, Trial
from benchmarks.programs import Price


def paid(cpu: float, peak: float = 50) -> Price:
    return Price(cpu, cpu, int(peak * 1e6))


GROWN = [
    Trial(rows, step, paid(0.5), paid(0.5 + rows * 1e-6, 40 + number), ledger=rows * 100)
    for number, rows in enumerate((10_000, 100_000, 1_000_000))
    for step in STEPS
]


@pytest.mark.parametrize(
    ("wanted", "ran"),
    [
        ({"plan", "resume"}, ["plan", "finish", "download", "download"]),
        ({"empty"}, ["download"]),
        ({"verify"}, ["download", "verify", "status"]),
    ],
)
def test_only_steps_that_lead_to_a_wanted_step_are_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: set[str], ran: list[str]
) -> None:
    commands: list[str] = []

    def price(command: Sequence[str], **_: object) -> Price:
        (tmp_path / "out").mkdir(exist_ok=True)
        commands.append(command[3])
        return paid(1)

    monkeypatch.setattr(growth, "price", price)
    trials = Growth(tmp_path, "http://empty", "http://pages").trials(10, wanted, dict.fromkeys(STEPS, paid(0)))
    assert {trial.step for trial in trials} == wanted
    assert commands == ran


def test_the_chart_is_the_same_whether_drawn_at_once_or_later_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "scale.json").write_text(json.dumps({"measurements": [asdict(trial) for trial in GROWN]}))
    draw(GROWN, tmp_path / "at once.svg")
    draw(read(tmp_path / "scale.json"), tmp_path / "later.svg")
    assert (tmp_path / "at once.svg").read_bytes() == (tmp_path / "later.svg").read_bytes()


def test_the_chart_names_every_step_and_every_unit(tmp_path: Path) -> None:
    draw(GROWN, tmp_path / "scale.svg")
    texts = {element.text for element in ET.parse(tmp_path / "scale.svg").iter("{http://www.w3.org/2000/svg}text")}  # noqa: S314 - ours
    assert {*STEPS, "µs", "MB", "rows of the list", "1,000,000"} <= texts


def test_a_step_that_costs_nothing_beyond_the_start_is_no_point_of_the_chart(tmp_path: Path) -> None:
    """A logarithm has no place for it."""
    draw([*GROWN, Trial(1_000, "plan", paid(0.5), paid(0.4))], tmp_path / "scale.svg")
    assert (tmp_path / "scale.svg").stat().st_size


def test_goals_of_growth_are_of_the_longest_list_and_its_shortest() -> None:
    goals = {goal.what: goal.measured for goal in _of_growth(GROWN, (10_000, 100_000, 1_000_000))}
    assert goals["plan, 1,000,000 rows"] == [1.5]
    assert goals["resume: CPU a view, 1,000,000 rows ÷ 100,000"] == pytest.approx([1.0])
    assert goals["empty: peak memory, 1,000,000 rows less 10,000"] == [2]
