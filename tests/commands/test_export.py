"""The archive as Parquet: every view and every segment a row, whole files or none."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from made_archives import START, ended, segment, write_archive

from replay_fetch.cli import main
from replay_fetch.model import Outcome
from replay_fetch.settings import Compression

pq: Any = pytest.importorskip("pyarrow.parquet", reason="the extra is optional")  # Any: it ships no types

BEGAN = datetime.fromtimestamp(START / 1000, UTC)
VIEWS = {
    ("one", "v1"): [segment(0), segment(2, 10, 15, creation_reason="view_change", records_count=9)],
    ("one", "v2"): [b"{}"],
    ("two", "v1"): [segment(0, start=1e20), b'{"start":"soon","source":"\\ud83d"}'],
}


def export(archive: Path, folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:  # Any: a table's values
    assert main(["export", str(archive), "--parquet", str(folder)]) == 0
    tables = (pq.read_table(folder / f"{name}.parquet") for name in ("views", "segments"))
    views, segments = (table.to_pylist() for table in tables)
    return views, segments


@pytest.mark.parametrize("compression", Compression)
def test_every_view_and_every_segment_is_a_row(compression: Compression, tmp_path: Path) -> None:
    failed = ended("two", "v2", Outcome.FAILED, "503, eight times")
    views, segments = export(write_archive(tmp_path / "a", VIEWS, [failed], compression), tmp_path / "new" / "t")
    assert [(row["session_id"], row["view_id"], row["outcome"], row["segments"]) for row in views] == [
        ("one", "v1", "fetched", 2),
        ("one", "v2", "fetched", 1),
        ("two", "v1", "fetched", 2),
        ("two", "v2", "failed", 0),
    ]
    assert (views[0]["gaps"], views[0]["start"], views[0]["end"]) == ([1], BEGAN, BEGAN + timedelta(seconds=15))
    assert (views[3]["reason"], views[3]["file"], views[3]["start"]) == ("503, eight times", None, None)
    assert [(row["session_id"], row["view_id"], row["position"]) for row in segments] == [
        ("one", "v1", 0),
        ("one", "v1", 1),
        ("one", "v2", 0),
        ("two", "v1", 0),
        ("two", "v1", 1),
    ]


def test_a_segments_row_is_all_but_its_records(tmp_path: Path) -> None:
    _, segments = export(write_archive(tmp_path / "a", VIEWS), tmp_path / "t")
    assert segments[1] == {
        "session_id": "one",
        "view_id": "v1",
        "position": 1,
        "index": 2,
        "start": BEGAN + timedelta(seconds=10),
        "end": BEGAN + timedelta(seconds=15),
        "records": 9,
        "has_full_snapshot": False,
        "creation_reason": "view_change",
        "sdk": "browser",
        "application_id": "app",
        "bytes": len(VIEWS["one", "v1"][1]),
    }


def test_a_fact_that_a_segment_leaves_out_or_tells_oddly_is_null(tmp_path: Path) -> None:
    _, segments = export(write_archive(tmp_path / "a", VIEWS), tmp_path / "t")
    assert {name for name, value in segments[2].items() if value is not None} == {
        "session_id",
        "view_id",
        "position",
        "bytes",
    }
    assert segments[3]["start"] is None


def test_rows_are_written_a_group_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay_fetch.inspect.parquet._ROWS", 2)
    views, segments = export(write_archive(tmp_path / "a", VIEWS), tmp_path / "t")
    assert (len(views), len(segments)) == (3, 5)
    assert pq.ParquetFile(tmp_path / "t/segments.parquet").num_row_groups == 3


def test_an_archive_without_views_is_two_empty_tables(tmp_path: Path) -> None:
    assert export(write_archive(tmp_path / "a", {}), tmp_path / "t") == ([], [])


def test_tables_are_for_their_owner_only(tmp_path: Path) -> None:
    tables = tmp_path / "t"
    export(write_archive(tmp_path / "a", VIEWS), tables)
    assert {path.stat().st_mode & 0o777 for path in tables.iterdir()} == {0o600}
    assert tables.stat().st_mode & 0o777 == 0o700


def test_an_export_that_fails_leaves_what_was_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive, tables = write_archive(tmp_path / "a", VIEWS), tmp_path / "t"
    export(archive, tables)
    before = {path.name: path.read_bytes() for path in tables.iterdir()}
    (archive / "sessions/two.ndjson").unlink()
    assert main(["export", str(archive), "--parquet", str(tables)]) == 3
    assert "two.ndjson" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tables.iterdir()} == before


def test_an_export_names_a_damaged_line_of_a_session_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = write_archive(tmp_path / "a", VIEWS)
    file = archive / "sessions/one.ndjson"
    file.write_bytes(file.read_bytes().replace(b'"segment"', b'"sigment"'))
    assert main(["export", str(archive), "--parquet", str(tmp_path / "t")]) == 3
    assert "run `replay-fetch verify" in capsys.readouterr().err


def test_export_with_json_prints_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive, tables, events = write_archive(tmp_path / "a", VIEWS), tmp_path / "t", tmp_path / "e"
    assert main(["export", str(archive), "--parquet", str(tables), "--rrweb", str(events), "--json"]) == 1
    written = json.loads(capsys.readouterr().out)
    assert written["tables"][0] == {"file": str(tables / "views.parquet"), "rows": 3}
    assert (written["folder"], written["views"], len(written["left_out"])) == (str(events), 0, 3)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = write_archive(tmp_path / "a", VIEWS)
    assert main(["export", str(archive), "--parquet", str(archive / "manifest.ndjson")]) == 2
    assert "must be a folder" in capsys.readouterr().err


def test_without_the_extra_its_name_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "replay_fetch.inspect.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["export", str(write_archive(tmp_path / "a", VIEWS)), "--parquet", str(tmp_path / "t")]) == 2
    said = capsys.readouterr().err
    assert "pip install '.[parquet]'" in said
