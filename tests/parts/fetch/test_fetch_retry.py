from __future__ import annotations

import random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.errors import GaveUp, RateLimited, ServerError
from replay_fetch.fetch.retry import MOST_REFUSALS, Attempts, RetryQuota, backoff
from replay_fetch.pacing import Health

NEVER = float("-inf")


def attempts(retries: int = 3, quota: RetryQuota | None = None) -> Attempts:
    return Attempts(retries, quota or RetryQuota(), random.Random(1))  # noqa: S311 - jitter, not a secret


def fails(page: Attempts, at: float, *, answered_at: float = NEVER, outage: bool = False) -> float:
    return page.failed(ServerError("503"), Health(now=at, outage=outage, answered_at=answered_at))


@given(failures=st.integers(1, 2000), seed=st.integers())
def test_a_backoff_stays_in_its_range(failures: int, seed: int) -> None:
    seconds = backoff(failures, random.Random(seed))  # noqa: S311 - jitter, not a secret
    assert 0 <= seconds <= min(60, 0.5 * 2 ** min(failures - 1, 10))


def test_eight_retries_outlast_a_restart() -> None:
    rng = random.Random(1)  # noqa: S311 - jitter, not a secret
    totals = [sum(backoff(failures, rng) for failures in range(1, 9)) for _ in range(200)]
    assert 45 <= mean(totals) <= 75


def test_a_page_is_given_up_when_its_retries_are_spent() -> None:
    page = attempts(retries=3)
    for second in range(3):
        fails(page, second)
    with pytest.raises(GaveUp, match=r"503 .*4 attempts"):
        fails(page, 3)


def test_a_page_that_is_not_to_be_asked_for_again_had_one_attempt() -> None:
    with pytest.raises(GaveUp, match=r"^503 \(after 1 attempt\)$"):
        fails(attempts(retries=0), 0)


def test_failures_in_an_outage_spend_nothing_and_wait_at_its_gate() -> None:
    page = attempts(retries=1)
    fails(page, 0)
    assert [fails(page, second, outage=True) for second in range(1, 20)] == [0.0] * 19
    fails(page, 20)
    with pytest.raises(GaveUp):
        fails(page, 21)


def test_a_page_that_fails_while_others_are_answered_spends_its_attempts_in_an_outage_too() -> None:
    page = attempts(retries=2)
    fails(page, 0)
    assert not page.suspect
    fails(page, 2, answered_at=1)
    assert page.suspect
    with pytest.raises(GaveUp):
        fails(page, 3, outage=True, answered_at=1)


def test_an_answer_that_was_on_its_way_before_the_failure_proves_nothing() -> None:
    page = attempts()
    fails(page, 5)
    fails(page, 6, answered_at=4.9)
    assert not page.suspect


def test_a_page_that_meets_429s_while_others_are_answered_is_given_up() -> None:
    page = attempts(retries=0)
    for second in range(MOST_REFUSALS):
        page.refused(RateLimited(), Health(now=second, outage=False, answered_at=second - 0.5))
    with pytest.raises(GaveUp, match=r"^rate limited \(429\) \(again and again, while other pages were answered\)$"):
        page.refused(RateLimited(), Health(now=MOST_REFUSALS, outage=False, answered_at=MOST_REFUSALS - 0.5))


def test_429s_that_all_pages_meet_give_no_page_up() -> None:
    page = attempts(retries=0)
    for second in range(10 * MOST_REFUSALS):
        page.refused(RateLimited(), Health(now=second, outage=False, answered_at=0.5))
    assert page.spent == 0


def test_an_empty_quota_slows_retries_down_and_fails_nothing() -> None:
    quota = RetryQuota()
    while quota.spend():
        pass
    assert 30 <= fails(attempts(quota=quota), 0) <= 60


def test_each_answer_earns_one_quick_retry_back() -> None:
    quota = RetryQuota()
    while quota.spend():
        pass
    quota.earn()
    assert (quota.spend(), quota.spend()) == (True, False)


def test_no_more_quick_retries_are_earned_than_a_run_begins_with() -> None:
    quota = RetryQuota()
    quota.earn()
    assert sum(quota.spend() for _ in range(1000)) == RetryQuota.ROOM


@pytest.mark.parametrize(("failing", "waits"), [(0.05, False), (0.25, False), (0.45, False), (0.75, True)])
def test_only_a_server_that_fails_most_requests_makes_pages_wait_the_longest_backoff(
    failing: float,
    waits: bool,  # noqa: FBT001 - from the table
) -> None:
    quota, rng = RetryQuota(), random.Random(1)  # noqa: S311 - drawn faults, not a secret
    refused = 0
    for _ in range(4000):
        if rng.random() < failing:
            refused += not quota.spend()
        else:
            quota.earn()
    assert (refused > 0) is waits
