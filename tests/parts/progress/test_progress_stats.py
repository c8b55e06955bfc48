"""What the counters add up to, and the speed that is read from them."""

from __future__ import annotations

from collections import Counter
from math import inf

import pytest

from replay_fetch.model import Outcome
from replay_fetch.progress.bottleneck import Limit, WorkerCounts
from replay_fetch.progress.snapshot import RunSnapshot
from replay_fetch.progress.stats import RunStats, Speed, Speedometer


class Pace:
    def __init__(self, rate_per_s: float | None = None, gate_shut_s: float = 0.0, limiter: str = "") -> None:
        self.rate_per_s = rate_per_s
        self.gate_shut_s = gate_shut_s
        self.limiter = limiter


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


@pytest.mark.parametrize(
    ("limited_by", "rate", "seconds"),
    [
        (Limit.API, 10.0, 400 * 3 / 10),
        (Limit.MAX_RATE, 5.0, 400 * 3 / 5),
        (Limit.LATENCY, 10.0, 400 * 3 / 8),
        (Limit.DISK, 10.0, 400 * 3 / 8),
        (None, None, 400 * 3 / 8),
        (Limit.API, inf, 400 * 3 / 8),
        (Limit.API, 0.0, 400 * 3 / 8),
    ],
)
def test_time_left_is_what_is_to_ask_at_the_rate_that_is_allowed_or_reached(
    limited_by: Limit | None, rate: float | None, seconds: float
) -> None:
    stats = RunStats(views_total=1000, finished_before=500, requests=300)
    stats.views_ended[Outcome.FETCHED] = 100
    snapshot = RunSnapshot(stats, Speed(requests_per_s=8.0), Pace(rate), 60.0, limited_by=limited_by)
    assert snapshot.time_left == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("workers", "sent", "left"),
    [
        (WorkerCounts(asking=20), 40 * 3 + 20 * 2, 300 - 40 * 3 - 20 * 2),
        (WorkerCounts(in_line=20), 40 * 3 + 20 * 1, 300 - 40 * 3 - 20 * 1),
        (WorkerCounts(in_line=10, asking=6, backing_off=2, handing_over=2), 40 * 3 + 30, 300 - 40 * 3 - 30),
    ],
    ids=["asking", "in line", "some of each"],
)
def test_views_in_work_count_by_the_requests_that_their_workers_have_sent(
    workers: WorkerCounts, sent: int, left: float
) -> None:
    """Views of three requests: a worker in line has sent one of them in the mean, and a worker that asks two."""
    stats = RunStats(views_total=100, requests=sent)
    stats.views_ended[Outcome.FETCHED] = 40
    assert RunSnapshot(stats, Speed(requests_per_s=1.0), Pace(), 60.0, workers).time_left == pytest.approx(left)


def test_workers_that_wait_for_their_first_request_have_done_nothing_of_their_views() -> None:
    """As with 32 workers at a limit of one request a second, and views of one page."""
    stats = RunStats(views_total=100, requests=19)
    stats.views_ended[Outcome.FETCHED] = 18
    workers = WorkerCounts(in_line=31, asking=1)
    assert RunSnapshot(stats, Speed(requests_per_s=1.0), Pace(), 20.0, workers).time_left == pytest.approx(81)


def test_time_left_is_unknown_before_the_first_view_has_ended() -> None:
    assert RunSnapshot(RunStats(views_total=5, requests=9), Speed(requests_per_s=1.0), Pace()).time_left is None


def test_a_shut_gate_does_not_make_the_time_left_endless() -> None:
    """With nothing sent for ten seconds and no rate known, the whole run's own rate counts."""
    stats = RunStats(views_total=20, requests=100)
    stats.views_ended[Outcome.FETCHED] = 10
    assert RunSnapshot(stats, Speed(), Pace(0.0, 30.0), 100.0, limited_by=Limit.API).time_left == pytest.approx(100.0)


SOME = RunStats(
    views_total=8000,
    finished_before=4000,
    views_ended=Counter({Outcome.FETCHED: 158, Outcome.FAILED: 2}),
    rate_limited=3,
    requests=160,
)
FAST = Speed(9.83, 10.0, 1_234_567)
WINDOW = Pace(10.0, limiter="window")
BEGIN = "4,160/8,000 views, 2 failed"
END = "6 min left, 9.8 pages/s, 3 429s, 1.2 MB/s"


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (RunSnapshot(RunStats(), Speed(), Pace()), "0/0 views, 0.0 pages/s, 0 B/s"),
        (RunSnapshot(SOME, FAST, Pace(10.0), 16.0, limited_by=Limit.API), f"{BEGIN}, API limit 10/s, {END}"),
        (
            RunSnapshot(SOME, FAST, Pace(10.0, 32.0), 16.0, limited_by=Limit.API),
            f"{BEGIN}, API limit, paused 32 s, {END}",
        ),
        (RunSnapshot(SOME, FAST, Pace(10.0, 0.2), 16.0, limited_by=Limit.API), f"{BEGIN}, API limit 10/s, {END}"),
        (RunSnapshot(SOME, FAST, WINDOW, 16.0, limited_by=Limit.API), f"{BEGIN}, API window 10/s, {END}"),
        (RunSnapshot(SOME, FAST, WINDOW, 16.0, limited_by=Limit.MAX_RATE), f"{BEGIN}, max-rate 10/s, {END}"),
        (RunSnapshot(SOME, FAST, Pace(99.0), 16.0, limited_by=Limit.LATENCY), f"{BEGIN}, latency, {END}"),
        (RunSnapshot(SOME, FAST, Pace(99.0), 16.0, limited_by=Limit.DISK), f"{BEGIN}, disk, {END}"),
        (RunSnapshot(SOME, FAST, Pace(99.0), 16.0, limited_by=Limit.RETRIES), f"{BEGIN}, retries, {END}"),
        (RunSnapshot(SOME, FAST, Pace(inf), 16.0, limited_by=Limit.API), f"{BEGIN}, API limit, {END}"),
    ],
)
def test_a_run_snapshot_in_words(snapshot: RunSnapshot, words: str) -> None:
    assert ", ".join(snapshot.words()) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(7.0, "7.0 s"), (100, "1 min 40 s"), (119.6, "2 min 0 s"), (384, "6 min"), (3569, "59 min"), (3570, "1 h 0 min")],
)
def test_a_forecast_has_no_more_figures_than_it_is_worth(seconds: float, words: str) -> None:
    stats = RunStats(views_total=2, requests=1)
    stats.views_ended[Outcome.FETCHED] = 1
    snapshot = RunSnapshot(stats, Speed(requests_per_s=1 / seconds), Pace())
    assert f"{words} left" in snapshot.words()
