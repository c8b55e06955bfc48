"""A whole copy of an archive in a store, as ``aws s3 sync`` makes it: read, made whole and erased from on a disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_stores import body, names
from obstore.store import MemoryStore
from stored_commands import on_a_disk, simulator, store, views
from stored_runs import SEASON, local_files

from replay_fetch.cli import main

__all__ = ["on_a_disk", "simulator", "store", "views"]

OUT = str(SEASON)


@pytest.fixture
def copy(on_a_disk: Path, store: MemoryStore, tmp_path: Path) -> Path:
    """The archive and everything of ours beside it."""
    assert main(["download", str(on_a_disk.with_suffix(".csv")), OUT, "-q", "--compress", "zstd"]) == 0
    root = tmp_path / "copy"
    for name in names(store):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(body(store, name))
    assert (root / ".replay-fetch" / "archive.json").is_file()
    return root


def ran(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    capsys.readouterr()
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, " ".join((said.out + said.err).split())


def test_a_whole_copy_is_read_as_the_archive_that_it_is(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = ran(capsys, "verify", copy)
    assert (code, said.startswith("nothing wrong: 27 views of 8 sessions, ")) == (0, True)
    assert ran(capsys, "status", copy)[1].startswith(f"27 views in {copy} ")
    assert ran(capsys, "show", copy)[0] == 0


@pytest.mark.parametrize("command", ["download", "decode", "events", "erase"])
def test_a_command_that_writes_names_the_rebuild_and_leaves_the_copy_as_it_is(
    command: str, copy: Path, views: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = "5d0f2c11-0000-4000-8000-00000000dead"
    words: dict[str, list[str | Path]] = {"download": [views, copy], "erase": [copy, "--session", session]}
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    code, said = ran(capsys, command, *words.get(command, [copy]))
    assert (code, f"{copy} has files but no ledger; `replay-fetch verify --rebuild {copy}` makes one" in said) == (
        3,
        True,
    )
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_a_damaged_copy_is_rebuilt_and_a_download_brings_it_to_the_bytes_of_the_archive(
    copy: Path, on_a_disk: Path, views: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, cut = sorted((copy / "sessions").iterdir())[:2]
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-20])
    code, said = ran(capsys, "verify", copy)
    assert (code, f"`replay-fetch verify --rebuild {copy}` keeps all that is good" in said) == (1, True)
    assert ran(capsys, "verify", "--rebuild", copy)[0] == 1
    assert ran(capsys, "download", views, copy)[0] == 0
    assert ran(capsys, "verify", copy)[0] == 0
    assert local_files(copy) == local_files(on_a_disk)


def test_a_rebuild_sets_the_stores_log_aside_where_an_erasure_tells_of_it(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = min((copy / "sessions").iterdir()).name.partition(".")[0]
    code, said = ran(capsys, "verify", "--rebuild", copy)
    assert (code, "the log that a copy out of a store has" in said) == (0, True)
    private, aside = copy / ".replay-fetch", copy / ".replay-fetch" / "damaged-1"
    assert {path.name for path in private.iterdir()} == {"damaged-1", "ledger.sqlite", "lock", "parts", "tmp"}
    assert {path.name for path in aside.iterdir()} >= {"archive.json", "lease.json", "lists", "log"}
    code, said = ran(capsys, "erase", copy, "--session", session)
    assert (code, f"set aside in {aside} may hold any session" in said) == (1, True)


def test_a_copy_whose_log_knows_more_than_its_manifest_is_not_rebuilt(
    copy: Path, views: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = copy / ".replay-fetch" / "log"
    max(log.iterdir()).unlink()  # the part that says "end"
    before = sorted(copy.rglob("*"))
    code, said = ran(capsys, "verify", "--rebuild", copy)
    assert (code, f"move {log} away first" in said, sorted(copy.rglob("*")) == before) == (3, True, True)
    log.rename(copy.with_name("log"))
    assert ran(capsys, "verify", "--rebuild", copy)[0] == 0
    assert ran(capsys, "download", views, copy)[0] == 0
