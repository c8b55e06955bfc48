"""What the counters add up to, and the speed that is read from them."""

from __future__ import annotations

from collections import Counter

import pytest

from replay_fetch.model import Outcome
from replay_fetch.progress import Moment, RunStats, Speed, Speedometer


class Limit:
    def __init__(self, rate_per_s: float | None = None, gate_shut_s: float = 0.0) -> None:
        self.rate_per_s = rate_per_s
        self.gate_shut_s = gate_shut_s


def test_finished_views_are_ended_and_not_troubled() -> None:
    stats = RunStats(views_total=10, finished_before=4)
    stats.views_ended.update([Outcome.FETCHED, Outcome.EMPTY, Outcome.MISSING, Outcome.FAILED, Outcome.INCOMPLETE])
    assert (stats.ended, stats.ended_now, stats.troubled) == (9, 5, 2)


def test_speed_is_that_of_the_last_ten_seconds() -> None:
    stats = RunStats()
    speedometer = Speedometer(stats, started_at=100.0)
    for second in range(1, 101):
        stats.pages += 50 if second <= 50 else 2
        stats.wire_bytes += 1000
        speed = speedometer.read(100.0 + second)
    assert speed == Speed(pages_per_s=2.0, wire_bytes_per_s=1000.0)


def test_speed_follows_from_what_there_is_before_ten_seconds_have_passed() -> None:
    stats = RunStats()
    speedometer = Speedometer(stats, started_at=0.0)
    assert speedometer.read(0.0) == Speed()
    stats.pages = 6
    assert speedometer.read(2.0).pages_per_s == 3.0


def test_speed_over_long_silences_is_not_that_of_an_instant() -> None:
    """Refreshed rarely, the span is longer than the window, never a fraction of it."""
    stats = RunStats()
    speedometer = Speedometer(stats, started_at=0.0)
    for now in (9.0, 30.0, 30.1):
        speedometer.read(now)
        stats.pages += 1
    assert speedometer.read(30.2).pages_per_s < 1


def test_a_speedometer_keeps_a_window_of_samples() -> None:
    speedometer = Speedometer(RunStats(), started_at=0.0)
    for tick in range(5000):
        speedometer.read(tick / 5)
    assert len(speedometer._samples) <= 52


def test_time_left_comes_from_this_run_alone() -> None:
    stats = RunStats(views_total=1000, finished_before=500)
    speedometer = Speedometer(stats, started_at=0.0)
    assert speedometer.read(10.0).time_left is None
    stats.views_ended[Outcome.FETCHED] = 100
    assert speedometer.read(20.0).time_left == pytest.approx(400 * 20 / 100)


@pytest.mark.parametrize(
    ("stats", "speed", "pacer", "words"),
    [
        (RunStats(), Speed(), Limit(), "0/0 views, 0.0 pages/s, 0 B/s"),
        (
            RunStats(
                views_total=8000,
                finished_before=4000,
                views_ended=Counter({Outcome.FETCHED: 158, Outcome.FAILED: 2}),
                rate_limited=3,
            ),
            Speed(9.83, 1_234_567, 123.0),
            Limit(10.0),
            "4,160/8,000 views, 2 failed, 9.8 pages/s, limit 10/s, 1.2 MB/s, 3 429s, 2 min 3 s left",
        ),
        (RunStats(views_total=1), Speed(), Limit(10.0, 3.21), "0/1 views, 0.0 pages/s, paused 3.2 s, 0 B/s"),
    ],
)
def test_a_moment_in_words(stats: RunStats, speed: Speed, pacer: Limit, words: str) -> None:
    assert ", ".join(Moment(stats, speed, pacer).words()) == words
