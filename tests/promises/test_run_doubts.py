"""What a run says aloud where everything goes wrong in the same way, or goes elsewhere than before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archives import write_list
from processes import run_here

from replay_fetch.cli import rehearsal
from replay_fetch.ledger.totals import Need, Totals
from replay_fetch.model import View
from replay_fetch.pipeline.opening import begin_chains_anew, open_archive
from replay_fetch.pipeline.plan import Plan
from replay_fetch.pipeline.rehearsal import Rehearsal
from replay_fetch.settings import ApiSettings, FetchSettings, PlanSettings, Settings
from replay_fetch.shard import ShardId


def test_another_origin_than_before_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with open_archive(tmp_path / "out", Settings()) as (_, ledger):
        for site in ("datadoghq.com", "datadoghq.eu", "datadoghq.eu"):
            begin_chains_anew(ledger, ApiSettings(site=site))
        assert caplog.messages == [
            "this archive was filled from https://api.datadoghq.com; now https://api.datadoghq.eu is asked"
        ]


def test_a_dry_run_is_told_to_programs_too(tmp_path: Path) -> None:
    views = write_list(tmp_path / "views.csv", [View("s", "a"), View("s", "b"), View("s", "a")])
    done = run_here("download", views, tmp_path / "out", "--dry-run", "--json")
    told = json.loads(done.stdout)
    assert (done.code, told["rows"], told["views"], told["duplicates"], told["to_do"]) == (0, 3, 2, 1, 2)
    assert (told["disk_free_bytes"] > 0, told["disk_needed_bytes"]) == (True, None)
    for_people = run_here("download", views, tmp_path / "out", "--dry-run").stdout
    assert for_people.splitlines()[-1].endswith(" free; how much a view takes is known once some are stored")


@pytest.mark.parametrize(
    ("made", "flags", "code", "said"),
    [
        ("out/notes.txt", (), 3, "holds something else than an archive"),
        ("out/manifest.ndjson", (), 3, "holds something else than an archive"),
        ("out/.replay-fetch/ledger.sqlite", ("--compress", "gzip"), 2, "was made with --compress none"),
    ],
)
def test_a_dry_run_refuses_a_folder_that_the_run_would_refuse(
    tmp_path: Path, made: str, flags: tuple[str, ...], code: int, said: str
) -> None:
    views = write_list(tmp_path / "views.csv", [View("s", "a")])
    if made.endswith(".sqlite"):
        with open_archive(tmp_path / "out", Settings()):
            pass
    else:
        (tmp_path / "out").mkdir()
        (tmp_path / made).write_text("")
    done = run_here("download", views, tmp_path / "out", "--dry-run", *flags)
    assert (done.code, done.stdout) == (code, "")
    assert said in done.stderr


def test_a_dry_run_tells_of_headers_in_the_middle_of_the_list(tmp_path: Path) -> None:
    views = tmp_path / "views.csv"
    views.write_text("session_id,view_id\ns,a\nsession_id,view_id\nsession_id,view_id\ns,b\n")
    for_people = run_here("download", views, tmp_path / "out", "--dry-run", "-q").stdout
    assert "  headers                 2  in the middle of the list, passed over\n" in for_people
    for_programs = json.loads(run_here("download", views, tmp_path / "out", "--dry-run", "-q", "--json").stdout)
    assert (for_programs["repeated_headers"], for_programs["rows"]) == (2, 2)


@pytest.mark.parametrize(
    ("plan", "need", "to_search", "settings", "said"),
    [
        (
            Plan(erased=2),
            Need(),
            0,
            Settings(),
            "  erased                  2  rows of sessions that were erased; not as",
        ),
        (Plan(), Need(), 3, Settings(), "  to search               3  sessions, whose views are found first"),
        (Plan(), Need(1, 1, 1_000, 2), 0, Settings(), "disk: 5.0 kB free, about 2.0 kB to come"),
        (
            Plan(),
            Need(1, 1, 1_000, 9),
            0,
            Settings(),
            "disk: 5.0 kB free, about 9.0 kB to come: it will be full before the list is done",
        ),
        (Plan(), Need(), 0, Settings(fetch=FetchSettings(max_rate=2.0)), "at --max-rate 2: 3.5 s or more"),
        (
            Plan(),
            Need(),
            0,
            Settings(plan=PlanSettings(shard=ShardId(1, 4))),
            "shard 1/4: 0 rows in views.csv, nothing",
        ),
    ],
    ids=["erased", "to search", "room", "no room", "rate", "shard"],
)
def test_a_dry_run_tells_what_a_reader_has_to_know_and_nothing_else(  # noqa: PLR0913, PLR0917 - a table and fixtures
    plan: Plan,
    need: Need,
    to_search: int,
    settings: Settings,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rehearsal, "disk_free", lambda _: 5_000)
    plan.list_name = "views.csv"
    lines = [
        rehearsal.plan_text(Rehearsal(tmp_path, each, Totals(unasked=7, need=room), using, found)).splitlines()
        for each, room, using, found in (
            (plan, need, settings, to_search),
            (Plan("views.csv"), Need(), Settings(), 0),
        )
    ]
    told, usual = lines
    assert any(line.startswith(said) for line in told)
    assert not any(line.startswith(said) for line in usual)
