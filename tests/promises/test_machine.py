"""What the machine may do to a run: no room, no rights, no descriptors, signals, closed pipes, a stranger's folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from archives import WIDE, Archive, truth, write_list
from processes import COMMAND, HANGS, Done, ended, run, run_here, served, start
from small_disks import ROOT, limited, mounted

from replay_fetch.simulator import LatencySettings, PagingSettings, Simulator, SimulatorSettings

QUICK = SimulatorSettings(limit=WIDE, paging=PagingSettings(page_segments=2))
SLOW = SimulatorSettings(
    limit=WIDE, paging=PagingSettings(page_segments=1), latency=LatencySettings(median=0.1, tail=0.3)
)


def listed(simulator: Simulator, out: Path, folder: Path) -> tuple[str | Path, ...]:
    views = write_list(folder / "views.csv", simulator.views)
    return "download", views, out, "--base-url", simulator.base_url


def stopped(done: Done, says: str) -> None:
    """The run ended with exit code 3, one message, and no traceback."""
    assert done.code == 3, done
    assert "Traceback" not in done.stderr, done
    assert says in done.stderr.splitlines()[-1], done


def whole(simulator: Simulator, out: Path) -> None:
    archive = Archive(out)
    assert archive.sessions() == truth(simulator)
    assert not archive.stray_files()
    assert archive.problems() == []


@pytest.mark.skipif(not ROOT, reason="only root can mount a small disk")
@pytest.mark.parametrize("size", ["40k", "160k", "900k"])
def test_a_full_disk_stops_the_run_and_room_lets_it_go_on(tmp_path: Path, size: str) -> None:
    disk = tmp_path / "disk"
    with served(QUICK) as simulator, mounted(disk, f"size={size}") as remount:
        arguments = listed(simulator, disk / "out", tmp_path)
        stopped(run(*arguments), "free some room")
        remount("size=20m")
        again = run_here(*arguments)
        assert again.code == 0, again
        whole(simulator, disk / "out")


@pytest.mark.parametrize("blocks", [16, 200])
def test_a_limit_on_the_size_of_files_stops_the_run(tmp_path: Path, blocks: int) -> None:
    with served(QUICK) as simulator:
        arguments = listed(simulator, tmp_path / "out", tmp_path)
        done = run(*arguments, command=limited(f"-f {blocks}"))
        assert done.code == 3, done
        assert "Traceback" not in done.stderr, done
        again = run_here(*arguments)
        assert again.code == 0, again
        whole(simulator, tmp_path / "out")


def test_a_folder_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with served(QUICK) as simulator:
        if ROOT:  # whom no permission stops
            with mounted(disk, "size=20m") as remount:
                _refuses(simulator, disk, lambda: remount("ro"), tmp_path)
        else:
            disk.mkdir()
            _refuses(simulator, disk, lambda: disk.chmod(0o500), tmp_path)
            disk.chmod(0o700)


def _refuses(simulator: Simulator, disk: Path, protect: Callable[[], None], folder: Path) -> None:
    arguments = listed(simulator, disk / "out", folder)
    assert run_here(*arguments, "--max-views", "3").code == 0
    before, asked = Archive(disk / "out").everything(), simulator.counts.requests
    protect()
    for out in ("out", "new"):
        done = run(*listed(simulator, disk / out, folder))
        assert done.code == 3, done
        assert "Traceback" not in done.stderr, done
    assert Archive(disk / "out").everything() == before
    assert simulator.counts.requests == asked


def test_an_archive_that_is_removed_under_a_run_stops_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with served(SLOW) as simulator:
        arguments = listed(simulator, out, tmp_path)
        process = start(*arguments)
        _wait(lambda: simulator.counts.requests > 10)
        shutil.rmtree(out, ignore_errors=True)
        done = ended(process)
        assert done.code == 3, done
        assert "Traceback" not in done.stderr, done
        shutil.rmtree(out, ignore_errors=True)
        assert run_here(*arguments).code == 0
        whole(simulator, out)


def test_few_descriptors_are_enough(tmp_path: Path) -> None:
    with served(SLOW) as simulator:
        arguments = listed(simulator, tmp_path / "out", tmp_path)
        done = run(*arguments, "--workers", "64", command=limited("-n 64"))
        assert done.code == 0, done
        whole(simulator, tmp_path / "out")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_first_signal_ends_the_run_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "out"
    with served(SLOW) as simulator:
        arguments = (*listed(simulator, out, tmp_path), "--max-views", "12", "--workers", "2")
        process = start(*arguments)
        _wait(lambda: simulator.counts.requests > 6)
        process.send_signal(number)
        done = ended(process)
        assert done.code == 130, done
        assert "interrupted" in done.stdout
        assert number.name in done.stderr
        finished = [view for view, outcome in Archive(out).outcomes().items() if outcome]
        assert finished
        asked = dict(simulator.counts.views)
        again = run_here(*arguments[:-2])
        assert again.code == 0, again
        assert {view: simulator.counts.views[view] for view in finished} == {view: asked[view] for view in finished}
        assert Archive(out).sessions() == truth(simulator, simulator.views[:12])
        assert Archive(out).problems() == []


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    out = tmp_path / "out"
    stuck = SimulatorSettings(limit=WIDE, latency=LatencySettings(median=30.0))
    with served(stuck) as simulator:
        process = start(*listed(simulator, out, tmp_path))
        _wait(lambda: simulator.counts.requests > 0)
        process.send_signal(signal.SIGINT)
        assert process.stderr
        assert any(b"once more stops at once" in line for line in process.stderr)  # it waits for what is in flight
        process.send_signal(signal.SIGINT)
        done = ended(process)
        assert done.code == 130, done
        assert not (out / "report.json").exists()  # the first signal alone ends with one
        assert "Traceback" not in done.stderr, done


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("-Sn 64", ""),
        ("-n 300", "200 workers need 328 open files and there may be 300: 150 ask"),
        ("-n 40", "there may be 40: 20 ask"),
    ],
    ids=["raised", "fewer", "far too few"],
)
def test_only_as_many_workers_ask_as_the_limit_of_open_files_allows(tmp_path: Path, limit: str, said: str) -> None:
    with served(QUICK) as simulator:
        arguments = listed(simulator, tmp_path / "out", tmp_path)
        done = run(*arguments, "--workers", "200", command=limited(limit))
        assert done.code == 0, done
        assert "Traceback" not in done.stderr
        assert said in " ".join(done.stderr.split())
        assert ("ulimit" in done.stderr) == bool(said)
        whole(simulator, tmp_path / "out")


def test_ctrl_c_ends_the_reading_of_a_list_that_does_not_come(tmp_path: Path) -> None:
    process = start("download", "-", tmp_path / "out", "--base-url", "http://127.0.0.1:9")
    assert process.stdin
    process.stdin.write(b"session_id,view_id\n" + b"".join(b"session,view%d\n" % row for row in range(20_000)))
    process.stdin.flush()
    _wait((tmp_path / "out" / ".replay-fetch" / "ledger.sqlite").exists)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=HANGS)
    assert ended(process).code == 130


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_readers_that_are_gone_are_no_error(tmp_path: Path, stream: str) -> None:
    with served(QUICK) as simulator, start(*listed(simulator, tmp_path / "out", tmp_path), "-v") as process:
        assert process.stdout
        assert process.stderr
        left = process.stderr if stream == "stdout" else process.stdout
        (process.stdout if stream == "stdout" else process.stderr).close()
        said = left.read().decode()
        assert process.wait(60) == 0, said
        assert "Traceback" not in said
        whole(simulator, tmp_path / "out")


# Where stdout cannot be written the summary is lost, and nothing else.
@pytest.mark.parametrize(("redirection", "code"), [(">&-", 0), ("2>&-", 0), (">&- 2>&- <&-", 0), (">/dev/full", 3)])
def test_streams_that_were_never_open_cost_nothing_that_was_fetched(
    tmp_path: Path, redirection: str, code: int
) -> None:
    with served(QUICK) as simulator:
        shell = ("/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND)
        done = run(*listed(simulator, tmp_path / "out", tmp_path), command=shell)
        assert done.code == code, done
        assert "Traceback" not in done.stderr, done
        whole(simulator, tmp_path / "out")


def test_a_second_run_on_the_same_archive_is_told_who_has_it(tmp_path: Path) -> None:
    with served(SLOW) as simulator:
        arguments = listed(simulator, tmp_path / "out", tmp_path)
        first = start(*arguments)
        _wait(lambda: simulator.counts.requests > 0)
        second = run(*arguments)
        stopped(second, f"pid {first.pid} on {socket.gethostname()}")
        assert ended(first).code == 0
        whole(simulator, tmp_path / "out")


def test_a_folder_that_is_no_archive_stays_as_it_is(tmp_path: Path) -> None:
    views = write_list(tmp_path / "views.csv", [])
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine, too")
    for name, says in (("folder", "something else"), ("file", "is a file")):
        stopped(run_here("download", views, tmp_path / name), says)
    assert {path.name for path in (tmp_path / "folder").iterdir()} == {"thesis.txt"}
    assert (tmp_path / "file").read_text() == "mine, too"


@contextmanager
def _archive(folder: Path) -> Iterator[tuple[Simulator, tuple[str | Path, ...], Path]]:
    """An archive of five views, its ledger, and the command that would go on with the rest."""
    with served(QUICK) as simulator:
        arguments = listed(simulator, folder / "out", folder)
        assert run_here(*arguments, "--max-views", "5").code == 0
        yield simulator, arguments, folder / "out" / ".replay-fetch" / "ledger.sqlite"


def test_an_archive_of_a_newer_format_stays_as_it_is(tmp_path: Path) -> None:
    with _archive(tmp_path) as (_, arguments, ledger):
        with closing(sqlite3.connect(ledger)) as db:
            db.execute("PRAGMA user_version = 99")
        before = Archive(tmp_path / "out").everything()
        for command in (arguments, ("verify", tmp_path / "out"), ("status", tmp_path / "out")):
            done = run_here(*command)
            assert done.code in (1, 3), done
            assert "Traceback" not in done.stderr, done
        stopped(run_here(*arguments), "format 99")
        assert Archive(tmp_path / "out").everything() == before


def _cut(ledger: Path) -> None:
    ledger.write_bytes(ledger.read_bytes()[:5000])


def _overwrite(ledger: Path) -> None:
    ledger.write_bytes(b"not a ledger" * 1000)


def _garble(ledger: Path) -> None:
    content = bytearray(ledger.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    ledger.write_bytes(content)


def _empty(ledger: Path) -> None:
    ledger.write_bytes(b"")


DAMAGES: dict[str, Callable[[Path], None]] = {
    "cut": _cut,
    "overwritten": _overwrite,
    "garbled": _garble,
    "empty": _empty,
    "gone": Path.unlink,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_ledger_is_refused_and_can_be_made_anew(tmp_path: Path, damage: str) -> None:
    with _archive(tmp_path) as (simulator, arguments, ledger):
        DAMAGES[damage](ledger)
        before = Archive(tmp_path / "out").sessions()
        stopped(run_here(*arguments), "verify --rebuild")
        assert Archive(tmp_path / "out").sessions() == before
        rebuilt = run_here("verify", "--rebuild", tmp_path / "out")
        assert rebuilt.code == 0, rebuilt
        asked = dict(simulator.counts.views)
        done = run_here(*arguments)
        assert done.code == 0, done
        assert {view: simulator.counts.views[view] for view in simulator.views[:5]} == {
            view: asked[view] for view in simulator.views[:5]
        }
        assert Archive(tmp_path / "out").sessions() == truth(simulator)


def _wait(happened: Callable[[], bool]) -> None:
    """Until something has happened in another process."""
    deadline = time.monotonic() + HANGS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)
