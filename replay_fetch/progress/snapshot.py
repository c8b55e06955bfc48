"""Snapshots of work in progress: a run, a search, a check, each in the words that bar and log lines share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from replay_fetch.progress.bottleneck import Limit, WorkerCounts
from replay_fetch.progress.stats import RunStats, Speed
from replay_fetch.progress.units import count, duration, rate, size, some

_RATES = (Limit.API, Limit.MAX_RATE)
_WORTH_SAYING = 1.0  # seconds: shorter pauses are the pace
# Below two minutes seconds are shown; from an hour on (less half a minute, as it is rounded) hours and minutes.
_SECONDS_COUNT, _MINUTES_COUNT = 120.0, 3570.0


class PacerFigures(Protocol):
    """The pacer's state, as far as progress shows the pacer: a protocol, so progress knows no pacing."""

    @property
    def rate_per_s(self) -> float | None:
        """Requests a second that are allowed now; None while nothing limits requests."""

    @property
    def gate_shut_s(self) -> float:
        """Seconds for which nobody may ask; 0 while the gate is open."""

    @property
    def limiter(self) -> str:
        """The kind of limit that was recognised, in one word; empty before one was met."""


class ProgressSnapshot(Protocol):
    """A snapshot of any lasting work: the share that is done, and words for people and programs.

    A reporter shows every kind of work through these four.
    """

    @property
    def total(self) -> int:
        """The whole amount of work, in any unit; 0 where the amount is not known yet."""

    @property
    def done(self) -> int:
        """The amount of work that is done, in the unit of ``total``."""

    def words(self) -> list[str]:
        """Words for people, the most important first: a bar shows as many as fit the terminal."""

    def fields(self) -> Mapping[str, int | float | str | None]:
        """Named numbers for programs; each name says its unit, and None is a figure that is not known yet."""


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """A run at one time: counters, speed, pacer, workers; ``seconds`` are counted since fetching began.

    ``stats`` is the run's own object, which goes on counting: a snapshot is for showing at once, not for keeping.
    """

    stats: RunStats
    speed: Speed
    pacer: PacerFigures
    seconds: float = 0.0
    workers: WorkerCounts = field(default_factory=WorkerCounts)
    limited_by: Limit | None = None
    disk_free: int | None = None
    """Bytes that the archive's disk has left; None where it is not asked."""

    @property
    def total(self) -> int:
        """Views of the list, each once, those of earlier runs among them."""
        return self.stats.views_total

    @property
    def done(self) -> int:
        """Views that need nothing more from this run: finished before, or ended by now."""
        return self.stats.ended

    @property
    def time_left(self) -> float | None:
        """Forecast the seconds until the list is done; None while no forecast can be made.

        Views take as many requests as the views of this run did. Requests go out at the allowed rate or, where
        another limit holds, at the rate reached of late.
        """
        stats, workers = self.stats, self.workers
        rate = self._requests_per_s()
        # Before the first view has ended nothing tells how many requests one takes.
        if not stats.ended_now or not rate:
            return None
        # A view in work is at any of its requests alike, of which there are n. A worker that waits in line has sent
        # (n - 1) / 2 in the mean, for its next one is not sent yet; any other worker has sent (n + 1) / 2.
        half, sent = workers.busy / 2, (workers.busy - 2 * workers.in_line) / 2
        requests_a_view = max((stats.requests - sent) / (stats.ended_now + half), 1.0)
        left = (stats.views_total - stats.ended - half) * requests_a_view - sent
        return max(left, 0.0) / rate

    @property
    def disk_full_in(self) -> float | None:
        """Forecast the seconds until the disk is full; None where the list seems to fit, as its views so far do."""
        stats = self.stats
        if self.disk_free is None or not stats.stored_bytes or not self.seconds:
            return None
        to_come = (stats.views_total - stats.ended) * stats.stored_bytes / max(stats.ended_now, 1)
        return self.disk_free * self.seconds / stats.stored_bytes if to_come > self.disk_free else None

    def words(self) -> list[str]:
        """Words for people, the most important first: a narrow terminal shows as many as fit."""
        stats, speed = self.stats, self.speed
        said = [f"{count(stats.ended)}/{count(stats.views_total)} views"]
        if stats.troubled:
            said.append(f"{count(stats.troubled)} failed")
        if self.limited_by:
            said.append(limit_words(self.limited_by, self.pacer))
        if self.time_left:
            said.append(f"{_roughly(self.time_left)} left")
        if self.disk_full_in is not None:
            said.append(f"disk full in {_roughly(self.disk_full_in)}")
        said.append(f"{speed.pages_per_s:.1f} pages/s")
        if stats.rate_limited:
            said.append(f"{count(stats.rate_limited)} 429s")
        said.append(f"{size(speed.wire_bytes_per_s)}/s")
        return said

    def fields(self) -> dict[str, int | float | str | None]:
        """Named numbers for programs; seconds, bytes, per second."""
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
            "disk_free_bytes": self.disk_free,
            "disk_full_in_s": None if self.disk_full_in is None else round(self.disk_full_in),
            "limited_by": self.limited_by,
            "allowed_per_s": self.pacer.rate_per_s,
            "gate_shut_s": round(self.pacer.gate_shut_s, 1),
        }

    def _requests_per_s(self) -> float:
        allowed = self.pacer.rate_per_s
        # The allowed rate is the surer forecast, but only while it is what holds the run back.
        if self.limited_by in _RATES and allowed and allowed < inf:
            return allowed
        return self.speed.requests_per_s or (self.stats.requests / self.seconds if self.seconds else 0.0)


