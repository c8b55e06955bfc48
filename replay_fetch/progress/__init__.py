"""What a run tells people while it runs: counters, bar, log lines."""

from replay_fetch.progress.bottleneck import Bottleneck, Limit, WorkerCounts
from replay_fetch.progress.console import Console
from replay_fetch.progress.history import History
from replay_fetch.progress.log import logging_to
from replay_fetch.progress.metrics import MetricsFile
from replay_fetch.progress.reporters import Reporter, Ticker, follow, report, reporter, watch
from replay_fetch.progress.snapshot import CheckSnapshot, PacerView, ProgressSnapshot, RunSnapshot, SearchSnapshot
from replay_fetch.progress.stats import RunStats, Speed, Speedometer

__all__ = [
    "Bottleneck",
    "CheckSnapshot",
    "Console",
    "History",
    "Limit",
    "MetricsFile",
    "PacerView",
    "ProgressSnapshot",
    "Reporter",
    "RunSnapshot",
    "RunStats",
    "SearchSnapshot",
    "Speed",
    "Speedometer",
    "Ticker",
    "WorkerCounts",
    "follow",
    "logging_to",
    "report",
    "reporter",
    "watch",
]
