"""Exported RUM events on the command line: as a list, and as the events of an archive."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from archives import WIDE
from processes import run_here, served

from replay_fetch.simulator import SearchSettings, SimulatorSettings
from replay_fetch.simulator.recordings import recordings_folder

SMALL = SimulatorSettings(limit=WIDE, search=SearchSettings(events_age=90_000))
EVENTS = recordings_folder().joinpath("rum_events.ndjson").read_bytes().splitlines(keepends=True)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "export" / "dt=20261123" / "hour=03"
    folder.mkdir(parents=True)
    (folder / "archive_035500.0000.json").write_bytes(b"".join(EVENTS))
    return tmp_path / "export"


def test_an_export_is_downloaded_and_resumed_as_one_list(tmp_path: Path, export: Path) -> None:
    with served(SMALL) as simulator:
        base = ("--base-url", simulator.base_url)
        planned = json.loads(run_here("download", export, tmp_path / "out", *base, "--dry-run", "--json").stdout)
        assert (planned["rows"], planned["views"], planned["duplicates"], planned["sessions"]) == (41, 26, 15, 8)
        assert run_here("download", export, tmp_path / "out", *base).code == 0
        asked = simulator.counts.requests
        again = run_here("download", export, tmp_path / "out", *base)
        assert (again.code, simulator.counts.requests) == (0, asked)
        assert "26 were finished by an earlier run and not asked for again\n" in again.stdout


def test_events_of_an_export_tell_what_is_lacking_and_need_no_keys(
    tmp_path: Path, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(SMALL) as simulator:
        assert run_here("download", export, tmp_path / "out", "--base-url", simulator.base_url).code == 0
    for name in ("DD_API_KEY", "DD_APP_KEY", "DD_BEARER_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (part,) = export.rglob("*.json")
    first = json.loads(EVENTS[0])["session"]["id"]
    part.write_bytes(b"".join(line for line in EVENTS if first.encode() in line) + b"no event\n" * 22 + b"\n")
    done = run_here("events", tmp_path / "out", "--events-from", export)
    assert done.code == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "RUM events of 8 sessions"
    assert lines[1].startswith("  fetched                 1  3 events, ")
    assert lines[2] == "  unfinished              7  run the same command again"
    assert lines[3] == "                          7  the export holds no event of these sessions"
    assert "  bad lines              22  of the export; the log names the first" in lines
    assert f"{export}, dt=20261123/hour=03/{part.name}, line 6: no RUM event (" in done.stderr
    assert (done.stderr.count(": no RUM event ("), done.stderr.count("more bad lines follow")) == (20, 1)


def test_an_export_that_is_not_there_is_refused_before_anything_is_planned(tmp_path: Path, export: Path) -> None:
    for more in ((), ("--dry-run",)):
        done = run_here("download", export, tmp_path / "out", "--events-from", tmp_path / "none", *more)
        assert (done.code, done.stdout) == (2, "")
        assert f"{tmp_path / 'none'}: there is no such file" in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_archive_is_no_list(tmp_path: Path, export: Path) -> None:
    """Its files would pass for exported events, and each view for one to fetch."""
    with served(SMALL) as simulator:
        base = ("--base-url", simulator.base_url)
        assert run_here("download", export, tmp_path / "out", *base).code == 0
        done = run_here("download", tmp_path / "out", tmp_path / "other", *base)
    assert done.code == 2
    assert f"{tmp_path / 'out'} is an archive and no list; `replay-fetch status" in done.stderr.replace("\n  ", " ")
    assert not (tmp_path / "other").exists()


def test_the_page_of_a_run_counts_the_requests_of_its_search(tmp_path: Path) -> None:
    with served(SMALL) as simulator:
        session = simulator.views[0].session_id
        views = sum(view.session_id == session for view in simulator.views)
        assert run_here("download", session, tmp_path / "out", "--base-url", simulator.base_url).code == 0
    assert run_here("report", tmp_path / "out", "--out", tmp_path / "page.html").code == 0
    (found,) = re.findall(
        r"<dt>requests of the search</dt><dd>(.*?)</small>", (tmp_path / "page.html").read_text("utf-8")
    )
    assert found == f"2<small>{views} views found"
