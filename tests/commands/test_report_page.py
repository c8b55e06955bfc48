"""The page of a run: one file, nothing outside it, nobody's markup but ours."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_archives import ended, segment, write_archive

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.report import Report, write_report
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.model import Outcome
from replay_fetch.report_page.charts import NARROW, lengths_chart, rate_chart, sizes_chart
from replay_fetch.report_page.making import verdict
from replay_fetch.report_page.run_facts import PacingPoint, run_facts, shares, stretches_of

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\x1b[2J\u202e{{ 7 * 7 }}"
VOID = {"meta", "br", "img", "link", "hr"}


class Page(HTMLParser):
    """The page as a browser's parser has it: its tags, what they refer to, and its text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.references: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in {"href", "src", "xlink:href", "srcset", "action"}:
                self.references.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def point(
    time: float, pages: int, rate: float | None = 10.0, rate_limited: int = 0
) -> Mapping[str, float | str | None]:
    return {
        "time": time,
        "pages": pages,
        "rate": rate,
        "requests": pages,
        "rate_limited": rate_limited,
        "limited_by": "API limit",
    }


def report(**more: object) -> Report:
    usual = {
        "list_name": "views.csv",
        "rows": 4,
        "duplicates": 1,
        "bad_rows": 0,
        "outcomes": {Outcome.FETCHED: 2, Outcome.FAILED: 1},
        "requests": 30,
        "rate_limited": 2,
        "pages": 25,
        "seconds": 12.0,
        "started": "2026-02-03T04:05:06+00:00",
        "pacing": [point(1, 5), point(2, 12), point(3, 12, None, 2), point(12, 25)],
        "slowest": [
            {"session_id": "one", "view_id": "v1", "seconds": 7.5, "outcome": "failed", "reason": "503, eight times"}
        ],
        "settings": {"fetch": {"workers": 32, "max_rate": None}},
    }
    return Report(**(usual | more))  # type: ignore[arg-type] # a test's own words


def written_page(archive: Path, summed: Report) -> str:
    write_report(Layout(archive), summed)
    target = archive.parent / "report.html"
    assert main(["report", str(archive), "--out", str(target)]) == 0
    return target.read_text("utf-8")


def season(folder: Path) -> Path:
    views = {("one", "v1"): [segment(0), segment(2, 10, 15)], ("two", "v1"): [segment(0, 0, 4000)]}
    return write_archive(folder / "season", views, [ended("three", "v9", Outcome.FAILED, "503, eight times")])


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return season(tmp_path)


