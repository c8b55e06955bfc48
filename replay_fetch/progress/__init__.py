"""Progress of a run for people and programs: counters, a bar, log lines, metrics, and a history for the report.

Begin with `stats`: workers and writer count there. A `snapshot` puts the counters of a moment into words,
`bottleneck` says why the run goes no faster, and `reporters` shows snapshots by the clock, as a bar or as log lines.
`console` owns stderr, so that bar and log lines never mix.
"""

from replay_fetch.progress.bottleneck import Bottleneck, Limit, WorkerCounts
from replay_fetch.progress.console import Console
from replay_fetch.progress.history import History
from replay_fetch.progress.log import for_log_file, logging_to
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
    "for_log_file",
    "logging_to",
    "report",
    "reporter",
    "watch",
]
