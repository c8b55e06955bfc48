"""Rate limits as servers keep them: fixed windows, a token bucket, a sliding log; told the time.

Times are seconds of one clock and never go back. ``limit`` may be changed at any time. A refused
request costs nothing.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple


class Taken(NamedTuple):
    """Whether one more request was accepted, and what is left."""

    accepted: bool
    remaining: int
    reset: float
    """Seconds until there is more."""


class FixedWindow:
    """So many requests in each window; windows begin at multiples of the period."""

    def __init__(self, limit: int, period: float) -> None:
        self.limit = limit
        self._period = period
        self._window = -1.0
        self._used = 0

    def take(self, now: float) -> Taken:
        """One request; ``reset`` is the end of its window."""
        window = now // self._period
        if window != self._window:
            self._window = window
            self._used = 0
        accepted = self._used < self.limit
        self._used += accepted
        return Taken(accepted, max(0, self.limit - self._used), (window + 1) * self._period - now)


class TokenBucket:
    """A bucket of ``limit`` tokens that fills up in one period."""

    def __init__(self, limit: int, period: float) -> None:
        self.limit = limit
        self._period = period
        self._tokens = float(limit)
        self._filled_at: float | None = None

    def take(self, now: float) -> Taken:
        """One request; ``reset`` is when there is a token, or where one is left, when the bucket is full."""
        rate = self.limit / self._period
        idle = 0.0 if self._filled_at is None else now - self._filled_at
        self._filled_at = now
        self._tokens = min(self.limit, self._tokens + idle * rate)
        accepted = self._tokens >= 1
        self._tokens -= accepted
        wanted = self.limit if self._tokens >= 1 else 1
        return Taken(accepted, int(self._tokens), (wanted - self._tokens) / rate)


class SlidingLog:
    """So many requests within any stretch of one period."""

    def __init__(self, limit: int, period: float) -> None:
        self.limit = limit
        self._period = period
        self._accepted: deque[float] = deque()

    def take(self, now: float) -> Taken:
        """One request; ``reset`` is when the oldest that counts is forgotten."""
        while self._accepted and self._accepted[0] <= now - self._period:
            self._accepted.popleft()
        accepted = len(self._accepted) < self.limit
        if accepted:
            self._accepted.append(now)
        return Taken(accepted, max(0, self.limit - len(self._accepted)), self._accepted[0] + self._period - now)
