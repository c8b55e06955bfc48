"""One moment of a run, in the words that the bar and the log lines share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from replay_fetch.progress.limiting import Limit, Standing
from replay_fetch.progress.stats import RunStats, Speed
from replay_fetch.progress.units import count, duration, rate, size

_RATES = (Limit.API, Limit.MAX_RATE)
_WORTH_SAYING = 1.0  # seconds: shorter pauses are the pace
_SECONDS_COUNT, _MINUTES_COUNT = 120.0, 3570.0


class PacerView(Protocol):
    """What is shown of the pacer."""

    @property
    def rate_per_s(self) -> float | None:
        """Requests a second that are allowed now; None while nothing limits them."""

    @property
    def gate_shut_s(self) -> float:
        """Seconds for which nobody may ask; 0 while the gate is open."""

    @property
    def limiter(self) -> str:
        """The kind of limit that was recognised, in one word; empty before one was met."""


class Shown(Protocol):
    """A moment of anything that takes a while: how much of how much is done, and what to say of it."""

    @property
    def total(self) -> int:
        """What there is to do, in any unit."""

    @property
    def done(self) -> int:
        """How much of it is done."""

    def words(self) -> list[str]:
        """What to say, the most important first."""

    def fields(self) -> Mapping[str, int | float | str | None]:
        """The same for programs."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The counters, the speed and the pacer as they are now; ``seconds`` since fetching began."""

    stats: RunStats
    speed: Speed
    pacer: PacerView
    seconds: float = 0.0
    standing: Standing = field(default_factory=Standing)
    limited_by: Limit | None = None

    @property
    def total(self) -> int:
        """Views of the list."""
        return self.stats.views_total

    @property
    def done(self) -> int:
        """Views that need nothing more."""
        return self.stats.ended

    @property
    def time_left(self) -> float | None:
        """Seconds until the list is done, None while that cannot be told.

        Views take as many requests as those of this run did; those in work count as half done. They go out at
        the rate that is allowed or, where something else limits the run, at the one reached of late.
        """
        stats, begun = self.stats, self.standing.busy / 2
        rate = self._requests_per_s()
        if not stats.ended_now or not rate:
            return None
        requests_a_view = stats.requests / (stats.ended_now + begun)
        return max(stats.views_total - stats.ended - begun, 0.0) * requests_a_view / rate

    def words(self) -> list[str]:
        """What to say, the most important first: a narrow terminal shows as many as fit."""
        stats, speed = self.stats, self.speed
        said = [f"{count(stats.ended)}/{count(stats.views_total)} views"]
        if stats.troubled:
            said.append(f"{count(stats.troubled)} failed")
        if self.limited_by:
            said.append(limit_words(self.limited_by, self.pacer))
        if self.time_left:
            said.append(f"{_roughly(self.time_left)} left")
        said.append(f"{speed.pages_per_s:.1f} pages/s")
        if stats.rate_limited:
            said.append(f"{count(stats.rate_limited)} 429s")
        said.append(f"{size(speed.wire_bytes_per_s)}/s")
        return said

    def fields(self) -> dict[str, int | float | str | None]:
        """The same for logs that programs read; seconds, bytes, per second."""
        stats, speed = self.stats, self.speed
        return {
            "views_total": stats.views_total,
            "views_ended": stats.ended,
            "views_failed": stats.troubled,
            "pages": stats.pages,
            "requests": stats.requests,
            "retries": stats.retries,
            "rate_limited": stats.rate_limited,
            "wire_bytes": stats.wire_bytes,
            "pages_per_s": round(speed.pages_per_s, 2),
            "wire_bytes_per_s": round(speed.wire_bytes_per_s),
            "time_left_s": None if self.time_left is None else round(self.time_left),
            "limited_by": self.limited_by,
            "allowed_per_s": self.pacer.rate_per_s,
            "gate_shut_s": round(self.pacer.gate_shut_s, 1),
        }

    def _requests_per_s(self) -> float:
        allowed = self.pacer.rate_per_s
        if self.limited_by in _RATES and allowed and allowed < inf:
            return allowed
        return self.speed.requests_per_s or (self.stats.requests / self.seconds if self.seconds else 0.0)


def limit_words(limited_by: Limit, pacer: PacerView) -> str:
    """The limit in a word, and how far it goes where it is a rate; the API's by its kind, once that is recognised."""
    if limited_by not in _RATES:
        return f"{limited_by}"
    name = f"API {pacer.limiter}" if limited_by is Limit.API and pacer.limiter else f"{limited_by}"
    if pacer.gate_shut_s >= _WORTH_SAYING:
        return f"{name}, paused {duration(pacer.gate_shut_s)}"
    allowed = pacer.rate_per_s
    return f"{name} {rate(allowed)}" if allowed and allowed < inf else name


def _roughly(seconds: float) -> str:
    """A forecast in no more figures than it has worth."""
    if seconds < _SECONDS_COUNT:
        return duration(seconds)
    if seconds < _MINUTES_COUNT:
        return f"{round(seconds / 60)} min"
    return duration(round(seconds / 60) * 60)