@pytest.fixture(scope="module")
def markup(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of one run; drawn once."""
    return written_page(season(tmp_path_factory.mktemp("page")), report())


def test_the_page_tells_the_run(markup: str) -> None:
    text = re.sub(r"\s+", " ", Page(markup).text)
    assert "season views.csv, run of 2026-02-03 04:05:06 UTC, 12 s" in text
    assert "1 view is not finished; the same command asks again." in text
    assert "503, eight timesthree/v9" in text
    assert "gaps: segments between others never cameone/v1" in text
    assert "7.5 sone/v1failed: 503, eight times" in text
    assert "API limit100 % of the time" in text
    assert "1 row of the list names a view again." in text
    assert "fetchworkers32" in text
    assert "max_rate" not in text


def test_the_page_counts_the_rows_of_erased_sessions(archive: Path) -> None:
    assert "3 rows of the list are of erased sessions and not asked for." in written_page(archive, report(erased=3))
    assert "erased" not in Page(written_page(archive, report())).text


def test_the_page_is_whole_and_alone(markup: str) -> None:
    """Well-formed, no script, nothing from elsewhere; the policy in it says so to the browser."""
    page = Page(markup)
    assert page.open == []
    assert {"script", "iframe", "link", "object", "img"}.isdisjoint(page.tags)
    assert all(reference.startswith("#") for reference in page.references)
    assert "default-src 'none'" in markup
    assert re.findall(r"url\((?!#)|@import", markup) == []
    assert page.tags.count("svg") == 4


def test_charts_refer_only_to_what_is_on_the_page_in_colours_of_the_page(markup: str) -> None:
    page = Page(markup)
    referred = {*re.findall(r"url\(#([^)]+)\)", markup), *(reference[1:] for reference in page.references)}
    assert referred <= set(page.ids)
    drawn = "".join(re.findall(r"<svg.*?</svg>", markup, re.DOTALL))
    assert re.findall(r"#[0-9a-f]{6}\b", drawn) == []
    assert "var(--limited)" in drawn
    assert ">429<" in drawn


def test_the_same_run_gives_the_same_page(markup: str, archive: Path) -> None:
    assert written_page(archive, report()) == markup


def test_words_of_strangers_stand_as_text_in_the_page_of_a_run(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a", {}, [ended("s", "v", Outcome.FAILED, EVIL)])
    slow = {"session_id": EVIL, "view_id": EVIL, "seconds": 1.0, "outcome": EVIL, "reason": EVIL}
    summed = report(
        list_name=EVIL,
        stopped=EVIL,
        bad_rows=1,
        bad_row_reasons=[EVIL],
        slowest=[slow],
        settings={EVIL: {EVIL: EVIL}},
        started=EVIL,
        pacing=[{**point(1, 5), "limited_by": EVIL}],
    )
    page = Page(written_page(archive, summed))
    assert {"script", "img"}.isdisjoint(page.tags)
    assert set("\x1b\u202e").isdisjoint(page.text)
    assert page.text.count("<script>alert(1)</script>") >= 9
    assert "{{ 7 * 7 }}" in page.text


@pytest.mark.parametrize(
    ("exit_code", "changed", "said"),
    [
        (0, {"outcomes": {Outcome.FETCHED: 3}}, "Every view of the list ended well."),
        (1, {"outcomes": {Outcome.FETCHED: 3}, "bad_rows": 2}, "Every view ended well, but 2 rows"),
        (1, {}, "1 view is not finished; the same command asks again."),
        (1, {"outcomes": {Outcome.UNCONFIRMED: 3}}, "Not one view of the list is there."),
        (0, {"outcomes": {Outcome.EMPTY: 3}}, "Not one view of the list is there."),
        (3, {"stopped": "the disk is full"}, "Stopped: the disk is full"),
        (130, {"interrupted": True, "unasked": 5}, "Interrupted; the same command goes on where it ended."),
    ],
)
def test_the_verdict_is_what_the_exit_code_tells(
    exit_code: int, changed: dict[str, object], said: str, tmp_path: Path
) -> None:
    write_report(Layout(write_archive(tmp_path / "a", {})), report(**changed))
    run = run_facts(DiskShelf(tmp_path / "a"))
    assert run.exit_code == exit_code
    assert verdict(run).startswith(said)


@pytest.mark.parametrize("outcome", [Outcome.UNCONFIRMED, Outcome.EMPTY])
def test_a_page_of_a_list_of_which_nothing_is_there_is_not_green(outcome: Outcome, archive: Path) -> None:
    green = written_page(archive, report(outcomes={Outcome.FETCHED: 3}))
    not_green = written_page(archive, report(outcomes={outcome: 3}))
    assert ['class="verdict ill"' in page for page in (green, not_green)] == [False, True]


@pytest.mark.parametrize(
    "points",
    [
        [PacingPoint(1.0)],
        [PacingPoint(1.0, 0.0, 0)],
        [PacingPoint(1.0, None, 0), PacingPoint(5000.0, None, 10)],
        [PacingPoint(1.0, 1e9, 1), PacingPoint(20_000.0, 1e9, 5, 7)],
    ],
)
def test_any_course_can_be_drawn(points: list[PacingPoint]) -> None:
    chart = rate_chart(stretches_of(points), NARROW)
    assert chart.startswith("<svg viewBox=")
    assert Page(chart).open == []
    assert re.findall(r"nan|inf|[0-9]e[+-]", chart) == []


def test_axes_have_round_figures_and_stretches_without_a_rate_are_gaps() -> None:
    points = [
        PacingPoint(10.0, 5.0, 40),
        PacingPoint(20.0, None, 80),
        PacingPoint(30.0, 5.0, 100, 3),
        PacingPoint(40.0, 900.0, 140),
    ]
    chart = rate_chart(stretches_of(points), NARROW)
    assert re.findall(r">([0-9.]+)</text>", chart) == ["0", "2", "4", "0", "10", "20", "30", "40", "429"]
    assert chart.count('stroke="var(--allowed)"') == 3  # two stretches, and the legend's
    assert chart.count("<polygon") == 2


def test_every_session_is_in_one_bar() -> None:
    chart = sizes_chart([1_000.0] * 3 + [30_000.0, 1_000_000.0])
    heights = [float(height) for height in re.findall(r'<rect [^>]*height="([0-9.]+)"', chart)]
    assert [round(height / min(heights)) for height in heights] == [3, 1, 1]
    assert "1 kB" in chart


@pytest.mark.parametrize("values", [[0.0], [0.001], [5.0], [14_400.0] * 3, [1.0, 1e12]])
def test_any_values_make_a_histogram(values: list[float]) -> None:
    assert "sessions" in lengths_chart(values)


def test_a_report_of_a_version_without_points_and_views_is_read_too(archive: Path) -> None:
    write_report(Layout(archive), report())
    content = json.loads((archive / "report.json").read_bytes())
    del content["slowest"]
    content["pacing"] = [{"time": 1.0, "rate": 3.0, "rate_limited": 0}]
    (archive / "report.json").write_text(json.dumps(content))
    run = run_facts(DiskShelf(archive))
    assert (run.slowest, run.pacing) == ([], [PacingPoint(1.0, 3.0)])


def test_without_a_report_or_with_a_damaged_one_it_is_said(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(archive)]) == 3
    assert "has no report.json yet" in capsys.readouterr().err
    (archive / "report.json").write_text("{}")
    assert main(["report", str(archive)]) == 3
    assert "report.json cannot be read" in capsys.readouterr().err


def test_stretches_are_the_differences_of_the_counts() -> None:
    stretches = stretches_of(
        [PacingPoint(2.0, 10.0, 4, 0, "disk"), PacingPoint(4.0, 12.0, 10, 1, "API limit"), PacingPoint(4.0, 1.0, 10)]
    )
    assert [(stretch.start, stretch.end, stretch.pages_per_s, stretch.rate_limited) for stretch in stretches] == [
        (0.0, 2.0, 2.0, 0),
        (2.0, 4.0, 3.0, 1),
    ]
    assert shares(stretches) == [("disk", 0.5), ("API limit", 0.5)]
