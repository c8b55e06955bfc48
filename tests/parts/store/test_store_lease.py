"""The lease: taken, beaten, given back, taken over from the dead, and left with the living."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
import pytest
from memory_stores import PLACE, Fate, MemoryDriver, body, objects
from obstore.store import MemoryStore
from virtual_clock import VirtualClockLoop

from replay_fetch.store.failures import Fenced, LeaseHeld, StoreDead, StoreError
from replay_fetch.store.lease import Lease, read_lease
from replay_fetch.store.objects import Objects

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]


def lease(store: MemoryStore, *fates: Fate, wait: float = 0) -> Lease:
    return Lease(objects(store, fates), ".replay-fetch", wait=wait)


def progress() -> Mapping[str, object]:
    return {"views": 7}


@pytest.mark.parametrize("fates", [(), (Fate.DONE, Fate.UNHEARD), (Fate.DONE, Fate.CONFLICT, Fate.DONE)])
async def test_a_lease_that_is_not_there_is_taken_whatever_answer_was_lost(fates: tuple[Fate, ...]) -> None:
    assert await lease(MemoryStore(), *fates).take() == 1


async def test_a_lease_that_was_given_back_is_taken_at_once_with_the_next_epoch() -> None:
    store = MemoryStore()
    first = lease(store)
    await first.take()
    await first.release()
    assert await lease(store, Fate.DONE, Fate.UNHEARD).take() == 2


async def test_a_living_runs_lease_is_left_alone_and_its_holder_named() -> None:
    store = MemoryStore()
    holding = lease(store)
    await holding.take()
    with pytest.raises(LeaseHeld, match=f"another run is writing to s3://bucket/season: {holding.holder}; wait"):
        await lease(store).take()


async def test_a_beating_lease_is_never_taken_over_however_long_it_is_watched(virtual_clock: VirtualClockLoop) -> None:
    store = MemoryStore()
    holding = lease(store)
    await holding.take()
    async with anyio.create_task_group() as run:
        run.start_soon(holding.beat, progress)
        with pytest.raises(LeaseHeld):
            await lease(store, wait=3600).take()
        run.cancel_scope.cancel()
    assert virtual_clock.time() == pytest.approx(3600, abs=3)


async def test_a_run_that_waits_says_at_once_for_whom_and_how_long_and_in_the_end_what_came_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store, folder = MemoryStore(), ".replay-fetch/01-of-04"
    dead = Lease(objects(store), folder)
    await dead.take()
    await Lease(objects(store), folder, wait=300).take()
    archive, holder = "shard 1/4 of s3://bucket/season", dead.holder
    waits = "waiting up to 300 s for its end, or for 60 s without a sign of life"
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f"{archive}: {holder} is writing to it, or was killed; {waits}"),
        ("WARNING", f"{archive}: taken over from {holder}"),
    ]


async def test_a_run_that_waited_for_a_living_one_in_vain_says_that_it_lives(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    holding = lease(store)
    await holding.take()
    async with anyio.create_task_group() as run:
        run.start_soon(holding.beat, progress)
        with pytest.raises(LeaseHeld, match="It is alive: in the 70 s of --wait-for-lock it has written its lease"):
            await lease(store, wait=70).take()
        run.cancel_scope.cancel()
    assert len(caplog.records) == 1  # once, however often the other one beats


async def test_a_run_that_need_not_wait_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    first = lease(store)
    await first.take()
    await first.release()
    await lease(store, wait=300).take()
    assert caplog.records == []


async def test_a_dead_runs_lease_is_taken_over_after_its_own_seconds_by_our_clock(
    virtual_clock: VirtualClockLoop,
) -> None:
    store = MemoryStore()
    await lease(store).take()
    await anyio.sleep(1000)  # how long it was dead before is not known to who comes now
    begun = virtual_clock.time()
    assert await lease(store, wait=300).take() == 2
    assert 60 <= virtual_clock.time() - begun <= 63


async def test_two_runs_that_wait_for_a_dead_one_do_not_both_get_its_lease() -> None:
    store = MemoryStore()
    await lease(store).take()
    took: list[int] = []

    async def wait() -> None:
        try:
            took.append(await lease(store, wait=90).take())
        except LeaseHeld:
            took.append(0)

    async with anyio.create_task_group() as both:
        both.start_soon(wait)
        both.start_soon(wait)
    assert sorted(took) == [0, 2]


async def test_a_refused_beat_ends_the_run_and_says_who_took_over() -> None:
    store = MemoryStore()
    stopped = lease(store)
    await stopped.take()
    later = lease(store, wait=300)
    await later.take()
    with pytest.raises(Fenced, match=f"taken over by {later.holder}"):
        await stopped.beat(progress)
    await stopped.release()
    state = await read_lease(objects(store), later.name)
    assert state is not None
    assert (state.holder, state.released) == (later.holder, False)


async def test_an_unanswered_beat_ends_nothing() -> None:
    store = MemoryStore()
    driver = MemoryDriver(store)
    holding = Lease(Objects(driver, PLACE, give_up_after=5), ".replay-fetch")
    await holding.take()
    driver.fates.extend([Fate.NOT_DONE] * 20)
    with anyio.move_on_after(600):
        await holding.beat(progress)
    assert not holding.lost
    assert not driver.fates
    await holding.release()
    assert await lease(store).take() == 2


async def test_progress_is_in_the_lease_for_status_to_show() -> None:
    store = MemoryStore()
    holding = lease(store)
    assert await read_lease(objects(store), holding.name) is None
    await holding.take()
    with anyio.move_on_after(30):
        await holding.beat(progress)
    state = await read_lease(objects(store), holding.name)
    assert state is not None
    assert (state.progress, state.epoch, state.seconds) == ({"views": 7}, 1, 60)


async def test_a_beat_that_landed_unheard_while_the_run_ended_does_not_keep_the_lease() -> None:
    store = MemoryStore()
    driver = MemoryDriver(store)
    holding = Lease(Objects(driver, PLACE, give_up_after=600), ".replay-fetch")
    await holding.take()
    driver.fates.extend([Fate.UNHEARD])
    with anyio.move_on_after(20.5):  # the beat is sent at 20, and its next try is at 21
        await holding.beat(progress)
    await holding.release()
    assert b'"released":true' in body(store, holding.name)


async def test_a_release_that_nobody_hears_takes_no_longer_than_ten_seconds(virtual_clock: VirtualClockLoop) -> None:
    store = MemoryStore()
    driver = MemoryDriver(store)
    holding = Lease(Objects(driver, PLACE, give_up_after=600), ".replay-fetch")
    await holding.take()
    driver.fates.extend([Fate.NOT_DONE] * 99)
    await holding.release()
    assert virtual_clock.time() == pytest.approx(10, abs=0.1)


async def test_a_store_that_the_run_gave_up_is_not_asked_for_the_lease_and_its_own_error_stands_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    driver = MemoryDriver(MemoryStore())
    keeping = Objects(driver, PLACE, give_up_after=5)
    holding = Lease(keeping, ".replay-fetch")
    await holding.take()
    driver.fates.extend([Fate.NOT_DONE] * 99)
    with pytest.raises(StoreDead):
        await keeping.get("manifest.ndjson")
    caplog.clear()
    asked = len(driver.asked)
    await holding.release()
    assert (len(driver.asked), caplog.records) == (asked, [])


async def test_a_lease_that_could_not_be_given_back_is_told_where_nothing_else_has_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    driver = MemoryDriver(MemoryStore())
    holding = Lease(Objects(driver, PLACE, give_up_after=5), ".replay-fetch")
    await holding.take()
    driver.fates.extend([Fate.NOT_DONE] * 99)
    await holding.release()
    assert "s3://bucket/season: the lease is not given back: " in caplog.text


async def test_a_lease_that_was_never_taken_is_not_released() -> None:
    store = MemoryStore()
    never = lease(store)
    await never.release()
    assert await read_lease(objects(store), never.name) is None


async def test_another_object_under_the_leases_name_is_not_taken_for_a_lease() -> None:
    store = MemoryStore()
    store.put(".replay-fetch/lease.json", b"hello", use_multipart=False)
    with pytest.raises(StoreError, match=r"lease\.json is no lease"):
        await lease(store).take()
