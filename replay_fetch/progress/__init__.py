"""What a run tells people while it runs: counters, bar, log lines."""

from replay_fetch.progress.bottleneck import Limit, Limiting, Standing
from replay_fetch.progress.checking import CheckingMoment
from replay_fetch.progress.console import Console
from replay_fetch.progress.finding import FindingMoment
from replay_fetch.progress.history import Course
from replay_fetch.progress.log import logging_to
from replay_fetch.progress.metrics import MetricsFile
from replay_fetch.progress.pulse import Pulse
from replay_fetch.progress.reporter import Reporter, follow, report, reporter, watch
from replay_fetch.progress.snapshot import Moment, PacerView, Shown
from replay_fetch.progress.stats import RunStats, Speed, Speedometer

__all__ = [
    "CheckingMoment",
    "Console",
    "Course",
    "FindingMoment",
    "Limit",
    "Limiting",
    "MetricsFile",
    "Moment",
    "PacerView",
    "Pulse",
    "Reporter",
    "RunStats",
    "Shown",
    "Speed",
    "Speedometer",
    "Standing",
    "follow",
    "logging_to",
    "report",
    "reporter",
    "watch",
]
