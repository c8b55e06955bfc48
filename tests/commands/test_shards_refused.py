"""Commands that shards do not work with: refused with 2 and a way out, before anything is asked or changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from archives import KEYS, WIDE
from processes import served
from readme import ROOT

from replay_fetch.archive.lock import locked
from replay_fetch.archive.shards import layouts
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.inspect.entries import entries, standing_of
from replay_fetch.simulator import SimulatorSettings

LIST = str(ROOT / "sample_inputs" / "messy_views.csv")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two shards, of which only the second has begun, and ended; copy it to change it."""
    folder = tmp_path_factory.mktemp("refused")
    with served(SimulatorSettings(limit=WIDE)) as simulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DD_API_KEY", KEYS.api_key)
        patch.setenv("DD_APP_KEY", KEYS.app_key)
        patch.setenv("REPLAY_FETCH_BASE_URL", simulator.base_url)
        assert main(["download", LIST, str(folder / "out"), "--shard", "1/2"]) == 0
    return folder / "out"


@pytest.fixture
def out(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
    monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
    monkeypatch.setenv("DD_SITE", "datadoghq.eu")
    return Path(shutil.copytree(made, tmp_path / "out"))


def _contents(out: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in out.rglob("*") if path.is_file() and path.suffix != ".sqlite-shm"}


@pytest.mark.parametrize(
    "command",
    [
        ["erase", "OUT", "--session", "session-1"],
        ["events", "OUT"],
        ["decode", "OUT"],
        ["verify", "OUT", "--rebuild"],
        ["demo", "OUT"],
    ],
    ids=lambda command: command[0],
)
def test_a_command_that_writes_refuses_an_archive_of_shards_and_names_the_guide(
    out: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    before = _contents(out)
    assert main([str(out) if word == "OUT" else word for word in command]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "is an archive of 2 shards" in told
    assert "`replay-fetch help shards`" in told
    assert _contents(out) == before


def test_a_watch_of_shards_is_refused_and_names_status(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(out), "--watch"]) == 2
    assert "has shards: `replay-fetch status" in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("out")
@pytest.mark.parametrize("dry", [["--dry-run"], []])
def test_a_shard_of_a_list_of_sessions_is_refused_and_names_discover(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dry: list[str]
) -> None:
    (tmp_path / "sessions.csv").write_text("session_id\nsession-1\n")
    assert main(["download", str(tmp_path / "sessions.csv"), str(tmp_path / "new"), "--shard", "0/2", *dry]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "names sessions, and --shard takes a list of views: find their views first" in told
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("out")
def test_a_shard_that_is_to_store_events_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", LIST, str(tmp_path / "new"), "--shard", "0/2", "--events"]) == 2
    assert "--events stores into an archive of a single run alone" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "new").exists()


def test_readers_take_a_killed_shards_views_from_its_ledger(out: Path) -> None:
    shelf = DiskShelf(out)
    told = [entry.record.planned.view for entry in entries(shelf)]
    assert told
    assert standing_of(shelf).endswith("nothing of their sessions is here: 0/2")
    (out / "manifest" / "01-of-02.ndjson").unlink()  # as where its first run was killed
    assert [entry.record.planned.view for entry in entries(shelf)] == told
    assert "did not come to its end" in standing_of(shelf)
    with locked(layouts(out)[1].lock):
        assert standing_of(shelf).startswith("a run is going on (shard 1/2: ")
