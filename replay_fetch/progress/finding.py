"""One moment of a search for views, in words for the bar and the log lines."""

from __future__ import annotations

from dataclasses import dataclass

from replay_fetch.progress.bottleneck import Limit
from replay_fetch.progress.snapshot import PacerView, limit_words
from replay_fetch.progress.stats import RunStats
from replay_fetch.progress.units import count, size, some


@dataclass(frozen=True, slots=True)
class FindingMoment:
    """How far a search has come: ``done`` of ``total`` milliseconds of the recordings' time."""

    total: int
    done: int
    views: int
    stats: RunStats
    pacer: PacerView
    limited_by: Limit | None = None

    def words(self) -> list[str]:
        """What to say, the most important first."""
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
        """The same as numbers."""
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
