"""The circuit breaker's other half: views that fail alike, and faults in words."""

from __future__ import annotations

import logging

import pytest

from replay_fetch.errors import OutageError, ServerError, Unreachable
from replay_fetch.pacing.breaker import BESIDE_A_SUCCESS, IN_A_ROW, CircuitBreaker, State
from replay_fetch.pacing.policy import Sent

ORIGIN = "https://api.test"


def failing(breaker: CircuitBreaker, *kinds: str) -> list[bool]:
    """Whether each of these failures asks for a trial."""
    return [breaker.view_failed(kind) for kind in kinds]


def test_a_trial_is_due_after_fifty_views_that_fail_alike() -> None:
    breaker = CircuitBreaker(patience=600)
    assert failing(breaker, *["failed"] * IN_A_ROW) == [False] * (IN_A_ROW - 1) + [True]


def test_after_a_success_fewer_views_that_fail_alike_are_enough() -> None:
    breaker = CircuitBreaker(patience=600)
    breaker.view_succeeded()
    assert failing(breaker, *["failed"] * BESIDE_A_SUCCESS)[-1]


def test_views_that_fail_in_another_way_begin_the_count_anew() -> None:
    breaker = CircuitBreaker(patience=600)
    assert not any(failing(breaker, *["failed", "forbidden"] * IN_A_ROW))


def test_no_second_trial_begins_while_one_goes_on_and_a_good_one_begins_the_count_anew() -> None:
    breaker = CircuitBreaker(patience=600)
    failing(breaker, *["failed"] * IN_A_ROW)
    breaker.views = State.HALF_OPEN
    assert failing(breaker, "failed") == [False]
    breaker.close()
    assert (breaker.views, breaker.count) == (State.CLOSED, 0)
    assert failing(breaker, "failed") == [False]


def test_a_breaker_shows_both_its_circuits() -> None:
    breaker = CircuitBreaker(patience=600)
    assert "requests closed, views closed" in repr(breaker)
    for second in range(10):
        breaker.fault(float(second), Sent(second, float(second)), suspect=False)
    breaker.views = State.OPEN
    assert "requests open, views open" in repr(breaker)
    breaker.sent(Sent(11, 20.0))
    assert "requests half-open" in repr(breaker)


def test_a_spell_of_faults_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    breaker = CircuitBreaker(patience=600)
    with caplog.at_level(logging.WARNING):
        for second in range(20):
            breaker.note(ServerError("503"), float(second), ORIGIN)
    (said,) = caplog.messages
    assert said == f"nothing has succeeded yet at {ORIGIN}: 503; asking on until --give-up-after"


def test_an_outage_is_explained_by_a_fault_unless_a_request_has_succeeded_since() -> None:
    breaker = CircuitBreaker(patience=600)
    breaker.note(ServerError("503"), 1.0, ORIGIN)
    assert str(breaker.explained(OutageError("dead."))) == "dead. The latest fault: 503"
    breaker.answered(Sent(2, 2.0))
    assert str(breaker.explained(OutageError("dead."))) == "dead."


def test_a_host_that_was_never_reached_ends_the_run_after_a_quarter_of_a_minute() -> None:
    breaker = CircuitBreaker(patience=600)
    breaker.note(Unreachable("no such name"), 0.0, ORIGIN)
    breaker.note(Unreachable("no such name"), 14.0, ORIGIN)
    with pytest.raises(OutageError, match=r"never reached: no such name; look at --site"):
        breaker.note(Unreachable("no such name"), 15.0, ORIGIN)


def test_only_the_first_hundred_views_that_failed_before_are_doubted() -> None:
    breaker = CircuitBreaker(patience=600)
    assert [breaker.doubts() for _ in range(101)] == [True] * 100 + [False]
