"""Rate limits as servers keep them: windows, a token bucket, a sliding log or counter; told the time.

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


class FirstRequestWindow:
    """So many requests in each window; one begins with the first request after the one before has ended."""

    def __init__(self, limit: int, period: float) -> None:
        self.limit = limit
        self._period = period
        self._ends_at = float("-inf")
        self._used = 0

    def take(self, now: float) -> Taken:
        """One request; ``reset`` is the end of its window."""
        if now >= self._ends_at:
            self._ends_at = now + self._period
            self._used = 0
        accepted = self._used < self.limit
        self._used += accepted
        return Taken(accepted, max(0, self.limit - self._used), self._ends_at - now)


class TokenBucket:
    """A bucket of ``limit`` tokens that fills up in one period, unless it holds ``burst`` at most."""

    def __init__(self, limit: int, period: float, burst: float | None = None) -> None:
        self.limit = limit
        self._period = period
        self._burst = burst
        self._tokens = float(limit) if burst is None else burst
        self._filled_at: float | None = None

    def take(self, now: float) -> Taken:
        """One request; ``reset`` is when there is a token, or where one is left, when the bucket is full."""
        rate = self.limit / self._period
        full = self.limit if self._burst is None else self._burst
        idle = 0.0 if self._filled_at is None else now - self._filled_at
        self._filled_at = now
        self._tokens = min(full, self._tokens + idle * rate)
        accepted = self._tokens >= 1
        self._tokens -= accepted
        wanted = full if self._tokens >= 1 else 1
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


class SlidingCounter:
    """Two counters in place of a log: this window's, and of the one before the share that still counts.

    What it gives back comes bit by bit, while its ``reset`` names the end of a calendar-aligned window.
    """

    def __init__(self, limit: int, period: float) -> None:
        self.limit = limit
        self._period = period
        self._window = 0.0
        self._before = self._used = 0

    def take(self, now: float) -> Taken:
        """One request; ``reset`` is the end of this window."""
        window, into = divmod(now, self._period)
        if window != self._window:
            self._before = self._used if window == self._window + 1 else 0
            self._window, self._used = window, 0
        counted = self._before * (1 - into / self._period) + self._used
        accepted = counted + 1 <= self.limit
        self._used += accepted
        return Taken(accepted, max(0, int(self.limit - counted - accepted)), self._period - into)
