"""The rate limit of an organisation: what we spend, what a neighbour spends, and how it changes."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from replay_fetch.simulator.choices import Algorithm
from replay_fetch.simulator.limits import (
    FirstRequestWindow,
    FixedWindow,
    SlidingCounter,
    SlidingLog,
    Taken,
    TokenBucket,
)
from replay_fetch.simulator.settings import LimitSettings

_ALGORITHMS: dict[Algorithm, type[FixedWindow | FirstRequestWindow | TokenBucket | SlidingLog | SlidingCounter]] = {
    Algorithm.FIXED: FixedWindow,
    Algorithm.FIRST: FirstRequestWindow,
    Algorithm.BUCKET: TokenBucket,
    Algorithm.SLIDING: SlidingLog,
    Algorithm.COUNTER: SlidingCounter,
}


class Verdict(NamedTuple):
    """Whether a request is accepted, and what the limit's headers could say of it."""

    accepted: bool
    limit: int
    period: float
    remaining: int
    reset: float
    """Seconds until there is more."""


class Quota:
    """Judges requests in the order of their times; the neighbour's come in between."""

    def __init__(self, settings: LimitSettings, started: float) -> None:
        self._settings = settings
        self._limit = _ALGORITHMS[settings.algorithm](settings.limit, settings.period)
        self._changes = deque((started + at, limit) for at, limit in settings.changes)
        self._started = started
        self.neighbour_asked = 0
        self.neighbour_accepted = 0

    def ask(self, now: float) -> Verdict | None:
        """The verdict on a request at ``now``; None where there is no limit."""
        if not self._settings.limit:
            return None
        self._let_neighbour_spend(now)
        taken = self._take(now)
        return Verdict(taken.accepted, self._limit.limit, self._settings.period, taken.remaining, taken.reset)

    def _let_neighbour_spend(self, now: float) -> None:
        """Catches up with the neighbour's requests, each at its own time."""
        rate = self._settings.neighbour
        while rate and (at := self._started + (self.neighbour_asked + 1) / rate) <= now:
            self.neighbour_asked += 1
            self.neighbour_accepted += self._take(at).accepted

    def _take(self, now: float) -> Taken:
        while self._changes and self._changes[0][0] <= now:
            self._limit.limit = self._changes.popleft()[1]
        return self._limit.take(now)