def limit_words(limited_by: Limit, pacer: PacerFigures) -> str:
    """Name the limit in a word, the API's by kind once recognised, and add the limit's rate or pause."""
    if limited_by not in _RATES:
        return f"{limited_by}"
    name = f"API {pacer.limiter}" if limited_by is Limit.API and pacer.limiter else f"{limited_by}"
    if pacer.gate_shut_s >= _WORTH_SAYING:
        return f"{name}, paused {duration(pacer.gate_shut_s)}"
    allowed = pacer.rate_per_s
    return f"{name} {rate(allowed)}" if allowed and allowed < inf else name


def _roughly(seconds: float) -> str:
    """A forecast in no more figures than a forecast is worth."""
    if seconds < _SECONDS_COUNT:
        return duration(seconds)
    if seconds < _MINUTES_COUNT:
        return f"{round(seconds / 60)} min"
    return duration(round(seconds / 60) * 60)


@dataclass(frozen=True, slots=True)
class SearchSnapshot:
    """A search for views: ``done`` of ``total`` milliseconds of the recordings' time are searched.

    Time is the only share that is known: the API does not say how many events a search will find.
    """

    total: int
    done: int
    views: int
    stats: RunStats
    pacer: PacerFigures
    limited_by: Limit | None = None

    def words(self) -> list[str]:
        """Words for people, the most important first: views, share of the time, limit, pages."""
        share = self.done / self.total if self.total else 0.0
        said = [f"{some(self.views, 'view')} found", f"{share:.0%} of the time searched"]
        # Each page needs the one before: that its answer is waited for is no limit that anybody could lift.
        if self.limited_by and self.limited_by is not Limit.LATENCY:
            said.append(limit_words(self.limited_by, self.pacer))
        said += [some(self.stats.pages, "page"), size(self.stats.wire_bytes)]
        if self.stats.rate_limited:
            said.append(f"{count(self.stats.rate_limited)} 429s")
        return said

    def fields(self) -> dict[str, int | float | str | None]:
        """Named numbers for programs; times are milliseconds, the gate is seconds, rates are per second."""
        stats = self.stats
        return {
            "views_found": self.views,
            "time_total_ms": self.total,
            "time_searched_ms": self.done,
            "pages": stats.pages,
            "requests": stats.requests,
            "retries": stats.retries,
            "rate_limited": stats.rate_limited,
            "wire_bytes": stats.wire_bytes,
            "limited_by": self.limited_by,
            "allowed_per_s": self.pacer.rate_per_s,
            "gate_shut_s": round(self.pacer.gate_shut_s, 1),
        }
