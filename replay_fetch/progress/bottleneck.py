"""The bottleneck of a run: the limit that keeps the run from going faster, told from the places of the workers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import exp

# Seconds over which the verdict is averaged: rate windows come in bursts, and a word that flickers says nothing.
_MEMORY = 5.0


class Limit(StrEnum):
    """The limit that would have to change for the run to go faster, in the words that bar, log and report show."""

    API = "API limit"
    MAX_RATE = "max-rate"
    RETRIES = "retries"
    """The API is ill: pages wait between two attempts, or are held back until it is well."""
    DISK = "disk"
    LATENCY = "latency"
    """Every worker waits for an answer: more workers would go faster."""


@dataclass(frozen=True, slots=True)
class WorkerCounts:
    """How many workers wait at each place, at a single time; busy workers that wait for nothing are not counted.

    A worker holds a view: it waits for its turn, for an answer, between two attempts, or for the disk.
    """

    in_line: int = 0
    """Waiting for their turn to ask."""
    line_held_by: Limit = Limit.API
    """What the head of that line waits for."""
    asking: int = 0
    """Waiting for an answer."""
    backing_off: int = 0
    """Waiting between two attempts."""
    handing_over: int = 0
    """Waiting for the disk to take what they have."""

    @property
    def busy(self) -> int:
        """The number of workers that have a view, wherever they wait; a run's end leaves fewer and fewer."""
        return self.in_line + self.asking + self.backing_off + self.handing_over

    @property
    def limit(self) -> Limit | None:
        """The limit by the first queue that is not empty, from the end of a page's way; None while nobody waits.

        1. The disk is behind. 2. Nobody may ask. 3. Most wait to ask again. 4. All wait for answers.
        """
        # The end of the way first: a full disk makes all the queues before it long, and is not helped by them.
        if self.handing_over:
            return Limit.DISK
        if self.in_line:
            return self.line_held_by
        if self.backing_off > self.asking:
            return Limit.RETRIES
        return Limit.LATENCY if self.asking else None


class Bottleneck:
    """Averages the limits of the last five seconds; tell it often the time in seconds and the workers' places."""

    def __init__(self) -> None:
        self.workers = WorkerCounts()
        """As it was last told."""
        self._told_at: float | None = None
        self._weights = dict.fromkeys(Limit, 0.0)

    def tell(self, now: float, workers: WorkerCounts) -> None:
        """Take in the workers' places at ``now``, in seconds of any monotonic clock; a few times a second is enough."""
        kept = 0.0 if self._told_at is None else exp((self._told_at - now) / _MEMORY)
        self._told_at, self.workers, met = now, workers, workers.limit
        for limit, weight in self._weights.items():
            # An exponential mean by elapsed time, so that it is the same however often it is told.
            self._weights[limit] = weight * kept + (1 - kept) * (limit is met)

    @property
    def verdict(self) -> Limit | None:
        """The limit that held most of the time of late; None while nothing limits the run, as at its start."""
        limit = max(self._weights, key=lambda limit: self._weights[limit])
        return limit if self._weights[limit] > 0 else None
