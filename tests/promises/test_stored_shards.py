"""Shards of one list in an archive in a store: merged they are a single run's archive on a disk, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import obstore
import pytest
from crash.world import World, world
from memory_stores import Fate, names
from obstore.store import MemoryStore
from stored_runs import SEASON, Machine, died, local_files, over, stored_files, write_rows

from replay_fetch.archive.read.readers import Processes
from replay_fetch.archive.shelf import Shelf
from replay_fetch.cli.archive_option import shelf_at
from replay_fetch.errors import InputError, ReplayFetchError, SettingsError
from replay_fetch.inspect import merge_stored as merge_stored_module
from replay_fetch.inspect.current import current
from replay_fetch.inspect.entries import entries
from replay_fetch.inspect.merge_stored import merge_stored
from replay_fetch.inspect.status import status
from replay_fetch.inspect.verify_shards import verify
from replay_fetch.pipeline import merged as merged_module
from replay_fetch.pipeline import stored
from replay_fetch.settings import ArchiveSettings, Compression
from replay_fetch.shard import ShardId, index_of
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import KeepTerms
from replay_fetch.store.shelf import StoreShelf

_COUNT = 3
_OF_SHARDS = ("manifest/", "report/")


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    with world(1) as world_made:
        yield world_made


@pytest.fixture
def views(made: World, tmp_path: Path) -> Path:
    rows = [*made.views, *made.views[:3]]
    return write_rows(tmp_path / "views.csv", rows)


def machine(made: World, index: int, compress: Compression = Compression.NONE, count: int = _COUNT) -> Machine:
    return replace(Machine(made, compress), shard=ShardId(index, count))


def shelf() -> StoreShelf:
    found: Shelf = shelf_at(str(SEASON))
    assert isinstance(found, StoreShelf)
    return found


def merged_files(store: MemoryStore) -> dict[str, bytes]:
    """The archive's files but the shards' own."""
    return {name: content for name, content in stored_files(store).items() if not name.startswith(_OF_SHARDS)}


@pytest.mark.parametrize("compress", list(Compression))
def test_merged_shards_in_a_store_are_byte_for_byte_a_single_run_on_a_disk(
    made: World, views: Path, compress: Compression, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, alone = MemoryStore(), tmp_path / "alone"
    local = Machine(made, compress).run(views, alone)
    reports = [machine(made, index, compress).stored(monkeypatch, store, views).report for index in (2, 0, 1)]
    assert sum(report.views for report in reports) == local.report.views
    with over(monkeypatch, store):
        apart = {entry.record.planned.view for entry in entries(shelf())}
        assert verify(shelf(), Processes(1), None).findings == []
        merged = merge_stored(shelf())
        assert (merged.shards, merged.lacking) == (_COUNT, [])
        assert verify(shelf(), Processes(1), None).findings == []
        assert {entry.record.planned.view for entry in entries(shelf())} == apart
    assert merged_files(store) == local_files(alone)
    for figure in ("views", "outcomes", "segments", "bytes", "noted", "rows", "duplicates", "reasons", "exit_code"):
        assert getattr(merged.report, figure) == getattr(local.report, figure)


def test_a_shard_that_goes_on_removes_what_was_merged_and_a_repeated_merge_makes_it_again(
    made: World, views: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    Machine(made).run(views, tmp_path / "alone")
    machine(made, 0).stored(monkeypatch, store, views)
    machine(made, 1).stored(monkeypatch, store, views)
    with over(monkeypatch, store):
        with pytest.raises(ReplayFetchError, match="shard 2/3 has not begun: run them to their end, or merge"):
            merge_stored(shelf())
        assert merge_stored(shelf(), partial=True).lacking == ["shard 2/3 has not begun"]
        state = status(shelf()).shards
        assert state is not None
        assert (state.ended, state.not_begun, state.merged) == ([0, 1], [2], True)
    assert "manifest.ndjson" in names(store)
    machine(made, 2).stored(monkeypatch, store, views)
    assert not {"manifest.ndjson", "report.json"} & set(names(store))
    with over(monkeypatch, store):
        merge_stored(shelf())
        merge_stored(shelf())
    assert merged_files(store) == local_files(tmp_path / "alone")


def test_other_shards_another_list_and_a_run_of_none_are_refused_before_anything_is_asked(
    made: World, views: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    machine(made, 0).stored(monkeypatch, store, views)
    other = write_rows(tmp_path / "other.csv", made.views[::-1])
    for refused, listed, kind, says in (
        (machine(made, 0, count=4), views, SettingsError, "an archive of 3 shards, not of 4: say --shard I/3"),
        (Machine(made), views, SettingsError, "an archive of 3 shards, and `download --shard I/3` alone"),
        (machine(made, 1, Compression.GZIP), views, SettingsError, "begun with --compress none, not gzip"),
        (machine(made, 1), other, InputError, "was begun with another list than this one"),
        (machine(made, 0), other, InputError, "was begun with another list than this one"),
    ):
        with pytest.raises(kind, match=says):
            refused.stored(monkeypatch, store, listed)
    alone = MemoryStore()
    Machine(made).stored(monkeypatch, alone, views)
    with pytest.raises(SettingsError, match="an archive without shards; leave --shard out, and --engine"):
        machine(made, 0).stored(monkeypatch, alone, views)
    with over(monkeypatch, alone), pytest.raises(SettingsError, match="without shards"):
        merge_stored(shelf())


def test_a_shard_whose_machine_died_goes_on_and_readers_see_what_its_log_has(
    made: World, views: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    Machine(made).run(views, tmp_path / "alone")
    machine(made, 1).stored(monkeypatch, store, views)
    machine(made, 2).stored(monkeypatch, store, views)
    others = {view for view in made.views if index_of(view.session_id, _COUNT)}
    deaths = 0
    for requests in range(12, 200, 17):
        try:
            machine(made, 0).stored(monkeypatch, store, views, [Fate.DONE] * requests + [Fate.DIES_AFTER])
        except BaseException as error:
            if not died(error):
                raise
            deaths += 1
            with over(monkeypatch, store), current(shelf()) as found:
                seen = {entry.record.planned.view for entry in entries(found.shelf)}
                state = status(shelf()).shards
            assert state is not None
            # Some of them died behind the end of the run, with only the lease to give back.
            assert sorted([*state.ended, *state.running, *state.stopped, *state.not_begun]) == [0, 1, 2]
            assert {1, 2} <= set(state.ended)
            assert others <= seen <= set(made.views)
        else:
            break
    assert deaths
    machine(made, 0).stored(monkeypatch, store, views)
    with over(monkeypatch, store):
        merge_stored(shelf())
        assert verify(shelf(), Processes(1), None).findings == []
    assert merged_files(store) == local_files(tmp_path / "alone")


def test_verify_finds_a_line_of_the_merged_manifest_that_no_shard_has_and_a_stranger_among_the_sessions(
    made: World, views: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    store = MemoryStore()
    for index in range(_COUNT):
        machine(made, index).stored(monkeypatch, store, views)
    with over(monkeypatch, store):
        merge_stored(shelf())
        manifest = bytes(obstore.get(store, "manifest.ndjson").bytes())
        obstore.put(store, "manifest.ndjson", manifest.replace(b'"pages":', b'"pages":1', 1))
        obstore.put(store, "sessions/stranger.ndjson", b"{}\n")
        found = {(each.file, each.problem.value) for each in verify(shelf(), Processes(1), None).findings}
        assert found == {("manifest.ndjson", "damaged"), ("sessions/stranger.ndjson", "extra")}
        obstore.put(store, "manifest.ndjson", manifest.splitlines(keepends=True)[0])
        assert ("manifest.ndjson", "damaged") in {
            (each.file, each.problem.value) for each in verify(shelf(), Processes(1), None).findings
        }


def test_a_merge_that_a_shard_overtakes_removes_what_it_wrote(
    made: World, views: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    for index in range(_COUNT):
        machine(made, index).stored(monkeypatch, store, views)
    write = merged_module.write_merged

    def overtaken(*arguments: Any) -> None:
        machine(made, 1).stored(monkeypatch, store, views)
        with over(monkeypatch, store):
            write(*arguments)

    monkeypatch.setattr(merge_stored_module, "write_merged", overtaken)
    meanwhile = "a run began to write to s3://bucket/season meanwhile"
    with over(monkeypatch, store), pytest.raises(ReplayFetchError, match=meanwhile):
        merge_stored(shelf())
    assert not {"manifest.ndjson", "report.json"} & set(names(store))


@pytest.mark.parametrize(("shard", "asked", "waits"), [(None, None, 0), (ShardId(0, 2), None, 300), (None, 7.0, 7)])
def test_a_shard_waits_for_a_dead_runs_lease_unless_told_otherwise(
    made: World, shard: ShardId | None, asked: float | None, waits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Opened(Exception):
        """In place of a keep."""

    def keep(_objects: Objects, _scratch: object, terms: KeepTerms) -> None:
        raise Opened(terms.wait_for_lock)

    monkeypatch.setattr(stored, "StoreKeep", keep)
    settings = replace(Machine(made, shard=shard).settings(), archive=ArchiveSettings(wait_for_lock=asked))
    opening = stored.opened_in_store(SEASON, settings)
    with over(monkeypatch, MemoryStore()), pytest.raises(Opened) as opened, opening:
        pass
    assert opened.value.args == (waits,)
