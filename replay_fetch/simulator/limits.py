"""The rate limit: algorithms that count requests, the quota of an organisation, and the headers that tell of both.

Times are seconds of one clock and never go back. A limit can change at any time. A refused request costs nothing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from typing import NamedTuple

from replay_fetch.simulator.choices import Algorithm, HeaderPolicy, Reset, RetryAfter
from replay_fetch.simulator.settings import LimitHeaderSettings, LimitSettings


class Taken(NamedTuple):
    """The answer of an algorithm to one request: accepted or not, and how many requests are left."""

    accepted: bool
    remaining: int
    reset: float
    """Seconds until there is more."""


class FixedWindow:
    """A fixed window: ``limit`` requests in each; windows begin at multiples of ``period`` seconds."""

    def __init__(self, limit: int, period: float) -> None:
        self.limit = limit
        self._period = period
        self._window = -1.0
        self._used = 0

    def take(self, now: float) -> Taken:
        """Take a request at ``now``; ``reset`` counts to the end of its window."""
        # By the calendar, not by the first request: servers that share a counter name it by the time alone.
        window = now // self._period
        if window != self._window:
            self._window = window
            self._used = 0
        accepted = self._used < self.limit
        self._used += accepted
        return Taken(accepted, max(0, self.limit - self._used), (window + 1) * self._period - now)


class FirstRequestWindow:
    """A window that the first request opens: ``limit`` requests within ``period`` seconds from then on."""

    def __init__(self, limit: int, period: float) -> None:
        self.limit = limit
        self._period = period
        self._ends_at = float("-inf")
        self._used = 0

    def take(self, now: float) -> Taken:
        """Take a request at ``now``; ``reset`` counts to the end of its window."""
        if now >= self._ends_at:
            self._ends_at = now + self._period
            self._used = 0
        accepted = self._used < self.limit
        self._used += accepted
        return Taken(accepted, max(0, self.limit - self._used), self._ends_at - now)


class TokenBucket:
    """A bucket that gains ``limit`` tokens a period and holds ``burst`` tokens, or ``limit`` without a burst."""

    def __init__(self, limit: int, period: float, burst: float | None = None) -> None:
        self.limit = limit
        self._period = period
        self._burst = burst
        self._tokens = float(limit) if burst is None else burst
        self._filled_at: float | None = None

    def take(self, now: float) -> Taken:
        """Take a token at ``now``; ``reset`` counts to the next token, or to a full bucket while tokens are left."""
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
    """A sliding log: ``limit`` requests within any stretch of ``period`` seconds, each remembered by its time."""

    def __init__(self, limit: int, period: float) -> None:
        self.limit = limit
        self._period = period
        self._accepted: deque[float] = deque()

    def take(self, now: float) -> Taken:
        """Take a request at ``now``; ``reset`` counts to the moment when the oldest request leaves the log."""
        while self._accepted and self._accepted[0] <= now - self._period:
            self._accepted.popleft()
        # Refused requests are not remembered: else a client that asks on would never be let in again.
        accepted = len(self._accepted) < self.limit
        if accepted:
            self._accepted.append(now)
        return Taken(accepted, max(0, self.limit - len(self._accepted)), self._accepted[0] + self._period - now)


class SlidingCounter:
    """Two counters in place of a log: this window's requests, and a share of the last window's.

    The share falls to 0 while this window lasts. Room therefore comes back bit by bit, although ``reset`` names the
    end of the window, which is aligned to the calendar.
    """

    def __init__(self, limit: int, period: float) -> None:
        self.limit = limit
        self._period = period
        self._window = 0.0
        self._before = self._used = 0

    def take(self, now: float) -> Taken:
        """Take a request at ``now``; ``reset`` counts to the end of this window."""
        window, into = divmod(now, self._period)
        if window != self._window:
            # After a window without a request nothing is carried over.
            self._before = self._used if window == self._window + 1 else 0
            self._window, self._used = window, 0
        # As if the last window's requests had come evenly: two numbers stand for a log of any length.
        counted = self._before * (1 - into / self._period) + self._used
        accepted = counted + 1 <= self.limit
        self._used += accepted
        return Taken(accepted, max(0, int(self.limit - counted - accepted)), self._period - into)


_ALGORITHMS: dict[Algorithm, type[FixedWindow | FirstRequestWindow | TokenBucket | SlidingLog | SlidingCounter]] = {
    Algorithm.FIXED: FixedWindow,
    Algorithm.FIRST: FirstRequestWindow,
    Algorithm.BUCKET: TokenBucket,
    Algorithm.SLIDING: SlidingLog,
    Algorithm.COUNTER: SlidingCounter,
}


class Verdict(NamedTuple):
    """The verdict on a request: accepted or not, and the values for the headers of the limit."""

    accepted: bool
    limit: int
    period: float
    remaining: int
    reset: float
    """Seconds until there is more."""


class Quota:
    """The quota of an organisation: judges our requests and those of a neighbour, in the order of their times."""

    def __init__(self, settings: LimitSettings, started: float) -> None:
        self._settings = settings
        self._limit = _ALGORITHMS[settings.algorithm](settings.limit, settings.period)
        self._changes = deque((started + at, limit) for at, limit in settings.changes)
        self._started = started
        self.neighbour_asked = 0
        self.neighbour_accepted = 0

    def ask(self, now: float) -> Verdict | None:
        """Judge a request at ``now``, in seconds of the simulator's clock; None without a limit in the settings."""
        if not self._settings.limit:
            return None
        # First, for its requests came before this one; no clock of its own wakes the simulator for them.
        self._let_neighbour_spend(now)
        taken = self._take(now)
        return Verdict(taken.accepted, self._limit.limit, self._settings.period, taken.remaining, taken.reset)

    def _let_neighbour_spend(self, now: float) -> None:
        """Take the neighbour's requests since the last call, each at its own time, so windows count them right."""
        rate = self._settings.neighbour
        # The n-th request comes at started + n / rate: no rounding error adds up over a long run.
        while rate and (at := self._started + (self.neighbour_asked + 1) / rate) <= now:
            self.neighbour_asked += 1
            self.neighbour_accepted += self._take(at).accepted

    def _take(self, now: float) -> Taken:
        # A change holds from its own time on, also for requests of the neighbour that are caught up with later.
        while self._changes and self._changes[0][0] <= now:
            self._limit.limit = self._changes.popleft()[1]
        return self._limit.take(now)


