"""Real processes in front of a real S3 server: killed at a request, stopped and woken, and silent about credentials."""

from __future__ import annotations

import itertools
import os
import pickle
import re
import signal
import subprocess
import threading
from pathlib import Path

import obstore
import pytest
from archives import KEYS
from crash.zombies import ZOMBIES, Zombie, judge, wake
from processes import Done, ended, run, run_here, start
from store_buckets import LEASE, SIMULATED, Bucket, command, hearing
from store_faults import Lost
from stored_commands import on_a_disk, simulator
from stored_runs import local_files

from benchmarks.stores import KEY, SECRET, StoreServer
from replay_fetch.cli import main
from replay_fetch.pipeline.job import DownloadJob
from replay_fetch.pipeline.place import place
from replay_fetch.settings import Settings
from replay_fetch.shard import ShardId
from replay_fetch.simulator import Simulator

__all__ = ["SIMULATED", "on_a_disk", "simulator"]

# A sample; STORED_KILLS=32 takes every request of a run, one by one: it has 32 to 34.
ALL = range(1, int(os.environ.get("STORED_KILLS", "0")) + 1)
KILLS = [
    *itertools.product(["seaweedfs"], ALL or (12, 19), [Lost.REQUEST, Lost.CONNECTION]),
    *itertools.product(["azurite"], ALL or (15,), [Lost.REQUEST, Lost.CONNECTION]),
    *itertools.product(["moto"], ALL or (17,), [Lost.CONNECTION]),
]


@pytest.mark.parametrize(("any_store", "number", "lost"), KILLS, indirect=["any_store"])
def test_a_killed_process_is_followed_by_one_with_an_empty_disk_that_ends_as_if_none_was_killed(
    number: int, lost: Lost, any_store: StoreServer, simulator: Simulator, on_a_disk: Path
) -> None:
    bucket, views = Bucket(any_store, on_a_disk.parent), on_a_disk.with_suffix(".csv")
    victims: list[subprocess.Popen[bytes]] = []
    begun = threading.Event()

    def heard(count: int, _: bytes) -> Lost:
        if count < number:
            return Lost.NOTHING
        begun.wait()
        os.kill(victims[0].pid, signal.SIGKILL)
        return lost

    with hearing(any_store, heard) as proxy:
        victims.append(start(*command(views, bucket.url, simulator), keys=bucket.environment(proxy)))
        begun.set()
        assert ended(victims[0]).code == -signal.SIGKILL
    bucket.forget_lease()
    following = run_here(*command(views, bucket.url, simulator), keys=bucket.environment())
    assert following.code == 0, following
    assert bucket.files() == local_files(on_a_disk)


@pytest.mark.parametrize("any_store", ["seaweedfs", "azurite"], indirect=True)
def test_shards_side_by_side_one_of_them_killed_and_begun_again_are_merged_into_a_single_runs_archive(
    any_store: StoreServer, simulator: Simulator, on_a_disk: Path
) -> None:
    bucket, views = Bucket(any_store, on_a_disk.parent), on_a_disk.with_suffix(".csv")
    victims: list[subprocess.Popen[bytes]] = []
    begun = threading.Event()

    def heard(count: int, _: bytes) -> Lost:
        if count == 12:
            begun.wait()
            os.kill(victims[0].pid, signal.SIGKILL)
        return Lost.NOTHING if count < 12 else Lost.REQUEST

    with hearing(any_store, heard) as proxy:
        first = command(views, bucket.url, simulator, "--shard", "0/3")
        victims.append(start(*first, keys=bucket.environment(proxy)))
        begun.set()
        assert ended(victims[0]).code == -signal.SIGKILL
    bucket.forget_lease()
    keys = bucket.environment()
    side_by_side = [
        start(*command(views, bucket.url, simulator, "--shard", f"{index}/3"), keys=keys) for index in range(3)
    ]
    assert [ended(process).code for process in side_by_side] == [0, 0, 0]
    assert run_here("merge", bucket.url, keys=keys).code == 0
    assert run_here("verify", bucket.url, keys=keys).code == 0
    assert bucket.merged_files() == local_files(on_a_disk)


