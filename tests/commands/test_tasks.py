"""The library's tasks: plain values that an engine sends around, carries out in any order, and repeats."""

from __future__ import annotations

import pickle
import random
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import anyio
import duckdb
import pytest
from archives import KEYS, WIDE, Archive, Job, download, write_list
from damaged_archives import verified
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import served

from replay_fetch import (
    ArchiveError,
    Settings,
    SettingsError,
    Shard,
    View,
    export_tasks,
    merge,
    shards,
    verify_tasks,
)
from replay_fetch.archive.lock import locked
from replay_fetch.archive.manifest import BadLine
from replay_fetch.archive.shards import layouts
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.inspect.ranges import cut
from replay_fetch.settings import ApiSettings, PlanSettings
from replay_fetch.shard import ShardId
from replay_fetch.simulator import Simulator, SimulatorSettings

_SERVER = SimulatorSettings(seed=1, limit=WIDE)


async def _make(alone: Path, apart: Path) -> None:
    async with Simulator(_SERVER) as simulator:
        await download(simulator, alone)
        path = write_list(apart.with_suffix(".csv"), simulator.views)
        for shard in ShardId(0, 3).siblings():
            await download(simulator, apart, Job(plan=PlanSettings(shard=shard)), views=path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive of a single run, and one of three shards that are not merged; not to be changed."""
    folder = tmp_path_factory.mktemp("tasks")
    anyio.run(_make, folder / "alone", folder / "apart")
    return folder


@pytest.mark.parametrize("name", ["alone", "apart"])
@pytest.mark.parametrize("count", [1, 3, 100])
def test_ranges_hold_every_view_once_and_no_session_in_two(made: Path, name: str, count: int) -> None:
    ranges = [
        [entry for entry in each.entries() if not isinstance(entry, BadLine)]
        for each in cut(DiskShelf(made / name), count)
    ]
    views = [entry.record.planned.view for entries in ranges for entry in entries]
    assert sorted(views) == sorted(Archive(made / "alone").manifest())
    sessions = [{entry.record.planned.view.session_id for entry in entries} for entries in ranges]
    assert sum(map(len, sessions)) == len(set().union(*sessions))
    assert all(sessions)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.integers(1, 20))
def test_ranges_partition_a_manifest_of_any_sessions(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], count: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    lines = [
        f'{{"session_id":"s{number}","view_id":"v{view}"}}\n'
        for number, size in enumerate(sizes)
        for view in range(size)
    ]
    (folder / "manifest.ndjson").write_text("".join(lines))
    ranges = cut(DiskShelf(folder), count)
    text = (folder / "manifest.ndjson").read_text()
    pieces = [text[each.offset : each.offset + each.length].splitlines() for each in ranges]
    assert [line for piece in pieces for line in piece] == text.splitlines()
    assert len(ranges) <= count
    firsts = [piece[0].split(",")[0] for piece in pieces]
    assert firsts == [line for line in firsts if pieces[firsts.index(line)][0].endswith('"v0"}')]


def test_tasks_are_values_without_keys(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
    monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
    tasks = [
        *shards(made / "apart.csv", made / "apart", 3, settings=Settings()),
        *verify_tasks(made / "apart", 2),
        *export_tasks(made / "apart", made / "tables", 2),
    ]
    for task in tasks:
        sent = pickle.dumps(task)
        assert pickle.loads(sent) == task  # noqa: S301 - ours
        assert KEYS.api_key.encode() not in sent
        assert KEYS.app_key.encode() not in sent


def test_shards_on_processes_in_any_order_and_repeated_are_a_single_run(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
    monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
    shutil.copy(made / "apart.csv", tmp_path / "views.csv")
    monkeypatch.chdir(tmp_path)
    with served(_SERVER) as simulator, ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        tasks = shards("views.csv", "out", 3, settings=Settings(api=ApiSettings(base_url=simulator.base_url)))
        random.Random(1).shuffle(tasks)  # noqa: S311 - any order
        reports = [*pool.map(Shard.run, tasks), pool.submit(tasks[0].run).result()]
    assert [report.exit_code for report in reports] == [0] * 4
    assert reports[3].requests == 0
    assert merge("out").views == len(Archive(made / "alone").manifest())
    assert (tmp_path / "out" / "manifest.ndjson").read_bytes() == (made / "alone" / "manifest.ndjson").read_bytes()
    assert Archive(tmp_path / "out").sessions() == Archive(made / "alone").sessions()


def test_a_task_whose_former_process_still_writes_is_refused(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
    monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
    out = Path(shutil.copytree(made / "apart", tmp_path / "out"))
    (task, *_) = shards(made / "apart.csv", out, 3)
    with locked(layouts(out)[0].lock), pytest.raises(ArchiveError, match="another run is writing"):
        task.run()


def test_another_number_of_tasks_than_the_archives_shards_is_refused(made: Path) -> None:
    with pytest.raises(SettingsError, match="an archive of 3 shards, not of 4"):
        shards(made / "apart.csv", made / "apart", 4)
    with pytest.raises(SettingsError, match="from 1 to 1000"):
        shards(made / "apart.csv", made / "new", 0)


@pytest.mark.parametrize("name", ["alone", "apart"])
def test_verify_tasks_read_what_verify_reads(made: Path, name: str) -> None:
    found, parts = verified(made / "alone"), [task.run() for task in verify_tasks(made / name, 4)]
    assert [part.findings for part in parts] == [[]] * len(parts)
    for figure in ("views", "sessions", "size"):
        assert sum(getattr(part, figure) for part in parts) == getattr(found, figure)


def test_a_verify_task_finds_a_damaged_file_and_a_bad_line(made: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(made / "alone", tmp_path / "out"))
    victim = min((out / "sessions").iterdir())
    victim.write_bytes(victim.read_bytes()[:-1])
    lines = (out / "manifest.ndjson").read_bytes().splitlines(keepends=True)
    (out / "manifest.ndjson").write_bytes(b"".join([*lines, b'{"session_id":"x","view_id":7}\n']))
    findings = [finding for task in verify_tasks(out, 3) for finding in task.run().findings]
    assert {(finding.file, finding.problem.value) for finding in findings} >= {
        (f"sessions/{victim.name}", "cut off"),
        ("manifest.ndjson", "damaged"),
    }


@pytest.mark.parametrize("name", ["alone", "apart"])
def test_tables_of_tasks_hold_the_rows_of_one_export(made: Path, tmp_path: Path, name: str) -> None:
    assert main(["export", str(made / "alone"), "--parquet", str(tmp_path / "one")]) == 0
    tasks = export_tasks(made / name, tmp_path / "many", 3)
    for task in [*tasks, tasks[0]]:  # one is repeated
        task.run()
    with duckdb.connect() as database:
        for kind in ("views", "segments", "actions"):
            one, many = (
                database.execute(f"SELECT * FROM '{tmp_path}/{files}' ORDER BY ALL").fetchall()  # noqa: S608 - ours
                for files in (f"one/{kind}.parquet", f"many/{kind}-*.parquet")
            )
            assert one == many
    assert len(list((tmp_path / "many").iterdir())) == 3 * len(tasks)


def test_an_export_by_processes_writes_the_same_bytes(made: Path, tmp_path: Path) -> None:
    for jobs in ("1", "2"):
        folder = tmp_path / jobs
        assert main(["export", str(made / "alone"), "--parquet", str(folder), "--jobs", jobs, "-q"]) == 0
    for table in (tmp_path / "1").iterdir():
        assert table.read_bytes() == (tmp_path / "2" / table.name).read_bytes()


def test_fewer_jobs_than_one_are_refused(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(made / "alone"), "--parquet", str(tmp_path), "--jobs", "0"]) == 2
    assert "--jobs must be at least 1" in capsys.readouterr().err


def test_a_range_of_a_manifest_that_was_written_anew_says_so(made: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(made / "alone", tmp_path / "out"))
    (first, *_) = cut(DiskShelf(out), 3)
    torn = replace(first, length=first.length - 5)
    with pytest.raises(ArchiveError, match="has changed since its ranges were cut"):
        list(torn.entries())
    assert View("a", "b") not in Archive(out).manifest()
