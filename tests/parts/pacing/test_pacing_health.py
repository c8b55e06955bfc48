"""The outage gate and the concurrency brake."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import pytest

from replay_fetch.pacing.breaker import CircuitBreaker
from replay_fetch.pacing.concurrency import Concurrency
from replay_fetch.pacing.policy import Sent


def dead(outage: CircuitBreaker, start: float, faults: int) -> None:
    """That many faults, one a second."""
    for second in range(faults):
        sent = Sent(second + 1, start + second)
        outage.sent(sent)
        outage.fault(start + second + 0.5, sent, suspect=False)


def test_faults_alone_for_a_while_shut_the_gate() -> None:
    outage = CircuitBreaker(patience=600)
    dead(outage, 0, faults=9)
    assert not outage.is_open
    dead(outage, 9, faults=1)
    assert outage.is_open
    assert outage.probe_at == 10.5


def test_faults_of_suspect_pages_are_no_outage() -> None:
    outage = CircuitBreaker(patience=600)
    for second in range(100):
        outage.fault(float(second), Sent(second, float(second)), suspect=True)
    assert not outage.is_open
    assert not outage.hopeless


def test_any_answer_opens_the_gate() -> None:
    outage = CircuitBreaker(patience=600)
    dead(outage, 0, faults=12)
    outage.answered(Sent(13, 20.0))
    assert not outage.is_open
    assert outage.probe_at == -math.inf


def test_probes_come_one_at_a_time_and_ever_further_apart() -> None:
    outage = CircuitBreaker(patience=1e9)
    dead(outage, 0, faults=10)
    now, gaps = 9.5, []
    for number in range(11, 22):
        ready = outage.probe_at
        gaps.append(ready - now)
        probe = Sent(number, ready)
        outage.sent(probe)
        assert outage.probe_at == math.inf
        now = ready
        outage.fault(now, probe, suspect=False)
    assert gaps[-1] == 60
    assert gaps == sorted(gaps)


def test_a_cancelled_probe_makes_room_for_another() -> None:
    outage = CircuitBreaker(patience=600)
    dead(outage, 0, faults=10)
    probe = Sent(11, 20.0)
    outage.sent(probe)
    outage.lost(21, probe)
    assert 21 < outage.probe_at < 60


def test_a_single_fault_after_an_idle_hour_is_not_a_dead_api() -> None:
    outage = CircuitBreaker(patience=600)
    outage.answered(Sent(1, 0.0))
    outage.fault(3600, Sent(2, 3599.0), suspect=False)
    assert not outage.hopeless


def test_an_idle_hour_between_two_faults_is_not_a_dead_api() -> None:
    """The first of them may lie as far back as it likes: nobody asked meanwhile."""
    outage = CircuitBreaker(patience=600)
    outage.fault(1, Sent(1, 0.0), suspect=False)
    outage.fault(3601, Sent(2, 3600.0), suspect=False)
    assert not outage.hopeless
    outage.fault(3631, Sent(3, 3630.0), suspect=False)
    assert outage.lasted == 30


def test_an_hour_in_line_between_two_429s_is_no_outage() -> None:
    """It was waited by the API's own order."""
    outage = CircuitBreaker(patience=600)
    outage.limited(1, Sent(1, 0.0))
    outage.limited(3602, Sent(2, 3601.0), waited=3600.0)
    assert not outage.hopeless


def test_only_time_from_fault_to_fault_is_an_outage() -> None:
    """A 429 between them shows that the API lived, and the hour behind it was ordered."""
    outage = CircuitBreaker(patience=600)
    outage.fault(1, Sent(1, 0.0), suspect=False)
    outage.limited(11, Sent(2, 10.0), waited=9.0)
    outage.fault(3612, Sent(3, 3611.0), waited=3600.0, suspect=False)
    assert outage.lasted == 0
    outage.fault(3672, Sent(4, 3671.0), suspect=False)
    assert outage.lasted == 60


@pytest.mark.parametrize("pause", [0.5, 30, 60])
def test_pauses_between_the_attempts_of_one_page_are_no_idleness(pause: float) -> None:
    """A single worker's page waits up to a minute, and nobody is in line or on the way meanwhile."""
    outage, now, number = CircuitBreaker(patience=600), 0.0, 0
    while not outage.hopeless and now < 1000:
        number += 1
        outage.fault(now + 0.1, Sent(number, now), suspect=False)
        now += 0.1 + pause
    assert 600 < outage.lasted < 600 + 2 * (pause + 1)


