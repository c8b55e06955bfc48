"""A machine that dies at any request to its store, and another with an empty disk that goes on.

``python -m tests.crash.stored`` takes every request of a run. From one request on, all are done and unheard, or never
done. ``tests/promises/test_stored_processes.py`` kills real processes in front of a real server.
"""

from __future__ import annotations

import sys
import tempfile
from itertools import count
from pathlib import Path

import obstore
import pytest

if __name__ == "__main__":  # the kit is on the path of tests alone
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "kit")]

from memory_stores import Fate
from obstore.store import MemoryStore
from stored_runs import Machine, died, finished, listening, local_files, stored_files, write_rows

from crash.world import world
from replay_fetch.settings import Compression


def deaths(fate: Fate, folder: Path, monkeypatch: pytest.MonkeyPatch, *, every: int = 1) -> int:
    """Let the machine die at each ``every``-th request of its second day; returns how many deaths there were.

    Raises AssertionError where the archive differs from one on a disk, or a finished view was asked for again.
    """
    with world(3) as made:
        lists = [write_rows(folder / "1", made.views[:2]), write_rows(folder / "2", made.views)]
        machine, out = Machine(made, Compression.GZIP, keep_raw=True), folder / "out"
        listening(made, machine)
        for made.day, views in enumerate(lists, 1):
            machine.run(views, out)
        for dead, number in enumerate(count(2, every)):
            dies, store, again = killed_at(number, fate, machine, lists, monkeypatch)
            assert again == set(), number
            assert stored_files(store) == local_files(out), number
            if not dies:
                return dead
        raise AssertionError


def killed_at(
    number: int, fate: Fate, machine: Machine, lists: list[Path], monkeypatch: pytest.MonkeyPatch
) -> tuple[bool, MemoryStore, set[str]]:
    """Two days of one list each; on the second day the machine dies at a request, and another goes on with nothing.

    Returns whether the machine died, and the views asked again though the log had them as finished.
    """
    store = MemoryStore()
    machine.world.day = 1
    machine.stored(monkeypatch, store, lists[0])
    machine.world.day = 2
    dies = False
    try:
        machine.stored(monkeypatch, store, lists[1], [Fate.DONE] * number + [fate] * 10_000)
    except BaseException as error:
        if not died(error):
            raise
        dies = True
    done = finished(monkeypatch, store, machine)
    released(store)
    machine.asked.clear()
    machine.stored(monkeypatch, store, lists[1])
    return dies, store, {str(view) for view in done & machine.asked}


def released(store: MemoryStore) -> None:
    """As if the dead machine's lease had stood still for its minute; the wait itself is the lease's own test."""
    obstore.delete(store, [".replay-fetch/lease.json"])


def main() -> None:
    """Take every request, and print the number of deaths."""
    for fate in (Fate.DIES_BEFORE, Fate.DIES_AFTER):
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
            dead = deaths(fate, Path(folder), monkeypatch)
        print(f"{fate.value}: {dead} deaths, 0 differences, 0 finished views asked for again")  # noqa: T201 - its result


if __name__ == "__main__":
    main()
