"""The readers of an archive: results in order, few batches ahead, and what ends them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace

import pytest

from replay_fetch.archive.read import readers
from replay_fetch.archive.read.readers import Processes, spread
from replay_fetch.errors import ArchiveError


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads in place of the processes, which would take half a second each to come."""
    monkeypatch.setattr(readers, "ProcessPoolExecutor", lambda at_once, **_: ThreadPoolExecutor(at_once))


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.usefixtures("threads")
def test_results_come_in_the_order_of_the_batches_which_are_not_all_held(jobs: int) -> None:
    taken: list[int] = []

    def batches() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield -number

    found = spread(abs, batches(), Processes(jobs), 0)
    assert next(found) == (0, 0)
    assert len(taken) == (1 if jobs == 1 else 5)
    assert list(found) == [(-number, number) for number in range(1, 20)]


def test_processes_are_as_many_as_asked_for_or_as_the_archive_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert [Processes(3).at_once(0), Processes().at_once(10**6), Processes().at_once(10**9)] == [3, 1, 6]


def _die(_batch: int) -> int:
    raise BrokenProcessPool


@pytest.mark.usefixtures("threads")
def test_a_process_that_dies_is_told_with_what_to_try() -> None:
    with pytest.raises(ArchiveError, match="a process that was reading died, maybe for want of memory; try --jobs 1"):
        list(spread(_die, [1], Processes(2), 0))


@pytest.mark.usefixtures("threads")
def test_an_interrupt_ends_the_processes_of_the_reading_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    # Hashable by identity, as processes are.
    other, reader = (type(name, (), {"terminate": lambda self: ended.append(type(self).__name__)})() for name in "or")
    present = [other]
    monkeypatch.setattr(readers, "active_children", lambda: list(present))

    def interrupted(_batch: int) -> None:
        present.append(reader)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(spread(interrupted, [1], Processes(2), 0))
    assert ended == ["r"]


def test_a_process_that_reads_leaves_ctrl_c_to_its_parent_and_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[object] = []
    monkeypatch.setattr(readers, "parent_process", lambda: SimpleNamespace(join=lambda: came.append("end of parent")))
    monkeypatch.setattr(readers, "os", SimpleNamespace(_exit=came.append))
    started = SimpleNamespace(Thread=lambda target, daemon: SimpleNamespace(start=target if daemon else None))
    monkeypatch.setattr(readers, "threading", started)
    before = signal.getsignal(signal.SIGINT)
    try:
        readers._begin_process()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert came == ["end of parent", 1]
