"""A list downloaded by the workers of a Dask cluster is a single run's archive, also where a worker is killed."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from archives import KEYS, WIDE, Archive, write_list
from processes import HANGS, Done, ended, run, served, start

from replay_fetch.archive.layout import Layout
from replay_fetch.shard import ShardId
from replay_fetch.simulator import HoldingSettings, LimitSettings, Simulator, SimulatorSettings

_SESSIONS = 150
# Slow enough that a shard is met on its way.
_SLOW = SimulatorSettings(holding=HoldingSettings(sessions=_SESSIONS), limit=LimitSettings(limit=150, period=1.0))
_WIDE = SimulatorSettings(holding=HoldingSettings(sessions=_SESSIONS), limit=WIDE)
_SHARDS = 4


def _accepted(simulator: Simulator) -> int:
    return simulator.counts.requests - simulator.counts.statuses[429]


def _worker_of(out: Path, shard: int) -> int:
    """The process that downloads a shard, by its lock."""
    lock = Layout(out, shard=ShardId(shard, _SHARDS)).lock
    deadline = time.monotonic() + HANGS
    while time.monotonic() < deadline:
        with suppress(OSError, ValueError):
            return int(lock.read_text().split()[1])
        time.sleep(0.01)
    raise AssertionError("no worker has taken the shard")


def test_an_engine_makes_a_single_runs_archive_though_a_worker_is_killed_in_mid_shard(tmp_path: Path) -> None:
    alone, out = tmp_path / "alone", tmp_path / "out"
    with served(_WIDE) as simulator:
        views = write_list(tmp_path / "views.csv", simulator.views)
        assert run("download", views, alone, "--base-url", simulator.base_url, "-q").code == 0
        needed = _accepted(simulator)
    with served(_SLOW) as simulator:
        engine = ("--engine", "dask", "--shards", _SHARDS, "--workers", 4, "--base-url", simulator.base_url)
        command = start("download", views, out, *map(str, engine))
        worker = _worker_of(out, 1)
        while _accepted(simulator) < needed // 4:
            time.sleep(0.01)
        os.kill(worker, signal.SIGKILL)
        done = ended(command)
        asked = _accepted(simulator)
    assert done.code == 0, done
    assert worker != _worker_of(out, 1)
    assert needed < asked <= needed * 1.05
    assert (out / "manifest.ndjson").read_bytes() == (alone / "manifest.ndjson").read_bytes()
    assert Archive(out).sessions() == Archive(alone).sessions()
    _nothing_secret(done)
    assert run("verify", out).code == 0


def test_a_shard_that_is_refused_is_named_and_nothing_is_merged(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        views = write_list(tmp_path / "views.csv", simulator.views)
        wrong = {"DD_API_KEY": "wrong-api-key", "DD_APP_KEY": "wrong-app-key"}
        engine = ("--engine", "dask", "--shards", "2", "--base-url", simulator.base_url)
        done = ended(start("download", views, out, *engine, keys=wrong))
    assert done.code == 3, done
    assert "replay-fetch: shards 0/2, 1/2: " in done.stderr or "replay-fetch: shard 0/2: " in done.stderr
    assert "2 of 2 shards were stopped, and nothing is merged" in done.stdout
    assert not (out / "manifest.ndjson").exists()
    _nothing_secret(done)
    assert not any(key in done.stderr + done.stdout for key in wrong.values())


def _nothing_secret(done: Done) -> None:
    assert not any(secret in done.stdout + done.stderr for secret in KEYS.secrets if secret)
    assert "Traceback" not in done.stderr
