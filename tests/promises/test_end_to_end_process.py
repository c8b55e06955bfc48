"""The main job as a user meets it: processes, exit codes, streams."""

from __future__ import annotations

import gzip
import json
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from archives import WIDE, Archive, truth, write_list
from processes import USUAL, ended, run, run_here, served, start

from replay_fetch.archive.folder import opened
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.model import View
from replay_fetch.simulator import (
    Fault,
    LatencySettings,
    LimitSettings,
    PagingSettings,
    Shape,
    Simulator,
    SimulatorSettings,
)
from replay_fetch.simulator.recordings import load_recordings


def test_the_demo_leaves_every_recording_in_eight_files(tmp_path: Path) -> None:
    done = run("demo", tmp_path / "demo")
    assert done.code == 0, done
    archive = Archive(tmp_path / "demo")
    files = archive.sessions()
    assert len(files) == 8
    for recorded in load_recordings():
        lines = archive.view(recorded.view).splitlines()
        assert [line.split(b'"segment":', 1)[1] for line in lines] == [segment + b"}" for segment in recorded.segments]
    assert sum(body.count(b"\n") for body in files.values()) == sum(len(each.segments) for each in load_recordings())
    assert "27 views" in done.stdout
    events = {f"events/{name}" for name in files}
    assert archive.stray_files() == events | {"manifest-events.ndjson"}
    told = run_here("transcript", archive.root, "1f46e825").stdout
    assert "0:07.2  error         Cannot read properties of undefined (reading 'total') (source)\n" in told
    verified = run_here("verify", tmp_path / "demo")
    assert verified.code == 0, verified


def test_the_demo_goes_on_in_its_own_archive_and_keeps_out_of_others(tmp_path: Path) -> None:
    """Made-up recordings among somebody's own would be there to stay."""
    with opened(tmp_path / "theirs") as layout:
        Ledger.open(layout.ledger).close()
    before = Archive(tmp_path / "theirs").everything()
    refused = run_here("demo", tmp_path / "theirs")
    assert (refused.code, refused.stdout) == (3, "")
    assert "theirs is an archive that demo did not make; name a new folder" in refused.stderr
    assert Archive(tmp_path / "theirs").everything() == before
    codes = [run_here("demo", tmp_path / "ours").code for _ in range(2)]
    assert codes == [0, 0]


def _listed(simulator: Simulator, folder: Path) -> tuple[str | Path, ...]:
    return (
        "download",
        write_list(folder / "views.csv", simulator.views),
        folder / "out",
        "--base-url",
        simulator.base_url,
    )


def test_a_list_may_come_from_stdin_and_compressed(tmp_path: Path) -> None:
    with served(USUAL) as simulator:
        views = write_list(tmp_path / "views.csv", simulator.views)
        (tmp_path / "views.csv.gz").write_bytes(gzip.compress(views.read_bytes()))
        at = ("--base-url", simulator.base_url)
        piped = run("download", "-", tmp_path / "piped", *at, stdin=views.read_bytes())
        packed = run_here("download", tmp_path / "views.csv.gz", tmp_path / "packed", *at)
        assert (piped.code, packed.code) == (0, 0), (piped, packed)
        assert Archive(tmp_path / "piped").sessions() == truth(simulator)
        assert Archive(tmp_path / "packed").sessions() == truth(simulator)


def test_the_summary_as_json_is_the_only_thing_on_stdout(tmp_path: Path) -> None:
    with served(USUAL) as simulator:
        done = run_here(*_listed(simulator, tmp_path), "--json", "-v")
        assert done.code == 0, done
        summary = json.loads(done.stdout)
        report = Archive(tmp_path / "out").report()
        assert summary == {name: report[name] for name in summary}
        assert summary["views"] == 27
        assert summary["requests"] == simulator.counts.requests


def test_a_rehearsal_asks_nothing_and_changes_nothing(tmp_path: Path) -> None:
    with served(USUAL) as simulator:
        arguments = _listed(simulator, tmp_path)
        new = run_here(*arguments, "--dry-run", keys={})
        assert new.code == 0, new
        assert not (tmp_path / "out").exists()
        assert run_here(*arguments, "--max-views", "5").code == 0
        before = Archive(tmp_path / "out").everything()
        asked = simulator.counts.requests
        old = run_here(*arguments, "--dry-run", keys={})
        assert old.code == 0, old
        assert "22" in old.stdout
        after = Archive(tmp_path / "out").everything()
        lock = {".replay-fetch/lock"}  # says who holds it
        assert {name: after[name] for name in after.keys() - lock} == {
            name: before[name] for name in before.keys() - lock
        }
        assert simulator.counts.requests == asked


