"""Lists made of the vendor's exported RUM events: folders of gzipped JSON lines, and Parquet files."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from replay_fetch.errors import InputError, SettingsError
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.pipeline.list_loading import load_plan
from replay_fetch.settings import PlanSettings
from replay_fetch.view_list.exported import list_files
from replay_fetch.view_list.rows import PlannedRow
from replay_fetch.view_list.source import fingerprint
from replay_fetch.view_list.view_list import ViewList

SESSION, OTHER = "1f46e825-067f-4850-9b0a-58b0ef0c14f1", "963b6daa-89f6-4703-86ba-6cab4cd295c2"
VIEW, SECOND = "8fbd8d7a-6bb6-4a2e-b62e-5cc7d3ece4da", "5f8e8188-0000-4000-8000-000000000001"


def event(session: str, view: str = "", segments: int | None = None, kind: str = "view") -> dict[str, object]:
    """A RUM event of a recorded session as the SDK writes it; without a view it is one of the whole session."""
    counted = {} if segments is None else {"replay_stats": {"segments_count": segments}}
    return {
        "type": kind,
        "session": {"id": session, "has_replay": True},
        **({"view": {"id": view}} if view else {}),
        "_dd": {"format_version": 2, **counted},
    }


def wrapped(rum: Mapping[str, object]) -> dict[str, object]:
    return {"id": "AQ", "type": "rum", "attributes": {"attributes": rum, "timestamp": "2026-11-27T09:00:00Z"}}


def write(folder: Path, name: str, *events: Mapping[str, object]) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps(each) + "\n" for each in events).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
    return path


def views_of(source: Path) -> list[tuple[str, str]]:
    with ViewList(source) as listed:
        return [row.view for row in listed.rows() if isinstance(row, PlannedRow)]


def test_an_exported_folder_is_read_in_the_order_of_its_paths(tmp_path: Path) -> None:
    write(tmp_path, "dt=20261128/hour=00/a.json.gz", wrapped(event("s3", "v")))
    write(tmp_path, "dt=20261127/hour=10/a.json", event("s2", "v"))
    write(tmp_path, "dt=20261127/hour=09/b.json.gz", wrapped(event("s1", "v")), wrapped(event("s1", "w")))
    write(tmp_path, "dt=20261127/hour=09/a.json.gz", wrapped(event("s0", "v")))
    assert views_of(tmp_path) == [("s0", "v"), ("s1", "v"), ("s1", "w"), ("s2", "v"), ("s3", "v")]


def test_an_exported_folder_may_hold_what_programs_leave_behind(tmp_path: Path) -> None:
    for name in ("_SUCCESS", ".a.json.gz.crc", "read.me", "empty.json"):
        write(tmp_path, name)
    write(tmp_path, "z.json", event("s", "v"))
    assert views_of(tmp_path) == [("s", "v")]


def test_events_of_whole_sessions_and_of_unrecorded_ones_are_passed_over_in_an_export(tmp_path: Path) -> None:
    unrecorded = {**event("s9", "v"), "session": {"id": "s9"}}
    write(tmp_path, "a.json", event("s", kind="session"), unrecorded, event("s", "v"), event("s", "v", kind="error"))
    with ViewList(tmp_path) as listed:
        rows = list(listed.rows())
    assert [getattr(row, "view", row) for row in rows] == [("s", "v"), ("s", "v")]
    assert not listed.names_sessions


def test_an_export_of_session_events_alone_names_sessions(tmp_path: Path) -> None:
    write(tmp_path, "a.json", event("s", kind="session"), event("t", kind="session"))
    with ViewList(tmp_path) as listed:
        assert len(list(listed.rows())) == 2
    assert listed.names_sessions


def test_a_bad_line_of_an_export_is_named_with_its_file(tmp_path: Path) -> None:
    write(tmp_path, "hour=00/a.json", event(SESSION, VIEW), event(SESSION, SECOND))
    (tmp_path / "hour=01").mkdir()
    (tmp_path / "hour=01" / "b.json").write_text(json.dumps(event(OTHER, VIEW)) + '\n{"cut": \n')
    with closing(Ledger.open(tmp_path / "ledger.sqlite")) as ledger:
        plan = load_plan(ledger, ViewList(tmp_path), None)
    assert plan.reasons == ["hour=01/b.json, line 2: no JSON: the line is cut or damaged"]
    assert (plan.views, plan.bad_rows) == (3, 1)


def test_a_session_that_clashes_in_case_is_named_with_its_file(tmp_path: Path) -> None:
    write(tmp_path, "a.json", event("abc", "v"), event("abd", "v"))
    write(tmp_path, "b.json", event("x", "v"), event("ABC", "v"))
    with closing(Ledger.open(tmp_path / "ledger.sqlite")) as ledger:
        plan = load_plan(ledger, ViewList(tmp_path), None)
    assert plan.reasons == ["b.json, line 2: session id ABC differs only in case from abc"]


def test_a_damaged_file_of_an_export_is_named_with_the_line_it_was_read_to(tmp_path: Path) -> None:
    path = write(tmp_path, "hour=00/b.json.gz", *(event(f"s{n}", f"v{n * n}") for n in range(5000)))
    path.write_bytes(path.read_bytes()[:-200])
    write(tmp_path, "hour=00/a.json.gz", event("s", "v"))
    with pytest.raises(InputError, match=r"hour=00/b\.json\.gz is cut short or damaged behind line [1-9]\d*: "):
        views_of(tmp_path)


def test_a_folder_without_exported_files_is_refused_with_the_names_that_count(tmp_path: Path) -> None:
    write(tmp_path, "views.csv")
    with pytest.raises(InputError, match=r"is a folder without a \.json, \.json\.gz or \.parquet file"):
        views_of(tmp_path)


@pytest.mark.parametrize("order", [(3, 7, 5), (7, 5, 3)])
def test_of_the_counts_in_several_events_of_a_view_the_largest_is_expected(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    write(tmp_path, "a.json", *(event(SESSION, VIEW, n) for n in order), event(SESSION, VIEW, kind="error"))
    with closing(Ledger.open(tmp_path / "ledger.sqlite")) as ledger:
        plan = load_plan(ledger, ViewList(tmp_path), None)
        assert (plan.views, plan.duplicates) == (1, 3)
        assert [each.planned.expected for each in ledger.views()] == [7]


def test_an_event_tells_when_its_view_began_in_either_of_two_places(tmp_path: Path) -> None:
    written = {**event(SESSION, VIEW, 3), "date": 1_764_233_999_123}
    write(tmp_path, "a.json", written, wrapped(event(SESSION, SECOND, 3)))
    with ViewList(tmp_path) as listed:
        dated = [row.dated for row in listed.rows() if isinstance(row, PlannedRow)]
    assert dated == [1_764_233_999, 1_795_770_000]


def test_the_fingerprint_of_an_export_is_over_names_and_bytes(tmp_path: Path) -> None:
    settings = PlanSettings()
    path = write(tmp_path, "hour=00/a.json", event("s", "v"))
    first = fingerprint(tmp_path, settings)
    assert first == fingerprint(tmp_path, settings) is not None
    path.rename(path.with_name("b.json"))
    renamed = fingerprint(tmp_path, settings)
    write(tmp_path, "hour=00/b.json", event("s", "w"))
    assert len({first, renamed, fingerprint(tmp_path, settings)}) == 3


def rows_of_events() -> list[dict[str, object]]:
    """Rows as a writer of events may make them, with a column for each part, and absent values."""
    return [
        {**event(SESSION, VIEW, 3), "date": 1, "error": None},
        {**event(SESSION, SECOND), "date": 2, "error": {"message": "no", "stack": None}},
    ]


def test_a_parquet_file_of_events_is_a_list(tmp_path: Path) -> None:
    parquet.write_table(pa.Table.from_pylist(rows_of_events()), tmp_path / "a.parquet")
    with ViewList(tmp_path / "a.parquet") as listed:
        rows = [row for row in listed.rows() if isinstance(row, PlannedRow)]
    assert [(row.line, row.view.view_id, row.segments_count) for row in rows] == [(1, VIEW, 3), (2, SECOND, None)]
    assert views_of(tmp_path) == [(SESSION, VIEW), (SESSION, SECOND)]


@pytest.mark.parametrize(
    "columns",
    [
        {"session_id": [SESSION], "view_id": [VIEW], "extra": [datetime(2026, 11, 27, tzinfo=UTC)]},
        {
            "session_id": [SESSION],
            "view_id": [VIEW],
            "day": [date(2026, 11, 27)],
            "raw": [b"a"],
            "context": ["{no JSON"],
        },
        {"session.id": [SESSION], "view.id": [VIEW]},
        {"attributes": [json.dumps(event(SESSION, VIEW))], "raw": [b"\xff"]},
        {"attributes": [{"attributes": event(SESSION, VIEW)}], "timestamp": [datetime(2026, 11, 27)]},  # noqa: DTZ001
    ],
    ids=["a table of ids", "columns that no JSON has", "dotted columns", "JSON in a column", "nested columns"],
)
def test_the_columns_of_a_parquet_file_may_be_laid_out_in_several_ways(
    tmp_path: Path, columns: dict[str, list[object]]
) -> None:
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert views_of(tmp_path / "a.parquet") == [(SESSION, VIEW)]


def test_a_bad_row_of_a_parquet_file_is_named_as_a_row(tmp_path: Path) -> None:
    table = {"session_id": [SESSION, OTHER], "view_id": [VIEW, None]}
    parquet.write_table(pa.table(table), tmp_path / "a.parquet")
    with closing(Ledger.open(tmp_path / "ledger.sqlite")) as ledger:
        plan = load_plan(ledger, ViewList(tmp_path / "a.parquet"), None)
        assert plan.reasons == ["row 2: the view id is missing"]
        assert load_plan(ledger, ViewList(tmp_path), None).reasons == ["a.parquet, row 2: the view id is missing"]


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    parquet.write_table(pa.Table.from_pylist(rows_of_events()), tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"a\.parquet is cut short or damaged behind row 0: "):
        views_of(tmp_path)


def test_a_parquet_file_in_a_pipe_is_refused_with_the_way_out(tmp_path: Path) -> None:
    parquet.write_table(pa.Table.from_pylist(rows_of_events()), tmp_path / "a.parquet")
    with (tmp_path / "a.parquet").open("rb") as stream, pytest.raises(InputError, match="name the file in place of"):
        list(ViewList(stream).rows())


def test_the_files_of_an_export_are_open_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        write(tmp_path, f"{number:02}.json", event(f"s{number}", "v"))
    plain_open, opened = Path.open, list[IO[Any]]()

    def spied(path: Path, mode: str) -> IO[Any]:
        assert all(file.closed for file in opened)
        opened.append(plain_open(path, mode))
        return opened[-1]

    monkeypatch.setattr(Path, "open", spied)
    assert len(views_of(tmp_path)) == len(opened) == 20
    assert opened[-1].closed


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"/gone cannot be read: No such file or directory"):
        list_files(tmp_path / "gone")


def test_a_parquet_file_needs_the_extra_and_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet.write_table(pa.Table.from_pylist(rows_of_events()), tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SettingsError, match=r"a\.parquet: a Parquet file needs"):
        views_of(tmp_path / "a.parquet")
