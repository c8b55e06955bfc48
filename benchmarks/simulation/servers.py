"""Limiters: what they accept, what their headers say, and how much they offer."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from replay_fetch.model import RateLimit


class Verdict(NamedTuple):
    """What the limiter does with one request; no headers where it sends none."""

    accepted: bool
    headers: RateLimit | None


class Server(Protocol):
    """Counts requests as they arrive."""

    def count(self, now: float) -> Verdict:
        """Judges a request that arrives now; times never decrease."""

    def offered(self, until: float) -> float:
        """Requests it would have accepted in [0, until], evenly spread."""


@dataclass(frozen=True)
class Headers:
    """Which answers carry rate-limit headers, and how exact these are."""

    on: str = "all"
    """``all``, ``429`` or ``none``."""
    share: float = 1.0
    """Of those answers, how many really do."""
    rounding: str = "ceil"
    noise: int = 0
    """``Remaining`` is off by up to so many requests."""


class FixedWindow:
    """Calendar-aligned windows of ``period`` seconds; ``limit`` may change with time."""

    def __init__(
        self, limit: Callable[[float], int], period: float, phase: float, headers: Headers, rng: random.Random
    ) -> None:
        self.period, self.phase = period, phase
        self._limit, self._headers, self._rng = limit, headers, rng
        self._window: int | None = None
        self._count = 0

    def count(self, now: float) -> Verdict:
        window = math.floor((now - self.phase) / self.period)
        if window != self._window:
            self._window, self._count = window, 0
        limit = self._limit(now)
        accepted = self._count < limit
        self._count += accepted
        if self._headers.on == "none" or (self._headers.on == "429" and accepted):
            return Verdict(accepted, None)
        if self._headers.share < 1 and self._rng.random() >= self._headers.share:
            return Verdict(accepted, None)
        return Verdict(accepted, self._describe(now, window, limit))

    def _describe(self, now: float, window: int, limit: int) -> RateLimit:
        left = self.phase + (window + 1) * self.period - now
        reset = math.ceil(left) if self._headers.rounding == "ceil" else math.floor(left)
        remaining = max(0, limit - self._count)
        if self._headers.noise and remaining:
            remaining += self._rng.randint(-self._headers.noise, self._headers.noise)
            remaining = max(0, min(limit, remaining))
        return RateLimit(limit=limit, period=self.period, remaining=remaining, reset=reset)

    def offered(self, until: float) -> float:
        step = self.period / 20  # fine enough for a limit that changes inside a window
        steps = math.ceil(until / step)
        return sum(self._limit((i + 0.5) * until / steps) for i in range(steps)) * until / steps / self.period


class TokenBucket:
    """``rate`` tokens a second, at most ``burst`` of them saved up."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._level, self._at = burst, 0.0

    def count(self, now: float) -> Verdict:
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        accepted = self._level >= 1
        self._level -= accepted
        return Verdict(accepted, None)

    def offered(self, until: float) -> float:
        return self._rate * until + self._burst


class SlidingLog:
    """At most ``limit`` accepted requests in any ``period`` seconds."""

    def __init__(self, limit: int, period: float) -> None:
        self._limit, self._period = limit, period
        self._log: deque[float] = deque()

    def count(self, now: float) -> Verdict:
        while self._log and self._log[0] <= now - self._period:
            self._log.popleft()
        accepted = len(self._log) < self._limit
        if accepted:
            self._log.append(now)
        return Verdict(accepted, None)

    def offered(self, until: float) -> float:
        return self._limit * until / self._period
