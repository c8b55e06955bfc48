"""``download --engine`` with an engine whose one worker is this process: its words, its codes, and the shards' ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from archives import WIDE, Archive, write_list
from processes import Done, run_here, served

from replay_fetch.cli import engine_download
from replay_fetch.cli.engine_shards import run_shard, stop_shards
from replay_fetch.settings import ApiSettings, Settings
from replay_fetch.simulator import Simulator, SimulatorSettings
from replay_fetch.tasks import shards

Task = TypeVar("Task")
Result = TypeVar("Result")


class Here:
    """An engine as `cluster` yields one; Ctrl-C comes when so many tasks have ended."""

    workers = 1

    def __init__(self) -> None:
        self.interrupted_after: int | None = None
        self.unstoppable = 0

    def at_once(self, _size: int) -> int:
        return 2

    def results(self, work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        for number, task in enumerate(tasks):
            if number == self.interrupted_after:
                raise KeyboardInterrupt
            yield work(task)

    def everywhere(self, call: Callable[[str], int], run: str) -> list[int]:
        return [call(run), self.unstoppable]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        yield simulator


@pytest.fixture
def views(simulator: Simulator, tmp_path: Path) -> Path:
    return write_list(tmp_path / "views.csv", simulator.views)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Here:
    here = Here()

    @contextmanager
    def cluster(_scheduler: str | None, **_: object) -> Iterator[Here]:
        yield here

    monkeypatch.setattr(engine_download, "cluster", cluster)
    return here


@pytest.fixture
def download(engine: Here, simulator: Simulator, views: Path, tmp_path: Path) -> Callable[..., Done]:
    """Run the command with more words; OUT is ``out``."""
    assert engine
    words = ("download", views, tmp_path / "out", "--engine", "dask", "--base-url", simulator.base_url)
    return lambda *more, **options: run_here(*words, *more, **options)


def test_the_shards_are_told_as_they_end_and_become_a_single_runs_archive(
    download: Callable[..., Done], simulator: Simulator, views: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    assert run_here("download", views, alone, "--base-url", simulator.base_url, "-q").code == 0
    done = download("--shards", "3")
    assert done.code == 0, done
    ends = re.findall(r" INFO (shard ./3 has ended \(. of 3\)): .*?(\d+) fetched", done.stderr)
    assert [end for end, _ in ends] == [f"shard {at}/3 has ended ({at + 1} of 3)" for at in range(3)]
    assert sum(int(fetched) for _, fetched in ends) == 25
    assert " INFO 3 shards on 1 worker\n" in done.stderr
    assert done.stdout.startswith(f"27 views in {tmp_path / 'out'}\n")
    assert Archive(tmp_path / "out").sessions() == Archive(alone).sessions()
    assert (tmp_path / "out/manifest.ndjson").read_bytes() == (alone / "manifest.ndjson").read_bytes()


def test_the_number_of_shards_is_the_archives_or_else_the_engines(download: Callable[..., Done]) -> None:
    assert " INFO 2 shards on 1 worker\n" in download().stderr
    assert " INFO 2 shards on 1 worker\n" in download("--shards", "2").stderr
    refused = download("--dry-run")
    assert (refused.code, refused.stdout) == (2, "")
    assert "is an archive of 2 shards, each with a plan of its own: `" in refused.stderr.replace("\n  ", " ")


def test_shards_that_are_refused_are_named_and_nothing_is_merged(download: Callable[..., Done], tmp_path: Path) -> None:
    done = download("--shards", "2", keys={"DD_API_KEY": "wrong", "DD_APP_KEY": "wrong"})
    assert done.code == 3, done
    assert " WARNING shard 0/2 was stopped (1 of 2): " in done.stderr
    assert "replay-fetch: shards 0/2, 1/2: " in done.stderr
    assert done.stdout == ("2 of 2 shards were stopped, and nothing is merged; run the same command again to go on\n")
    assert not (tmp_path / "out/manifest.ndjson").exists()


def test_after_ctrl_c_nothing_is_merged_and_the_same_command_goes_on(
    download: Callable[..., Done], engine: Here, simulator: Simulator, tmp_path: Path
) -> None:
    engine.interrupted_after = 1
    simulator.counts.views.clear()
    done = download("--shards", "3")
    assert (done.code, done.stdout) == (
        130,
        "interrupted, and nothing is merged; run the same command again to go on\n",
    )
    assert "interrupted: the shards finish what is in flight, at most 10 s; once more stops at once" in done.stderr
    assert not (tmp_path / "out/manifest.ndjson").exists()
    finished = dict(simulator.counts.views)
    assert 0 < len(finished) < len(simulator.views)
    engine.interrupted_after = None
    assert download("--shards", "3").code == 0
    assert simulator.counts.views.keys() == set(simulator.views)
    assert {view: simulator.counts.views[view] for view in finished} == finished


def test_shards_that_cannot_be_stopped_are_counted(
    download: Callable[..., Done], engine: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_download, "_LAST_COMMIT", -10.0)  # as long as the grace: there is no time to wait
    engine.interrupted_after, engine.unstoppable = 0, 2
    done = download()
    assert done.code == 130
    assert "replay-fetch: 2 shards cannot be stopped, and may go on on the workers\n" in done.stderr


def test_a_shard_whose_run_was_told_to_stop_ends_soon_with_what_it_has(
    simulator: Simulator, views: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DD_BEARER_TOKEN", "token")
    (shard,) = shards(views, tmp_path / "out", 1, settings=Settings(api=ApiSettings(base_url=simulator.base_url)))
    assert stop_shards("run-1") == 0
    ended = run_shard("run-1", shard)
    assert ended.report is not None, ended
    assert ended.report.interrupted
    assert stop_shards("run-1") == 0
