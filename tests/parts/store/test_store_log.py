"""The log and what it names: parts created once, fences, blobs of lines, lists, checkpoints; each read back."""

from __future__ import annotations

import sqlite3
from collections import deque
from pathlib import Path

import pytest
from memory_stores import Fate, body, names, objects
from obstore.store import MemoryStore

from replay_fetch.model import Outcome, PlannedView, Recording, Span, View, ViewRecord, Warnings
from replay_fetch.store import parts as parts_module
from replay_fetch.store.checkpoint import fetch_checkpoint, write_checkpoint
from replay_fetch.store.entries import Entry, LoggedList, LoggedObject, LoggedPart, LoggedRemoval, LoggedView
from replay_fetch.store.failures import Fenced, StoreDead, StoreError
from replay_fetch.store.lists import ListRow, keep_list, list_name, packing, read_list
from replay_fetch.store.lists import fetch_file as fetch
from replay_fetch.store.log import Log, LogPart
from replay_fetch.store.packing import pack, unpack
from replay_fetch.store.parts import GrownPart, blobs, fetch_part

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

FOLDER = ".replay-fetch"
RECORD = ViewRecord(
    PlannedView(7, 3, View("s-1", "v-1"), expected=2),
    outcome=Outcome.FETCHED,
    source="blob",
    pages=2,
    segments=3,
    size=10,
    sha256="ab",
    warnings=Warnings(gaps=[1, 2]),
    recording=Recording(start_ms=1),
    whole=Span(0, 10, "cd"),
)
ENTRIES: list[Entry] = [
    LoggedList(1, "lists/0001.csv.zst", "crc", 12),
    LoggedView(RECORD),
    LoggedObject("sessions/s-1.ndjson", 10, "cd", '"1"', None),
    LoggedPart(8, 0, 100, ".replay-fetch/parts/000000000002-1", 0, 50),
    LoggedRemoval("sessions/s-1.partial.ndjson"),
]


def log(store: MemoryStore, *fates: Fate, writer: str = "me") -> Log:
    return Log(objects(store, fates), FOLDER, writer)


async def opened(store: MemoryStore, writer: str = "me") -> Log:
    one = log(store, writer=writer)
    [part async for part in one.read()]
    assert await one.fence(1) is None
    return one


async def read(one: Log, after: int = 0) -> list[LogPart]:
    return [part async for part in one.read(after)]


async def test_appended_entries_of_the_log_are_read_as_they_were() -> None:
    store = MemoryStore()
    writing = await opened(store)
    assert await writing.append(ENTRIES) == 2
    reading = log(store)
    opening, part = await read(reading)
    assert (opening.header.kind, opening.header.epoch, opening.header.number) == ("open", 1, 1)
    assert list(opening.entries()) == []
    assert list(part.entries()) == ENTRIES
    assert list(part.entries()) == ENTRIES
    assert (reading.number, reading.epoch) == (2, 1)


async def test_more_parts_than_are_read_at_once_come_in_order() -> None:
    store = MemoryStore()
    writing = await opened(store)
    for row in range(40):
        await writing.append([LoggedRemoval(str(row))])
    entries = [entry for part in await read(log(store), 1) for entry in part.entries()]
    assert entries == [LoggedRemoval(str(row)) for row in range(40)]


async def test_a_part_whose_answer_was_lost_is_ours() -> None:
    store = MemoryStore()
    writing = log(store, Fate.UNHEARD, Fate.DONE, Fate.DONE, Fate.NOT_DONE, Fate.UNHEARD)
    assert await writing.fence(1) is None
    assert await writing.append(ENTRIES) == 2
    assert len(await read(log(store))) == 2


async def test_a_later_run_fences_the_one_before_at_its_next_commit() -> None:
    store = MemoryStore()
    before = await opened(store, "before")
    await before.append([])
    later = await opened(store, "later")
    with pytest.raises(Fenced, match="s3://bucket/season was taken over by another run, which wrote part 3"):
        await before.append(ENTRIES)
    assert await later.append([]) == 4


async def test_a_part_that_came_before_the_fence_is_handed_over_and_counts() -> None:
    store = MemoryStore()
    before = await opened(store, "before")
    later = log(store, writer="later")
    await read(later)
    await before.append(ENTRIES)
    late = await later.fence(1)
    assert late is not None
    assert list(late.entries()) == ENTRIES
    assert await later.fence(1) is None
    assert (later.number, later.epoch) == (3, 2)


async def test_an_epoch_is_higher_than_any_in_the_log_though_the_lease_was_removed() -> None:
    store = MemoryStore()
    for lease, epoch in ((1, 1), (1, 2), (7, 7), (1, 8)):
        one = log(store)
        await read(one)
        assert await one.fence(lease) is None
        assert one.epoch == epoch


async def test_a_log_that_lacks_a_part_is_not_believed() -> None:
    store = MemoryStore()
    writing = await opened(store)
    for _ in range(3):
        await writing.append([])
    store.delete([f"{FOLDER}/log/000000000002"])
    with pytest.raises(StoreError, match="log/000000000002 is not there, though a later part is"):
        await read(log(store))


@pytest.mark.parametrize("damage", [b"", b"garbage", b"\x28\xb5\x2f\xfd cut"])
async def test_a_damaged_part_is_named(damage: bytes) -> None:
    store = MemoryStore()
    await opened(store)
    store.put(f"{FOLDER}/log/000000000001", damage, use_multipart=False)
    with pytest.raises(StoreError, match="log/000000000001 is damaged"):
        await read(log(store))


