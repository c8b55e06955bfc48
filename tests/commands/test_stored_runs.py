"""The commands that look at an archive which a run has written into a store: by its lease and by its log."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import anyio
import obstore
import pytest
from made_archives import segment, write_archive
from memory_stores import body
from obstore.store import MemoryStore
from stored_archives import URL, Ranged, hold_lease, log_files, put, serve, upload

from replay_fetch.cli import main
from replay_fetch.store import checkpoint

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
    code, said = ran(capsys, "status")
    assert (
        code,
        said.endswith("the last run has not ended: this is what the manifest says, as of the run before"),
    ) == (
        0,
        True,
    )
    code, said = ran(capsys, "verify")
    assert code == 3
    assert f"the last run into {URL} did not come to its end" in said
    assert "run the same download again" in said


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
    anyio.run(hold_lease, driver, {"views": 12, "pages_asked": 30, "name": "\x1b[2J"})
    code, said = ran(capsys, "status")
    assert code == 0
    assert "running now: worker-7/31/5f0c9a1b, unless it was killed views 12, pages asked 30, name " in said
    assert "\x1b" not in said
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
    code, said = ran(capsys, "status")
    assert (code, f"{URL}/.replay-fetch/lease.json is no lease" in said) == (3, True)
