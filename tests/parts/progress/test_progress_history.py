"""A run over time: few points, evenly spaced, and the last one always there."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.progress.history import History
from replay_fetch.progress.snapshot import RunSnapshot
from replay_fetch.progress.stats import RunStats, Speed


class Pace:
    rate_per_s: float | None = 10.0
    gate_shut_s = 0.0
    limiter = ""


def course(times: Iterable[float], room: int = 500) -> History:
    course = History(room)
    for time in times:
        course.refresh(RunSnapshot(RunStats(pages=int(time)), Speed(), Pace(), time))
    return course


def test_every_second_is_a_point() -> None:
    points = list(course(range(1, 10)))
    assert [(point.time, point.pages, point.rate) for point in points] == [(n, n, 10.0) for n in range(1, 10)]


@settings(max_examples=30)
@given(st.integers(1, 20_000), st.integers(4, 60))
def test_a_run_of_any_length_leaves_few_points_evenly_spaced(seconds: int, room: int) -> None:
    times = [point.time for point in course(range(1, seconds + 1), room)]
    assert len(times) <= room
    assert times[0] == 1
    assert times[-1] == seconds
    steps = {after - before for before, after in pairwise(times[:-1])}
    assert len(steps) <= 1


def test_timers_that_drift_leave_no_holes() -> None:
    drifting = [0.999 * second + (0.03 if second % 2 else 0.0) for second in range(1, 400)]
    assert len(list(course(drifting))) == 399


def test_the_last_snapshot_is_kept_though_no_point_is_due() -> None:
    kept = course([1.0, 2.0])
    kept.close(RunSnapshot(RunStats(pages=7), Speed(), Pace(), 2.1))
    assert [point.time for point in kept] == [1.0, 2.0, 2.1]