@pytest.mark.parametrize(("waits", "code"), [((), 0), (("--wait-for-lock", "1"), 3)], ids=["by itself", "told briefly"])
def test_of_two_copies_of_a_shard_the_second_waits_for_the_first_and_asks_for_nothing_or_is_sent_away(
    waits: tuple[str, ...], code: int, seaweedfs: StoreServer, simulator: Simulator, on_a_disk: Path
) -> None:
    """As where a pod is started again while the one before it still lives."""
    bucket, views, before = (
        Bucket(seaweedfs, on_a_disk.parent),
        on_a_disk.with_suffix(".csv"),
        simulator.counts.requests,
    )
    looked, looks = threading.Event(), itertools.count(1)

    def hold(_: int, first: bytes) -> Lost:
        if first.startswith(b"PUT") and b"/SESSIONS/" in first:
            looked.wait(60)
        return Lost.NOTHING

    def look(_: int, first: bytes) -> Lost:
        if first.startswith(b"GET") and b"/LEASE.JSON" in first and next(looks) == 2:
            looked.set()
        return Lost.NOTHING

    words = command(views, bucket.url, simulator, "--shard", "0/1")
    with hearing(seaweedfs, hold) as proxy, hearing(seaweedfs, look) as others:
        living = start(*words, keys=bucket.environment(proxy))
        try:
            while not any(meta["path"].endswith("/lease.json") for meta in obstore.list(bucket.store).collect()):
                assert living.poll() is None
            second = run(*words, *waits, keys=bucket.environment(others))
        finally:
            looked.set()
            first = ended(living)
    assert (first.code, second.code) == (0, code), second
    assert "shard 0/1 of s3://" in second.stderr
    assert f"/{living.pid}/" in second.stderr
    assert run_here("merge", bucket.url, keys=bucket.environment()).code == 0
    assert bucket.merged_files() == local_files(on_a_disk)
    assert simulator.counts.requests - before == _requests_of(first)
    assert code or "0 requests" in second.stdout


def _requests_of(done: Done) -> int:
    found = re.search(r"^(\d+) requests", done.stdout, re.MULTILINE)
    assert found
    return int(found[1])


