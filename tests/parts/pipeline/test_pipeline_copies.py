"""Copies of a run under one limit: what they are advised, and when they are warned."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from archives import Job, download, write_list

from replay_fetch.cli.rehearsal import plan_text
from replay_fetch.pacing import Snapshot
from replay_fetch.pipeline.copies import Copies
from replay_fetch.pipeline.job import listed, rehearse
from replay_fetch.settings import FetchSettings, PlanSettings, Settings
from replay_fetch.shard import ShardId
from replay_fetch.simulator import LimitSettings, Simulator, SimulatorSettings

_EIGHT = ShardId(0, 8)


def by_headers(limit: int, period: float) -> Snapshot:
    return Snapshot(mode="window", limit=limit, period=period)


@pytest.mark.parametrize(
    ("seen", "count", "max_rate", "told"),
    [
        (by_headers(80, 10), 8, None, ""),
        (by_headers(79, 10), 8, None, "leaves each of 8 shards 9.9 requests a window"),
        (by_headers(79, 10), 8, 0.9, ""),
        (by_headers(79, 10), 8, 2.0, "give each --max-rate 0.988"),
        (by_headers(5, 10), 1, None, ""),
        (Snapshot(mode="search", rate_limited=0), 8, None, ""),
        (Snapshot(mode="search", rate_limited=1), 8, None, "give each --max-rate LIMIT/8"),
        (Snapshot(mode="inferred", rate_limited=9, limit=100, period=10), 8, None, "no answer names the limit"),
        (Snapshot(mode="search", rate_limited=1), 8, 1.0, ""),
        (Snapshot(mode="search", rate_limited=1), 1, None, ""),
    ],
)
def test_a_copy_is_warned_where_the_limit_is_too_small_or_not_named(
    seen: Snapshot, count: int, max_rate: float | None, told: str
) -> None:
    warning = Copies(ShardId(0, count), max_rate).warning(seen)
    assert bool(warning) == bool(told)
    assert told in warning


def test_a_single_shard_needs_no_advice() -> None:
    assert Copies(ShardId(0, 1), None).advice() == ""
    assert "give each --max-rate LIMIT/8" in Copies(_EIGHT, None).advice()
    assert "8 shards at --max-rate 1.5 each are 12 requests a second" in Copies(_EIGHT, 1.5).advice()


def test_a_rehearsal_names_the_shard_and_advises(tmp_path: Path) -> None:
    (tmp_path / "views.csv").write_text("session_id,view_id\na,b\n")
    settings = Settings(plan=PlanSettings(shard=_EIGHT), fetch=FetchSettings(max_rate=2.5))
    lines = plan_text(rehearse(listed(tmp_path / "views.csv", settings), tmp_path / "out", settings)).splitlines()
    assert lines[0].startswith("shard 0/8: 0 rows in ")
    assert lines[-2:] == [
        "8 shards at --max-rate 2.5 each are 20 requests a second together, where all run",
        "at once",
    ]


@pytest.mark.anyio
@pytest.mark.usefixtures("virtual_clock")
async def test_a_shards_log_begins_with_advice_and_warns_once_of_a_small_limit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="replay_fetch")
    async with Simulator(SimulatorSettings(limit=LimitSettings(limit=20, period=2.0))) as simulator:
        path = write_list(tmp_path / "views.csv", simulator.views)
        await download(simulator, tmp_path / "out", Job(plan=PlanSettings(shard=ShardId(0, 3))), views=path)
    told = [record.getMessage() for record in caplog.records]
    advice = next(number for number, text in enumerate(told) if "3 shards under one limit" in text)
    warnings = [number for number, text in enumerate(told) if "leaves each of 3 shards 6.7 requests" in text]
    assert len(warnings) == 1
    assert advice < warnings[0]
