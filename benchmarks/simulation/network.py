"""How long requests are under way."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import NamedTuple


class Trip(NamedTuple):
    """Seconds of one request: to the limiter, and to its answer if accepted or if rejected there."""

    out: float
    accepted: float
    rejected: float


@dataclass(frozen=True)
class Network:
    """A log-normal latency with a long tail; the limiter stands at the edge, milliseconds away."""

    median: float = 0.25
    sigma: float = 0.7
    shortest: float = 0.05
    longest: float = 2.0
    edge: tuple[float, float] = (0.005, 0.06)

    def trip(self, rng: random.Random) -> Trip:
        latency = min(self.longest, max(self.shortest, rng.lognormvariate(math.log(self.median), self.sigma)))
        out = min(latency * 0.8, rng.uniform(*self.edge))
        return Trip(out, latency, out + rng.uniform(0.01, 0.05))


@dataclass(frozen=True)
class Jitter:
    """Brutal: anything from 50 ms to 2 s, two fifths of it before the limiter."""

    def trip(self, rng: random.Random) -> Trip:
        latency = rng.uniform(0.05, 2.0)
        return Trip(0.4 * latency, latency, 0.4 * latency + rng.uniform(0.01, 0.05))
