"""``download`` into a store: refusals before anything is asked, rehearsals, lists in a store, and stops."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import obstore
import orjson
import pytest
from archives import KEYS, Job
from memory_stores import body, names
from obstore.store import MemoryStore
from stored_commands import simulator, store, views
from stored_runs import SEASON, local_files, stored_files

from replay_fetch import download as library_download
from replay_fetch.cli import main
from replay_fetch.pipeline.job import DownloadJob
from replay_fetch.pipeline.preparing import prepared
from replay_fetch.simulator import Simulator

__all__ = ["simulator", "store", "views"]

OUT = str(SEASON)


@pytest.mark.parametrize("out", ["ftp://host/season", "s3:///season", "s3://user:secret@bucket/season"])
def test_an_address_that_is_none_ends_with_2_and_makes_no_folder(
    out: str, views: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["download", str(views), out]) == 2
    assert "secret" not in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["views.csv"]


def test_a_store_without_its_extra_is_refused_by_a_message_that_names_the_extra(
    views: Path, store: MemoryStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del store
    monkeypatch.setitem(sys.modules, "replay_fetch.store.door", None)
    assert main(["download", str(views), OUT]) == 2
    assert "pip install '.[store]'" in capsys.readouterr().err


def test_a_rehearsal_compares_with_the_store_and_writes_nothing(
    views: Path, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", str(views), OUT, "--dry-run", "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out)["finished"] == 0
    assert names(store) == []
    assert main(["download", str(views), OUT, "-q"]) == 0
    there = {name: body(store, name) for name in names(store)}
    capsys.readouterr()
    assert main(["download", str(views), OUT, "--dry-run", "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out)["finished"] == 27
    assert {name: body(store, name) for name in names(store)} == there


def test_a_list_in_a_store_is_read_and_named_by_its_address(views: Path, store: MemoryStore, tmp_path: Path) -> None:
    obstore.put(store, "views.csv", views.read_bytes())
    out = tmp_path / "archive"
    assert main(["download", "s3://bucket/lists/views.csv", str(out), "-q"]) == 0
    assert orjson.loads((out / "report.json").read_bytes())["list_name"] == "s3://bucket/lists/views.csv"


def test_a_list_that_is_not_in_the_store_ends_with_2(store: MemoryStore, capsys: pytest.CaptureFixture[str]) -> None:
    del store
    assert main(["download", "s3://bucket/lists/views.csv", OUT]) == 2
    assert "s3://bucket/lists/views.csv: there is no such object" in capsys.readouterr().err


def test_bad_rows_are_named_by_every_run_and_end_with_1(views: Path, store: MemoryStore) -> None:
    with views.open("a") as file:
        file.write("a b,not an id\n")
    for _ in range(2):
        assert main(["download", str(views), OUT, "-q"]) == 1
        assert orjson.loads(body(store, "report.json"))["bad_rows"] == 1


def test_each_run_leaves_a_report_by_its_date_and_report_json_is_of_the_last_that_asked_something(
    views: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replay_fetch.archive.report._KEPT", 3)
    obstore.put(store, "reports/of-mine.json", b"{}")
    dated: list[str] = []
    for run in range(5):
        assert main(["download", str(views), OUT, "-q"]) == 0
        there = [name for name in names(store) if name.startswith("reports/2")]
        assert len(there) == min(run + 1, 3)
        dated += sorted({*there} - {*dated})
    assert there == sorted(dated)[-3:]
    assert body(store, "reports/of-mine.json") == b"{}"
    asked = orjson.loads(body(store, "report.json"))
    assert (asked["finished_before"], asked["requests"] > 0) == (0, True)
    assert orjson.loads(body(store, there[-1]))["requests"] == 0


def test_a_run_that_changes_nothing_comes_to_its_end_all_the_same(
    views: Path, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main(["download", str(views), OUT, "-q"]) == 0
        assert main(["verify", OUT]) == 0, capsys.readouterr().err
    assert "manifest.ndjson" in names(store)


def test_a_demo_goes_into_no_archive_of_real_recordings(
    views: Path, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", str(views), OUT, "-q"]) == 0
    there = stored_files(store)
    assert main(["demo", OUT]) == 3
    assert "is an archive that demo did not make" in capsys.readouterr().err
    assert stored_files(store) == there


def test_a_scratch_that_is_an_archive_is_refused_and_stays(
    views: Path, store: MemoryStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "archive"
    assert main(["download", str(views), str(out), "-q"]) == 0
    there = local_files(out)
    assert main(["download", str(views), OUT, "--scratch", str(out)]) == 2
    assert "a scratch is emptied" in capsys.readouterr().err
    assert local_files(out) == there
    assert names(store) == []


def test_a_stopped_run_gives_its_lease_back_and_the_next_goes_on(
    views: Path, store: MemoryStore, simulator: Simulator, tmp_path: Path
) -> None:
    settings = Job().settings(simulator.base_url)

    async def stopped_at_once() -> int:
        stop = anyio.Event()
        stop.set()
        return (await run.run(stop)).report.exit_code

    with prepared(DownloadJob(str(views), SEASON, settings, KEYS)) as run:
        assert anyio.run(stopped_at_once) == 130
    assert orjson.loads(body(store, ".replay-fetch/lease.json"))["released"]
    assert main(["download", str(views), OUT, "-q"]) == 0
    assert main(["download", str(views), str(tmp_path / "local"), "-q"]) == 0
    assert stored_files(store) == local_files(tmp_path / "local")


@pytest.mark.anyio
async def test_a_program_downloads_into_a_store_as_the_command_does(
    views: Path, store: MemoryStore, simulator: Simulator
) -> None:
    report = await library_download(views, OUT, credentials=KEYS, settings=Job().settings(simulator.base_url))
    assert report.exit_code == 0
    assert "manifest.ndjson" in names(store)


@pytest.mark.parametrize(("flag", "value"), [("--commit-every", "0"), ("--wait-for-lock", "-1"), ("--grace", "-1")])
def test_times_that_cannot_be_meant_are_refused(
    flag: str, value: str, views: Path, store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    del store
    assert main(["download", str(views), OUT, f"{flag}={value}"]) == 2
    assert flag in capsys.readouterr().err
