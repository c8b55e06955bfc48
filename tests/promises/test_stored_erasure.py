"""Erasures in a store: nothing of an erased session is left or comes back, whatever dies at whatever request."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import obstore
import pytest
import zstandard
from anyio import to_thread
from archives import KEYS, WIDE, write_list
from crash.world import ERASED, world
from memory_stores import Fate, MemoryDriver, body, names
from obstore.store import MemoryStore
from processes import served
from stored_runs import SEASON, Machine, copied, dies, journal, local_files, over, stored_files, write_rows

from replay_fetch.cli import main
from replay_fetch.pipeline.erasing import ErasureJob, erase
from replay_fetch.settings import ArchiveSettings, Compression, Settings
from replay_fetch.simulator import HoldingSettings, SearchSettings, Simulator, SimulatorSettings

OUT = str(SEASON)
# A sample; ERASURE_KILLS=1 takes every request of an erasure, one by one: there are some 120.
STEP = int(os.environ.get("ERASURE_KILLS", "4"))
AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
NOT_THERE = "5d0f2c11-0000-4000-8000-00000000dead"
SIMULATED = SimulatorSettings(
    limit=WIDE, holding=HoldingSettings(sessions=4), search=SearchSettings(events_age=90_000, page_events=5)
)


def erasing(out: object, *sessions: str) -> ErasureJob:
    return ErasureJob(out, AT, "session", sessions, settings=Settings(archive=ArchiveSettings(wait_for_lock=120)))  # type: ignore[arg-type] # a folder or an address


@pytest.mark.parametrize("compress", [Compression.NONE, Compression.ZSTD])
@pytest.mark.parametrize("seed", range(3))
def test_an_archive_is_the_same_in_a_store_as_on_a_disk_behind_an_erasure_and_behind_later_lists(
    seed: int, compress: Compression, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of sessions that are whole, partial or not begun, with raw pages; the list brings the erased ones up again."""
    with world(seed) as made:
        store, out = MemoryStore(), tmp_path / "out"
        waits = False
        lists = [write_rows(tmp_path / "1", made.views[2:]), write_rows(tmp_path / "2", made.views[::-1])]
        for day, (views, gone) in enumerate([(lists[0], ERASED), (lists[1], "s1"), (lists[1], "")], 1):
            made.day = day
            machine = Machine(made, compress, keep_raw=True)
            local, stored = machine.run(views, out), machine.stored(monkeypatch, store, views)
            assert stored.report.erased == local.report.erased
            assert stored_files(store) == local_files(out)
            if gone:
                waits |= any("/parts/" in name and f'"{gone}"'.encode() in body(store, name) for name in names(store))
                on_a_disk = erase(erasing(out, gone, NOT_THERE))
                with over(monkeypatch, store):
                    in_a_store = erase(erasing(SEASON, gone, NOT_THERE))
                for name in ("sessions", "not_there", "views", "segments", "size", "files", "stored"):
                    assert getattr(in_a_store, name) == getattr(on_a_disk, name), name
                assert stored_files(store) == local_files(out)
                assert not [name for name in names(store) if f"/{gone}" in name]
                assert not [name for name in names(store) if f'"{gone}"'.encode() in plain(store, name)]
        assert waits or seed == 2  # where no session that was erased had lines in a blob


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with served(SIMULATED) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def archive(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], MemoryStore]:
    """An archive with events, two lists, a long log and a checkpoint, copied anew at each call."""
    folder, store = tmp_path_factory.mktemp("archive"), MemoryStore()
    with pytest.MonkeyPatch.context() as patch:
        environment(patch, simulator)
        patch.setattr("replay_fetch.store.keep._WORTH_A_CHECKPOINT", 2)
        again = [view for view in simulator.views if view.session_id == erased(simulator)]
        second = write_list(folder / "again.csv", [*again, *simulator.views[:2]])
        views = write_list(folder / "views.csv", simulator.views)
        with journal(patch, store) as written:
            assert main(["download", str(views), OUT, "-q", "--events"]) == 0
            assert main(["download", str(second), OUT, "-q", "--refresh"]) == 0
    return lambda: copied(written)


