"""A client that knows the limiter: what there is to get."""

from __future__ import annotations

import random
from collections.abc import Callable

from benchmarks.simulation.controllers import Peer
from benchmarks.simulation.scenarios import Scenario
from benchmarks.simulation.trial import HIDDEN_RATE
from replay_fetch.pacing.policy import Sent

# A request is counted when it arrives, a little sooner or later than its neighbours: so much less than the limit is
# hardly ever too much.
JUST_BELOW = 0.995


class Oracle(Peer):
    """Sends evenly at what the limit sustains, less what a neighbour asks for; copies share it."""

    def __init__(self, scenario: Scenario, rng: random.Random) -> None:
        super().__init__(rng)
        self._scenario = scenario
        self._next = 0.0

    def ready_at(self, now: float) -> float:
        return max(now, self._next)

    def sent(self, sent: Sent) -> None:
        self._next = max(sent.at, self._next) + 1 / self._rate(sent.at)

    def _rate(self, now: float) -> float:
        scenario = self._scenario
        rate = scenario.limit_at(now) / scenario.period
        if scenario.kind == "hidden":
            rate = min(rate, HIDDEN_RATE)
        theirs = scenario.share * scenario.limit / scenario.period if scenario.neighbour else 0.0
        return JUST_BELOW * max(rate - theirs, 0.05 * rate) / scenario.clients


def knowing(scenario: Scenario) -> Callable[[random.Random], Oracle]:
    """Make clients that know the scenario."""
    return lambda rng: Oracle(scenario, rng)
