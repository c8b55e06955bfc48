"""The keep: what one run ships another finds, whatever the first one died of."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from made_runs import FACTS, FIRST, OTHER, SECOND, MadeRun, WithoutLease, assert_log_holds, assert_whole
from memory_scratches import MemoryScratch
from memory_stores import PLACE, Fate, MachineDied, MemoryDriver, at_once, body, names, objects
from obstore.store import MemoryStore

from replay_fetch.model import View
from replay_fetch.store import keep as module
from replay_fetch.store.entries import LoggedObject
from replay_fetch.store.failures import Fenced, LeaseHeld, StoreDead, StoreError
from replay_fetch.store.keep import StoreKeep
from replay_fetch.store.lease import read_lease
from replay_fetch.store.log import Log
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import FOLDER, KeepTerms
from replay_fetch.store.restoring import Restoring
from replay_fetch.store.scratch import Staged, StagedFile

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]


@pytest.fixture(autouse=True)
def without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anyio.to_thread, "run_sync", at_once)


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """A fresh machine's disk each time."""
    return (tmp_path / str(number) for number in itertools.count())


async def restored(store: MemoryStore, folder: Path) -> MemoryScratch:
    """What the log of a store says, to whoever reads it now."""
    scratch = MemoryScratch(folder)
    await Restoring(objects(store), FOLDER, scratch).restore(Log(objects(store), FOLDER, "reader"))
    return scratch


async def test_a_run_ships_and_a_reader_finds_all_of_it(folders: Iterator[Path]) -> None:
    store = MemoryStore()
    run = MadeRun(objects(store), next(folders), FIRST)
    await run.run()
    scratch = await restored(store, next(folders))
    assert_whole(store, scratch)
    assert (scratch.records, scratch.rows, scratch.parts) == (run.scratch.records, run.scratch.rows, {})
    state = await read_lease(objects(store), f"{FOLDER}/lease.json")
    assert state is not None
    assert state.released


async def test_a_second_run_of_the_same_list_asks_for_nothing(folders: Iterator[Path]) -> None:
    store = MemoryStore()
    await MadeRun(objects(store), next(folders), FIRST).run()
    again = MadeRun(objects(store), next(folders), FIRST)
    await again.run()
    assert again.asked == []
    assert again.scratch.lists == {1: repr(FIRST)}


async def test_a_later_list_adds_views_to_a_session_that_was_whole(folders: Iterator[Path]) -> None:
    store = MemoryStore()
    await MadeRun(objects(store), next(folders), FIRST).run()
    second = MadeRun(objects(store), next(folders), SECOND)
    await second.run()
    assert [str(view) for view in second.asked] == ["s0/c", "s2/a"]
    assert_whole(store, await restored(store, next(folders)))


@pytest.mark.parametrize("fate", [Fate.DIES_BEFORE, Fate.DIES_AFTER])
async def test_a_machine_that_dies_at_any_request_loses_no_finished_view(fate: Fate, folders: Iterator[Path]) -> None:
    """Both lists, with a death at each request of the second run; then another machine goes on."""
    dies_at = 0
    while True:
        store = MemoryStore()
        await MadeRun(objects(store), next(folders), FIRST).run()
        driver = MemoryDriver(store, [Fate.DONE] * dies_at + [fate] * 10**4)
        killed = MadeRun(Objects(driver, PLACE, give_up_after=600), next(folders), SECOND)
        try:
            await killed.run()
        except* MachineDied:
            pass
        if killed.ended:
            break
        finished = {view for view in SECOND if await finished_in_log(store, next(folders), view)}
        following = MadeRun(objects(store), next(folders), SECOND, wait=90)
        await following.run()
        assert not finished & set(following.asked)
        assert_whole(store, await restored(store, next(folders)))
        dies_at += 1
    assert dies_at > 40


class StoppedDriver(MemoryDriver):
    """A machine that is stopped before one request, until another machine's run has ended."""

    def __init__(self, store: MemoryStore, stops_at: int, meanwhile: MadeRun) -> None:
        super().__init__(store)
        self.stops_at, self.meanwhile = stops_at, meanwhile

    async def fate(self, verb: str, name: str) -> Fate:
        self.asked.append((verb, name))
        if len(self.asked) == self.stops_at + 1:
            await self.meanwhile.run()
        return Fate.DONE


