"""The commands that look at an archive which a run has written into a store: by its lease and by its log."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import anyio
import obstore
import pytest
from made_archives import ended, segment, write_archive
from memory_stores import body
from obstore.store import MemoryStore
from stored_archives import URL, Ranged, hold_lease, log_entry, log_files, log_unfinished_run, put, serve, upload

from replay_fetch.cli import main
from replay_fetch.model import Outcome, PlannedView, View, ViewRecord
from replay_fetch.store import checkpoint
from replay_fetch.store.entries import LoggedObject

NAME = "sessions/bbbb.ndjson"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def driver(store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ranged:
    """An archive of three sessions, whose log is the test's to write."""
    views = {(name, "v"): [segment()] for name in ("aaaa", "bbbb", "cccc")}
    upload(write_archive(tmp_path / "archive", views), store)
    return serve(monkeypatch, store)


def ran(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main([*words, URL])
    said = capsys.readouterr()
    return code, " ".join((said.out + said.err).split())


def test_an_archive_whose_run_has_ended_is_counted_and_verified_by_its_manifest(
    driver: Ranged, capsys: pytest.CaptureFixture[str]
) -> None:
    anyio.run(log_files, driver, "commit", "end")
    code, said = ran(capsys, "status")
    assert (code, "manifest" in said, "running" in said) == (0, False, False)
    for words in (["verify"], ["verify", "--quick"]):
        code, said = ran(capsys, *words)
        assert (code, said.startswith("nothing wrong: 3 views of 3 sessions, ")) == (0, True)


def test_a_quick_check_reads_no_session(driver: Ranged, capsys: pytest.CaptureFixture[str]) -> None:
    anyio.run(log_files, driver, "commit", "end")
    driver.read.clear()
    assert ran(capsys, "verify", "--quick")[0] == 0
    assert [name for name, _, _ in driver.read if name.startswith("sessions/")] == []


def test_an_object_that_was_replaced_is_found_without_being_read(
    driver: Ranged, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    anyio.run(log_files, driver, "commit", "end")
    content = bytearray(body(store, NAME))
    content[50] ^= 1
    put(store, NAME, bytes(content))
    code, said = ran(capsys, "verify", "--quick")
    assert code == 1
    assert said.startswith(f"{NAME} damaged not the object that the log names")
    assert ran(capsys, "verify")[0] == 1


def test_a_copy_of_the_same_bytes_is_no_other_object(
    driver: Ranged, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    anyio.run(log_files, driver, "commit", "end")
    content = body(store, NAME)
    put(store, NAME, content, {"sha256": hashlib.sha256(content).hexdigest()})
    assert ran(capsys, "verify", "--quick")[0] == 0


def test_an_object_that_the_last_commit_was_still_putting_in_place_is_no_other_object(
    driver: Ranged, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then a later run's log ends well, and the tag of the older version is not held against the newer."""
    anyio.run(log_files, driver, "commit", "end")
    put(store, NAME, body(store, NAME))
    anyio.run(log_files, driver, "commit", "end")
    assert ran(capsys, "verify", "--quick")[0] == 0


@pytest.mark.parametrize("kinds", [("commit",), ("commit", "end", "commit"), ()], ids=str)
def test_a_manifest_that_is_behind_the_log_is_not_held_against_the_files(
    kinds: tuple[str, ...], driver: Ranged, capsys: pytest.CaptureFixture[str]
) -> None:
    anyio.run(log_files, driver, *kinds)
    code, said = ran(capsys, "verify")
    assert code == 3
    assert f"the last run into {URL} did not come to its end" in said
    assert "run the same download or erasure again" in said


def test_the_log_is_listed_from_behind_the_newest_checkpoint(
    driver: Ranged, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    anyio.run(log_files, driver, "commit", "commit", "end")
    put(store, f".replay-fetch/checkpoint/{3:012d}{checkpoint._SUFFIX}", b"never opened")
    assert ran(capsys, "verify")[0] == 0
    obstore.delete(store, f".replay-fetch/log/{4:012d}")
    assert ran(capsys, "verify")[0] == 3


def test_a_manifest_that_its_run_did_not_come_to_write_is_behind(
    driver: Ranged, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    anyio.run(log_files, driver, "commit", "end")
    manifest = body(store, "manifest.ndjson")
    put(store, "manifest.ndjson", manifest, {"epoch": "1"})
    assert ran(capsys, "verify")[0] == 0
    put(store, "manifest.ndjson", manifest, {"epoch": "0"})
    assert ran(capsys, "verify")[0] == 3


def test_a_run_at_work_is_named_with_its_progress(driver: Ranged, capsys: pytest.CaptureFixture[str]) -> None:
    anyio.run(log_files, driver, "commit", "end")
    anyio.run(
        hold_lease,
        driver,
        {"views": 12, "pages_asked": 30, "name": "\x1b[2J", "one": 1, "two": 2, "three": 3, "four": 4},
    )
    code, said = ran(capsys, "status")
    assert code == 0
    assert "running now: worker-7/31/5f0c9a1b, unless it was killed views 12, pages asked 30, name " in said
    assert "\x1b" not in said
    code = main(["status", URL])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
    code, said = ran(capsys, "status", "--json")
    assert json.loads(said)["progress"]["views"] == 12
    code, said = ran(capsys, "verify")
    assert (code, "another run is writing to this archive: worker-7/31/5f0c9a1b" in said) == (3, True)


def test_a_damaged_lease_and_a_damaged_log_are_named(
    driver: Ranged, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    anyio.run(log_files, driver, "commit", "end")
    put(store, f".replay-fetch/log/{3:012d}", b"no log")
    code, said = ran(capsys, "verify")
    assert (code, f"{URL}/.replay-fetch/log/{3:012d} is damaged" in said) == (3, True)
    put(store, ".replay-fetch/lease.json", b"{}")
    code, said = ran(capsys, "verify")
    assert (code, f"{URL}/.replay-fetch/lease.json is no lease" in said) == (3, True)


@pytest.fixture
def begun(tmp_path: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> Ranged:
    """A first run that was killed: no manifest yet, one session whole, one that waits, and one not asked for."""
    views = {(name, "v"): [segment()] for name in ("aaaa", "bbbb")}
    unasked = [ViewRecord(PlannedView(0, 0, view)) for view in (View("bbbb", "w"), View("dddd", "v"))]
    others = [ended("cccc", "v", Outcome.EMPTY), *unasked]
    folder = write_archive(tmp_path / "archive", views, others)
    upload(folder, store, without=(".replay-fetch", "manifest.ndjson"))
    obstore.delete(store, NAME)
    driver = serve(monkeypatch, store)
    anyio.run(log_unfinished_run, driver, folder, ("aaaa", "cccc"))
    return driver


@pytest.mark.usefixtures("begun")
def test_a_first_run_that_has_not_ended_is_counted_by_its_log(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = ran(capsys, "status")
    assert code == 0
    assert said.startswith(f"5 views in {URL} not asked 2 fetched 2 2 segments, ")
    assert " empty 1 4 sessions: 2 whole, 1 partial, 1 not begun" in said
    assert "the last run did not come to its end" in said
    code, said = ran(capsys, "status", "--unfinished")
    assert (code, said) == (0, "session_id,view_id,outcome,reason bbbb,w,, dddd,v,,")


@pytest.mark.usefixtures("begun")
def test_sessions_that_are_whole_can_be_read_before_their_run_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = ran(capsys, "show", "--json", "--pages")
    assert code == 0
    rows = [json.loads(row) for row in re.findall(r"{.*?}", said)]
    assert [(row["session_id"], row["segments"], row["sdk"]) for row in rows] == [
        ("aaaa", 1, "browser"),
        ("bbbb", 0, ""),
        ("cccc", 0, ""),
        ("dddd", 0, ""),
    ]
    assert f"1 view waits for its session to be whole: the last run into {URL} has not ended" in said


def test_reading_an_unfinished_run_writes_nothing(begun: Ranged, capsys: pytest.CaptureFixture[str]) -> None:
    begun.asked.clear()
    for command in ("status", "show"):
        assert ran(capsys, command)[0] == 0
    assert {verb for verb, _ in begun.asked} == {"GET", "HEAD", "LIST"}


def test_a_file_that_waits_to_take_its_place_is_read_from_where_it_waits(
    begun: Ranged, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    name, staged = "sessions/aaaa.ndjson", ".replay-fetch/staged/000000000004-1-0"
    content = body(store, name)
    put(store, staged, content)
    put(store, name, b"an older version")
    sha256 = hashlib.sha256(content).hexdigest()
    anyio.run(log_entry, begun, LoggedObject(name, len(content), sha256, "1", None, staged))
    code, said = ran(capsys, "show", "--json", "--pages")
    assert (code, '"sdk":"browser"' in said) == (0, True)
