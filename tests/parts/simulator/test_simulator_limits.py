"""The simulator's rate limits, told the time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.simulator import (
    Algorithm,
    HeaderPolicy,
    LimitHeaderSettings,
    LimitSettings,
    Reset,
    RetryAfter,
)
from replay_fetch.simulator.limits import Quota, Verdict, limit_headers

_YES, _NO = True, False
_WALL = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC


def _accepted(quota: Quota, times: list[float]) -> list[float]:
    verdicts = [(at, quota.ask(at)) for at in times]
    return [at for at, verdict in verdicts if verdict is not None and verdict.accepted]


def test_fixed_windows_begin_at_multiples_of_the_period() -> None:
    quota = Quota(LimitSettings(2, 10), started=7.0)
    assert _accepted(quota, [7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 20.0]) == [7.0, 8.0, 10.0, 11.0, 20.0]


def test_a_token_bucket_fills_at_an_even_rate() -> None:
    quota = Quota(LimitSettings(2, 10, Algorithm.BUCKET), started=0.0)
    assert _accepted(quota, [0.0, 0.0, 0.0, 4.9, 5.0, 9.9, 10.0, 30.0, 30.0, 30.0]) == [0.0, 0.0, 5.0, 10.0, 30.0, 30.0]


@settings(max_examples=50)
@given(
    st.sampled_from(Algorithm),
    st.integers(1, 5),
    st.lists(st.floats(0, 100, allow_nan=False), max_size=60).map(sorted),
)
def test_no_algorithm_accepts_more_than_twice_the_limit_in_a_period(
    algorithm: Algorithm, limit: int, times: list[float]
) -> None:
    accepted = _accepted(Quota(LimitSettings(limit, 10, algorithm), started=0.0), times)
    allowed = limit if algorithm is Algorithm.SLIDING else 2 * limit
    for first in accepted:
        assert sum(first <= at < first + 9.99 for at in accepted) <= allowed


@pytest.mark.parametrize("algorithm", [each for each in Algorithm if each is not Algorithm.COUNTER])
def test_after_the_reset_a_request_is_accepted(algorithm: Algorithm) -> None:
    quota = Quota(LimitSettings(3, 10, algorithm), started=1.0)
    verdicts = [quota.ask(1.0) for _ in range(4)]
    last = verdicts[-1]
    assert last is not None
    assert (last.accepted, last.remaining) == (False, 0)
    again = quota.ask(1.0 + last.reset + 1e-6)
    assert again is not None
    assert again.accepted


def test_a_window_can_begin_with_its_first_request() -> None:
    quota = Quota(LimitSettings(2, 10, Algorithm.FIRST), started=0.0)
    assert _accepted(quota, [7.0, 8.0, 9.0, 16.9, 18.0, 19.0, 20.0]) == [7.0, 8.0, 18.0, 19.0]


def test_a_sliding_counter_gives_back_bit_by_bit_whatever_its_reset_says() -> None:
    """Half through a window half of the one before still counts."""
    quota = Quota(LimitSettings(10, 10, Algorithm.COUNTER), started=0.0)
    assert len(_accepted(quota, [9.0] * 12)) == 10
    verdicts = [quota.ask(15.0) for _ in range(6)]
    assert [verdict is not None and verdict.accepted for verdict in verdicts] == [True] * 5 + [False]
    assert verdicts[-1] is not None
    assert (verdicts[-1].remaining, verdicts[-1].reset) == (0, 5.0)


def test_a_neighbour_spends_from_the_same_window() -> None:
    quota = Quota(LimitSettings(10, 10, neighbour=0.5), started=0.0)
    first = quota.ask(9.0)
    assert first is not None
    assert first.remaining == 10 - 4 - 1
    assert (quota.neighbour_asked, quota.neighbour_accepted) == (4, 4)


def test_the_limit_changes_while_running() -> None:
    quota = Quota(LimitSettings(2, 10, changes=((10.0, 1), (20.0, 3))), started=0.0)
    assert _accepted(quota, [0, 1, 2, 10, 11, 12, 20, 21, 22, 23]) == [0, 1, 10, 20, 21, 22]


def test_without_a_limit_there_is_no_verdict() -> None:
    assert Quota(LimitSettings(), started=0.0).ask(1.0) is None


@pytest.mark.parametrize(
    ("reset", "shown"),
    [
        (Reset.CEIL, "4"),
        (Reset.FLOOR, "3"),
        (Reset.FLOAT, "3.250"),
        (Reset.ZERO, "0"),
        (Reset.PERIOD, "10"),
        (Reset.MISSING, None),
        (Reset.EPOCH, "1700000004"),
        (Reset.GARBAGE, "soon"),
    ],
)
def test_reset_comes_in_every_form(reset: Reset, shown: str | None) -> None:
    headers = limit_headers(Verdict(_YES, 9, 10, 5, 3.25), LimitHeaderSettings(reset=reset), lambda: _WALL, 1)
    assert headers.get("X-RateLimit-Reset") == shown


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        (RetryAfter.NONE, None),
        (RetryAfter.SECONDS, "4"),
        (RetryAfter.DATE, "Tue, 14 Nov 2023 22:13:24 GMT"),
    ],
)
def test_retry_after_comes_in_every_form(form: RetryAfter, shown: str | None) -> None:
    verdict = Verdict(_NO, 9, 10, 0, 3.25)
    headers = limit_headers(verdict, LimitHeaderSettings(retry_after=form), lambda: _WALL, 1)
    assert headers.get("Retry-After") == shown
    accepted = verdict._replace(accepted=True)
    assert "Retry-After" not in limit_headers(accepted, LimitHeaderSettings(retry_after=form), lambda: _WALL, 1)


@pytest.mark.parametrize(
    ("policy", "shown"),
    [
        (HeaderPolicy.ALL, [True, True, True, True]),
        (HeaderPolicy.NONE, [False, False, False, False]),
        (HeaderPolicy.ONLY_429, [False, False, True, True]),
        (HeaderPolicy.SOME, [False, True, False, True]),
    ],
)
def test_the_policy_decides_which_answers_tell_the_limit(policy: HeaderPolicy, shown: list[bool]) -> None:
    verdicts = [Verdict(accepted, 9, 10, 5, 3.25) for accepted in (True, True, False, False)]
    form = LimitHeaderSettings(policy)
    told = [limit_headers(verdict, form, lambda: _WALL, number) for number, verdict in enumerate(verdicts, 1)]
    assert [len(headers) == 5 for headers in told] == shown


def test_a_429_can_say_that_something_remains() -> None:
    form = LimitHeaderSettings(remaining_on_429=9)
    assert limit_headers(Verdict(_NO, 9, 10, 0, 3.25), form, lambda: _WALL, 1)["X-RateLimit-Remaining"] == "9"
