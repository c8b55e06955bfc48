"""How long an answer takes: log-normal, so that most are quick and some are very slow."""

from __future__ import annotations

import math
from statistics import NormalDist

from replay_fetch.simulator.chance import draw
from replay_fetch.simulator.faults import Attempt
from replay_fetch.simulator.settings import LatencySettings

_NORMAL = NormalDist()
_SMALLEST = 1e-12  # the inverse of the normal distribution is infinite at 0


def latency(settings: LatencySettings, seed: int, attempt: Attempt) -> float:
    """Seconds before the answer to an attempt begins."""
    if not settings.median or not settings.tail:
        return settings.median
    chance = max(_SMALLEST, draw(seed, "latency", *attempt))
    return settings.median * math.exp(settings.tail * _NORMAL.inv_cdf(chance))
