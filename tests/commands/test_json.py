"""``--json`` of the commands that make a file, or a whole archive: one object in place of the closing lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_archives import write_archive
from made_recordings import full, meta, segment

from replay_fetch import Outcome, Report
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.report import write_report
from replay_fetch.cli import main
from replay_fetch.errors import OutageError

VIEWS = {("aaaa1111", "v1"): [segment(meta(), full())], ("aaaa1111", "v2"): [segment(index=1)]}
REPORT = Report(list_name="pairs.csv", rows=2, duplicates=0, bad_rows=0, outcomes={Outcome.FETCHED: 2})


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The one object on stdout."""
    content: dict[str, object] = json.loads(capsys.readouterr().out)
    return content


def test_play_with_json_names_the_page_and_the_views_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert main(["play", str(write_archive(tmp_path / "a", VIEWS)), "aaaa", "--html", str(page), "--json"]) == 0
    played = printed(capsys)
    assert (played["file"], played["session_id"], played["views"]) == (str(page), "aaaa1111", 1)
    assert played["size"] == page.stat().st_size
    assert played["silent"] == ["view v2: no full snapshot of its page arrived (1 segment is there)"]


def test_report_with_json_names_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="the extra is optional")
    archive, page = write_archive(tmp_path / "a", VIEWS), tmp_path / "page.html"
    write_report(Layout(archive), REPORT)
    assert main(["report", str(archive), "--out", str(page), "--json"]) == 0
    assert printed(capsys) == {"file": str(page)}
    assert page.is_file()


@pytest.mark.parametrize(("failure", "code"), [(None, 0), (OutageError("the API is dead"), 3)])
def test_demo_with_json_prints_the_report_alone(
    failure: OutageError | None,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def demo(*_: object) -> tuple[Report, OutageError | None]:
        return REPORT, failure

    monkeypatch.setattr("replay_fetch.cli.demo.demo", demo)
    assert main(["demo", str(tmp_path / "out"), "--json"]) == code
    assert printed(capsys)["outcomes"] == {"fetched": 2}