def test_a_gate_that_shut_before_an_idle_hour_does_not_hold_back_those_who_come_after_it() -> None:
    outage = CircuitBreaker(patience=600)
    dead(outage, 0, faults=12)
    assert outage.is_open
    probe = Sent(13, 3600.0)
    outage.sent(probe)
    outage.fault(3601, probe, suspect=False)
    assert not outage.is_open


def test_a_run_that_gets_nothing_but_429s_ends_after_two_days() -> None:
    outage = CircuitBreaker(patience=600)
    for minute in range(2 * 24 * 60):
        outage.limited(60 * minute, Sent(minute, 60 * minute))
    assert not outage.hopeless
    for minute in range(2 * 24 * 60, 51 * 60):
        outage.limited(60 * minute, Sent(minute, 60 * minute))
    assert outage.hopeless


def test_a_sound_answer_ends_the_patience_with_429s_anew() -> None:
    outage = CircuitBreaker(patience=600)
    for minute in range(40 * 60):
        outage.limited(60 * minute, Sent(minute, 60 * minute))
    assert outage.rejections.lasted > 0
    outage.answered(Sent(2400, 144_000.0))
    assert outage.rejections.lasted == 0


def test_faults_cut_concurrency_once_for_each_cause() -> None:
    slots = Concurrency(ceiling=20)
    requests = [Sent(number, number / 100) for number in range(1, 11)]
    assert slots.in_use(latest=10) == 10
    for sent in requests:
        slots.fault(1.0, sent)
    assert slots.limit == 14
    assert slots.in_use(latest=10) == 0
    assert slots.last == 24


def asked(slots: Concurrency, fails: Callable[[int, int], bool], seconds: int) -> float:
    """Ask fifty times a second where slots allow, each for a quarter of one; the share of that which was answered.

    ``fails`` is told the number of the request and how many are on their way with it.
    """
    on_their_way: deque[tuple[Sent, bool]] = deque()
    number = answered = 0
    for tick in range(50 * seconds):
        now = tick / 50
        while on_their_way and on_their_way[0][0].at <= now - 0.25:
            sent, failed = on_their_way.popleft()
            answered += not failed
            if failed:
                slots.fault(now, sent)
            else:
                slots.answered()
        if number < slots.last:
            number += 1
            on_their_way.append((Sent(number, now), fails(number, len(on_their_way) + 1)))
    return answered / (50 * seconds)


@pytest.mark.parametrize(("every", "least"), [(5000, 0.99), (100, 0.97), (20, 0.9), (10, 0.8), (4, 0.65), (2, 0.4)])
def test_faults_that_come_whatever_we_do_cost_what_they_must(every: int, least: float) -> None:
    """A quarter of 503s once left one slot in use, and a third of the rate."""
    assert asked(Concurrency(ceiling=32), lambda number, _: number % every == 0, seconds=200) >= least


@pytest.mark.parametrize("most", [2, 6, 10])
def test_a_server_that_is_overloaded_is_asked_for_what_it_can_do(most: int) -> None:
    faults = 0

    def fails(_: int, on_their_way: int) -> bool:
        nonlocal faults
        faults += on_their_way > most
        return on_their_way > most

    answered = asked(Concurrency(ceiling=32), fails, seconds=200)
    assert answered >= 0.6 * min(1.0, most * 4 / 50)
    assert faults <= 0.25 * 50 * 200


def test_a_dead_server_is_asked_once_at_a_time() -> None:
    slots = Concurrency(ceiling=32)
    asked(slots, lambda *_: True, seconds=30)
    assert slots.limit == 1


def test_a_server_that_has_recovered_is_taken_for_well_again() -> None:
    """What it failed by itself while it was ill is forgotten, and an overload then is one."""
    slots = Concurrency(ceiling=32)
    asked(slots, lambda number, _: number % 3 == 0, seconds=100)
    asked(slots, lambda *_: False, seconds=100)
    asked(slots, lambda *_: True, seconds=30)
    assert slots.limit == 1
