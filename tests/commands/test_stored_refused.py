"""Runs into a store that are refused behind the opening of the archive: to readers it stays in the state it was in."""

from __future__ import annotations

from pathlib import Path

import obstore
import pytest
from archives import write_list
from memory_stores import names
from obstore.store import MemoryStore
from stored_commands import simulator, store, views
from stored_runs import SEASON, stored_files

from replay_fetch.cli import main
from replay_fetch.simulator import Simulator
from replay_fetch.store import keep

__all__ = ["simulator", "store", "views"]

OUT = str(SEASON)


def ran(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    capsys.readouterr()
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, " ".join((said.out + said.err).split())


@pytest.fixture
def broken(views: Path, tmp_path: Path) -> Path:
    """A list that turns out to be none in its last line."""
    listed = tmp_path / "broken.csv"
    listed.write_text(views.read_text() + "view_id,session_id\n")
    return listed


@pytest.fixture(params=["demo", "list", "erase"])
def refused(request: pytest.FixtureRequest, simulator: Simulator, broken: Path) -> tuple[list[str], int, str]:
    """A command that is refused, its exit code, and a part of its words."""
    session = simulator.views[0].session_id
    return {
        "demo": (["demo", OUT], 3, "is an archive that demo did not make"),
        "list": (["download", str(broken), OUT], 2, "another header"),
        "erase": (["erase", OUT, "--session", session[:8]], 2, "is only the beginning of an id"),
    }[str(request.param)]


@pytest.fixture(params=[50, 0], ids=["by-log", "by-checkpoint"])
def ended(
    request: pytest.FixtureRequest, views: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> MemoryStore:
    """An archive whose run came to its end, which the next one learns from the log or from behind a checkpoint."""
    monkeypatch.setattr(keep, "_WORTH_A_CHECKPOINT", request.param)
    assert main(["download", str(views), OUT, "-q"]) == 0
    assert any("/checkpoint/" in name for name in names(store)) is not bool(request.param)
    return store


def test_a_refused_run_leaves_the_archive_one_whose_last_run_came_to_its_end(
    refused: tuple[list[str], int, str], ended: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    words, expected, says = refused
    before = stored_files(ended)
    code, said = ran(capsys, *words)
    assert (code, says in said) == (expected, True)
    assert stored_files(ended) == before
    code, said = ran(capsys, "verify", OUT)
    assert (code, said.startswith("nothing wrong: 27 views of 8 sessions, ")) == (0, True)
    assert "did not come to its end" not in ran(capsys, "status", OUT)[1]


def test_a_refused_run_behind_one_that_was_killed_says_nothing_of_an_end(
    views: Path, broken: Path, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", str(views), OUT, "-q"]) == 0
    obstore.delete(store, max(name for name in names(store) if "/log/" in name))  # the part that says "end"
    assert ran(capsys, "download", broken, OUT)[0] == 2
    code, said = ran(capsys, "verify", OUT)
    assert (code, f"the last run into {OUT} did not come to its end" in said) == (3, True)


def test_a_shard_that_is_refused_for_its_list_leaves_the_merged_archive_whole(
    views: Path, simulator: Simulator, store: MemoryStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for shard in ("0/2", "1/2"):
        assert main(["download", str(views), OUT, "--shard", shard, "-q"]) == 0
    assert main(["merge", OUT, "-q"]) == 0
    before = stored_files(store)
    another = write_list(tmp_path / "another.csv", simulator.views[:5])
    code, said = ran(capsys, "download", another, OUT, "--shard", "1/2")
    assert (code, f"{OUT} was begun with another list" in said) == (2, True)
    assert stored_files(store) == before
    assert "2 shards: 2 ended; merged " in ran(capsys, "status", OUT)[1]
    assert (ran(capsys, "verify", OUT)[0], ran(capsys, "merge", OUT)[0]) == (0, 0)
