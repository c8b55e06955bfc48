"""What people use today, each as the named project does it."""

from __future__ import annotations

import random
from collections.abc import Callable

from benchmarks.simulation.controllers import Controller, Ours
from benchmarks.simulation.peers.backoff import ExponentialBackoff, SleepUntilReset
from benchmarks.simulation.peers.botocore import Botocore
from benchmarks.simulation.peers.delays import AutoThrottle, Rclone
from benchmarks.simulation.peers.rates import Aimd, NaiveHeaders
from benchmarks.simulation.peers.vector import VectorConcurrency

CONTROLLERS: dict[str, Callable[[random.Random], Controller]] = {
    "exponential backoff": ExponentialBackoff,
    "sleep until reset per worker (vendor clients)": SleepUntilReset,
    "CUBIC token bucket (botocore adaptive)": Botocore,
    "AIMD rate": Aimd,
    "rclone pacer": Rclone,
    "Vector adaptive concurrency": VectorConcurrency,
    "Scrapy AutoThrottle": AutoThrottle,
    "Remaining spread over Reset, naively": NaiveHeaders,
    "replay-fetch": Ours,
}
"""Every controller by the name it has in the table; ours last."""