async def test_a_part_that_is_cut_behind_its_first_line_is_named_when_it_is_read() -> None:
    store = MemoryStore()
    writing = await opened(store)
    await writing.append([LoggedView(RECORD)] * 2000)
    name = f"{FOLDER}/log/000000000002"
    plain = b"".join(unpack([body(store, name)]))
    store.put(name, b"".join(pack([plain[:-40]])), use_multipart=False)
    *_, part = await read(log(store))
    with pytest.raises(StoreError, match="log/000000000002 is damaged"):
        list(part.entries())


async def test_a_part_of_a_later_format_is_refused() -> None:
    store = MemoryStore()
    await opened(store)
    name = f"{FOLDER}/log/000000000001"
    later = b"".join(unpack([body(store, name)])).replace(b'"format":1', b'"format":2')
    store.put(name, b"".join(pack([later])), use_multipart=False)
    with pytest.raises(StoreError, match="has format 2"):
        await read(log(store))


# --- blobs


@pytest.mark.parametrize("largest", [1000, 30, 7])
async def test_lines_of_a_commit_go_into_blobs_and_come_back(
    largest: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts_module, "LARGEST_PUT", largest)
    store = MemoryStore()
    one = objects(store)
    files = {row: bytes([65 + row]) * (20 + row) for row in range(3)}
    for row, content in files.items():
        (tmp_path / str(row)).write_bytes(content)
    places: list[LoggedPart] = []
    for number, (start, end) in enumerate([(0, 11), (11, None)]):
        grown = [GrownPart(row, 0, tmp_path / str(row), start, len(files[row][start:end])) for row in files]
        for blob in blobs(FOLDER, number + 2, 5, grown):
            assert len(blob.content) <= largest
            await one.create(blob.name, blob.content, 5)
            places += blob.places
    for row, content in files.items():
        await fetch_part(one, reversed([place for place in places if place.row == row]), tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == content
    if largest == 1000:
        assert names(store) == [f"{FOLDER}/parts/00000000000{number}-5" for number in (2, 3)]
    with pytest.raises(StoreError, match="a gap in the part of row 0 at byte 0"):
        await fetch_part(one, [place for place in places if place.row == 0 and place.start], tmp_path / "back")


# --- lists


async def test_a_list_comes_back_with_every_row_of_it(tmp_path: Path) -> None:
    rows: list[ListRow] = [
        (2, View("s-1", "v-1"), None, None),
        (3, View("s-1", "v-1"), 4, None),
        (9, View("S-1", "v_2"), None, 1_700_000_000),
    ]
    one = objects(MemoryStore())
    name = list_name(FOLDER, 1)
    assert list(packing(iter(rows), tmp_path / "list")) == rows
    assert await keep_list(one, name, 1, tmp_path / "list") == name
    (tmp_path / "list").unlink()
    await fetch(one, name, tmp_path / "list")
    assert list(read_list(tmp_path / "list", name)) == rows


async def test_a_list_that_an_earlier_run_never_logged_is_left_alone(tmp_path: Path) -> None:
    one = objects(MemoryStore())
    name = list_name(FOLDER, 1)
    for session in ("s-1", "s-2"):
        deque(packing([(2, View(session, "v-1"), None, None)], tmp_path / session), maxlen=0)
    await keep_list(one, name, 1, tmp_path / "s-1")
    again = await keep_list(one, name, 2, tmp_path / "s-1")
    other = await keep_list(one, name, 2, tmp_path / "s-2")
    assert (again, other) == (name, f"{FOLDER}/lists/0001-2.csv.zst")


# --- checkpoints


def ledger(folder: Path, value: str) -> Path:
    file = folder / "ledger.sqlite"
    file.unlink(missing_ok=True)
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE setting AS SELECT ? AS value", (value,))
    db.close()
    return file


def value(file: Path) -> str:
    db = sqlite3.connect(file)
    (found,) = db.execute("SELECT value FROM setting").fetchone()
    db.close()
    return str(found)


async def test_the_newest_checkpoint_that_is_whole_is_found_and_the_last_two_are_kept(tmp_path: Path) -> None:
    store = MemoryStore()
    one = objects(store)
    assert await fetch_checkpoint(one, FOLDER, tmp_path / "found") == 0
    for number in (500, 1000, 1500):
        await write_checkpoint(one, FOLDER, number, 1, ledger(tmp_path, str(number)))
    kept = [f"{FOLDER}/checkpoint/{number:012d}.sqlite.zst" for number in (1000, 1500)]
    assert names(store) == kept
    assert (await fetch_checkpoint(one, FOLDER, tmp_path / "found"), value(tmp_path / "found")) == (1500, "1500")
    damaged = bytearray(body(store, kept[1]))
    damaged[len(damaged) // 2] ^= 1
    store.put(kept[1], bytes(damaged), use_multipart=False)
    assert (await fetch_checkpoint(one, FOLDER, tmp_path / "found"), value(tmp_path / "found")) == (1000, "1000")
    store.put(kept[0], b"", use_multipart=False)
    assert await fetch_checkpoint(one, FOLDER, tmp_path / "found") == 0
    assert not (tmp_path / "found").exists()


async def test_a_store_that_dies_while_a_checkpoint_is_read_is_not_a_damaged_one(tmp_path: Path) -> None:
    store = MemoryStore()
    await write_checkpoint(objects(store), FOLDER, 1, 1, ledger(tmp_path, "1"))
    with pytest.raises(StoreDead):
        await fetch_checkpoint(
            objects(store, [Fate.DONE] + [Fate.NOT_DONE] * 99, give_up_after=5), FOLDER, tmp_path / "found"
        )
