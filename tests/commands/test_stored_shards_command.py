"""Shards in an object store as they are typed, and as tasks: download, status, merge, verify, export."""

from __future__ import annotations

from pathlib import Path

import orjson
import pyarrow.parquet
import pytest
from memory_stores import body, names
from obstore.store import MemoryStore
from stored_commands import simulator, store, views
from stored_runs import SEASON, local_files, stored_files

from replay_fetch import Settings, export_tasks, merge, shards, verify_tasks
from replay_fetch.cli import main
from replay_fetch.settings import ApiSettings
from replay_fetch.simulator import Simulator

__all__ = ["simulator", "store", "views"]

OUT = str(SEASON)


def test_shards_are_downloaded_shown_merged_and_verified_by_their_address(
    views: Path, store: MemoryStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", str(views), str(tmp_path / "alone"), "-q"]) == 0
    assert main(["download", str(views), OUT, "--shard", "1/2", "-q"]) == 0
    capsys.readouterr()
    assert main(["status", OUT]) == 0
    printed = capsys.readouterr().out
    assert "2 shards: 1 ended, 1 not begun; not merged" in printed
    assert "run the same download for --shard 0/2" in printed
    assert main(["merge", OUT]) == 3
    assert "shard 0/2 has not begun" in capsys.readouterr().err
    there = names(store)
    assert main(["download", str(views), OUT, "--shard", "0/2", "--dry-run", "--json"]) == 0
    planned = orjson.loads(capsys.readouterr().out)
    assert (planned["shard"], planned["finished"]) == ("0/2", 0)
    assert names(store) == there
    assert main(["download", str(views), OUT, "--shard", "0/2", "-q"]) == 0
    assert "this is shard 0/2; when all have ended: " in capsys.readouterr().out
    assert main(["report", OUT]) == 3
    assert "it is written by `replay-fetch merge`" in capsys.readouterr().err
    assert main(["merge", OUT]) == 0
    assert f"2 shards merged into {OUT}/manifest.ndjson\n27 views in {OUT}\n" in capsys.readouterr().out
    assert body(store, "manifest.ndjson") == (tmp_path / "alone" / "manifest.ndjson").read_bytes()
    assert main(["status", OUT, "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out)["shards"]["merged"] is True
    for quick in ([], ["--quick"]):
        assert main(["verify", OUT, *quick]) == 0


@pytest.mark.parametrize("dry", [["--dry-run"], []])
def test_another_number_of_shards_than_the_stores_is_refused_with_2(
    views: Path, store: MemoryStore, capsys: pytest.CaptureFixture[str], dry: list[str]
) -> None:
    assert main(["download", str(views), OUT, "--shard", "1/2", "-q"]) == 0
    there = stored_files(store)
    for flags, says in ((["--shard", "1/3"], "an archive of 2 shards, not of 3"), ([], "`download --shard I/2` alone")):
        assert main(["download", str(views), OUT, *flags, *dry]) == 2
        assert says in " ".join(capsys.readouterr().err.split())
    assert stored_files(store) == there


def test_tasks_fill_merge_verify_and_export_an_archive_in_a_store(
    views: Path, store: MemoryStore, simulator: Simulator, tmp_path: Path
) -> None:
    assert main(["download", str(views), str(tmp_path / "alone"), "-q"]) == 0
    tasks = shards(views, OUT, 3, settings=Settings(api=ApiSettings(base_url=simulator.base_url)))
    assert [task.run().exit_code for task in tasks] == [0] * 3
    for count in (1, 5):
        parts = [task.run() for task in verify_tasks(OUT, count)]
        assert (sum(part.views for part in parts), [each for part in parts for each in part.findings]) == (27, [])
    assert merge(OUT).views == 27
    written = [table for task in export_tasks(OUT, tmp_path / "tables", 3) for table in task.run()]
    assert sum(table.rows for table in written if "views-" in table.path.name) == 27
    assert main(["export", OUT, "--parquet", str(tmp_path / "one"), "-q"]) == 0
    assert pyarrow.parquet.read_table(tmp_path / "one" / "views.parquet").num_rows == 27
    kept = {name: text for name, text in stored_files(store).items() if not name.startswith(("manifest/", "report/"))}
    assert kept == local_files(tmp_path / "alone")
