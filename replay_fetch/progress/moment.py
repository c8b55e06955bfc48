"""One moment of a run, in the words that the bar and the log lines share."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Protocol

from replay_fetch.progress.stats import RunStats, Speed
from replay_fetch.progress.units import count, duration, rate, size


class PacerView(Protocol):
    """What is shown of the pacer."""

    @property
    def rate_per_s(self) -> float | None:
        """Requests a second that are allowed now; None while nothing limits them."""

    @property
    def gate_shut_s(self) -> float:
        """Seconds for which nobody may ask; 0 while the gate is open."""


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

    def fields(self) -> dict[str, int | float | None]:
        """The same as numbers."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The counters, the speed and the pacer as they are now."""

    stats: RunStats
    speed: Speed
    pacer: PacerView

    @property
    def total(self) -> int:
        """Views of the list."""
        return self.stats.views_total

    @property
    def done(self) -> int:
        """Views that need nothing more."""
        return self.stats.ended

    def words(self) -> list[str]:
        """What to say, the most important first: a narrow terminal shows as many as fit."""
        stats, speed = self.stats, self.speed
        said = [f"{count(stats.ended)}/{count(stats.views_total)} views"]
        if stats.troubled:
            said.append(f"{count(stats.troubled)} failed")
        said.append(f"{speed.pages_per_s:.1f} pages/s")
        if self.pacer.gate_shut_s > 0:
            said.append(f"paused {duration(self.pacer.gate_shut_s)}")
        elif self.pacer.rate_per_s is not None and 0 < self.pacer.rate_per_s < inf:
            said.append(f"limit {rate(self.pacer.rate_per_s)}")
        said.append(f"{size(speed.wire_bytes_per_s)}/s")
        if stats.rate_limited:
            said.append(f"{count(stats.rate_limited)} 429s")
        if speed.time_left:
            said.append(f"{duration(speed.time_left)} left")
        return said

    def fields(self) -> dict[str, int | float | None]:
        """The same as numbers, for logs that programs read; seconds, bytes, per second."""
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
            "time_left_s": None if speed.time_left is None else round(speed.time_left),
            "allowed_per_s": self.pacer.rate_per_s,
            "gate_shut_s": round(self.pacer.gate_shut_s, 1),
        }