def environment(patch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    patch.setenv("DD_API_KEY", KEYS.api_key)
    patch.setenv("DD_APP_KEY", KEYS.app_key)
    patch.setenv("REPLAY_FETCH_BASE_URL", simulator.base_url)


def erased(simulator: Simulator) -> str:
    return simulator.views[-1].session_id


def traces(store: MemoryStore, simulator: Simulator) -> list[str]:
    """The objects in whose names or bytes, unpacked where they are packed, an id of the erased session stands."""
    session = erased(simulator)
    ids = [session, *(view.view_id for view in simulator.views if view.session_id == session)]
    return [name for name in names(store) if any(each in name or each.encode() in plain(store, name) for each in ids)]


def plain(store: MemoryStore, name: str) -> bytes:
    content = body(store, name)
    packed = content.startswith(b"\x28\xb5\x2f\xfd")
    return zstandard.ZstdDecompressor().decompressobj().decompress(content) if packed else content


def test_no_object_has_an_id_of_an_erased_session(
    archive: Callable[[], MemoryStore], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = archive()
    kinds = {name.split("/")[1] if name.startswith(".") else name.split("/")[0] for name in traces(store, simulator)}
    assert kinds >= {"sessions", "events", "manifest.ndjson", "manifest-events.ndjson", "log", "lists", "checkpoint"}
    with over(monkeypatch, store):
        assert main(["erase", OUT, "--session", erased(simulator), "-q"]) == 0
        assert traces(store, simulator) == []
        assert main(["verify", OUT]) == 0


@pytest.mark.parametrize("lost", ["checkpoint", "nothing"])
def test_no_later_run_brings_an_erased_session_back(  # noqa: PLR0913, PLR0917 - fixtures
    lost: str,
    archive: Callable[[], MemoryStore],
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By a checkpoint or, where that is lost, by list and log."""
    store = archive()
    environment(monkeypatch, simulator)
    with over(monkeypatch, store):
        assert main(["erase", OUT, "--session", erased(simulator).upper(), "-q"]) == 0
        files = stored_files(store)
        obstore.delete(store, [name for name in names(store) if f"/{lost}/" in name])
        for words in ([], ["--refresh"]):
            capsys.readouterr()
            views = write_list(tmp_path / "views.csv", simulator.views)
            assert main(["download", str(views), OUT, "-q", "--json", "--events", *words]) == 0
            assert '"erased":' in capsys.readouterr().out
            assert traces(store, simulator) == []
            assert {name: files[name] for name in files} == stored_files(store)
        assert main(["verify", OUT]) == 0
        capsys.readouterr()
        assert main(["status", OUT]) == 0
        assert "1 session erased" in capsys.readouterr().out


@pytest.mark.parametrize(("fate", "first"), [(Fate.DIES_BEFORE, 0), (Fate.DIES_AFTER, 2)], ids=["before", "behind"])
def test_an_erasure_that_dies_at_any_request_is_whole_or_not_and_is_finished_by_the_same_command(  # noqa: PLR0913, PLR0917 - fixtures
    fate: Fate,
    first: int,
    archive: Callable[[], MemoryStore],
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = archive()
    words = ["erase", OUT, "--session", erased(simulator), "-q"]
    with over(monkeypatch, whole) as driver:
        assert main(words) == 0
    before, behind = (_told(archive(), monkeypatch, capsys), _told(whole, monkeypatch, capsys))
    files, seen = _without_reports(whole), set[str]()
    for number in range(first, len(driver.asked) + 1, STEP):
        store = archive()
        with over(monkeypatch, store, deque([Fate.DONE] * number + [fate] * 10_000)):
            dead = dies(lambda: main(words))
        told = _told(store, monkeypatch, capsys)
        assert told in (before, behind), number
        seen.add(told)
        _released(store)
        with over(monkeypatch, store):
            assert main(words) == 0
        assert (_without_reports(store), traces(store, simulator)) == (files, []), number
        assert dead or number >= len(driver.asked) - 1
    assert seen == {before, behind}


def test_a_download_that_was_stopped_and_woken_behind_an_erasure_brings_nothing_back_into_the_archive(
    archive: Callable[[], MemoryStore],
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As SIGSTOP and SIGCONT around the erasure. Objects that it had on their way are named by verify, and go."""
    environment(monkeypatch, simulator)
    views, codes = write_list(tmp_path / "views.csv", simulator.views[::-1]), list[int]()
    erasing_it = ["erase", OUT, "--session", erased(simulator), "-q"]
    for number in count(0, 9):
        store = archive()
        with over(monkeypatch, store) as driver:
            _stopped(driver, number, lambda: main(erasing_it))
            codes.append(main(["download", str(views), OUT, "-q", "--refresh"]))
            woken = len(driver.asked) > number
            if not woken:
                break
            _released(store)
            assert main(["download", str(views), OUT, "-q"]) == 0
            assert erased(simulator) not in _told(store, monkeypatch, capsys)
            assert main(erasing_it) == 0
            assert (traces(store, simulator), main(["verify", OUT])) == ([], 0), number
    assert codes[-1] == 0
    assert set(codes[:-1]) == {0, 3}


def _stopped(driver: MemoryDriver, number: int, meanwhile: Callable[[], int]) -> None:
    """Stop a machine before one request, until another has done something; the lease stood still for its minute."""
    fate, own = driver.fate, count()

    async def stopping(verb: str, name: str) -> Fate:
        if next(own) == number:
            driver.fate = fate  # type: ignore[method-assign]
            _released(driver.store)
            assert await to_thread.run_sync(meanwhile) == 0
        return await fate(verb, name)

    driver.fate = stopping  # type: ignore[method-assign]


def _told(store: MemoryStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What an archive shows of its sessions to whoever looks at it now."""
    capsys.readouterr()
    with over(monkeypatch, store):
        assert main(["show", OUT]) == 0
    return capsys.readouterr().out


def _without_reports(store: MemoryStore) -> dict[str, bytes]:
    """The archive but for the reports of erasures: a second erasure tells that nothing was there."""
    return {name: text for name, text in stored_files(store).items() if not name.startswith("erasures/")}


def _released(store: MemoryStore) -> None:
    obstore.delete(store, [name for name in names(store) if name.endswith("/lease.json")])