_NAME = "rum_replay_segments"


def limit_headers(
    verdict: Verdict, settings: LimitHeaderSettings, wall: Callable[[], float], number: int
) -> dict[str, str]:
    """Make the headers of the rate limit for answer ``number``, right or wrong as the settings ask.

    ``wall`` tells the time of day, for values that are dates.
    """
    headers = {}
    if _shown(settings.headers, number, accepted=verdict.accepted):
        remaining = verdict.remaining if verdict.accepted else settings.remaining_on_429
        headers = {
            "X-RateLimit-Limit": str(verdict.limit),
            "X-RateLimit-Period": f"{verdict.period:g}",
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Name": _NAME,
        }
        reset = _reset(settings.reset, verdict, wall)
        if reset is not None:
            headers["X-RateLimit-Reset"] = reset
    if not verdict.accepted:
        headers |= _retry_after(settings.retry_after, verdict.reset, wall)
    if settings.reset is Reset.EPOCH or settings.retry_after is RetryAfter.DATE:
        headers["Date"] = formatdate(wall(), usegmt=True)  # by the same clock
    return headers


def _shown(policy: HeaderPolicy, number: int, *, accepted: bool) -> bool:
    return {
        HeaderPolicy.ALL: True,
        HeaderPolicy.NONE: False,
        HeaderPolicy.ONLY_429: not accepted,
        HeaderPolicy.SOME: number % 2 == 0,
    }[policy]


def _reset(form: Reset, verdict: Verdict, wall: Callable[[], float]) -> str | None:
    seconds = verdict.reset
    forms = {
        Reset.CEIL: str(math.ceil(seconds)),
        Reset.FLOOR: str(math.floor(seconds)),
        Reset.FLOAT: f"{seconds:.3f}",
        Reset.ZERO: "0",
        Reset.PERIOD: f"{verdict.period:g}",
        Reset.EPOCH: str(math.ceil(wall() + seconds)),
        Reset.GARBAGE: "soon",
    }
    return forms.get(form)


def _retry_after(form: RetryAfter, seconds: float, wall: Callable[[], float]) -> dict[str, str]:
    match form:
        case RetryAfter.NONE:
            return {}
        case RetryAfter.SECONDS:
            return {"Retry-After": str(math.ceil(seconds))}
        case RetryAfter.DATE:
            return {"Retry-After": formatdate(math.ceil(wall() + seconds), usegmt=True)}