@pytest.mark.parametrize("later", [FIRST, SECOND, OTHER], ids=["first", "second", "other"])
async def test_a_run_that_is_stopped_at_any_request_and_woken_after_a_takeover_corrupts_nothing(
    later: tuple[View, ...], folders: Iterator[Path]
) -> None:
    """As SIGSTOP and SIGCONT around a whole run of another machine, which ignores the lease."""
    stops_at, fenced = 0, 0
    while True:
        store = MemoryStore()
        await MadeRun(objects(store), next(folders), FIRST).run()
        meanwhile = MadeRun(objects(store), next(folders), later)
        meanwhile.keep._lease = WithoutLease(meanwhile.keep._objects, FOLDER)
        driver = StoppedDriver(store, stops_at, meanwhile)
        woken = MadeRun(Objects(driver, PLACE, give_up_after=600), next(folders), SECOND)
        try:
            await woken.run()
        except Fenced:
            fenced += 1
        assert_log_holds(store, await restored(store, next(folders)))
        if not meanwhile.ended:
            break
        following = MadeRun(objects(store), next(folders), SECOND, wait=90)
        await following.run()
        assert not set(meanwhile.asked) & set(following.asked)
        assert_whole(store, await restored(store, next(folders)), strays=True)
        stops_at += 1
    assert fenced > 15


async def finished_in_log(store: MemoryStore, folder: Path, view: object) -> bool:
    scratch = await restored(store, folder)
    finished = {record.planned.view for record in scratch.records.values() if record.finished}
    return view in finished


@pytest.mark.parametrize("fate", [Fate.UNHEARD, Fate.NOT_DONE, Fate.CONFLICT])
@pytest.mark.parametrize("every", [3, 4, 7])
async def test_a_store_whose_answers_get_lost_makes_the_same_archive(
    fate: Fate, every: int, folders: Iterator[Path]
) -> None:
    store = MemoryStore()
    for views in (FIRST, SECOND):
        driver = MemoryDriver(store)
        turn = 0

        async def odd(verb: str, name: str) -> Fate:
            nonlocal turn
            del name
            turn += 1
            return fate if turn % every == 0 and (verb == "PUT" or fate is not Fate.CONFLICT) else Fate.DONE

        driver.fate = odd  # type: ignore[method-assign] # one test's own faults
        await MadeRun(Objects(driver, PLACE, give_up_after=600), next(folders), views, wait=90).run()
    assert_whole(store, await restored(store, next(folders)))


async def test_a_run_that_was_overtaken_stops_at_its_commit_and_changes_no_file(folders: Iterator[Path]) -> None:
    store = MemoryStore()
    folder = next(folders)
    stopped = StoreKeep(objects(store), MemoryScratch(folder), KeepTerms(FACTS))
    await stopped.open()
    await MadeRun(objects(store), next(folders), FIRST, wait=90).run()
    before = {name: body(store, name) for name in names(store, "sessions")}
    (folder / "f").write_bytes(b"stale")
    staged = StagedFile("sessions/s0.ndjson", folder / "f", 5, hashlib.sha256(b"stale").hexdigest())
    with pytest.raises(Fenced):
        await stopped.ship(Staged(files=[staged]))
    with pytest.raises(Fenced):
        await stopped.finish({"manifest.ndjson": folder / "f"})
    await stopped.close()
    assert {name: body(store, name) for name in names(store, "sessions")} == before
    assert_whole(store, await restored(store, next(folders)))


async def test_two_runs_at_once_are_one_that_works_and_one_that_is_told_who_does(folders: Iterator[Path]) -> None:
    store = MemoryStore()
    working = StoreKeep(objects(store), MemoryScratch(next(folders)), KeepTerms(FACTS))
    await working.open()
    with pytest.raises(LeaseHeld, match="another run is writing to s3://bucket/season"):
        await MadeRun(objects(store), next(folders), FIRST).run()
    await working.close()
    await MadeRun(objects(store), next(folders), FIRST).run()


async def test_a_lost_lease_ends_the_work_beside_it(folders: Iterator[Path]) -> None:
    store = MemoryStore()
    stopped = StoreKeep(objects(store), MemoryScratch(next(folders)), KeepTerms(FACTS))
    await stopped.open()
    later = StoreKeep(objects(store), MemoryScratch(next(folders)), KeepTerms(FACTS, wait_for_lock=90))
    await later.open()
    with pytest.raises(Fenced, match="was taken over by"):
        await stopped.beside(anyio.sleep_forever, dict)