@pytest.mark.parametrize("any_store", ["azurite", "moto"], indirect=True)
def test_a_quick_verification_reads_the_listing_alone_in_each_store(
    any_store: StoreServer,
    simulator: Simulator,
    on_a_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Versions in listings are compared with those in the log, and stores do not write both in one form."""
    bucket, heads = Bucket(any_store, on_a_disk.parent), []

    def heard(_: int, first: bytes) -> Lost:
        if first.startswith(b"HEAD") and b"/SESSIONS/" in first:
            heads.append(first)
        return Lost.NOTHING

    with hearing(any_store, heard) as proxy:
        for name, value in bucket.environment(proxy).items():
            monkeypatch.setenv(name, value)
        words = map(str, command(on_a_disk.with_suffix(".csv"), bucket.url, simulator, "-q"))
        assert main([*words]) == 0
        heads.clear()
        assert main(["verify", "--quick", bucket.url]) == 0
    assert "nothing wrong: 27 views of 8 sessions" in capsys.readouterr().out
    assert heads == []


@pytest.mark.parametrize("zombie", [ZOMBIES[2], ZOMBIES[12], ZOMBIES[13]], ids=repr)
def test_a_stopped_process_that_wakes_behind_a_takeover_ends_with_3_and_harms_nothing(
    zombie: Zombie, seaweedfs: StoreServer, simulator: Simulator, on_a_disk: Path
) -> None:
    """A sample; ``python -m tests.crash.zombies`` takes all of them."""
    bucket = Bucket(seaweedfs, on_a_disk.parent)
    judge(*wake(zombie, bucket, simulator, on_a_disk.with_suffix(".csv")), bucket, on_a_disk)


def test_a_stopped_process_is_ended_where_the_takeover_fails(
    seaweedfs: StoreServer, simulator: Simulator, on_a_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that fails early leaves no sleeping process to the machine."""
    asleep: list[subprocess.Popen[bytes]] = []

    def started(*words: str | Path, keys: dict[str, str]) -> subprocess.Popen[bytes]:
        asleep.append(start(*words, keys=keys))
        return asleep[-1]

    def failing(*_: object) -> None:
        raise AssertionError("the takeover failed")

    monkeypatch.setattr("crash.zombies.start", started)
    monkeypatch.setattr(Bucket, "age_lease", failing)
    with pytest.raises(AssertionError, match="the takeover failed"):
        wake(ZOMBIES[0], Bucket(seaweedfs, on_a_disk.parent), simulator, on_a_disk.with_suffix(".csv"))
    assert [process.returncode for process in asleep] == [-signal.SIGKILL]


def test_a_shards_process_that_wakes_behind_a_takeover_ends_with_3_and_harms_nothing(
    seaweedfs: StoreServer, simulator: Simulator, on_a_disk: Path
) -> None:
    bucket = Bucket(seaweedfs, on_a_disk.parent)
    other, woken = wake(ZOMBIES[3], bucket, simulator, on_a_disk.with_suffix(".csv"), ShardId(0, 1))
    assert run_here("merge", bucket.url, keys=bucket.environment()).code == 0
    judge(other, woken, bucket, on_a_disk)


def test_a_process_told_to_stop_while_it_gives_its_lease_back_ends_with_130(
    seaweedfs: StoreServer, simulator: Simulator, on_a_disk: Path
) -> None:
    """Its work is done by then, and so is the archive."""
    bucket, ending, leases = Bucket(seaweedfs, on_a_disk.parent), list[subprocess.Popen[bytes]](), itertools.count()
    begun = threading.Event()

    def heard(_: int, first: bytes) -> Lost:
        if first.startswith(b"PUT") and b"/LEASE.JSON" in first and next(leases) == 1:
            begun.wait()
            os.kill(ending[0].pid, signal.SIGTERM)
            return Lost.WAY
        return Lost.NOTHING

    with hearing(seaweedfs, heard) as proxy:
        ending.append(
            start(*command(on_a_disk.with_suffix(".csv"), bucket.url, simulator), keys=bucket.environment(proxy))
        )
        begun.set()
        stopped = ended(ending[0])
    assert stopped.code == 130, stopped
    assert "Traceback" not in stopped.stderr
    assert bucket.files() == local_files(on_a_disk)


@pytest.mark.parametrize("secret", [SECRET, "Zq9/wrong+secret"])
def test_credentials_of_the_store_appear_nowhere(
    secret: str, seaweedfs: StoreServer, simulator: Simulator, on_a_disk: Path, tmp_path: Path
) -> None:
    bucket, log = Bucket(seaweedfs, on_a_disk.parent), tmp_path / "log"
    flags = ("-v", "--log-file", str(log), "--metrics-file", str(tmp_path / "metrics"), "--keep-raw")
    scratch = ("--scratch", str(tmp_path / "scratch"))
    views = command(on_a_disk.with_suffix(".csv"), bucket.url, simulator, *flags, *scratch)
    done = run(*views, keys={**bucket.environment(secret=secret), "AWS_SESSION_TOKEN": ""})
    assert done.code == (0 if secret == SECRET else 3), done
    texts = [done.stdout.encode(), done.stderr.encode(), *bucket.texts()]
    texts += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(texts) > 4
    assert [text for text in texts if secret.encode() in text or KEY.encode() in text] == []


def test_a_job_that_is_sent_to_another_machine_has_the_address_and_no_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    job = DownloadJob("views.csv", place("s3://bucket/season"), Settings(), KEYS)
    assert SECRET.encode() not in pickle.dumps((job.out, job.settings))
    assert SECRET not in repr(job)


def test_a_run_that_holds_the_archive_sends_the_next_one_away_with_3(
    seaweedfs: StoreServer, simulator: Simulator, on_a_disk: Path
) -> None:
    bucket, views = Bucket(seaweedfs, on_a_disk.parent), on_a_disk.with_suffix(".csv")
    lease = b'{"holder":"worker-7/31/5f0c9a1b","epoch":1}'
    obstore.put(bucket.store, LEASE, lease)
    refused: Done = run_here(*command(views, bucket.url, simulator), keys=bucket.environment())
    assert refused.code == 3, refused
    assert "another run is writing to" in refused.stderr
    assert "--wait-for-lock 60" in refused.stderr


def test_a_list_of_sessions_with_events_and_an_erasure_are_on_a_server_what_they_are_on_a_disk(
    seaweedfs: StoreServer, simulator: Simulator, tmp_path: Path
) -> None:
    bucket, ids, out = Bucket(seaweedfs, tmp_path), tmp_path / "ids.txt", tmp_path / "out"
    sessions = list(dict.fromkeys(view.session_id for view in simulator.views))
    ids.write_text("\n".join(sessions) + "\n", "ascii")
    flags = ("--sessions", ids, "--base-url", simulator.base_url, "--compress", "zstd", "--events")
    for archive in (out, bucket.url):
        # Of views that are younger than a day, more may come: that is no failure, and both say it.
        assert run_here("download", archive, *flags, keys=bucket.environment()).code in {0, 1}
    assert bucket.files() == local_files(out)
    for archive in (out, bucket.url):
        assert run_here("erase", archive, "--session", sessions[0], keys=bucket.environment()).code == 0
    assert _without_erasures(bucket.files()) == _without_erasures(local_files(out))
    assert [text for text in bucket.texts() if sessions[0].encode() in text] == []
    assert run_here("verify", bucket.url, keys=bucket.environment()).code == 0


def _without_erasures(files: dict[str, bytes]) -> dict[str, bytes]:
    """All but the reports of erasures, which are named and dated by the second."""
    return {name: text for name, text in files.items() if not name.startswith("erasures/")}
