"""``status``: what an archive holds and lacks, whoever writes to it and whatever of it is there."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from archives import WIDE, Archive, Job, download
from damaged_archives import VIEWS, make, verified

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import holder, locked
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.cli.status import status_json
from replay_fetch.cli.status_summary import status_text
from replay_fetch.inspect.status import Status, _count_session, status, unfinished_csv
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.model import Outcome, PlannedView, View, ViewRecord, Warnings
from replay_fetch.settings import FetchSettings
from replay_fetch.simulator import Fault, Simulator, SimulatorSettings

_NOBODY = 65534
_HASTY = Job(fetch=FetchSettings(workers=8, retries=0))


async def _download(out: Path, *faults: str) -> None:
    settings = SimulatorSettings(seed=1, limit=WIDE, faults=tuple(map(Fault.parse, faults)))
    async with Simulator(settings) as simulator:
        await download(simulator, out, _HASTY)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive in which some views failed; not to be changed."""
    out = tmp_path_factory.mktemp("made") / "archive"
    anyio.run(_download, out, "500:sticky,rate=0.3")
    return out


def told(root: Path) -> Any:  # Any: the command's own values
    return json.loads(status_json(status(DiskShelf(root), name_at_most=None)))


def test_every_view_and_every_session_is_counted_once(made: Path) -> None:
    found, manifest = told(made), Archive(made).manifest()
    outcomes = [line["outcome"] for line in manifest.values()]
    assert {name: sums["views"] for name, sums in found["outcomes"].items()} == {
        name: outcomes.count(name) for name in set(outcomes)
    }
    assert found["views"] == len(manifest)
    assert found["bytes"] == sum(line["bytes"] for line in manifest.values())
    assert found["segments"] == sum(line["segments"] for line in manifest.values())
    assert sum(found["sessions"].values()) == len({view.session_id for view in manifest})
    assert found["sessions"]["partial"] == len([name for name in Archive(made).sessions() if ".partial." in name])
    assert found["last_run"]["exit_code"] == 1
    assert found["running"] is None
    assert found["last_run"]["limiter"] == "window: headers tell of it"


def test_a_limit_that_is_no_window_is_worth_a_word() -> None:
    found = Status("archive", by_ledger=True, last_run={"limiter": "sliding: it gives back bit by bit"})
    assert "its rate limit: sliding: it gives back bit by bit" in status_text(found)
    found.last_run = {"limiter": "window: headers tell of it"}
    assert "rate limit" not in status_text(found)


@pytest.mark.parametrize(("run_ended", "copied"), [(None, True), (False, False), (True, False)])
def test_only_an_archive_without_ledger_and_log_is_said_to_be_counted_by_its_manifest(
    run_ended: bool | None,  # noqa: FBT001 - from the table
    copied: bool,  # noqa: FBT001
) -> None:
    found = Status(
        "s3://bucket/season", by_ledger=False, running="shard 0/2: worker-7/31/5f0c9a1b", run_ended=run_ended
    )
    assert ("there is no ledger: this is what the manifest says" in status_text(found)) is copied


