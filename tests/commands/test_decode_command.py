"""``replay-fetch decode`` as a command: the way from unknown pages to a finished archive."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import WIDE, Archive, truth, write_list
from processes import ended, run_here, served, start

from replay_fetch.simulator import PagingSettings, Shape, Simulator, SimulatorSettings

PATHS = ("--segments-path", "payload.chunks", "--next-path", "continuation")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    paging = PagingSettings(shape=Shape.UNKNOWN, page_bytes=16_000)
    with served(SimulatorSettings(limit=WIDE, paging=paging)) as simulator:
        yield simulator


def test_unknown_pages_are_decoded_and_the_download_goes_on(simulator: Simulator, tmp_path: Path) -> None:
    views, out = write_list(tmp_path / "views.csv", simulator.views), tmp_path / "out"
    asking = ("download", views, out, "--base-url", simulator.base_url, "-q")
    assert run_here(*asking).code == 1

    foretold = run_here("decode", out, *PATHS, "-n")
    assert (foretold.code, foretold.stderr) == (0, "")
    assert "nothing changed (--dry-run)" in foretold.stdout
    assert not list((out / "sessions").iterdir())

    done = run_here("decode", out, *PATHS, "--json", "-q")
    assert done.code == 0
    assert json.loads(done.stdout)["findings"]["goes on"] > 0
    again = run_here("decode", out, *PATHS, "-q")
    assert "to go on:\n  " in again.stdout
    assert f" download {' '.join(PATHS)} VIEWS {out}\n" in again.stdout

    assert run_here(*asking, *PATHS).code == 0
    assert Archive(out).sessions() == truth(simulator)


def test_a_decode_that_is_killed_is_done_again(simulator: Simulator, tmp_path: Path) -> None:
    views, out = write_list(tmp_path / "views.csv", simulator.views), tmp_path / "out"
    asking = ("download", views, out, "--base-url", simulator.base_url, "-q")
    assert run_here(*asking).code == 1
    process = start("decode", out, *PATHS)
    while not list((out / "sessions").glob("*")) and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    ended(process)
    assert run_here("decode", out, *PATHS).code == 0
    assert run_here(*asking, *PATHS).code == 0
    assert Archive(out).sessions() == truth(simulator)
    # A kill may leave the raw pages of a view that was just finished: too much of a good thing, never too little.
    assert all(name.startswith("raw/") for name in Archive(out).stray_files())


def test_decode_leaves_a_folder_that_is_no_archive_alone(tmp_path: Path) -> None:
    done = run_here("decode", tmp_path / "nothing", *PATHS)
    assert done.code == 3
    assert "there is no folder" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_paths_that_do_not_fit_say_why(simulator: Simulator, tmp_path: Path) -> None:
    views, out = write_list(tmp_path / "views.csv", simulator.views[:3]), tmp_path / "out"
    run_here("download", views, out, "--base-url", simulator.base_url, "-q")
    done = run_here("decode", out, "--segments-path", "payload.nothing")
    assert done.code == 1
    assert "these paths do not fit their pages" in done.stdout
    assert "first reason: --segments-path payload.nothing leads to nothing" in done.stdout


def test_the_help_shows_an_example_and_the_exit_codes() -> None:
    done = run_here("decode", "--help")
    assert done.code == 0
    assert "replay-fetch decode archive/ --segments-path payload.chunks" in done.stdout
    assert "exit codes: 0" in done.stdout
