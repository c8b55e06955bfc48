"""Downloads over a way to the store that loses requests and answers at random, or is cut off for a while.

``python -m tests.crash.mixtures`` takes four worlds with each mixture, on each of three servers. The normal suite
takes one world with each.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

if __name__ == "__main__":  # the kit is on the path of tests alone
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "kit")]

from store_buckets import Bucket, hearing
from store_faults import Lost
from store_servers import azurite_in, moto_in
from stored_runs import Machine, finished_at, listening, local_files, write_rows

from benchmarks.stores import seaweedfs_in
from crash.world import world
from replay_fetch.settings import Compression
from replay_fetch.store import door, retries
from replay_fetch.store.location import parse

_Chance = Callable[[random.Random, int], Lost]


def _often(*kinds: Lost) -> _Chance:
    """Lose three of ten requests."""
    return lambda rng, _: rng.choice(kinds) if rng.random() < 0.3 else Lost.NOTHING


def _outage(_: random.Random, number: int) -> Lost:
    """The store is away for forty requests of each run, and comes back with every third."""
    return Lost.REQUEST if 20 <= number % 100 < 60 and number % 3 else Lost.NOTHING


MIXTURES: dict[str, _Chance] = {
    "503 before it is done": _often(Lost.REQUEST),
    "503 though it was done": _often(Lost.ANSWER),
    "connections cut": _often(Lost.CONNECTION, Lost.WAY),
    "outage": _outage,
    "all": _often(Lost.REQUEST, Lost.ANSWER, Lost.CONNECTION, Lost.WAY),
}


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait milliseconds where a run waits seconds, in the library and behind it."""
    backoff = {"init_backoff": timedelta(milliseconds=2), "max_backoff": timedelta(milliseconds=10), "base": 2}
    # So short that our own loop has work, too.
    patience = {"max_retries": 1, "retry_timeout": timedelta(seconds=1), "backoff": backoff}
    monkeypatch.setattr(door, "_RETRIES", patience)
    monkeypatch.setattr(retries, "_FIRST_WAIT", 0.01)
    monkeypatch.setattr(retries, "_LONGEST_WAIT", 0.05)


def survives(mixture: str, seed: int, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> int:
    """Download two lists on two days, then refresh; returns how many requests were lost.

    Raises AssertionError where the archive differs from one on a disk, or a finished view was asked for again.
    """
    impatient(monkeypatch)
    rng, lost = random.Random(f"{mixture} {seed}"), 0  # noqa: S311 - chance, no secrets

    def heard(number: int, _: bytes) -> Lost:
        nonlocal lost
        fate = MIXTURES[mixture](rng, number)
        lost += fate is not Lost.NOTHING
        return fate

    place, folder = parse(bucket.url), bucket.folder
    with world(seed) as made, hearing(bucket.server, heard) as proxy:
        for name, value in bucket.environment(proxy).items():
            monkeypatch.setenv(name, value)
        lists = [write_rows(folder / "1", made.views[::2]), write_rows(folder / "2", made.views)]
        for made.day, (views, refresh) in enumerate([(lists[0], False), (lists[1], False), (lists[1], True)], 1):
            machine = Machine(made, Compression.ZSTD, keep_raw=True, refresh=refresh)
            machine.run(views, folder / "out")
            done = set() if refresh or made.day == 1 else finished_at(place, machine)
            listening(made, machine)
            machine.run(views, place)
            assert not done & machine.asked
            assert bucket.files() == local_files(folder / "out")
    return lost


def main() -> None:
    """Take all mixtures, and print how many requests were lost."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [stack.enter_context(server) for server in (seaweedfs_in(folder), azurite_in(), moto_in())]
        for mixture in MIXTURES:
            lost = 0
            for number in range(4 * len(servers)):
                run = folder / f"{mixture} {number}"
                run.mkdir()
                with pytest.MonkeyPatch.context() as monkeypatch:
                    lost += survives(mixture, number, Bucket(servers[number % len(servers)], run), monkeypatch)
            print(f"{mixture}: {lost} lost, 0 differences, 0 finished views asked for again", flush=True)  # noqa: T201 - its result


if __name__ == "__main__":
    main()
