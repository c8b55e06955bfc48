"""What a run says aloud where everything goes wrong in the same way, or goes elsewhere than before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archives import write_list
from processes import run_here

from replay_fetch.model import View
from replay_fetch.pipeline.opening import begin_chains_anew, open_archive
from replay_fetch.settings import ApiSettings, Settings


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
