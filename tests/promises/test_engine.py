"""A list downloaded by the workers of a Dask cluster is a single run's archive, also where a worker is killed."""

from __future__ import annotations

import json
import os
import pickle
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import obstore
import pytest
from archives import KEYS, WIDE, Archive, write_list
from processes import HANGS, Done, ended, lead_to, run_here, served, start
from store_buckets import Bucket
from stored_runs import local_files

from benchmarks.stores import KEY, SECRET, StoreServer
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import holder
from replay_fetch.archive.shards import layouts
from replay_fetch.cli import main
from replay_fetch.shard import ShardId
from replay_fetch.simulator import HoldingSettings, LimitSettings, Simulator, SimulatorSettings
from replay_fetch.tasks import export_tasks, shards, verify_tasks

_SESSIONS = 150
# Slow enough that a shard is met on its way, and without bursts: what a killed worker has not committed yet is a few
# requests in any case.
_EVEN = SimulatorSettings(holding=HoldingSettings(sessions=_SESSIONS), limit=LimitSettings(limit=15, period=0.1))
_WIDE = SimulatorSettings(holding=HoldingSettings(sessions=_SESSIONS), limit=WIDE)
_SHARDS = 4


def _accepted(simulator: Simulator) -> int:
    return simulator.counts.requests - simulator.counts.statuses[429]


def _worker_of(out: Path, shard: int) -> int:
    """The process that downloads a shard, by its lock."""
    lock = Layout(out, shard=ShardId(shard, _SHARDS)).lock
    return _soon(lambda: int(lock.read_text().split()[1]))


def _soon(look: Callable[[], int]) -> int:
    """What a look finds, once it finds something."""
    deadline = time.monotonic() + HANGS
    while time.monotonic() < deadline:
        with suppress(OSError, ValueError):
            return look()
        time.sleep(0.01)
    raise AssertionError("no worker has come so far")


def test_an_engine_makes_a_single_runs_archive_though_a_worker_is_killed_in_mid_shard(tmp_path: Path) -> None:
    alone, out = tmp_path / "alone", tmp_path / "out"
    with served(_WIDE) as simulator:
        views = write_list(tmp_path / "views.csv", simulator.views)
        assert run_here("download", views, alone, "--base-url", simulator.base_url, "-q").code == 0
        needed = _accepted(simulator)
    with served(_EVEN) as simulator:
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
    assert run_here("verify", out).code == 0


