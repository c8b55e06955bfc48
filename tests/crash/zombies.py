"""Processes that are stopped at a write, and woken while another machine holds the archive or behind it.

``python -m tests.crash.zombies`` wakes twenty, half of them with a lease that the other machine waited for, half with a
lease that was taken away, so that the log alone stops them. ``tests/promises/test_stored_processes.py`` takes a few.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":  # the kit is on the path of tests alone
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "kit")]

from archives import write_list
from processes import Done, ended, run, served, start
from store_buckets import SIMULATED, Bucket, command, hearing
from store_faults import Lost
from stored_runs import local_files

from benchmarks.stores import seaweedfs_in
from replay_fetch.shard import ShardId
from replay_fetch.simulator import Simulator
from replay_fetch.store.opening import folder_of


@dataclass(frozen=True)
class Zombie:
    """When a process is stopped and woken, and what the other machine makes of its lease."""

    write: int
    """The write at which it is stopped, the first behind its part ``open`` of the log being 1."""
    late: bool
    """The write lands when the process is woken, not while it is stopped."""
    early: bool
    """It is woken at the tenth write of the other machine, not behind its end."""
    honoured: bool
    """The other machine waits until the lease has stood still; else the lease is taken away."""


# A run writes 17 to 20 times behind its part `open`; the last three end it, and a run that has ended harms nobody.
ZOMBIES = [
    Zombie(write, late=bool(write % 2), early=write % 3 == 0, honoured=honoured)
    for honoured in (True, False)
    for write in range(1, 11)
]


def wake(
    zombie: Zombie, bucket: Bucket, simulator: Simulator, views: Path, shard: ShardId | None = None
) -> tuple[Done, Done]:
    """Give the ends of the other machine's process and of the woken one, both of the whole list or of one shard."""
    flags = ("--shard", str(shard)) if shard else ()
    sleeping: list[subprocess.Popen[bytes]] = []
    begun, stopped, awake = threading.Event(), threading.Event(), threading.Event()

    def stop(number: int) -> None:
        if number == zombie.write:
            begun.wait()
            os.kill(sleeping[0].pid, signal.SIGSTOP)
            stopped.set()
            if zombie.late:
                awake.wait(60)

    def rouse(number: int) -> None:
        if zombie.early and number == 10:
            wake_up()

    def wake_up() -> None:
        os.kill(sleeping[0].pid, signal.SIGCONT)
        awake.set()

    with _writes(bucket, stop) as proxy, _writes(bucket, rouse) as others:
        try:
            sleeping.append(start(*command(views, bucket.url, simulator, *flags), keys=bucket.environment(proxy)))
            begun.set()
            assert stopped.wait(60)
            if zombie.honoured:
                bucket.age_lease(f"{folder_of(shard)}/lease.json")
            else:
                bucket.forget_lease()
            words = command(views, bucket.url, simulator, "--wait-for-lock", "30", *flags)
            other = run(*words, keys=bucket.environment(others))
            wake_up()
            return other, ended(sleeping[0])
        finally:
            awake.set()  # the proxy waits for it before it can be closed
            for process in sleeping:
                with process:  # which waits for its end, and closes its pipes
                    process.kill()


def judge(other: Done, woken: Done, bucket: Bucket, on_a_disk: Path) -> None:
    """Raise AssertionError unless the other machine did its work, and the woken process was told so."""
    assert other.code == 0, other
    assert woken.code == 3, woken
    assert "taken over" in woken.stderr or "taken this archive over" in woken.stderr
    assert bucket.merged_files() == local_files(on_a_disk)


@contextmanager
def _writes(bucket: Bucket, heard: Callable[[int], None]) -> Iterator[int]:
    """A proxy that tells of each PUT behind the part ``open`` by its number."""
    count = -1

    def listen(_: int, first: bytes) -> Lost:
        nonlocal count
        if first.startswith(b"PUT") and (count >= 0 or b"/LOG/" in first):
            count += 1
            if count:
                heard(count)
        return Lost.NOTHING

    with hearing(bucket.server, listen) as proxy:
        yield proxy


def main() -> None:
    """Wake all zombies, one behind the other, and print how they ended."""
    with tempfile.TemporaryDirectory() as name, served(SIMULATED) as simulator:
        folder = Path(name)
        views, out = write_list(folder / "views.csv", simulator.views), folder / "out"
        words = ("download", views, out, "--base-url", simulator.base_url, "--compress", "zstd")
        assert run(*words).code == 0
        (folder / "server").mkdir()
        with seaweedfs_in(folder / "server") as server:
            for zombie in ZOMBIES:
                bucket = Bucket(server, folder)
                judge(*wake(zombie, bucket, simulator, views), bucket, out)
                print(zombie)  # noqa: T201 - its result
    print(f"{len(ZOMBIES)} zombies woken, {len(ZOMBIES)} ended with 3, 0 differences")  # noqa: T201 - its result


if __name__ == "__main__":
    main()