async def test_work_that_fails_beside_the_lease_fails_as_it_is(folders: Iterator[Path]) -> None:
    keep = StoreKeep(objects(MemoryStore()), MemoryScratch(next(folders)), KeepTerms(FACTS))
    await keep.open()

    async def work() -> None:
        raise StoreError("as it is")

    with pytest.raises(StoreError, match="as it is"):
        await keep.beside(work, dict)


async def test_a_dead_store_ends_the_run_and_the_next_one_goes_on(folders: Iterator[Path]) -> None:
    store = MemoryStore()
    driver = MemoryDriver(store, [Fate.DONE] * 30 + [Fate.NOT_DONE] * 10**4)
    with pytest.raises(StoreDead):
        await MadeRun(Objects(driver, PLACE, give_up_after=120), next(folders), FIRST).run()
    await MadeRun(objects(store), next(folders), FIRST, wait=90).run()
    assert_whole(store, await restored(store, next(folders)))


async def test_checkpoints_are_written_on_the_way_and_read_instead_of_the_log(
    folders: Iterator[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", 2)
    monkeypatch.setattr(module, "_WORTH_A_CHECKPOINT", 1)
    store = MemoryStore()
    await MadeRun(objects(store), next(folders), FIRST).run()
    kept = names(store, f"{FOLDER}/checkpoint")
    assert len(kept) == 2
    following = objects(store)
    again = MadeRun(following, next(folders), SECOND)
    await again.run()
    assert_whole(store, await restored(store, next(folders)))
    # Without its checkpoints the archive is the same, read from the beginning of the log.
    scratch = await restored(store, next(folders))
    store.delete(names(store, f"{FOLDER}/checkpoint"))
    assert (await restored(store, next(folders))).__dict__ | {"_folder": 0} == scratch.__dict__ | {"_folder": 0}


async def test_a_file_of_the_same_bytes_is_not_sent_again(folders: Iterator[Path]) -> None:
    store = MemoryStore()
    folder = next(folders)
    one = objects(store)
    keep = StoreKeep(one, MemoryScratch(folder), KeepTerms(FACTS))
    await keep.open()
    (folder / "f").write_bytes(b"lines")
    staged = Staged(files=[StagedFile("sessions/a", folder / "f", 5, hashlib.sha256(b"lines").hexdigest())])
    await keep.ship(staged)
    before = one.requests["PUT"]
    await keep.ship(staged)
    assert one.requests["PUT"] - before == 1  # the log part


async def test_a_new_session_costs_one_put_beside_its_share_of_the_log(folders: Iterator[Path]) -> None:
    store = MemoryStore()
    folder = next(folders)
    one = objects(store)
    keep = StoreKeep(one, MemoryScratch(folder), KeepTerms(FACTS))
    await keep.open()
    before = one.requests.copy()
    (folder / "f").write_bytes(b"lines")
    sha256 = hashlib.sha256(b"lines").hexdigest()
    await keep.ship(Staged(files=[StagedFile(f"sessions/{n}", folder / "f", 5, sha256) for n in range(100)]))
    assert one.requests - before == {"PUT": 101}


async def test_a_file_that_something_else_has_changed_is_not_built_upon(folders: Iterator[Path]) -> None:
    store = MemoryStore()
    await MadeRun(objects(store), next(folders), FIRST).run()
    store.put("sessions/s0.ndjson", b"cut", use_multipart=False)
    with pytest.raises(StoreError, match=r"s0\.ndjson is not what the log says; .replay-fetch verify s3://bucket"):
        await MadeRun(objects(store), next(folders), SECOND).run()


async def test_an_earlier_runs_file_that_never_counted_is_replaced_behind_the_log(folders: Iterator[Path]) -> None:
    store = MemoryStore()
    await objects(store).write("sessions/s1.ndjson", b"of a run that died", 0)
    run = MadeRun(objects(store), next(folders), FIRST)
    await run.run()
    assert_whole(store, await restored(store, next(folders)))
    logged = [entry for part in await parts(store) for entry in part if isinstance(entry, LoggedObject)]
    assert [bool(entry.staged) for entry in logged if entry.name == "sessions/s1.ndjson"] == [True, False]


async def parts(store: MemoryStore) -> list[list[object]]:
    return [list(part.entries()) async for part in Log(objects(store), FOLDER, "reader").read()]
