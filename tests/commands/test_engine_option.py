"""``--engine dask``: reading by a cluster finds what reading here does, and mistakes are named."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from damaged_archives import make, session_files
from processes import run_here

from replay_fetch import engine
from replay_fetch.cli import engine_download, engine_shards, main
from replay_fetch.errors import SettingsError


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster that somebody else started: two workers, without TLS."""
    from distributed import LocalCluster  # noqa: PLC0415 - takes a second

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as there:
        yield there.scheduler_address


@pytest.fixture(scope="module")
def empty() -> Iterator[str]:
    """The address of a scheduler without workers."""
    from distributed import LocalCluster  # noqa: PLC0415 - takes a second

    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as there:
        yield there.scheduler_address


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("made") / "archive")


def test_verify_on_a_cluster_finds_what_verify_finds_here(scheduler: str, archive: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert run_here("verify", archive, "--engine", "dask", "--scheduler", scheduler).code == 0
    copy.symlink_to(archive)
    file = session_files(archive)[0]
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b" ")
    try:
        here = run_here("verify", copy, "--json")
        there = run_here("verify", copy, "--json", "--engine", "dask", "--scheduler", scheduler)
    finally:
        file.write_bytes(content)
    assert (here.code, there.code) == (1, 1), there
    assert json.loads(there.stdout)["findings"] == json.loads(here.stdout)["findings"]


def test_export_on_a_cluster_writes_the_tables_that_export_writes_here(
    scheduler: str, archive: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    assert run_here("export", archive, "--parquet", here).code == 0
    done = run_here("export", archive, "--parquet", there, "--engine", "dask", "--scheduler", scheduler)
    assert done.code == 0, done
    tables = sorted(path.name for path in here.iterdir())
    assert tables == sorted(path.name for path in there.iterdir())
    assert all((here / name).read_bytes() == (there / name).read_bytes() for name in tables)


_NOBODY = "tcp://127.0.0.1:1"


@pytest.fixture
def refused(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """Run a command line that is to be refused, without keys in the environment; returns what is said."""
    for name in ("DD_API_KEY", "DD_APP_KEY", "DD_BEARER_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    views, out = tmp_path / "views.csv", tmp_path / "out"
    views.write_text("session_id,view_id\na,b\n")
    (tmp_path / "keys").write_text("DD_API_KEY=a\nDD_APP_KEY=b\n")
    places = {"KEYS": tmp_path / "keys", "VIEWS": views, "OUT": out, "ARCHIVE": archive}

    def run_refused(line: str) -> str:
        assert main([str(places.get(word, word)) for word in line.split()]) == 2
        assert not out.exists()
        return capsys.readouterr().err

    return run_refused


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"download VIEWS OUT --scheduler {_NOBODY}", f"--scheduler {_NOBODY} needs --engine dask"),
        (f"verify ARCHIVE --scheduler {_NOBODY}", f"--scheduler {_NOBODY} needs --engine dask"),
        ("download VIEWS OUT --engine dask --shard 0/4", "--engine runs all shards, and --shard one"),
        ("download - OUT --engine dask", "--engine needs a list of views in a file"),
        ("download VIEWS OUT --engine dask --env-file KEYS", "--env-file cannot be used"),
        ("download VIEWS OUT --engine dask --events", "--events stores into an archive of a single run alone"),
        ("download OUT --engine dask --sessions VIEWS", "--engine needs a list of views in a file"),
        ("download VIEWS OUT --shards 8", "--shards 8 needs --engine dask; one shard of a list is --shard I/N"),
        ("download VIEWS OUT --engine dask", "no keys"),
        (f"verify ARCHIVE --engine dask --scheduler {_NOBODY} --jobs 2", "--jobs counts"),
    ],
)
def test_options_that_cannot_be_together_are_refused_before_anything_is_asked(
    refused: Callable[[str], str], line: str, said: str
) -> None:
    assert said in refused(line)


def test_a_number_of_shards_out_of_range_is_refused(
    refused: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DD_BEARER_TOKEN", "token")
    for number in ("0", "1001"):
        assert "--shards must be from 1 to 1000" in refused(f"download VIEWS OUT --engine dask --shards {number}")


@pytest.mark.parametrize("text", ["-1/8", "8/8", "-x"])
def test_a_shard_that_is_none_is_refused_by_its_name(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["download", "views.csv", "out", "--shard", text])
    assert ended.value.code == 2
    told = capsys.readouterr().err.splitlines()[0]
    assert told.startswith("replay-fetch download: argument --shard: ")
    assert (f"{text} is no shard: they count from 0" in told) is ("/" in text)


@pytest.mark.parametrize(
    "line",
    [
        "download VIEWS OUT --engine dask --shards 2 --scheduler AT",
        "download VIEWS OUT --engine dask --scheduler AT",
        "verify ARCHIVE --engine dask --scheduler AT",
        "export ARCHIVE --parquet OUT --engine dask --scheduler AT",
    ],
)
def test_a_scheduler_without_workers_is_refused_by_every_command(
    refused: Callable[[str], str], empty: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DD_BEARER_TOKEN", "token")
    assert f"--scheduler {empty}: the scheduler has no workers; start some" in refused(line.replace("AT", empty))


def test_workers_with_another_version_or_none_are_refused_before_a_task_could_end_them(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "version", lambda _: "9.9")
    with pytest.raises(
        SettingsError, match=r"the worker at tcp://\S+ has replay-fetch \S+; install 9\.9, as this command"
    ):
        _connect(scheduler)

    def of_nobody() -> str:
        """Stand for a function of a package that the workers lack."""
        return "1"

    of_nobody.__module__, of_nobody.__qualname__ = "package_of_nobody", "installed"
    monkeypatch.setattr(engine, "installed", of_nobody)
    monkeypatch.setitem(sys.modules, "package_of_nobody", SimpleNamespace(installed=of_nobody))
    with pytest.raises(SettingsError, match=r"has no replay-fetch \(ModuleNotFoundError"):
        _connect(scheduler)


def _connect(scheduler: str) -> None:
    with engine.cluster(scheduler):
        raise AssertionError("connected")


def test_results_come_from_every_task_and_a_call_is_made_in_every_worker(scheduler: str) -> None:
    with engine.cluster(scheduler) as there:
        assert there.workers == there.at_once(0) == 2
        assert sorted(there.results(abs, [-1, 2, -3])) == [1, 2, 3]
        assert there.everywhere(engine.installed) == [engine.installed()] * 2
        assert there.everywhere(int, "no number") == []


def test_a_reason_that_stops_many_shards_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    ended = [engine_shards.ShardEnded(f"{index}/12", None, "disk full", 3) for index in (10, 9, 1, 0, 2, 3, 4)]
    engine_download.tell(ended, 12)
    said = capsys.readouterr()
    assert said.err == "replay-fetch: shards 0/12, 1/12, 2/12, 3/12, 4/12 and 2 more: disk full\n"
    assert said.out == "7 of 12 shards were stopped, and nothing is merged; run the same command again to go on\n"
    engine_download.tell([each._replace(exit_code=2) for each in ended], 12)
    assert "; correct that where the workers are, and run the same command again" in capsys.readouterr().out
