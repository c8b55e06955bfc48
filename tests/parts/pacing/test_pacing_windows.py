"""The parts of the window policy: where windows end, what is left of them, and who else spends."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.model import RateLimit
from replay_fetch.pacing.adaptive import MOST_LIMITS, AdaptivePolicy
from replay_fetch.pacing.policy import Reader, Reading, Sent
from replay_fetch.pacing.window_budget import Budget, Margin, Neighbours
from replay_fetch.pacing.window_clock import WindowClock
from replay_fetch.pacing.window_policy import WindowPolicy


@given(
    phase=st.floats(0, 10),
    gaps=st.lists(st.floats(0.01, 7), min_size=1, max_size=30),
    ways=st.lists(st.tuples(st.floats(0.001, 0.5), st.floats(0.001, 1.5)), min_size=30, max_size=30),
    rounding=st.sampled_from([math.floor, math.ceil, round, float]),
)
def test_the_window_ends_where_the_clock_says_it_may(
    phase: float, gaps: list[float], ways: list[tuple[float, float]], rounding: type[float]
) -> None:
    """Whatever the rounding and the latency, and however many answers are put together.

    That a server rounds to the nearest second shows once a 0 and a whole period were seen; until
    then it is taken for one that cuts off or rounds up, and may be half a second off.
    """
    clock, sent = WindowClock(10.0), 100.0
    if rounding is round:
        for arrived, reset in ((phase + 30.1, 10.0), (phase + 39.9, 0.0)):
            clock.learn(arrived - 0.01, arrived + 0.01, reset)
    for gap, (out, back) in zip(gaps, ways, strict=False):
        sent += gap
        arrived = sent + out
        left = 10 - (arrived - phase) % 10
        clock.learn(sent, arrived + back, float(rounding(left)))
        assert clock._early - 1e-6 <= arrived + left <= clock._late + 1e-6


@pytest.mark.parametrize(("rounding", "back"), [(math.ceil, 0.03), (math.floor, 0.03), (math.ceil, 1.5)])
def test_resets_of_many_answers_show_from_when_requests_count_in_the_next_window(
    rounding: Callable[[float], int], back: float
) -> None:
    """The edge is at 4.2 modulo 10 and the way there takes 50 ms, however long the way back."""
    clock = WindowClock(10.0)
    for number in range(500):
        sent = 0.1037 * number
        counts_from = clock.learn(sent, sent + 0.05 + back, rounding(10 - (sent + 0.05 - 4.2) % 10))
    assert 4.14 <= counts_from % 10 <= 4.18


def test_requests_in_flight_count_as_spent() -> None:
    budget = Budget(100, latest=0)
    budget.learn(3, remaining=97)
    assert budget.last == 100


def test_an_answer_out_of_order_gives_nothing_back() -> None:
    budget = Budget(100, latest=0)
    budget.learn(5, remaining=95)
    assert not budget.learn(4, remaining=96)
    assert budget.last == 100


def test_the_rate_of_neighbours_is_seen_in_remaining() -> None:
    neighbours = Neighbours(span=1.0)
    for second in range(20):
        neighbours.learn(2 * second, float(second), remaining=1000 - 5 * second)
    assert neighbours.rate == pytest.approx(3, abs=0.01)


def test_several_429s_in_one_window_are_one_miss() -> None:
    margin = Margin()
    for _ in range(5):
        margin.miss(limit=100)
    assert margin.of(limit=100) == 1
    margin.window_over()
    margin.window_over()
    assert margin.of(limit=100) == 0.95


def test_the_smallest_limit_leaves_a_request() -> None:
    margin = Margin()
    margin.miss(limit=1)
    assert (margin.of(limit=1), margin.of(limit=2)) == (0, 1)


@pytest.mark.parametrize(
    ("rate_limit", "reading"),
    [
        (RateLimit(limit=100, period=10, remaining=42, reset=3), Reading(100, 10, 42, 3)),
        (RateLimit(limit=100, remaining=42, reset=3), Reading(100, 3, 42, 3)),
        (RateLimit(remaining=42, reset=3), Reading(42, 3, 42, 3)),
        (RateLimit(limit=10, period=10, remaining=42, reset=3), Reading(10, 10, 10, 3)),
        (RateLimit(limit=10, period=10, remaining=4, reset=9000), Reading(10, 10, 4, 10)),
        (RateLimit(limit=100, period=10, reset=3), None),
        (RateLimit(limit=100, period=10, remaining=3), None),
        (RateLimit(retry_after=3), None),
    ],
)
def test_headers_are_completed_or_left_alone(rate_limit: RateLimit, reading: Reading | None) -> None:
    assert Reader().read(rate_limit) == reading


def answer(policy: AdaptivePolicy, now: float, sent: Sent, remaining: int | None, name: str = "") -> None:
    """An accepted answer of a 10/10s window that ends at a multiple of ten."""
    rate_limit = None if remaining is None else RateLimit(10, 10.0, remaining, math.ceil(10 - now % 10), name=name)
    policy.answered(now, sent, rate_limit, accepted=True)


def test_all_limits_that_answers_name_must_allow_a_request() -> None:
    policy = AdaptivePolicy()
    first, second = Sent(1, 0.1), Sent(2, 0.2)
    policy.sent(first)
    policy.sent(second)
    answer(policy, 0.2, first, remaining=9, name="generous")
    assert (policy.ready_at(0.5) or 0) < 5
    answer(policy, 0.3, second, remaining=0, name="spent")
    assert (policy.ready_at(0.5) or 0) >= 9.9
    assert policy.state(0.5).left == 0


def test_a_new_name_with_every_answer_fills_no_memory() -> None:
    """Of too many limits the one unheard of for longest is forgotten, though its window is not over."""
    policy = AdaptivePolicy()
    for number in range(MOST_LIMITS):
        sent = Sent(number + 1, 0.01 * number)
        policy.sent(sent)
        rate_limit = RateLimit(1000, 10.0, 900 if number else 0, 10, name=f"the {number}th")
        policy.answered(sent.at, sent, rate_limit, accepted=True)
    assert (policy.ready_at(0.5) or 0) >= 9.9
    policy.answered(0.5, sent, RateLimit(1000, 10.0, 900, 10, name="one more"), accepted=True)
    assert (policy.ready_at(0.5) or 0) < 1


def test_when_headers_stop_the_limit_is_forgotten() -> None:
    policy = AdaptivePolicy()
    policy.sent(Sent(1, 0.1))
    answer(policy, 0.2, Sent(1, 0.1), remaining=9)
    assert policy.state(0.2).mode == "window"
    for number in range(2, 40):
        policy.sent(Sent(number, float(number)))
        answer(policy, number + 0.1, Sent(number, float(number)), remaining=None)
    assert policy.state(40.0).mode == "hold"
    assert policy.state(40.0).rate == pytest.approx(1, rel=0.1)


def test_a_429_with_budget_left_pauses_for_a_moment_only() -> None:
    policy = WindowPolicy(10.0, Sent(1, 0.0))
    policy.answered(0.1, Sent(1, 0.0), Reading(100, 10, 60, 9), accepted=True)
    policy.answered(0.2, Sent(1, 0.0), Reading(100, 10, 58, 9), accepted=False)
    assert policy.ready_at(0.2) == pytest.approx(1.2)
