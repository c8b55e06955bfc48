"""The state of a run as the bar and the metrics file are shown it."""

from __future__ import annotations

from replay_fetch.model import Outcome
from replay_fetch.progress.bottleneck import Limit
from replay_fetch.progress.snapshot import RunSnapshot
from replay_fetch.progress.stats import RunStats, Speed


class Pace:
    def __init__(self, rate_per_s: float | None = 12.5) -> None:
        self.rate_per_s = rate_per_s
        self.gate_shut_s = 0.0
        self.limiter = ""


def snapshot(rate: float | None = 12.5) -> RunSnapshot:
    stats = RunStats(views_total=100, finished_before=40, requests=90, retries=4, rate_limited=3, pages=80)
    stats.wire_bytes = 123_456_789_012
    stats.views_ended.update({Outcome.FETCHED: 20, Outcome.FAILED: 2})
    return RunSnapshot(stats, Speed(8.0, 9.0, 1e6), Pace(rate), 10.0, limited_by=Limit.API)
