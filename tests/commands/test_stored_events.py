"""RUM events of an archive in a store: the same files as on a disk, whatever machine dies at whatever request."""

from __future__ import annotations

from collections import deque
from itertools import count
from pathlib import Path

import obstore
import orjson
import pytest
from archives import WIDE
from memory_stores import Fate, body, names
from obstore.store import MemoryStore
from stored_commands import simulator, store, views
from stored_runs import SEASON, dies, local_files, over, stored_files

from replay_fetch.cli import main
from replay_fetch.simulator import HoldingSettings, SearchSettings, Simulator, SimulatorSettings

__all__ = ["simulator", "store", "views"]

OUT = str(SEASON)
SIMULATED = SimulatorSettings(
    limit=WIDE, holding=HoldingSettings(sessions=4), search=SearchSettings(events_age=90_000, page_events=5)
)


def searches(simulator: Simulator) -> int:
    return sum(simulator.counts.others.values())


@pytest.mark.parametrize("compress", ["none", "gzip", "zstd"])
def test_events_stored_with_the_views_or_later_are_the_files_of_an_archive_on_a_disk(  # noqa: PLR0913, PLR0917 - fixtures
    compress: str,
    simulator: Simulator,
    store: MemoryStore,
    views: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = [str(views), "--compress", compress, "-q"]
    assert main(["download", *words[:1], str(tmp_path / "out"), *words[1:], "--events"]) == 0
    files = local_files(tmp_path / "out")
    assert len([name for name in files if name.startswith("events/")]) == 4
    with over(monkeypatch, store):
        assert main(["download", *words[:1], OUT, *words[1:], "--events"]) == 0
        assert orjson.loads(body(store, "report.json"))["events"]["fetched"] == 4
    assert stored_files(store) == files
    later = MemoryStore()
    with over(monkeypatch, later):
        assert main(["download", *words[:1], OUT, *words[1:]]) == 0
        assert main(["events", OUT, "-q"]) == 0
        assert stored_files(later) == files
        before = searches(simulator)
        assert main(["events", OUT, "-q"]) == 0
        assert main(["download", *words[:1], OUT, *words[1:], "--events"]) == 0
    assert searches(simulator) == before
    assert stored_files(later) == files


def test_reading_commands_tell_of_the_events_in_a_store_as_of_those_on_a_disk(
    store: MemoryStore, views: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with over(monkeypatch, store):
        for place in (str(out), OUT):
            assert main(["download", str(views), place, "-q", "--events"]) == 0
        told = []
        for place in (str(out), OUT):
            capsys.readouterr()
            assert main(["status", place, "--json"]) == 0
            told.append(orjson.loads(capsys.readouterr().out)["events"])
            assert main(["verify", place, "--json"]) == 0
            checked = orjson.loads(capsys.readouterr().out)
            told[-1] |= {name: checked[name] for name in ("findings", "events")}
    assert told[0]["fetched"] == 4
    assert told[1] == told[0]


@pytest.mark.parametrize(("damage", "problem"), [(b"{}", "cut off"), (None, "missing")], ids=["cut", "missing"])
def test_verify_names_damaged_events_in_a_store(  # noqa: PLR0913, PLR0917 - a table's columns and fixtures
    damage: bytes | None,
    problem: str,
    store: MemoryStore,
    views: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with over(monkeypatch, store):
        assert main(["download", str(views), OUT, "-q", "--events"]) == 0
        name = next(name for name in names(store) if name.startswith("events/"))
        obstore.delete(store, [name])
        if damage is not None:
            obstore.put(store, name, damage)
        capsys.readouterr()
        for words in (["verify", OUT, "--json"], ["verify", OUT, "--json", "--quick"]):
            assert main(words) == 1
            found = orjson.loads(capsys.readouterr().out)["findings"]
            assert [(each["problem"], each["file"]) for each in found] == [(problem, name)]


def test_events_of_no_archive_are_an_error_and_nothing_is_written(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with over(monkeypatch, store):
        assert main(["events", OUT]) == 3
    assert f"{OUT} is not an archive of replay-fetch" in capsys.readouterr().err
    assert names(store) == []


@pytest.mark.parametrize(("fate", "first"), [(Fate.DIES_BEFORE, 1), (Fate.DIES_AFTER, 3)], ids=["before", "behind"])
def test_a_machine_that_dies_while_it_stores_events_is_followed_by_one_that_ends_as_if_none_had_died(  # noqa: PLR0913, PLR0917 - fixtures
    fate: Fate,
    first: int,
    simulator: Simulator,
    store: MemoryStore,
    views: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A death at each fourth request of ``events``; events that the log has are not asked for again."""
    assert main(["download", str(views), str(tmp_path / "out"), "-q", "--events"]) == 0
    files = local_files(tmp_path / "out")
    for number in count(first, 4):
        store = MemoryStore()
        with over(monkeypatch, store):
            assert main(["download", str(views), OUT, "-q"]) == 0
        with over(monkeypatch, store, deque([Fate.DONE] * number + [fate] * 10_000)):
            dead = dies(lambda: main(["events", OUT, "-q"]))
        kept = any(name.startswith("manifest-events") for name in names(store))
        before = searches(simulator)
        with over(monkeypatch, store):
            if dead:
                obstore.delete(store, [".replay-fetch/lease.json"])
            assert main(["events", OUT, "-q"]) == 0
        assert stored_files(store) == files, number
        assert not (kept and searches(simulator) > before), number
        if not dead:
            break
    assert number > 20
