"""Readers of an archive whose first run has not ended: the ledger tells them what is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from archives import WIDE, download, write_list

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import locked
from replay_fetch.cli import main
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.simulator import Simulator, SimulatorSettings

_SESSIONS = 3


async def _begun(out: Path) -> None:
    """An archive as a first run leaves it at a moment: some sessions are whole, and nothing but the ledger tells."""
    async with Simulator(SimulatorSettings(limit=WIDE)) as simulator:
        sessions = list(dict.fromkeys(view.session_id for view in simulator.views))[:_SESSIONS]
        some = [view for view in simulator.views if view.session_id in sessions]
        await download(simulator, out, views=write_list(out.with_suffix(".csv"), some))
    layout = Layout(out)
    layout.manifest.unlink()
    layout.report.unlink()
    ledger = Ledger.open(layout.ledger)
    ledger.set_setting(Setting.STATE, State.RUNNING)
    ledger.close()


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    anyio.run(_begun, tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def running(begun: Path) -> Iterator[Path]:
    with locked(Layout(begun).lock):
        yield begun


def test_show_lists_what_a_first_run_has_brought_home_so_far(running: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(running), "--json"]) == 0
    said = capsys.readouterr()
    listed = [json.loads(line) for line in said.out.splitlines()]
    assert len(listed) == _SESSIONS
    assert all(each["segments"] for each in listed)
    assert "a run is going on (pid " in said.err
    assert main(["show", str(running), listed[0]["session_id"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["views"][0]["segments"]


def test_recordings_of_a_first_run_are_exported_while_it_goes_on(
    running: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(running), "--rrweb", str(tmp_path / "events"), "--json", "-q"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["views"] > 0
    assert len(list((tmp_path / "events").rglob("*.json"))) == told["views"]


def test_the_page_of_a_first_run_says_that_it_is_going_on(running: Path, tmp_path: Path) -> None:
    assert main(["report", str(running), "--out", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "A run is going on (pid " in page
    assert "Every view of the list ended well" not in page
    assert page.count('<p class="verdict') == 1
    assert "<dt>views</dt>" in page
    assert "<dt>requests</dt>" not in page, "nothing is known of them yet"


def test_the_page_of_an_earlier_run_says_that_another_is_going_on(begun: Path, tmp_path: Path) -> None:
    layout = Layout(begun)
    next(layout.reports.iterdir()).rename(layout.report)
    with locked(layout.lock):
        assert main(["report", str(begun), "--out", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "The figures below are those of the run before." in page
    assert "Every view of the list ended well" in page


def test_a_session_that_is_not_published_yet_has_no_lines_to_read(
    running: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The record stands in the ledger before the file has its name."""
    ledger = Ledger.open(Layout(running).ledger)
    first = next(ledger.views()).planned
    ledger.record([], redo=[first.session])
    ledger.close()
    events = running.with_name("events")
    assert main(["export", str(running), "--rrweb", str(events), first.view.session_id, "--json", "-q"]) == 1
    assert "it waits for its session to be whole" in json.loads(capsys.readouterr().out)["left_out"][0]


def test_a_scrubbed_copy_of_an_unfinished_archive_calls_no_view_fetched_that_it_lacks(
    running: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger.open(Layout(running).ledger)
    records = list(ledger.views())
    first = records[0].planned.session
    ledger.record([], redo=[first])
    ledger.close()
    waiting = sum(record.segments > 0 for record in records if record.planned.session == first)
    copy = running.with_name("copy")
    assert main(["scrub", str(running), str(copy)]) == 0
    said = capsys.readouterr()
    assert "a run is going on (pid " in said.err
    assert f"of these, {waiting} wait for a session to be whole" in said.out
    report = json.loads((copy / "report.json").read_text())
    assert (report["unasked"], report["exit_code"]) == (waiting, 1)
    assert report["rows"] == len(records) == waiting + sum(report["outcomes"].values())
    assert main(["report", str(copy), "--out", str(copy / "page.html")]) == 0
    assert "Every view of the list ended well" not in (copy / "page.html").read_text("utf-8")


def test_a_run_that_was_killed_is_said_to_have_been(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(begun)]) == 0
    assert "the last run did not come to its end" in capsys.readouterr().err


def test_an_archive_of_which_nothing_is_known_yet_says_when_there_will_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Layout(tmp_path).private.mkdir()
    assert main(["show", str(tmp_path)]) == 3
    assert "has no manifest.ndjson yet: it is written when a run ends" in capsys.readouterr().err
