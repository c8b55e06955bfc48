"""Manifest and report: the same lines for the same views, the same keys in every line, no row unaccounted for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pieces import planned

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.manifest import ManifestLine, write_manifest
from replay_fetch.archive.report import Report, write_report
from replay_fetch.model import Noted, Outcome, Recording, Span, ViewRecord, Warnings
from replay_fetch.settings import Compression

WHOLE, PARTIAL = Span(10, 20, "stored"), Span(0, 5, "partly")
FETCHED = ViewRecord(
    planned(1),
    Outcome.FETCHED,
    source="blob",
    shape="segments",
    pages=2,
    segments=3,
    size=99,
    sha256="lines",
    warnings=Warnings([1], lacks_full_snapshot=True),
    recording=Recording(1, 2, 3),
    whole=WHOLE,
)
RECORDS = [
    FETCHED,
    ViewRecord(planned(2)),
    ViewRecord(planned(3), Outcome.EMPTY, source="blob"),
    ViewRecord(planned(4), Outcome.FAILED, "attempts spent", size=9, sha256="x", partial=PARTIAL),
]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path, Compression.GZIP)
    layout.temporary.mkdir(parents=True)
    return layout


def test_every_line_has_the_same_keys_in_the_same_order(layout: Layout) -> None:
    assert len({tuple(json.loads(ManifestLine.of(layout, record).encode())) for record in RECORDS}) == 1


def test_a_line_says_what_became_of_a_view_and_where_its_bytes_lie(layout: Layout) -> None:
    assert json.loads(ManifestLine.of(layout, FETCHED).encode()) == {
        "session_id": "s1",
        "view_id": "v1",
        "outcome": "fetched",
        "reason": None,
        "source": "blob",
        "shape": "segments",
        "pages": 2,
        "segments": 3,
        "bytes": 99,
        "sha256": "lines",
        "file": "sessions/s1.ndjson.gz",
        "offset": 10,
        "length": 20,
        "stored_sha256": "stored",
        "start_ms": 1,
        "end_ms": 2,
        "records": 3,
        "gaps": [1],
        "repeats": [],
        "lacks_full_snapshot": True,
        "segments_expected": None,
    }


@pytest.mark.parametrize(
    ("record", "file"),
    [
        (RECORDS[0], "sessions/s1.ndjson.gz"),
        (RECORDS[1], None),
        (RECORDS[2], None),
        (RECORDS[3], "sessions/s1.partial.ndjson.gz"),
    ],
)
def test_a_line_names_the_file_in_which_the_bytes_lie(layout: Layout, record: ViewRecord, file: str | None) -> None:
    assert ManifestLine.of(layout, record).file == file


def test_a_view_that_is_stored_plain_has_a_single_digest(tmp_path: Path) -> None:
    assert ManifestLine.of(Layout(tmp_path), FETCHED).stored_sha256 is None


@pytest.mark.parametrize("views", [0, 1, 999, 1000, 1001, 2500])
def test_there_is_one_line_for_each_view_and_the_same_ones_each_time(layout: Layout, views: int) -> None:
    for _ in range(2):
        write_manifest(layout, (ViewRecord(planned(row)) for row in range(views)))
        lines = layout.manifest.read_bytes().splitlines()
        assert [json.loads(line)["view_id"] for line in lines] == [f"v{row}" for row in range(views)]
    assert list(layout.temporary.iterdir()) == []


# --- the report


def a_report(**figures: object) -> Report:
    usual: dict[str, object] = {"list_name": "views.csv", "rows": 0, "duplicates": 0, "bad_rows": 0, "outcomes": {}}
    return Report(**(usual | figures))  # type: ignore[arg-type] # by name, from the table


WELL = {Outcome.FETCHED: 5, Outcome.EMPTY: 1, Outcome.MISSING: 1}


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        ({"outcomes": WELL}, 0),
        ({"outcomes": WELL, "noted": Noted(3, repeats=3), "duplicates": 2}, 0),
        ({"outcomes": WELL, "bad_rows": 1}, 1),
        *(({"outcomes": WELL | {outcome: 1}}, 1) for outcome in Outcome if not outcome.finished),
        ({"outcomes": WELL, "unasked": 1}, 1),
        ({"outcomes": WELL, "stopped": "the API refuses the keys"}, 3),
        ({"outcomes": WELL, "unasked": 2, "interrupted": True}, 130),
        ({"outcomes": WELL, "unasked": 2, "interrupted": True, "stopped": "disk full"}, 130),
    ],
)
def test_the_exit_code_tells_the_worst_of_it(figures: dict[str, object], code: int) -> None:
    assert a_report(**figures).exit_code == code


@given(st.dictionaries(st.sampled_from(Outcome), st.integers(0, 9)), st.integers(0, 9))
def test_every_view_is_finished_or_asked_for_again(outcomes: dict[Outcome, int], unasked: int) -> None:
    report = a_report(outcomes=outcomes, unasked=unasked)
    finished = sum(views for outcome, views in outcomes.items() if outcome.finished)
    assert report.views == finished + report.unfinished


def test_the_report_is_written_under_the_names_it_has(layout: Layout) -> None:
    write_report(layout, a_report(rows=7, outcomes=WELL, settings={"fetch": {"workers": 3}}))
    written = json.loads(layout.report.read_bytes())
    assert written["outcomes"] == {"fetched": 5, "empty": 1, "missing": 1}
    assert (written["views"], written["exit_code"], written["format"]) == (7, 0, 1)
    assert written["settings"] == {"fetch": {"workers": 3}}
