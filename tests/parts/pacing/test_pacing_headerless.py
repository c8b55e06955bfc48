"""The parts of the blind policy: the gate, the rhythm of its openings, and the allowance of silent windows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.model import RateLimit
from replay_fetch.pacing.headerless import HeaderlessPolicy
from replay_fetch.pacing.inferred_window import InferredQuota
from replay_fetch.pacing.pace import SlowCubic, SlowStart
from replay_fetch.pacing.policy import Sent
from replay_fetch.pacing.rejection_episode import ProbeGate, RejectionEpisode
from replay_fetch.pacing.window_detector import PERIODS, Interval, WindowDetector


def test_slow_start_doubles_each_second_while_the_pace_is_the_limit() -> None:
    search = SlowStart(0.0, rate=5.0)
    search.advance(1.0, paced=True)
    search.advance(3.0, paced=False)
    search.advance(4.0, paced=True)
    assert search.rate == pytest.approx(20)


def test_the_cubic_holds_what_was_measured_and_then_looks_for_more() -> None:
    curve = SlowCubic(0.0, measured=10.0)
    rates = {}
    for second in range(60):
        curve.advance(float(second), paced=True)
        rates[second] = curve.rate
    assert all(9.95 <= rates[second] <= 10.05 for second in range(7, 23))
    assert rates[59] > 15


def test_probes_go_through_the_gate_one_at_a_time() -> None:
    gate = ProbeGate(now=10.0)
    assert gate.ready_at(10.0) == 10.5
    gate.sent(Sent(7, 10.5))
    assert gate.ready_at(11.0) is None
    gate.rejected(10.6, Sent(6, 9.9))
    assert gate.ready_at(11.0) is None
    gate.rejected(10.6, Sent(7, 10.5))
    assert gate.ready_at(10.6) == pytest.approx(11.1)


def test_a_lost_probe_makes_room_for_the_next() -> None:
    gate = ProbeGate(now=10.0)
    gate.sent(Sent(7, 10.5))
    gate.lost(12.0, Sent(7, 10.5))
    assert gate.ready_at(12.0) == 12.0


def test_retry_after_outranks_every_guess() -> None:
    assert ProbeGate(now=10.0, look_at=11.0, retry_after=30.0).ready_at(10.0) == 40.0


def test_429s_of_one_cause_shut_the_gate_once() -> None:
    """Ten requests are under way when the limit is reached; their 429s come before and after the opening."""
    policy = HeaderlessPolicy(0.0)
    requests = [Sent(number, number / 10) for number in range(1, 21)]
    for sent in requests:
        policy.sent(sent)
    for sent in requests[:10]:
        policy.answered(sent.at + 0.5, sent, None, accepted=True)
    policy.answered(2.1, requests[10], None, accepted=False)
    probe = Sent(21, 2.6)
    policy.sent(probe)
    policy.answered(2.7, probe, None, accepted=True)
    assert policy.state(2.7).mode == "hold"
    for sent in requests[11:]:
        policy.answered(2.8, sent, None, accepted=False)
    assert policy.state(2.8).mode == "hold"


@given(
    period=st.sampled_from([period for period in PERIODS if period >= 10]),
    phase=st.floats(0, 10),
    widths=st.lists(st.floats(0.01, 0.04), min_size=4, max_size=6),
)
def test_openings_in_step_show_the_period(period: int, phase: float, widths: list[float]) -> None:
    rhythm = WindowDetector()
    for window, width in enumerate(widths):
        edge = phase + window * period
        rhythm.opened(Interval(edge - width * period / 3, edge + width * period / 2))
    assert rhythm.period == period
    next_edge = rhythm.edge_after(edge + period / 2)
    assert next_edge is not None
    assert next_edge.early <= edge + period <= next_edge.late + 1e-6


def test_openings_out_of_step_show_none() -> None:
    rhythm = WindowDetector()
    for opened in (3.1, 14.7, 40.2, 44.9, 71.3, 99.8):
        rhythm.opened(Interval(opened - 0.3, opened))
    assert rhythm.period is None


def test_a_full_window_says_what_the_next_may_take() -> None:
    allowance = InferredQuota(takes=99, period=10)
    allowance.ran_out(took=100, rejected=2, blur=0)
    assert allowance.requests == 100
    windows = 0
    while allowance.requests == 100:
        allowance.window_over(used=100)
        windows += 1
    assert windows * 100 >= 200
    assert allowance.requests == 102


@pytest.mark.parametrize(("takes", "attempt", "windows"), [(25, 26, 5), (100, 102, 3), (400, 404, 2)])
def test_a_larger_quota_asks_for_more_but_not_in_proportion(takes: int, attempt: int, windows: int) -> None:
    """Else of several copies the largest grows and the others starve."""
    allowance, passed = InferredQuota(takes=takes, period=10), 0
    allowance.ran_out(took=takes, rejected=2, blur=0)
    while allowance.requests == takes:
        allowance.window_over(used=takes)
        passed += 1
    assert (allowance.requests, passed) == (attempt, windows)


def test_a_window_that_others_ran_out_is_partly_yielded() -> None:
    allowance = InferredQuota(takes=100, period=10)
    allowance.ran_out(took=60, rejected=2, blur=0)
    assert allowance.requests == 54


@pytest.mark.parametrize(
    ("episode", "stretch"),
    [
        (RejectionEpisode(shut_at=27, noticed_at=30, opened_at=30, before=20), (20, 30)),
        (RejectionEpisode(shut_at=127, noticed_at=130, opened_at=130, before=20), (120, 130)),
        (RejectionEpisode(shut_at=30, noticed_at=30.5, opened_at=30.5, before=5), (20, 30)),
        (RejectionEpisode(shut_at=4, noticed_at=4.5, opened_at=4.5), (0, 4)),
        (RejectionEpisode(shut_at=17, noticed_at=17.5, opened_at=17.5, before=15, older=2), (2, 17)),
    ],
    ids=["window", "mostly unused", "bucket", "first", "shut in it"],
)
def test_accepted_requests_are_counted_where_the_limit_was_reached(
    episode: RejectionEpisode, stretch: tuple[float, float]
) -> None:
    assert episode.stretch(first=0) == stretch


def test_a_429_before_anything_was_accepted_says_nothing_of_the_rate() -> None:
    policy = HeaderlessPolicy(0.0)
    policy.sent(Sent(1, 0.0))
    policy.answered(0.1, Sent(1, 0.0), RateLimit(retry_after=2.0), accepted=False)
    assert policy.ready_at(0.1) == pytest.approx(2.1)
    policy.sent(Sent(2, 2.1))
    policy.answered(2.3, Sent(2, 2.1), None, accepted=True)
    assert policy.state(2.3).rate == 5
