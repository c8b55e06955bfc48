"""Vector's adaptive request concurrency: the number in flight follows latency and back-pressure."""

from __future__ import annotations

import math
import random

from benchmarks.simulation.controllers import Peer, Reply
from replay_fetch.pacing.policy import Sent

SMOOTHING, DEVIATIONS, CUT, MOST = 0.4, 2.5, 0.9, 200
FIBONACCI = (1, 1, 2, 3, 5, 8, 13, 21, 30)


class VectorConcurrency(Peer):
    """Once each round trip: one more while latency holds, a tenth fewer when it rises or 429s come."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._limit, self._in_flight = 1, 0
        self._mean: float | None = None
        self._variance = self._update_at = 0.0
        self._total, self._count = 0.0, 0
        self._pressed = self._reached = False

    def may_send(self, in_flight: int) -> bool:
        self._in_flight = in_flight
        return in_flight < self._limit

    def sent(self, sent: Sent) -> None:  # noqa: ARG002 - only their number matters
        self._reached = self._reached or self._in_flight + 1 >= self._limit

    def answered(self, now: float, sent: Sent, answer: Reply) -> float:
        if answer.accepted:
            self._total += now - sent.at
            self._count += 1
        else:
            self._pressed = True
        self._update(now)
        if answer.accepted:
            return 0.0
        return max(0.01, self.rng.uniform(0, FIBONACCI[min(answer.attempt, len(FIBONACCI) - 1)]))

    def _update(self, now: float) -> None:
        latest = self._total / self._count if self._count else None
        if self._mean is None:
            if latest is not None:
                self._mean, self._update_at = latest, now + latest
            return
        if now < self._update_at:
            return
        slow = (latest or 0.0) >= self._mean + DEVIATIONS * math.sqrt(self._variance)
        if self._pressed or slow:
            self._limit = max(1, int(self._limit * CUT))
        elif self._limit < MOST and self._reached and latest is not None and latest <= self._mean:
            self._limit += 1
        if latest is not None:
            change = SMOOTHING * (latest - self._mean)
            self._variance = (1 - SMOOTHING) * (self._variance + (latest - self._mean) * change)
            self._mean += change
        self._update_at = now + self._mean
        self._total, self._count, self._pressed, self._reached = 0.0, 0, False, False
