"""Objects: conditional writes whose answers get lost, retries, reading in pieces, and how a store is given up."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_stores import PLACE, Fate, MemoryDriver, body, names, objects
from obstore.store import MemoryStore
from virtual_clock import VirtualClockLoop

from replay_fetch.store import objects as module
from replay_fetch.store.driver import Found, Tag
from replay_fetch.store.failures import Fault, Fenced, StoreDead, StoreError
from replay_fetch.store.objects import Objects

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]


@pytest.mark.parametrize("fates", [[], [Fate.NOT_DONE] * 3, [Fate.UNHEARD], [Fate.UNHEARD, Fate.NOT_DONE]])
async def test_an_object_is_created_and_ours_whatever_answer_was_lost(fates: list[Fate]) -> None:
    store = MemoryStore()
    tag = await objects(store, fates).create("log/1", b"mine", 3)
    assert isinstance(tag, Tag)
    found = await objects(store).head("log/1")
    assert found == Found(tag, 4, {"epoch": "3", "sha256": found.metadata["sha256"] if found else ""})


async def test_a_409_under_which_nothing_has_landed_is_tried_again(virtual_clock: VirtualClockLoop) -> None:
    store = MemoryStore()
    begun = virtual_clock.time()
    assert isinstance(await objects(store, [Fate.CONFLICT, Fate.DONE, Fate.CONFLICT]).create("a", b"1", 1), Tag)
    assert virtual_clock.time() - begun == pytest.approx(3, abs=0.1)


async def test_a_409_that_never_ends_is_an_error_with_the_name() -> None:
    with pytest.raises(StoreError, match="season/a is said to be taken"):
        await objects(MemoryStore(), [Fate.CONFLICT, Fate.DONE] * 20).create("a", b"1", 1)


async def test_an_object_of_another_run_is_not_written_over() -> None:
    store = MemoryStore()
    await objects(store).create("log/1", b"theirs", 1)
    other = await objects(store).create("log/1", b"mine!!", 2)
    assert isinstance(other, Found)
    assert other.metadata["epoch"] == "1"
    assert body(store, "log/1") == b"theirs"


@pytest.mark.parametrize("fates", [[], [Fate.UNHEARD], [Fate.NOT_DONE, Fate.UNHEARD]])
async def test_a_replacement_is_ours_whatever_answer_was_lost(fates: list[Fate]) -> None:
    store = MemoryStore()
    first = await objects(store).create("lease", b"1", 1)
    assert isinstance(first, Tag)
    assert isinstance(await objects(store, fates).replace("lease", b"2", 1, first), Tag)
    assert isinstance(await objects(store).replace("lease", b"3", 1, first), Found)
    assert body(store, "lease") == b"2"


async def test_a_409_on_a_replacement_under_which_nothing_has_changed_is_tried_again() -> None:
    store = MemoryStore()
    first = await objects(store).create("lease", b"1", 1)
    assert isinstance(first, Tag)
    assert isinstance(await objects(store, [Fate.CONFLICT] + [Fate.DONE] * 9).replace("lease", b"2", 1, first), Tag)


async def test_an_object_that_is_gone_is_replaced_by_nobody() -> None:
    assert await objects(MemoryStore()).replace("lease", b"2", 1, Tag('"0"')) is None


async def test_an_earlier_runs_object_is_replaced_and_a_later_runs_is_left_alone() -> None:
    store = MemoryStore()
    await objects(store).write("sessions/a", b"first", 1)
    await objects(store).write("sessions/a", b"second", 2)
    with pytest.raises(Fenced, match="season/sessions/a was written by a later run"):
        await objects(store).write("sessions/a", b"third", 1)
    assert body(store, "sessions/a") == b"second"


async def test_the_same_bytes_are_adopted_whoever_wrote_them() -> None:
    store = MemoryStore()
    later = await objects(store).write("sessions/a", b"same", 9)
    one = objects(store)
    assert await one.write("sessions/a", b"same", 1) == later
    assert one.requests == {"PUT": 1, "HEAD": 1}


async def test_bytes_are_compared_where_a_copy_has_lost_its_metadata() -> None:
    store = MemoryStore()
    store.put("sessions/a", b"same", use_multipart=False)
    store.put("sessions/b", b"else", use_multipart=False)
    one = objects(store)
    assert isinstance(await one.create("sessions/a", b"same", 1), Tag)
    assert isinstance(await one.create("sessions/b", b"same", 1), Found)
    assert isinstance(await one.write("sessions/b", b"same", 1), Tag)


async def test_a_known_version_is_replaced_in_one_request() -> None:
    store = MemoryStore()
    one = objects(store)
    tag = await one.write("sessions/a", b"1", 1)
    await one.write("sessions/a", b"2", 1, tag)
    assert one.requests == {"PUT": 2}


async def test_a_file_above_the_limit_goes_up_in_parts_behind_a_look_at_the_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_PUT", 10)
    file = tmp_path / "large"
    file.write_bytes(b"x" * 11)
    store = MemoryStore()
    driver = MemoryDriver(store)
    one = Objects(driver, PLACE, give_up_after=1)
    tag = await one.write("sessions/a", file, 2)
    assert [verb for verb, _ in driver.asked] == ["HEAD", "HEAD", "UPLOAD"]
    assert await one.write("sessions/a", file, 2) == tag
    assert [verb for verb, _ in driver.asked] == ["HEAD", "HEAD", "UPLOAD", "HEAD"]
    file.write_bytes(b"y" * 11)
    with pytest.raises(Fenced):
        await one.write("sessions/a", file, 1)
    await one.write("sessions/a", file, 3)
    assert body(store, "sessions/a") == b"y" * 11


async def test_a_small_file_is_written_as_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"lines")
    store = MemoryStore()
    await objects(store).write("sessions/a", tmp_path / "small", 1)
    assert body(store, "sessions/a") == b"lines"


async def test_a_store_that_answers_nothing_but_faults_is_given_up(virtual_clock: VirtualClockLoop) -> None:
    begun = virtual_clock.time()
    with pytest.raises(
        StoreDead, match=r"s3://bucket/season: nothing but faults for more than 120 s, the last one: status 503"
    ):
        await objects(MemoryStore(), [Fate.NOT_DONE] * 99, give_up_after=120).create("a", b"1", 1)
    assert virtual_clock.time() - begun == pytest.approx(120, abs=1)


async def test_an_object_is_read_in_pieces_and_in_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 4)
    store = MemoryStore()
    one = objects(store, [Fate.DONE, Fate.NOT_DONE])
    await one.create("log/1", b"0123456789", 1)
    assert [piece async for piece in one.pieces("log/1")] == [b"0123", b"4567", b"89"]
    assert await one.range("log/1", 3, 4) == b"3456"
    with pytest.raises(StoreError, match="lacks bytes"):
        await one.range("log/1", 8, 4)
    with pytest.raises(StoreError, match="lacks bytes"):
        await one.range("log/2", 0, 4)
    with pytest.raises(StoreError, match="is not there"):
        [piece async for piece in one.pieces("log/2")]
    assert await one.get("log/2") is None


async def test_an_object_that_changes_while_it_is_read_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 4)
    store = MemoryStore()
    one = objects(store)
    await one.write("a", b"0123456789", 1)
    pieces = one.pieces("a")
    assert await anext(pieces) == b"0123"
    await one.write("a", b"abcdefghij", 1)
    with pytest.raises(StoreError, match="changed while it was read"):
        await anext(pieces)


async def test_a_listing_goes_on_behind_the_last_name_after_a_fault() -> None:
    class CutListing(MemoryDriver):
        async def list(self, prefix, after):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - as its base
            seen = 0
            async for listed in super().list(prefix, after):
                yield listed
                seen += 1
                if seen == 2:
                    raise Fault("no answer")

    store = MemoryStore()
    for number in range(5):
        await objects(store).create(f"log/{number}", b"x", 1)
    await objects(store).create("logs", b"x", 1)
    one = Objects(CutListing(store), PLACE, give_up_after=1)
    assert [listed.name async for listed in one.list("log")] == [f"log/{number}" for number in range(5)]
    assert [listed.name async for listed in one.list("log", "log/3")] == ["log/4"]


async def test_a_claim_takes_an_empty_place_and_leaves_an_earlier_runs_object_as_it_is() -> None:
    store = MemoryStore()
    first = await objects(store).claim("sessions/a", b"first", 1)
    assert await objects(store).claim("sessions/a", b"first", 2) == first
    found = await objects(store).claim("sessions/a", b"other", 2)
    assert isinstance(found, Found)
    assert found.tag == first
    with pytest.raises(Fenced):
        await objects(store).claim("sessions/a", b"other", 0)


async def test_a_later_runs_object_is_not_removed_by_the_run_it_took_over_from() -> None:
    store = MemoryStore()
    await objects(store).write("sessions/a.partial", b"1", 2)
    await objects(store).remove("sessions/a.partial", 1)
    assert names(store) == ["sessions/a.partial"]
    await objects(store).remove("sessions/a.partial", 2)
    await objects(store).remove("sessions/a.partial", 2)
    assert names(store) == []


async def test_an_object_that_is_gone_is_deleted_without_an_error() -> None:
    store = MemoryStore()
    await objects(store).create("a", b"1", 1)
    await objects(store).delete("a")
    await objects(store).delete("a")
    assert names(store) == []