def test_warnings_about_recordings_are_listed_by_status(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noted = {view: line for view, line in Archive(made).manifest().items() if line["repeats"]}
    assert noted, "the recordings hold a segment that was sent twice"
    assert {View(each["session_id"], each["view_id"]) for each in told(made)["noted"]} >= set(noted)
    assert main(["status", str(made)]) == 0
    said = capsys.readouterr().out
    assert all(str(view) in said for view in noted)
    assert re.search(r"repeats: segment \d+ came again", said)


def test_people_see_a_bounded_list_of_what_is_noted() -> None:
    warnings = Warnings(list(range(50)), [], lacks_full_snapshot=True, segments_expected=60)
    planned = [PlannedView(row, 1, View("s", f"v{row}")) for row in range(1000)]
    found = Status("archive", by_ledger=True)
    views = [ViewRecord(each, Outcome.FETCHED, segments=3, size=1, warnings=warnings) for each in planned]
    _count_session(found, views, 20)
    assert len(found.named) == 20, "memory does not grow with what is noted"
    text = status_text(found)
    assert len(text.splitlines()) < 100
    assert max(map(len, text.splitlines())) <= 80
    assert "and 980 more: see --json" in text
    assert "gaps: segments 0, 1, 2, 3, 4, 5, 6, 7 and 42 more never came" in text
    assert "fewer than the list says: 3 segments of 60" in text
    everything = Status("archive", by_ledger=True)
    _count_session(everything, views, None)
    assert len(json.loads(status_json(everything))["noted"]) == 1000


def test_the_manifest_will_do_where_there_is_no_ledger(made: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(made, tmp_path / "copy", ignore=shutil.ignore_patterns(".replay-fetch")))
    by_ledger, by_manifest = told(made), told(copy)
    assert (by_ledger.pop("from"), by_manifest.pop("from")) == ("ledger", "manifest")
    assert (by_ledger.pop("run_ended"), by_manifest.pop("run_ended")) == (True, None)
    assert by_ledger.pop("archive") != by_manifest.pop("archive")
    assert by_manifest == by_ledger


def test_the_unfinished_views_are_a_list_that_download_reads(made: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(made, tmp_path / "archive"))
    rows = list(csv.DictReader("".join(unfinished_csv(DiskShelf(out))).splitlines()))
    lacking = {view: line for view, line in Archive(out).manifest().items() if line["outcome"] == "failed"}
    assert [View(row["session_id"], row["view_id"]) for row in rows] == list(lacking)
    assert all(row["reason"] == line["reason"] for row, line in zip(rows, lacking.values(), strict=True))
    path = tmp_path / "unfinished.csv"
    path.write_text("".join(unfinished_csv(DiskShelf(out))), "utf-8")

    async def again() -> int:
        async with Simulator(SimulatorSettings(limit=WIDE)) as simulator:
            return (await download(simulator, out, _HASTY, views=path)).exit_code

    assert anyio.run(again) == 0
    assert told(out)["unfinished"] == 0
    assert list(unfinished_csv(DiskShelf(out))) == ["session_id,view_id,outcome,reason\n"]


def test_a_run_that_was_killed_is_told_with_its_last_write_and_the_way_to_go_on(made: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(made, tmp_path / "archive"))
    ledger = Layout(out).ledger
    _leave_as_a_killed_run(ledger)
    os.utime(ledger, (1_790_000_000, 1_790_000_000))
    found = told(out)
    assert (found["run_ended"], found["last_wrote"]) == (False, "2026-09-21T14:13:20.000Z")
    lines = status_text(status(DiskShelf(out))).splitlines()
    killed = lines.index("the last run did not come to its end; it last wrote at 2026-09-21 14:13:20 UTC")
    assert lines[killed - 1].startswith("last run that ended: ")
    assert lines[killed + 1].endswith(" to go: run the same download again, or")
    with locked(Layout(out).lock):
        assert told(out)["run_ended"] is None, "it is running"


def test_a_run_that_was_killed_behind_its_last_view_is_told_with_the_command_that_finishes_it(tmp_path: Path) -> None:
    out = make(tmp_path / "archive")
    assert "did not come to its end" not in status_text(status(DiskShelf(out)))
    _leave_as_a_killed_run(Layout(out).ledger)
    *_, killed, way = status_text(status(DiskShelf(out))).splitlines()
    assert killed.startswith("the last run did not come to its end; it last wrote at ")
    assert way == "to finish it, run the same command again: no finished view is asked for twice"


def _leave_as_a_killed_run(path: Path) -> None:
    with closing(Ledger.open(path)) as ledger:
        ledger.set_setting(Setting.STATE, State.RUNNING)


def test_a_run_that_is_going_on_is_named_and_not_disturbed(tmp_path: Path) -> None:
    out = make(tmp_path / "archive")
    with locked(Layout(out).lock):
        assert told(out)["running"].startswith(f"pid {os.getpid()} on ")
        ledger = Ledger.open(Layout(out).ledger)
        (first, *_) = ledger.views()
        ledger.record([ViewRecord(first.planned, Outcome.FAILED, "late")])
        assert told(out)["outcomes"]["failed"]["views"] == 1
        ledger.close()
    assert told(out)["running"] is None


def test_the_holder_of_a_lock_is_known_only_while_it_lives(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder(path) is None
    program = (
        "import os, pathlib, sys; from replay_fetch.archive.lock import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path)], check=False)  # noqa: S603 - our own program
    assert ended.returncode == -signal.SIGKILL
    assert path.read_text("ascii").startswith("pid ")
    assert holder(path) is None


@pytest.mark.parametrize("form", ["--json", "--unfinished"])
def test_a_folder_that_is_no_archive_ends_status_with_3(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", str(tmp_path), form]) == 3
    assert "is not an archive" in capsys.readouterr().err


def test_status_and_verify_write_nothing_into_an_archive_of_another_user() -> None:
    """A folder of somebody else's, or on a disk that is read-only."""
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is closed to other users
        Path(folder).chmod(0o755)
        out = make(Path(folder) / "archive")
        before = sorted(out.rglob("*"))
        with unwritable(out):
            assert as_a_user(lambda: status(DiskShelf(out)).total.views, lambda: len(verified(out).findings)) == [
                VIEWS,
                0,
            ]
        assert sorted(out.rglob("*")) == before


def test_status_leaves_no_file_behind(tmp_path: Path) -> None:
    """Nor is what a killed run left taken away: it is part of the ledger."""
    out = make(tmp_path / "archive")
    before = sorted(out.rglob("*"))
    assert told(out)["views"] == VIEWS
    assert sorted(out.rglob("*")) == before
    with closing(Ledger.open(Layout(out).ledger)) as ledger:
        ledger.set_setting("a", "b")
        killed = Path(shutil.copytree(out, tmp_path / "killed"))
    before = sorted(killed.rglob("*"))
    assert Layout(killed).ledger.with_name("ledger.sqlite-wal") in before
    assert told(killed)["views"] == VIEWS
    assert sorted(killed.rglob("*")) == before


@contextmanager
def unwritable(root: Path) -> Iterator[None]:
    """Readable in this context, by root and by the user that tests run as without being root."""
    paths = [root, *root.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield
    for path in paths:
        path.chmod(0o700 if path.is_dir() else 0o600)


def as_a_user(*asked: Callable[[], int]) -> list[int]:
    """What the functions return in a process that is not root's."""
    receive, send = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the child starts none
        child = os.fork()
    if not child:
        try:
            if os.getuid() == 0:
                os.setuid(_NOBODY)
            os.write(send, json.dumps([ask() for ask in asked]).encode())
        finally:
            os._exit(0)
    os.close(send)
    os.waitpid(child, 0)
    with open(receive, "rb") as answers:  # noqa: PTH123 - a descriptor
        found: list[int] = json.loads(answers.read() or b"[]")
    return found


def test_the_reasons_of_unfinished_views_come_first_with_their_counts_and_notes_last() -> None:
    found = Status("archive", by_ledger=True, last_run={"started": "2026-01-02", "seconds": 3})
    planned = [PlannedView(row, 1, View("s", f"v{row}")) for row in range(40)]
    views = [ViewRecord(planned[0], Outcome.FETCHED, segments=1, size=1, warnings=Warnings(repeats=[4]))]
    views += [ViewRecord(each, Outcome.FAILED, "server error (500)") for each in planned[1:4]]
    views += [ViewRecord(each, Outcome.FAILED, f"page {each.row} is cut") for each in planned[4:]]
    _count_session(found, views, 20)
    lines = status_text(found).splitlines()
    assert lines[1] == "  failed                 39"
    assert [line.split(maxsplit=1) for line in lines[2:4]] == [
        ["17", "other reasons"],
        ["3", "server error (500)"],
    ]
    assert lines[7].endswith("other reasons: see the manifest")
    assert lines[8].startswith("  fetched ")
    assert lines[-3:] == ["views to note: 1", "  s/v0", "    repeats: segment 4 came again"]
    told = json.loads(status_json(found))["reasons"]
    assert told[0] == {"outcome": "failed", "reason": "other reasons", "views": 17}
    assert sum(each["views"] for each in told) == 39
