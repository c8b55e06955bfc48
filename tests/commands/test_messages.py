"""What people read at the end: every row accounted for, every way out named, nothing wider than a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.archive.report import Report
from replay_fetch.cli.rehearsal import plan_text
from replay_fetch.cli.summary import report_json, report_text
from replay_fetch.ledger.totals import Totals
from replay_fetch.model import Noted, Outcome
from replay_fetch.pipeline.plan import Plan
from replay_fetch.pipeline.rehearsal import Rehearsal
from replay_fetch.settings import FetchSettings, Settings

OUT = Path("archive")
MUCH = 10**7  # views, as many as a season has

_FIGURES = st.integers(0, MUCH)
_REPORTS = st.builds(
    Report,
    list_name=st.just("views.csv"),
    rows=_FIGURES,
    duplicates=_FIGURES,
    bad_rows=_FIGURES,
    outcomes=st.dictionaries(st.sampled_from(Outcome), st.integers(1, MUCH)),
    unasked=_FIGURES,
    finished_before=_FIGURES,
    noted=st.builds(Noted, *[_FIGURES] * 5),
    segments=_FIGURES,
    bytes=st.integers(0, 10**15),
    requests=_FIGURES,
    retries=st.integers(0, MUCH // 100),
    rate_limited=st.integers(0, MUCH // 10),
    wire_bytes=st.integers(0, 10**14),
    seconds=st.floats(0, 10**6),
    interrupted=st.booleans(),
    stopped=st.none() | st.just("the API refuses the keys"),
)


def counted(text: str) -> dict[str, int]:
    """The rows of the table: what, how often."""
    rows = [(line[2:16].strip(), line[16:27].strip()) for line in text.splitlines() if re.match("  [a-z]", line)]
    return {name: int(number.replace(",", "")) for name, number in rows}


@settings(max_examples=25)
@given(_REPORTS)
def test_the_summary_accounts_for_every_view(report: Report) -> None:
    table = counted(report_text(report, OUT))
    named = sum(number for name, number in table.items() if name in {*Outcome, "not asked"})
    assert named == report.views
    assert table.get("duplicates", 0) == report.duplicates
    assert table.get("bad rows", 0) == report.bad_rows


@settings(max_examples=25)
@given(_REPORTS)
def test_the_summary_fits_a_terminal(report: Report) -> None:
    assert max(map(len, report_text(report, OUT).splitlines())) <= 80


@settings(max_examples=25)
@given(_REPORTS)
def test_the_summary_says_how_to_do_the_rest(report: Report) -> None:
    text = report_text(report, OUT)
    unrecognised = report.outcomes.get(Outcome.UNRECOGNISED, 0)
    if report.unfinished > unrecognised and not report.stopped:
        assert "run the same command again" in text
    assert ("replay-fetch decode" in text) == (unrecognised > 0)


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        (Noted(), []),
        (Noted(3, repeats=3), ["  to note                 3  repeats: see the manifest"]),
        (
            Noted(1, gaps=1, lacks_full_snapshot=1),
            ["  to note                 1  gaps, no full snapshot: see the manifest"],
        ),
        (
            Noted(9, 4, 3, 2, 1),
            [
                "  to note                 9  gaps, repeats, no full snapshot, fewer than the",
                "                             list says: see the manifest",
            ],
        ),
    ],
)
def test_the_summary_names_what_is_to_note_and_nothing_else(noted: Noted, said: list[str]) -> None:
    text = report_text(Report("views.csv", 9, 0, 0, {Outcome.FETCHED: 9}, noted=noted), OUT)
    assert text.splitlines()[2:-1] == said


def test_the_summary_breaks_no_flag_in_two() -> None:
    reason = "values one after another in an answer without a length, so that some may be cut off; "
    reason += "--segments-path . takes them"
    reasons: list[Mapping[str, str | int]] = [{"outcome": Outcome.UNRECOGNISED, "reason": reason, "views": 9}]
    text = report_text(Report("views.csv", 9, 0, 0, {Outcome.UNRECOGNISED: 9}, reasons=reasons), OUT)
    assert text.splitlines()[2:5] == [
        "                          9  values one after another in an answer without a",
        "                             length, so that some may be cut off;",
        "                             --segments-path . takes them",
    ]


def test_the_reports_json_counts_noted_views_by_kind() -> None:
    told = json.loads(
        report_json(Report("views.csv", 9, 0, 0, {Outcome.FETCHED: 9}, noted=Noted(2, gaps=1, repeats=2)))
    )
    assert told["noted"] == 2
    assert told["noted_for"] == {"gaps": 1, "repeats": 2, "lacks_full_snapshot": 0, "segments_expected": 0}


def test_pages_that_are_kept_are_not_to_be_asked_for_again() -> None:
    text = report_text(Report("views.csv", 1, 0, 0, {Outcome.UNRECOGNISED: 1}), OUT)
    assert "run the same command again" not in text


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_meaning_beside_it(outcome: Outcome) -> None:
    report = Report("views.csv", 1, 0, 0, {outcome: 1})
    (line,) = [line for line in report_text(report, OUT).splitlines() if line.startswith(f"  {outcome}")]
    assert len(line.split()) > 3


@settings(max_examples=25)
@given(_REPORTS)
def test_the_summary_for_programs_has_the_names_of_the_report(report: Report) -> None:
    told = json.loads(report_json(report))
    assert told["exit_code"] == report.exit_code
    assert told["views"] == report.views
    assert told["outcomes"] == report.outcomes
    assert {"rows", "duplicates", "bad_rows", "unasked", "seconds"} <= set(told)


def test_a_rehearsal_says_what_a_run_would_take() -> None:
    plan = Plan(views=900, duplicates=7, bad_rows=3)
    totals = Totals({Outcome.FETCHED: 100, Outcome.FAILED: 50}, sessions=40, unasked=750)
    text = plan_text(Rehearsal(OUT, plan, totals, Settings(fetch=FetchSettings(max_rate=2.0))))
    expected = {"views": 900, "sessions": 40, "duplicates": 7, "bad rows": 3, "finished": 100, "to do": 800}
    assert counted(text) == expected
    assert "nothing asked" in text
    assert text.splitlines()[-1].startswith("at --max-rate 2:")


def test_each_reason_has_a_line_of_its_own_in_the_summary() -> None:
    reasons = [("failed", f"reason {number}", 9 - number) for number in range(7)] + [("forbidden", "no (403)", 2)]
    outcomes = {Outcome.FAILED: 42, Outcome.FORBIDDEN: 2}
    fields: list[dict[str, str | int]] = [
        {"outcome": outcome, "reason": reason, "views": views} for outcome, reason, views in reasons
    ]
    report = Report("views.csv", 44, 0, 0, outcomes, reasons=fields)
    lines = report_text(report, OUT).splitlines()
    failed = next(at for at, line in enumerate(lines) if line.startswith("  failed"))
    assert [line.split(maxsplit=1) for line in lines[failed + 1 : failed + 7]] == [
        *([str(9 - number), f"reason {number}"] for number in range(5)),
        ["7", "other reasons: see the manifest"],
    ]
    assert ["2", "no (403)"] in [line.split(maxsplit=1) for line in lines]


def test_views_that_are_not_home_come_first_in_the_summary() -> None:
    outcomes = {Outcome.FETCHED: 9, Outcome.FAILED: 1}
    report = Report("views.csv", 15, 1, 1, outcomes, unasked=3, noted=Noted(1, gaps=1))
    assert list(counted(report_text(report, OUT))) == [
        *("failed", "not asked", "bad rows", "fetched", "duplicates", "to note")
    ]


@pytest.mark.parametrize(
    ("outcomes", "there"),
    [
        ({Outcome.UNCONFIRMED: 2}, False),
        ({Outcome.UNCONFIRMED: 1, Outcome.EMPTY: 1}, False),
        ({Outcome.UNCONFIRMED: 1, Outcome.FETCHED: 1}, True),
        ({Outcome.FAILED: 2}, True),
    ],
)
def test_a_list_of_which_nothing_is_there_is_doubted_in_the_summary(
    outcomes: dict[Outcome, int], *, there: bool
) -> None:
    text = report_text(Report("views.csv", 2, 0, 0, outcomes), OUT)
    assert ("are the session and the view column" not in text) == there
