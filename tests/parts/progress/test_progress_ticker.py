"""Refreshing by the clock: as often as the reporter wants, and not at all where the work is over sooner."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from replay_fetch.progress.archive_snapshot import CheckSnapshot
from replay_fetch.progress.reporters import Ticker
from replay_fetch.progress.snapshot import ProgressSnapshot


class Watcher:
    """A reporter that keeps what it was shown."""

    def __init__(self, period: float) -> None:
        self.period = period
        self.shown: list[tuple[str, object]] = []

    def refresh(self, snapshot: ProgressSnapshot) -> None:
        self.shown.append(("refresh", snapshot.fields()["seconds"]))

    def close(self, snapshot: ProgressSnapshot) -> None:
        self.shown.append(("close", snapshot.fields()["seconds"]))


def snapshot(seconds: float) -> CheckSnapshot:
    return CheckSnapshot(total=0, done=0, findings=0, seconds=seconds)


def test_the_reporter_is_refreshed_whenever_its_period_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = iter([100.0, 101.0, 102.0, 103.0, 105.0, 106.0])
    monkeypatch.setattr("replay_fetch.progress.reporters.time", SimpleNamespace(monotonic=lambda: next(looked_at)))
    watcher = Watcher(period=2.0)
    ticker = Ticker(watcher, snapshot)
    for _ in range(4):
        ticker.beat()
    ticker.close()
    assert watcher.shown == [("refresh", 2.0), ("refresh", 5.0), ("close", 6.0)]


def test_work_that_ends_before_the_first_refresh_shows_nothing() -> None:
    watcher = Watcher(period=math.inf)
    ticker = Ticker(watcher, snapshot)
    ticker.beat()
    ticker.close()
    assert watcher.shown == []


def test_no_reporter_is_none_to_refresh() -> None:
    ticker = Ticker(None, snapshot)
    ticker.beat()
    ticker.close()
