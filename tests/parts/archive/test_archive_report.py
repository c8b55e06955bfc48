"""The reports of an archive's runs: the latest by date, and the last that tells something under one name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.report import Report, last_report, write_report
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.model import Noted, Outcome

_ASKED = Report("views.csv", 1, 0, 0, {Outcome.FETCHED: 1}, requests=3, started="2026-01-02T03:04:05+00:00")
_NOTHING_ASKED = replace(_ASKED, requests=0, finished_before=1, started="2026-01-03T03:04:05+00:00")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.temporary.mkdir(parents=True)
    return layout


def started(path: Path) -> str:
    content: dict[str, str] = json.loads(path.read_bytes())
    return content["started"]


def names(layout: Layout) -> list[str]:
    return sorted(path.name for path in layout.reports.iterdir())


def test_a_run_that_asked_nothing_leaves_the_report_of_the_run_before(layout: Layout) -> None:
    write_report(layout, _ASKED)
    write_report(layout, _NOTHING_ASKED)
    assert started(layout.report) == _ASKED.started
    assert names(layout) == ["20260102T030405Z.json", "20260103T030405Z.json"]
    assert started(layout.reports / "20260103T030405Z.json") == _NOTHING_ASKED.started


def test_a_first_run_has_a_report_though_it_asked_nothing(layout: Layout) -> None:
    write_report(layout, _NOTHING_ASKED)
    assert started(layout.report) == _NOTHING_ASKED.started


def test_a_run_that_was_stopped_before_its_first_request_has_the_last_word(layout: Layout) -> None:
    write_report(layout, _ASKED)
    write_report(layout, replace(_NOTHING_ASKED, stopped="the disk is full"))
    assert started(layout.report) == _NOTHING_ASKED.started


def test_two_runs_of_one_second_have_a_report_each(layout: Layout) -> None:
    for requests in (1, 2, 3):
        write_report(layout, replace(_ASKED, requests=requests))
    assert names(layout) == ["20260102T030405Z.json", "20260102T030405Za.json", "20260102T030405Zb.json"]


def test_the_newest_hundred_reports_are_kept_and_foreign_files_left_alone(layout: Layout) -> None:
    layout.reports.mkdir()
    (layout.reports / "notes.txt").write_text("mine")
    for second in range(103):
        write_report(layout, replace(_ASKED, started=f"2026-01-02T03:{second // 60:02}:{second % 60:02}+00:00"))
    assert (names(layout)[0], names(layout)[-2:]) == ("20260102T030003Z.json", ["20260102T030142Z.json", "notes.txt"])
    assert len(names(layout)) == 101


def test_a_report_is_read_back_as_the_value_it_was_written_from(layout: Layout) -> None:
    report = replace(
        _ASKED,
        outcomes={Outcome.FETCHED: 1, Outcome.FAILED: 2},
        noted=Noted(views=2, gaps=1, repeats=2),
        reasons=[{"outcome": "failed", "reason": "503", "views": 2}],
        bad_row_reasons=["line 3: no id"],
        pacing=[{"time": 0.5, "rate": None, "limited_by": "API limit"}],
        slowest=[{"session_id": "1f46e825", "seconds": 3.5}],
        events={"fetched": 1},
        search={"seconds": 2.5},
        settings={"plan": {"shard": "1/3"}},
    )
    write_report(layout, report)
    assert last_report(DiskShelf(layout.root)) == report


@pytest.mark.parametrize("content", ["", "[]", "{", '{"rows": 1}', '{"outcomes": {"lost": 1}}', "\x00"])
def test_a_report_that_is_none_of_ours_is_read_as_none(layout: Layout, content: str) -> None:
    layout.report.write_text(content)
    assert last_report(DiskShelf(layout.root)) is None


def test_a_report_that_is_not_there_is_read_as_none(layout: Layout) -> None:
    assert last_report(DiskShelf(layout.root)) is None


def test_a_report_of_a_version_without_kinds_of_warnings_is_read_all_the_same(layout: Layout) -> None:
    write_report(layout, replace(_ASKED, noted=Noted(views=2, gaps=2)))
    content = json.loads(layout.report.read_bytes())
    del content["noted_for"]
    layout.report.write_text(json.dumps(content))
    read = last_report(DiskShelf(layout.root))
    assert read is not None
    assert read.noted == Noted(views=2)
