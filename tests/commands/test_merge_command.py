"""``merge`` and the words about shards: as they are typed, and as ``status`` tells of them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from archives import KEYS, WIDE
from processes import served
from readme import ROOT

from replay_fetch.archive import raw
from replay_fetch.archive.durable import make_folder
from replay_fetch.archive.lock import locked
from replay_fetch.archive.shards import layouts, read_facts
from replay_fetch.cli import main
from replay_fetch.errors import ArchiveError
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.simulator import SimulatorSettings

LIST = str(ROOT / "sample_inputs" / "messy_views.csv")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An archive of two shards of the messy list, both at their end; copy it to change it."""
    out = tmp_path_factory.mktemp("merge") / "out"
    with served(SimulatorSettings(limit=WIDE)) as simulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DD_API_KEY", KEYS.api_key)
        patch.setenv("DD_APP_KEY", KEYS.app_key)
        patch.setenv("REPLAY_FETCH_BASE_URL", simulator.base_url)
        assert main(["download", LIST, str(out), "--shard", "0/2"]) == 1  # its bad rows
        assert main(["download", LIST, str(out), "--shard", "1/2"]) == 0
        yield out


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "out"))


def test_merge_prints_the_report_of_all_shards(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["merge", str(out)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == [f"2 shards merged into {out}/manifest.ndjson", f"27 views in {out}"]
    assert main(["merge", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {name: report[name] for name in ("views", "rows", "duplicates", "bad_rows")} == {
        "views": 27,
        "rows": 38,
        "duplicates": 3,
        "bad_rows": 8,
    }
    assert report["settings"]["plan"]["shards"] == 2


def test_a_page_of_shards_that_are_not_merged_names_the_command_that_is_lacking(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(out)]) == 3
    assert "it is written by `replay-fetch merge`" in capsys.readouterr().err


def test_a_shards_folder_of_reports_has_the_lines_of_bad_rows(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", LIST, str(out), "--shard", "0/2"]) == 1
    assert "see reports/ for the lines" in capsys.readouterr().out
    latest = max((out / "reports" / "00-of-02").iterdir())
    assert len(json.loads(latest.read_bytes())["bad_row_reasons"]) == 8


def test_a_partial_merge_ends_with_1_and_names_what_is_lacking(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(Ledger.open(layouts(out)[1].ledger)) as ledger:
        ledger.set_setting(Setting.STATE, State.RUNNING)
    assert main(["merge", str(out)]) == 3
    assert "shard 1/2 was killed: run them to their end, or merge what is there" in capsys.readouterr().err
    assert main(["merge", str(out), "--partial"]) == 1
    printed = capsys.readouterr()
    assert "shard 1/2 was killed" in printed.err
    assert "2 shards, of which 1 did not end, merged into" in printed.out
    assert (out / "manifest.ndjson").exists()
    assert json.loads((out / "report.json").read_bytes())["stopped"] == "shard 1/2 was killed"
    assert main(["report", str(out), "--out", str(out.with_name("page.html"))]) == 0
    page = out.with_name("page.html").read_text("utf-8")
    assert "Stopped: shard 1/2 was killed" in page
    assert "Every view of the list ended well" not in page
    # The killed shard's lines are those of its ledger, which its own manifest may lack.
    layouts(out)[1].manifest.write_bytes(b"")
    main(["verify", str(out)])
    assert "is not what the shards' manifests say" not in capsys.readouterr().out


def test_status_tells_the_state_of_each_shard(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(out)]) == 0
    printed = capsys.readouterr().out
    assert f"2 shards: 2 ended; not merged\nall shards have ended: replay-fetch merge {out}\n" in printed
    with locked(layouts(out)[1].lock):
        assert main(["status", str(out)]) == 0
        printed = capsys.readouterr().out
        assert "2 shards: 1 ended, 1 running; not merged" in printed
        assert f"running now: shard 1/2: pid {os.getpid()} on " in printed
    shutil.rmtree(layouts(out)[0].private)
    layouts(out)[0].manifest.unlink()
    assert main(["status", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "2 shards: 1 ended, 1 not begun; not merged" in printed
    assert "to go on: run the same download for --shard 0/2" in printed
    assert main(["status", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shards"] == {
        "count": 2,
        "merged": False,
        "partial": False,
        "ended": [1],
        "running": [],
        "stopped": [],
        "not_begun": [0],
        "unfinished": [],
    }


def test_status_tells_of_a_partial_merge_which_shards_it_lacks_and_what_goes_on(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(Ledger.open(layouts(out)[1].ledger)) as ledger:
        ledger.set_setting(Setting.STATE, State.RUNNING)
    assert main(["merge", str(out), "--partial"]) == 1
    capsys.readouterr()
    assert main(["status", str(out)]) == 0
    printed = capsys.readouterr().out
    assert (
        "2 shards: 1 ended, 1 stopped; merged with --partial\n"
        "the merged manifest is not whole: shard 1/2 had not ended\n"
    ) in printed
    assert f"to go on: run the same download for --shard 1/2\nthen merge again: replay-fetch merge {out}\n" in printed
    assert main(["status", str(out), "--json"]) == 0
    shards = json.loads(capsys.readouterr().out)["shards"]
    assert (shards["merged"], shards["partial"], shards["stopped"]) == (True, True, [1])


def test_a_copy_without_private_files_is_read_by_its_manifests(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(out / ".replay-fetch")
    assert main(["status", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["from"], found["views"]) == ("manifest", 27)
    assert main(["show", str(out), "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 8
    assert main(["verify", str(out)]) == 0


def test_a_shard_whose_ledger_is_lost_does_not_begin_anew_over_its_files(
    made: Path, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert made.exists()  # its server still runs
    monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
    monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
    shutil.rmtree(layouts(out)[1].private)
    assert main(["download", LIST, str(out), "--shard", "1/2"]) == 3
    assert "has files of shard 1/2 but not its ledger; `replay-fetch help shards` tells" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["{", '{"compression":"none","shards":0,"list":"ab"}', '{"shards":2}'])
def test_damaged_facts_of_the_shards_are_told(out: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    (out / ".replay-fetch" / "archive.json").write_text(damage)
    with pytest.raises(ArchiveError, match="is damaged, or of another version"):
        read_facts(out)
    assert main(["merge", str(out)]) == 3
    assert "archive.json is damaged" in capsys.readouterr().err


def test_the_variable_of_an_array_job_brings_no_warning(
    out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert out.exists()
    monkeypatch.setenv("REPLAY_FETCH_SHARDS", "8")
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "3")
    assert main(["config", "--shard", "auto", "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert next(row for row in rows if row["name"] == "shard") == {"name": "shard", "value": "3/8", "origin": "option"}


def test_a_folder_that_another_shard_removes_meanwhile_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, times = tmp_path / "raw" / "session" / "view", iter([True, True, False])

    def disturbed(path: Path) -> None:
        if next(times):
            raise FileNotFoundError(path)
        make_folder(path)

    monkeypatch.setattr(raw, "make_folder", disturbed)
    raw._make(folder)
    assert folder.is_dir()
