"""An archive in a store is the archive on a disk, byte for byte, whatever the machines in between died of."""

from __future__ import annotations

from pathlib import Path

import pytest
from crash.mixtures import MIXTURES, survives
from crash.stored import DAYS, Day, deaths
from crash.world import world
from memory_stores import Fate, names
from obstore.store import MemoryStore
from store_buckets import Bucket
from stored_runs import SEASON, Machine, local_files, over, stored_files, write_rows

from benchmarks.stores import StoreServer
from replay_fetch.settings import Compression
from replay_fetch.store.shelf import StoreShelf

COMPRESSIONS = list(Compression)


@pytest.mark.parametrize("compress", COMPRESSIONS)
@pytest.mark.parametrize("seed", range(2))
def test_days_of_lists_and_refreshes_make_the_same_files_in_a_store_as_on_a_disk(
    seed: int, compress: Compression, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(seed) as made:
        store, out = MemoryStore(), tmp_path / "out"
        first = write_rows(tmp_path / "first.csv", made.views[: len(made.views) // 2])
        second = write_rows(tmp_path / "second.csv", made.views[::-1])
        for day, (views, refresh) in enumerate([(first, False), (first, False), (second, False), (second, True)], 1):
            made.day = day
            machine = Machine(made, compress, keep_raw=seed % 2 == 0, refresh=refresh)
            local, stored = machine.run(views, out), machine.stored(monkeypatch, store, views)
            assert (stored.failure, stored.report.exit_code) == (local.failure, local.report.exit_code)
            assert stored_files(store) == local_files(out)
        assert any(name.startswith("sessions/") for name in names(store))


@pytest.mark.parametrize("fate", [Fate.DIES_BEFORE, Fate.DIES_AFTER])
@pytest.mark.parametrize("day", [DAYS[0], DAYS[3]], ids=str)
def test_a_machine_that_dies_at_a_request_is_followed_by_one_that_asks_for_nothing_finished(
    day: Day, fate: Fate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sample of the requests; ``python -m tests.crash.stored`` takes all of them."""
    assert deaths(day, fate, tmp_path, monkeypatch, every=24) >= 3


@pytest.mark.parametrize("mixture", MIXTURES)
def test_an_archive_is_the_same_over_a_way_that_loses_requests_and_answers(
    mixture: str, seaweedfs: StoreServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A world; ``python -m tests.crash.mixtures`` takes twelve with each mixture."""
    assert survives(mixture, 1, Bucket(seaweedfs, tmp_path), monkeypatch) >= 20


def test_a_run_that_changes_nothing_leaves_an_archive_whose_last_run_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(1) as made:
        store, views = MemoryStore(), write_rows(tmp_path / "views.csv", made.views)
        for _ in range(2):
            Machine(made).stored(monkeypatch, store, views)
            with over(monkeypatch, store):
                assert StoreShelf(SEASON).run_ended() is True
