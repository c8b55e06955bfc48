"""Cleansing: what an erasure takes out of objects, and what it leaves to the byte."""

from __future__ import annotations

from pathlib import Path

import anyio.to_thread
import pytest
from memory_scratches import MemoryScratch
from memory_stores import at_once, body, names, objects
from obstore.store import MemoryStore

from replay_fetch.erased import session_in
from replay_fetch.model import Outcome, PlannedView, View, ViewRecord
from replay_fetch.store.entries import Entry, LoggedObject, LoggedPart, LoggedSearch, LoggedSetting, LoggedView
from replay_fetch.store.erasing import Cleansing
from replay_fetch.store.failures import Fenced
from replay_fetch.store.lists import list_name, packing, read_list
from replay_fetch.store.log import Log
from replay_fetch.store.opening import FOLDER

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]
GONE, STAYS = View("gone", "v"), View("stays", "v")


@pytest.fixture(autouse=True)
def without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anyio.to_thread, "run_sync", at_once)


@pytest.fixture
def scratch(tmp_path: Path) -> MemoryScratch:
    return MemoryScratch(tmp_path / "scratch")


def cleansing(store: MemoryStore, scratch: MemoryScratch, epoch: int = 7) -> Cleansing:
    return Cleansing(objects(store), FOLDER, scratch, epoch, "gone".__eq__)


@pytest.mark.parametrize(
    ("name", "session"),
    [
        ("sessions/gone.ndjson.zst", "gone"),
        ("sessions/gone.partial.ndjson", "gone"),
        ("events/gone.ndjson", "gone"),
        ("raw/gone/v/0001.body", "gone"),
        ("manifest.ndjson", ""),
        ("reports/gone.json", ""),
    ],
)
async def test_a_files_name_tells_its_session(name: str, session: str) -> None:
    assert session_in(name) == session


async def test_files_of_erased_sessions_go_and_no_others(scratch: MemoryScratch) -> None:
    store = MemoryStore()
    mine = ["sessions/gone.ndjson", "events/gone.ndjson.gz", "raw/gone/v/0001.body"]
    others = ["sessions/gone-too.ndjson", "events/stays.ndjson", "raw/stays/v/0001.body"]
    for name in [*mine, *others]:
        await objects(store).write(name, b"x", 3)
    await cleansing(store, scratch).files()
    assert sorted(names(store)) == sorted(others)


async def test_parts_of_the_log_lose_the_facts_of_erased_sessions_and_keep_name_header_and_all_else(
    scratch: MemoryScratch,
) -> None:
    store = MemoryStore()
    log = Log(objects(store), FOLDER, "writer")
    assert await log.fence(1) is None
    both: list[list[Entry]] = [
        [
            LoggedView(ViewRecord(PlannedView(row, row, view), outcome=Outcome.FETCHED), 5),
            LoggedObject(f"sessions/{view.session_id}.ndjson", 1, "sha", "tag"),
            LoggedSearch(view.session_id, [("v", "2026-01-31", None)]),
        ]
        for row, view in enumerate((GONE, STAYS), start=1)
    ]
    setting = LoggedSetting("chains", "{}")
    await log.append([*both[0], setting, *both[1]])
    await log.append(both[1])
    untouched = body(store, f"{FOLDER}/log/{3:012d}")
    await cleansing(store, scratch).log()
    parts = [(part.header, list(part.entries())) async for part in Log(objects(store), FOLDER, "reader").read()]
    assert [header.number for header, _ in parts] == [1, 2, 3]
    assert {header.writer for header, _ in parts} == {"writer"}
    assert [entries for _, entries in parts] == [[], [setting, *both[1]], both[1]]
    assert body(store, f"{FOLDER}/log/{3:012d}") == untouched


async def test_rows_of_erased_sessions_become_blank_and_all_others_keep_their_numbers(
    scratch: MemoryScratch, tmp_path: Path
) -> None:
    store, packed = MemoryStore(), tmp_path / "packed"
    rows = [(2, STAYS, 3, 4), (3, GONE, 3, None), (4, View("other", "v"), None, None)]
    assert len(list(packing(rows, packed))) == 3
    await objects(store).write(list_name(FOLDER, 1), packed, 1)
    await cleansing(store, scratch).lists()
    packed.write_bytes(body(store, list_name(FOLDER, 1)))
    assert list(read_list(packed, "the list")) == [rows[0], (3, View("", ""), None, None), rows[2]]


async def test_lines_that_no_view_needs_become_blanks_in_their_place(scratch: MemoryScratch) -> None:
    store, name = MemoryStore(), f"{FOLDER}/parts/{9:012d}-3"
    await objects(store).write(name, b"gone\nstays\ngone too\n", 3)
    scratch.lay([LoggedPart(2, 0, 0, name, 5, 6)])
    await cleansing(store, scratch).lines()
    assert body(store, name) == b"     stays\n         "


async def test_a_later_runs_report_stops_an_overtaken_erasure(scratch: MemoryScratch) -> None:
    store = MemoryStore()
    await objects(store).write("report.json", b"gone", 8)
    with pytest.raises(Fenced):
        await cleansing(store, scratch).reports(lambda _: b"anew")
    assert body(store, "report.json") == b"gone"
