"""A machine that dies at any request to its store, and another with an empty disk that goes on.

``python -m tests.crash.stored`` takes every request of a run. From one request on, all are done and unheard, or never
done. ``tests/promises/test_stored_processes.py`` kills real processes in front of a real server.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import obstore
import pytest

if __name__ == "__main__":  # the kit is on the path of tests alone
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "kit")]

from memory_stores import Fate
from obstore.store import MemoryStore
from stored_runs import Machine, dies, finished, listening, local_files, stored_files, write_rows

from crash.world import world
from replay_fetch.settings import Compression


@dataclass(frozen=True)
class Day:
    """What the machine that dies is about, on the second day of an archive."""

    name: str
    compress: Compression
    second_list: bool
    """A list with more views; else the list of the first day."""
    refresh: bool

    def __str__(self) -> str:
        return self.name


DAYS = [
    Day("a second list, gzip", Compression.GZIP, second_list=True, refresh=False),
    Day("a second list, zstd", Compression.ZSTD, second_list=True, refresh=False),
    Day("a refresh, plain", Compression.NONE, second_list=False, refresh=True),
    Day("a refresh with a second list, zstd", Compression.ZSTD, second_list=True, refresh=True),
]


def deaths(day: Day, fate: Fate, folder: Path, monkeypatch: pytest.MonkeyPatch, *, every: int = 1) -> int:
    """Let the machine die at each ``every``-th request of its second day; returns how many deaths there were.

    Raises AssertionError where the archive differs from one on a disk, or a finished view was asked for again.
    """
    with world(3) as made:
        first, second = write_rows(folder / "1", made.views[:2]), write_rows(folder / "2", made.views)
        lists, out = [first, second if day.second_list else first], folder / "out"
        machines = [Machine(made, day.compress, keep_raw=True, refresh=refresh) for refresh in (False, day.refresh)]
        listening(made, machines[1])
        for made.day, (views, machine) in enumerate(zip(lists, machines, strict=True), 1):
            machine.run(views, out)
        for dead, number in enumerate(count(2, every)):
            dead_there, store, again = killed_at(number, fate, machines, lists, monkeypatch)
            assert again == set() or day.refresh, number
            assert stored_files(store) == local_files(out), number
            if not dead_there:
                return dead
        raise AssertionError


def killed_at(
    number: int, fate: Fate, machines: list[Machine], lists: list[Path], monkeypatch: pytest.MonkeyPatch
) -> tuple[bool, MemoryStore, set[str]]:
    """Two days of one list each; on the second day the machine dies at a request, and another goes on with nothing.

    Returns whether the machine died, and the views asked again though the log had them as finished.
    """
    store, (first, second) = MemoryStore(), machines
    first.world.day = 1
    first.stored(monkeypatch, store, lists[0])
    second.world.day = 2
    dead = dies(lambda: second.stored(monkeypatch, store, lists[1], [Fate.DONE] * number + [fate] * 10_000))
    done = finished(monkeypatch, store, second)
    released(store)
    second.asked.clear()
    second.stored(monkeypatch, store, lists[1])
    return dead, store, {str(view) for view in done & second.asked}


def released(store: MemoryStore) -> None:
    """As if the dead machine's lease had stood still for its minute; the wait itself is the lease's own test."""
    obstore.delete(store, [".replay-fetch/lease.json"])


def main() -> None:
    """Take every request of each day, and print the number of deaths."""
    for day, fate in itertools.product(DAYS, (Fate.DIES_BEFORE, Fate.DIES_AFTER)):
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
            dead = deaths(day, fate, Path(folder), monkeypatch)
        said = "0 finished views asked for again, " * (not day.refresh)
        print(f"{day}, {fate.value}: {dead} deaths, {said}0 differences")  # noqa: T201 - its result


if __name__ == "__main__":
    main()
