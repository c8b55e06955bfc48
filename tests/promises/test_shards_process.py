"""Shards as processes of their own, as an array job starts them, one of them killed on its way."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from archives import Archive, write_list
from processes import COMMAND, HANGS, ended, environment, run_here, served, start

from replay_fetch.simulator import LimitSettings, Simulator, SimulatorSettings

# Slow enough that a shard is met on its way, and nearly all of its time is spent waiting for the limit.
_SERVER = SimulatorSettings(seed=1, limit=LimitSettings(limit=20, period=1.0))
_COUNT = 3


def _array_job(simulator: Simulator, views: Path, out: Path, index: int) -> subprocess.Popen[bytes]:
    """A member of an array job: the same command for all, and the index in the environment."""
    command = [*COMMAND, "download", str(views), str(out), "--base-url", simulator.base_url, "--shard", "auto"]
    member = {"AWS_BATCH_JOB_ARRAY_INDEX": str(index), "AWS_BATCH_JOB_ARRAY_SIZE": str(_COUNT)}
    return subprocess.Popen(  # noqa: S603 - our own command
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment(), **member, "REPLAY_FETCH_PROGRESS": "none"},
    )


def _accepted(simulator: Simulator) -> int:
    return simulator.counts.requests - simulator.counts.statuses[429]


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + HANGS
    while not path.exists():
        assert time.monotonic() < deadline
        os.sched_yield()


def test_an_array_job_with_a_member_killed_and_started_again_is_a_single_run(tmp_path: Path) -> None:
    out, alone, killed = tmp_path / "out", tmp_path / "alone", 1
    with served(_SERVER) as simulator:
        views = write_list(tmp_path / "views.csv", simulator.views)
        usual = ("download", views, alone, "--base-url", simulator.base_url, "--progress", "none")
        assert ended(start(*usual)).code == 0
        accepted = _accepted(simulator)
        members = [_array_job(simulator, views, out, index) for index in range(_COUNT)]
        _wait_for(out / ".replay-fetch" / f"0{killed}-of-0{_COUNT}" / "ledger.sqlite")
        members[killed].send_signal(signal.SIGKILL)
        codes = [ended(member).code for member in members]
        assert codes[killed] == -signal.SIGKILL
        assert {code for index, code in enumerate(codes) if index != killed} == {0}
        refused = run_here("merge", out)
        assert (refused.code, f"shard {killed}/{_COUNT} " in refused.stderr) == (3, True)
        again = ended(_array_job(simulator, views, out, killed))
        assert again.code == 0, again
        assert run_here("merge", out).code == 0
        # Of the killed member's answers, those that it had not committed are asked for again, and no other.
        assert accepted <= _accepted(simulator) - accepted <= 2 * accepted
    assert (out / "manifest.ndjson").read_bytes() == (alone / "manifest.ndjson").read_bytes()
    assert Archive(out).sessions() == Archive(alone).sessions()
    assert run_here("verify", out).code == 0
