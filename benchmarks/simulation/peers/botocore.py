"""botocore's adaptive retry mode: a token bucket whose rate follows CUBIC."""

from __future__ import annotations

import math
import random

from benchmarks.simulation.controllers import Peer, Reply
from replay_fetch.pacing.policy import Sent

SCALE, BETA, SMOOTHING = 0.4, 0.7, 0.8
SLOWEST = 0.5


class Botocore(Peer):
    """Off until the first 429; from then on never more than twice the measured rate."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._on = False
        self._tokens, self._capacity, self._fill, self._filled_at = 0.0, 1.0, 1.0, 0.0
        self._peak = self._back_after = self._failed_at = 0.0
        self._measured, self._counted, self._bucket = 0.0, 0, 0.0

    def ready_at(self, now: float) -> float | None:
        if not self._on:
            return now
        self._refill(now)
        return now if self._tokens >= 1 - 1e-9 else now + (1 - self._tokens) / self._fill

    def sent(self, sent: Sent) -> None:
        if self._on:
            self._refill(sent.at)
            self._tokens -= 1

    def answered(self, now: float, sent: Sent, answer: Reply) -> float:  # noqa: ARG002 - as the original
        self._measure(now)
        asleep = 0.0
        if answer.accepted:
            rate = SCALE * (now - self._failed_at - self._back_after) ** 3 + self._peak
        else:
            self._peak = min(self._measured, self._fill) if self._on else self._measured
            self._back_after = (self._peak * (1 - BETA) / SCALE) ** (1 / 3)
            self._failed_at, self._on = now, True
            rate = self._peak * BETA
            asleep = max(0.01, self.rng.random() * min(2**answer.attempt, 20))
        self._refill(now)
        rate = min(rate, 2 * self._measured)
        self._fill, self._capacity = max(rate, SLOWEST), max(rate, 1.0)
        self._tokens = min(self._tokens, self._capacity)
        return asleep

    def _refill(self, now: float) -> None:
        self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._fill)
        self._filled_at = now

    def _measure(self, now: float) -> None:
        bucket = math.floor(2 * now) / 2
        self._counted += 1
        if bucket > self._bucket:
            latest = self._counted / (bucket - self._bucket)
            self._measured = SMOOTHING * latest + (1 - SMOOTHING) * self._measured
            self._counted, self._bucket = 0, bucket
