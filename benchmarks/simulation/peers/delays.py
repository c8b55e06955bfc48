"""One shared delay between requests, moved by every answer."""

from __future__ import annotations

import random

from benchmarks.simulation.controllers import Peer, Reply
from replay_fetch.pacing.policy import Sent


class Delayed(Peer):
    """The next request leaves ``delay`` seconds after the latest."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.delay = 0.01
        self._next = 0.0

    def ready_at(self, now: float) -> float | None:
        return max(now, self._next)

    def sent(self, sent: Sent) -> None:
        self._next = sent.at + self.delay


class Rclone(Delayed):
    """lib/pacer's default: doubled by a 429 up to 2 s, three quarters after a success down to 10 ms."""

    def answered(self, now: float, sent: Sent, answer: Reply) -> float:  # noqa: ARG002 - it only counts
        self.delay = max(0.01, self.delay * 0.75) if answer.accepted else min(2.0, self.delay * 2)
        return 0.0


class AutoThrottle(Delayed):
    """Scrapy: the delay follows the latency, 5 s at first; a 429 may only raise it; jitter of a half."""

    CONCURRENCY = 16

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.delay = 5.0

    def may_send(self, in_flight: int) -> bool:
        return in_flight < self.CONCURRENCY

    def sent(self, sent: Sent) -> None:
        self._next = sent.at + self.delay * self.rng.uniform(0.5, 1.5)

    def answered(self, now: float, sent: Sent, answer: Reply) -> float:
        target = (now - sent.at) / 8.0  # AUTOTHROTTLE_TARGET_CONCURRENCY
        delay = max(target, (self.delay + target) / 2)
        if answer.accepted or delay > self.delay:
            self.delay = delay
        return 0.0