def test_a_killed_run_goes_on_and_asks_for_nothing_that_was_finished(tmp_path: Path) -> None:
    slow = SimulatorSettings(limit=WIDE, paging=PagingSettings(page_segments=1), latency=LatencySettings(median=0.05))
    with served(slow) as simulator:
        arguments = [*map(str, _listed(simulator, tmp_path)), "--workers", "2"]
        first = start(*arguments)
        while len(finished := _finished(tmp_path / "out")) < 5:
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        assert ended(first).code == -signal.SIGKILL
        finished = _finished(tmp_path / "out")
        asked = dict(simulator.counts.views)
        again = run_here(*arguments)
        assert again.code == 0, again
        assert {view: simulator.counts.views[view] for view in finished} == {view: asked[view] for view in finished}
        assert Archive(tmp_path / "out").sessions() == truth(simulator)
        assert not Archive(tmp_path / "out").stray_files()


def _finished(out: Path) -> set[View]:
    """The views that the ledger counts as finished."""
    query = """
        SELECT session_id, view_id FROM result JOIN view USING (row) JOIN session USING (session)
        WHERE outcome IN ('fetched', 'empty', 'missing')
    """
    try:
        with closing(sqlite3.connect(f"file:{out}/.replay-fetch/ledger.sqlite?mode=ro", uri=True)) as ledger:
            return {View(*row) for row in ledger.execute(query)}
    except sqlite3.OperationalError:  # not made yet
        return set()


class Ending(NamedTuple):
    """A way for a run to end: what is asked of the command and of the simulator, and the exit code."""

    code: int
    flags: tuple[str, ...] = ()
    keys: dict[str, str] | None = None
    faults: tuple[str, ...] = ()
    shape: Shape = Shape.SEGMENTS
    says: str = ""


ENDINGS = {
    "all well": Ending(0),
    "failed": Ending(1, ("--retries", "0"), faults=("500:sticky,rate=1",), says="run the same command again"),
    "unrecognised": Ending(1, shape=Shape.UNKNOWN, says="replay-fetch decode"),
    "no keys": Ending(2, keys={}, says="DD_API_KEY"),
    "a flag": Ending(2, ("--workers", "0"), says="--workers"),
    "a column": Ending(2, ("--session-column", "nothing"), says="'session_id', 'view_id'"),
    "wrong keys": Ending(3, keys={"DD_API_KEY": "wrong", "DD_APP_KEY": "wrong"}, says="DD_APP_KEY"),
    "dead": Ending(3, ("--give-up-after", "0.5"), faults=("503:outage=0..1000",), says="--give-up-after"),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_the_exit_code_tells_how_it_went(tmp_path: Path, ending: Ending) -> None:
    settings = SimulatorSettings(
        limit=WIDE, paging=PagingSettings(shape=ending.shape), faults=tuple(map(Fault.parse, ending.faults))
    )
    with served(settings) as simulator:
        done = run_here(*_listed(simulator, tmp_path), *ending.flags, "--max-views", "2", keys=ending.keys)
        assert done.code == ending.code, done
        assert "Traceback" not in done.stderr
        complaints = [line for line in done.stderr.splitlines() if line.startswith("replay-fetch: ")]
        assert len(complaints) == (ending.code in (2, 3))
        assert ending.says in "".join(complaints) + done.stdout
        if ending.code == 2:
            assert simulator.counts.requests == 0
            assert done.stdout == ""


def test_a_list_that_is_not_there_leaves_nothing_behind(tmp_path: Path) -> None:
    done = run_here("download", tmp_path / "no.csv", tmp_path / "out")
    assert done.code == 2, done
    assert "no.csv" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_rate_limit_that_bites_costs_time_alone(tmp_path: Path) -> None:
    settings = SimulatorSettings(limit=LimitSettings(limit=10, period=1.0, neighbour=2.0))
    with served(settings) as simulator:
        done = run_here(*_listed(simulator, tmp_path), "--max-views", "12")
        assert done.code == 0, done
        assert Archive(tmp_path / "out").sessions() == truth(simulator, simulator.views[:12])