def test_an_engine_makes_a_single_runs_archive_in_a_store_too_and_reads_it_and_no_key_of_the_store_is_anywhere(
    seaweedfs: StoreServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import LocalCluster  # noqa: PLC0415 - takes a second

    alone, bucket, shard = tmp_path / "alone", Bucket(seaweedfs, tmp_path), ShardId(1, _SHARDS)
    folder = f".replay-fetch/{shard.name}"
    with served(_WIDE) as simulator:
        views = write_list(tmp_path / "views.csv", simulator.views)
        assert run_here("download", views, alone, "--base-url", simulator.base_url, "-q").code == 0
        needed = _accepted(simulator)
    for name, value in bucket.environment().items():
        monkeypatch.setenv(name, value)

    def lease() -> dict[str, object]:
        found: dict[str, object] = json.loads(bytes(obstore.get(bucket.store, f"{folder}/lease.json").bytes()))
        return found

    def committed_three_times() -> int:
        if len(obstore.list(bucket.store, f"{folder}/log").collect()) < 5:  # behind its beginning, and its list
            raise ValueError
        return int(str(lease()["holder"]).split("/")[1])

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        engine = ("--engine", "dask", "--scheduler", cluster.scheduler_address)
        with served(_EVEN) as simulator:
            words = (
                *engine,
                "--shards",
                str(_SHARDS),
                "--base-url",
                simulator.base_url,
                "--commit-every",
                "0.05",
                "-v",
            )
            command = start("download", views, bucket.url, *words, keys=bucket.environment())
            worker = _soon(committed_three_times)
            shown = _command_lines()
            os.kill(worker, signal.SIGKILL)
            bucket.age_lease(f"{folder}/lease.json")
            done = ended(command)
            asked = _accepted(simulator)
        assert done.code == 0, done
        assert main(["verify", bucket.url, *engine]) == 0
    assert lease()["epoch"] == 2
    assert needed < asked <= needed * 1.05
    assert bucket.merged_files() == local_files(alone)
    _nothing_secret(done)
    tasks = [*shards(views, bucket.url, 2), *verify_tasks(bucket.url, 2), *export_tasks(bucket.url, tmp_path, 2)]
    assert any(bucket.url.encode() in line for line in shown)
    texts = [done.stdout.encode(), done.stderr.encode(), *shown, pickle.dumps(tasks), *bucket.texts()]
    assert [text for text in texts if SECRET.encode() in text or KEY.encode() in text] == []


def test_a_shard_that_is_refused_is_named_and_nothing_is_merged(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        views = write_list(tmp_path / "views.csv", simulator.views)
        wrong = {"DD_API_KEY": "wrong-api-key", "DD_APP_KEY": "wrong-app-key"}
        engine = ("--engine", "dask", "--shards", "2", "--base-url", simulator.base_url)
        done = run_here("download", views, out, *engine, keys=wrong)
    assert done.code == 3, done
    assert "replay-fetch: shards 0/2, 1/2: " in done.stderr or "replay-fetch: shard 0/2: " in done.stderr
    assert "2 of 2 shards were stopped, and nothing is merged" in done.stdout
    assert not (out / "manifest.ndjson").exists()
    _nothing_secret(done)
    assert not any(key in done.stderr + done.stdout for key in wrong.values())


def test_ctrl_c_stops_the_shards_on_a_cluster_that_lives_on_and_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import LocalCluster  # noqa: PLC0415 - takes a second

    settings = SimulatorSettings(holding=HoldingSettings(sessions=40), limit=LimitSettings(limit=40, period=1.0))
    with served(settings) as simulator:
        lead_to(simulator, monkeypatch)  # workers have keys of their own
        views, out = write_list(tmp_path / "views.csv", simulator.views), tmp_path / "out"
        with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0") as cluster:
            # Few are in flight when the shards stop, so that most of the list is left for the second command.
            words = ("--engine", "dask", "--scheduler", cluster.scheduler_address, "--shards", "3", "--workers", "4")
            command = start("download", views, out, *words, "--base-url", simulator.base_url)
            while simulator.counts.requests < 60:
                assert command.poll() is None
                time.sleep(0.01)
            command.send_signal(signal.SIGINT)
            done = ended(command)
            asked = simulator.counts.requests
            assert not any(holder(layout.lock) for layout in layouts(out))
            again = run_here("download", views, out, *words, "--base-url", simulator.base_url)
    assert done.code == 130, done
    assert "interrupted: the shards finish what is in flight" in done.stderr
    assert done.stdout == "interrupted, and nothing is merged; run the same command again to go on\n"
    _nothing_secret(done)
    assert 60 <= asked < len(simulator.views)
    assert again.code == 0, again
    assert "were finished by an earlier run" in again.stdout


def _command_lines() -> list[bytes]:
    """What every user of the machine sees of the processes below this one; those of other tests may name the keys.

    SeaweedFS is for Linux alone, so this test is, too.
    """
    lines, parents = dict[int, bytes](), dict[int, int]()
    for process in Path("/proc").glob("[1-9]*"):
        with suppress(OSError):  # it has ended
            lines[int(process.name)] = (process / "cmdline").read_bytes()
            parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])

    def is_below(process: int) -> bool:
        parent = parents.get(process, 0)
        return parent == os.getpid() or (parent > 0 and is_below(parent))

    return [line for process, line in lines.items() if is_below(process)]


def _nothing_secret(done: Done) -> None:
    assert not any(secret in done.stdout + done.stderr for secret in KEYS.secrets if secret)
    assert "Traceback" not in done.stderr
