"""What holds on any server: limits, periods, phases, latencies, headers, neighbours and changes are drawn."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.simulation import worlds
from benchmarks.simulation.controllers import Ours, Reply
from benchmarks.simulation.scenarios import Scenario
from benchmarks.simulation.trial import Result, run
from replay_fetch.pacing.policy import Sent

# Least goodput and most 429s by which answers carry headers, on servers that nobody else spends
# from: rates from 0.5 to 50/s, so that ten 429s may be a few percent of what a slow one accepts.
BOUNDS = {"all": (0.92, 0.012), "some": (0.92, 0.012), "429": (0.65, 0.03), "none": (0.6, 0.17)}


class Watched(Ours):
    """Our policy, and what it promised: when a request left earlier than it was allowed to, and dead ends."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.in_flight = 0
        self.dead_ends = 0

    def ready_at(self, now: float) -> float | None:
        ready = super().ready_at(now)
        self.dead_ends += ready is None and self.in_flight == 0
        return ready

    def sent(self, sent: Sent) -> None:
        super().sent(sent)
        self.in_flight += 1

    def answered(self, now: float, sent: Sent, answer: Reply) -> float:
        self.in_flight -= 1
        return super().answered(now, sent, answer)


def longest_silence(result: Result, scenario: Scenario) -> float:
    """Seconds without an accepted answer, at most."""
    times = [0.0, *result.clients[0].accepted, scenario.lasts]
    return max(after - before for before, after in pairwise(times))


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), mode=st.sampled_from(worlds.MODES))
def test_a_gate_always_reopens(seed: int, mode: str) -> None:
    scenario = worlds.draw(seed, mode)
    watched = Watched(random.Random(seed))  # noqa: S311 - unused by ours
    result = run(scenario, lambda _: watched, seed)
    assert watched.dead_ends == 0
    assert longest_silence(result, scenario) <= 2 * scenario.period + 30


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), mode=st.sampled_from(worlds.MODES))
def test_goodput_and_429s_stay_within_the_bounds_of_the_headers(seed: int, mode: str) -> None:
    scenario = worlds.draw(seed, mode, alone=True)
    goodput, rejected = BOUNDS[mode]
    result = run(scenario, Ours, seed)
    assert result.goodput >= goodput
    assert result.rejected <= rejected


@pytest.mark.parametrize("mode", worlds.MODES)
def test_the_same_server_is_paced_the_same_twice(mode: str) -> None:
    scenario = worlds.draw(7, mode)
    first, second = run(scenario, Ours, 7), run(scenario, Ours, 7)
    assert first.clients[0].sends == second.clients[0].sends
