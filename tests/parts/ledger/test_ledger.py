"""The ledger: what is to do, what was recorded, and what is refused untouched."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from replay_fetch.errors import ArchiveError
from replay_fetch.ledger.ledger import Ledger, ToDo
from replay_fetch.ledger.schema import APPLICATION_ID, FORMAT
from replay_fetch.ledger.totals import Totals
from replay_fetch.model import Noted, Outcome, PlannedView, Recording, Span, View, ViewRecord, Warnings

ALL = ToDo(1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with closing(Ledger.open(path)) as ledger:
        yield ledger


def load(ledger: Ledger, *counts: int) -> list[PlannedView]:
    """Plan sessions with that many views each, their rows interleaved as far as that goes."""
    rows = [View(f"s{session}", f"v{n}") for n in range(max(counts)) for session, most in enumerate(counts) if n < most]
    number = ledger.load((line, view, None) for line, view in enumerate(rows)).number
    return ledger.to_do(ToDo(number), None, 10_000)


# --- what is to do


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_batches_of_views_to_do_follow_each_other_without_a_gap_or_a_repeat(ledger: Ledger, limit: int) -> None:
    """A session of which one page holds only a stretch, too."""
    load(ledger, 1, 9, 2, 5)
    last: PlannedView | None = None
    found: list[PlannedView] = []
    while page := ledger.to_do(ALL, last, limit):
        assert len(page) <= limit
        found += page
        last = page[-1]
    assert found == ledger.to_do(ALL, None, 1000)
    assert [view.session for view in found] == sorted(view.session for view in found)
    assert len(found) == ledger.count_to_do(ALL) == 17


@pytest.mark.parametrize("counts", [(), (1,), (200,), (3,) * 150, (2, 1700, 1, 199, 401, 3)])
def test_records_of_all_views_come_once_each_by_session_and_row_whatever_the_blocks(
    ledger: Ledger, counts: tuple[int, ...]
) -> None:
    planned = load(ledger, *counts) if counts else []
    assert [record.planned for record in ledger.views()] == planned
    assert [(each.session, each.row) for each in planned] == sorted((each.session, each.row) for each in planned)


def test_the_records_of_a_long_session_are_read_in_few_blocks(ledger: Ledger) -> None:
    """A block begins with a walk over the session's views before it: blocks of one size would make that quadratic."""
    load(ledger, 5_000)
    statements: list[str] = []
    ledger._db.set_trace_callback(statements.append)
    assert sum(1 for _ in ledger.views()) == 5_000
    assert len(statements) <= 7


def test_views_that_end_while_the_pages_are_read_leave_no_hole(ledger: Ledger) -> None:
    views = load(ledger, 6)
    first = ledger.to_do(ALL, None, 2)
    ledger.record(ViewRecord(view, Outcome.FETCHED) for view in [*first, views[4]])
    assert ledger.to_do(ALL, first[-1], 9) == [views[2], views[3], views[5]]


@pytest.mark.parametrize("outcome", Outcome)
def test_an_unfinished_view_is_to_do_again_with_what_is_kept_of_it(ledger: Ledger, outcome: Outcome) -> None:
    (one,) = load(ledger, 1)
    record = ViewRecord(one, outcome, segments=3, token="t", part=2)  # noqa: S106 - a paging token
    ledger.record([record])
    assert ledger.to_do(ALL, None, 9) == ([] if outcome.finished else [replace(one, earlier=record)])
    assert ledger.count_to_do(ALL) == (not outcome.finished)


def test_a_view_that_was_interrupted_is_to_do(ledger: Ledger) -> None:
    (one,) = load(ledger, 1)
    ledger.record([ViewRecord(one, None, pages=2)])
    assert [view.earlier and view.earlier.pages for view in ledger.to_do(ALL, None, 9)] == [2]


def test_views_to_do_are_counted_by_session(ledger: Ledger) -> None:
    one, *_ = load(ledger, 3, 2)
    ledger.record([ViewRecord(one, Outcome.EMPTY)])
    assert [ledger.count_to_do(ALL, session) for session in (1, 2, 3)] == [2, 2, 0]


def test_finished_views_are_to_do_again_while_they_are_young(ledger: Ledger) -> None:
    """By when the recording ended, where it says; else by when the view was asked for, which is now."""
    old, young, silent = load(ledger, 3)
    ledger.record(
        [
            ViewRecord(old, Outcome.FETCHED, recording=Recording(end_ms=999_000)),
            ViewRecord(young, Outcome.FETCHED, recording=Recording(end_ms=1_001_000)),
            ViewRecord(silent, Outcome.MISSING),
        ]
    )
    assert [view.row for view in ledger.to_do(ToDo(1, young=1000), None, 9)] == [young.row, silent.row]
    assert ledger.count_to_do(ToDo(1, young=1000)) == 2
    assert ledger.count_to_do(ALL) == 0


def test_chains_begin_anew_when_their_tokens_are_forgotten(ledger: Ledger) -> None:
    (one,) = load(ledger, 1)
    ledger.record([ViewRecord(one, Outcome.FAILED, segments=3, token="t")])  # noqa: S106 - a paging token
    ledger.forget_tokens()
    (view,) = ledger.to_do(ALL, None, 9)
    assert view.earlier is not None
    assert (view.earlier.segments, view.earlier.token) == (3, None)


# --- what was recorded

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_COUNT = st.integers(0, 2**63 - 1)
_SPAN = st.none() | st.builds(Span, _COUNT, _COUNT, _TEXT)
_INDEXES = st.lists(_COUNT, max_size=3)
_TRAIL = st.none() | st.dictionaries(_TEXT, _COUNT, max_size=3)
_RECORDS = st.builds(
    ViewRecord,
    st.just(PlannedView(1, 1, View("s0", "v0"))),
    outcome=st.none() | st.sampled_from(Outcome),
    reason=_TEXT,
    source=_TEXT,
    shape=_TEXT,
    pages=_COUNT,
    segments=_COUNT,
    size=_COUNT,
    sha256=_TEXT,
    warnings=st.builds(Warnings, _INDEXES, _INDEXES, st.booleans(), st.none()),
    recording=st.builds(
        Recording, _COUNT | st.none(), _COUNT | st.none(), _COUNT | st.none(), _TRAIL, st.none() | _COUNT
    ),
    token=st.none() | _TEXT,
    part=_COUNT,
    whole=_SPAN,
    partial=_SPAN,
)


def test_the_last_record_of_a_view_comes_back_as_it_was(ledger: Ledger) -> None:
    load(ledger, 1)

    @settings(max_examples=80)
    @given(_RECORDS)
    def holds(record: ViewRecord) -> None:
        ledger.record([record])
        assert list(ledger.views()) == ledger.session_views(1) == [record]

    holds()


def test_of_records_that_cannot_be_kept_none_is(ledger: Ledger) -> None:
    views = load(ledger, 3)

    def records() -> Iterator[ViewRecord]:
        yield ViewRecord(views[0], Outcome.FETCHED)
        raise ArchiveError("the disk is full")

    with pytest.raises(ArchiveError, match="full"):
        ledger.record(records())
    assert ledger.totals().unasked == 3


def test_a_refusal_of_the_database_is_told_in_our_words(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay_fetch.ledger.ledger.VIEWS", "SELECT * FROM theirs")
    with pytest.raises(ArchiveError, match=r"ledger\.sqlite.*no such table"):
        ledger.session_views(1)


def test_views_whose_raw_pages_go_are_those_of_the_latest_record(ledger: Ledger) -> None:
    one, two, three = load(ledger, 3)
    ledger.record([ViewRecord(one, Outcome.FETCHED)], understood=[one.view, two.view])
    assert ledger.understood() == [one.view, two.view]
    ledger.record([ViewRecord(two, Outcome.FETCHED)])
    assert ledger.understood() == []
    ledger.record([ViewRecord(three, Outcome.FETCHED)], understood=[three.view])
    ledger.raw_removed()
    assert ledger.understood() == []


def test_totals_are_sums_by_outcome_of_one_list_or_of_all(ledger: Ledger) -> None:
    one, two, three, *_ = load(ledger, 4)
    ledger.load([(2, one.view, 4)])
    ledger.record(
        [
            ViewRecord(one, Outcome.FETCHED, pages=2, segments=3, size=100, warnings=Warnings(gaps=[1])),
            ViewRecord(two, Outcome.FETCHED, pages=1, segments=1, size=10),
            ViewRecord(
                three, Outcome.FAILED, pages=1, reason="reset", warnings=Warnings(repeats=[1], lacks_full_snapshot=True)
            ),
        ]
    )
    later = ledger.load([(2, View("s0", "v0"), None), (3, View("t", "v"), None)])
    assert ledger.totals() == Totals({Outcome.FETCHED: 2, Outcome.FAILED: 1}, 2, 2, 4, 4, 110, Noted(2, 1, 1, 1, 1))
    assert ledger.totals(later.number) == Totals(
        {Outcome.FETCHED: 1}, 2, 1, 3, 2, 100, Noted(1, gaps=1, segments_expected=1)
    )
    assert ledger.totals(99) == Totals()
    assert (ledger.totals().views, ledger.totals().finished) == (5, 2)


def test_a_part_is_needed_while_its_lines_are_nowhere_else(ledger: Ledger) -> None:
    one, two, three = load(ledger, 3)
    span = Span(0, 1, "")
    ledger.record(
        [
            ViewRecord(one, Outcome.FAILED, size=9, part=1, partial=span),
            ViewRecord(two, Outcome.FETCHED, size=9, whole=span),
            ViewRecord(three, Outcome.EMPTY),
        ]
    )
    needed = [(row, part) for row in range(5) for part in range(3) if ledger.has_part(row, part)]
    assert needed == [(one.row, 1)]


def test_sessions_to_publish_stay_in_the_redo_list_until_they_are_published(ledger: Ledger) -> None:
    one, *_ = load(ledger, 1, 1)
    ledger.record([ViewRecord(one, Outcome.FETCHED)], redo=[2, 1])
    assert ledger.redo_list() == [(1, "s0"), (2, "s1")]
    ledger.published()
    assert ledger.redo_list() == []


def test_settings_are_kept_with_the_archive(path: Path) -> None:
    with closing(Ledger.open(path)) as ledger:
        assert ledger.setting("compression") is None
        for value in ("gzip", "zstd"):
            ledger.set_setting("compression", value)
    with closing(Ledger.open(path)) as ledger:
        assert ledger.setting("compression") == "zstd"


# --- the file


def test_a_ledger_is_readable_by_its_owner_alone(ledger: Ledger, path: Path) -> None:
    load(ledger, 1)
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_a_ledger_can_be_read_while_a_run_writes(ledger: Ledger, path: Path) -> None:
    load(ledger, 2)
    with closing(Ledger.open_read_only(path)) as reading:
        assert reading.totals().views == 2
        with pytest.raises(ArchiveError, match="readonly"):
            reading.set_setting("a", "b")


@pytest.mark.parametrize("name", ["a?b=c", "50%25", "a#b", "a b", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    """The database is told its path as a URI."""
    path = tmp_path / name / "ledger.sqlite"
    path.parent.mkdir()
    with closing(Ledger.open(path)) as ledger:
        load(ledger, 1)
    with closing(Ledger.open_read_only(path)) as ledger:
        assert ledger.totals().views == 1


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (a)")


def _newer(path: Path) -> None:
    Ledger.open(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {FORMAT + 1}")
        db.execute("PRAGMA journal_mode = DELETE")


def _text(path: Path) -> None:
    path.write_text("session_id,view_id\n" * 100)


@pytest.mark.parametrize(
    ("make", "said"),
    [(_foreign, "not one of replay-fetch"), (_newer, f"has format {FORMAT + 1}"), (_text, "not a database")],
)
@pytest.mark.parametrize("way", [Ledger.open, Ledger.open_read_only])
def test_a_file_that_is_no_ledger_of_this_version_is_refused_and_left_alone(
    path: Path, make: object, said: str, way: object
) -> None:
    assert callable(make)
    assert callable(way)
    make(path)
    before = path.read_bytes()
    with pytest.raises(ArchiveError, match=said):
        way(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_ledger_that_is_not_there_reads_as_empty_and_is_not_made(path: Path) -> None:
    with closing(Ledger.open_read_only(path)) as ledger:
        assert (ledger.blank, ledger.totals()) == (True, Totals())
    assert not path.exists()


def test_a_ledger_whose_making_was_killed_is_made_again(path: Path) -> None:
    """The name and the numbers of a ledger, and no tables: what a rolled back beginning leaves."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {FORMAT}")
    with closing(Ledger.open(path)) as ledger:
        assert len(load(ledger, 2)) == 2


def test_damage_is_named_with_the_way_out(path: Path) -> None:
    with closing(Ledger.open(path)) as ledger:
        load(ledger, 300)
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    path.write_bytes(damaged)
    with closing(Ledger.open(path)) as ledger, pytest.raises(ArchiveError, match=r"(?s)damaged.*verify --rebuild"):
        ledger.check()


def test_threads_take_turns(ledger: Ledger) -> None:
    """A reader in the middle of the views holds a writer back, which then loses nothing."""
    views = load(ledger, 50)
    begun, failed = threading.Event(), list[BaseException]()

    def write() -> None:
        begun.set()
        try:
            for view in views:
                ledger.record([ViewRecord(view, Outcome.FETCHED)])
        except BaseException as error:  # noqa: BLE001 - reported by the test
            failed.append(error)

    reading = ledger.views()
    next(reading)
    writer = threading.Thread(target=write)
    writer.start()
    begun.wait()
    assert all(record.outcome is None for record in reading)
    while writer.is_alive():
        assert ledger.totals().views == 50
    writer.join()
    assert (failed, ledger.totals().finished) == ([], 50)


# --- views to try the API with, and reasons


def test_views_to_try_are_spread_over_the_sessions_of_the_list(ledger: Ledger) -> None:
    load(ledger, *[2] * 100)
    spread = ledger.spread(1, 4)
    assert [int(view.session_id[1:]) for view in spread] == [24, 49, 74, 99]


def test_a_list_of_one_session_gives_one_view_to_try(ledger: Ledger) -> None:
    load(ledger, 3)
    assert len(ledger.spread(1, 4)) == 1
    assert ledger.spread(2, 4) == []


def test_of_the_fetched_views_the_latest_of_the_list_are_found(ledger: Ledger) -> None:
    planned = load(ledger, *[1] * 6)
    ended = [Outcome.FETCHED, Outcome.FETCHED, Outcome.FETCHED, Outcome.EMPTY, Outcome.FAILED]
    ledger.record(ViewRecord(view, outcome, source="blob") for view, outcome in zip(planned, ended, strict=False))
    found = ledger.latest_fetched(1, 2)
    assert [(each.planned.view.session_id, each.source) for each in found] == [("s2", "blob"), ("s1", "blob")]
    assert ledger.latest_fetched(2, 2) == []


def test_reasons_are_counted_and_the_rarest_stand_together(ledger: Ledger) -> None:
    planned = load(ledger, *[1] * 40)
    reasons = ["often"] * 10 + [f"once {number:02}" for number in range(25)] + [""] * 5
    outcomes = [Outcome.FAILED] * 35 + [Outcome.FETCHED] * 5
    ledger.record(map(ViewRecord, planned, outcomes, reasons))
    found = ledger.reasons(1)
    assert found[0] == (Outcome.FAILED, "often", 10)
    assert found[-1] == (Outcome.FAILED, "other reasons", 6)
    assert sum(reason.views for reason in found) == 35


def test_a_views_date_comes_back_with_its_count(ledger: Ledger) -> None:
    ledger.load([(2, View("s0", "v"), 3, 1_800_000_000), (3, View("s1", "v"), 3)])
    assert [(each.expected, each.dated) for each in ledger.to_do(ToDo(1), None, 10)] == [(3, 1_800_000_000), (3, None)]


def test_a_ledger_without_a_table_of_dates_takes_dates_in(path: Path) -> None:
    with closing(Ledger.open(path)), closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE dated")
    with closing(Ledger.open(path)) as ledger:
        ledger.load([(2, View("s0", "v"), 3, 1_800_000_000)])
        assert ledger.to_do(ToDo(1), None, 10)[0].dated == 1_800_000_000


def test_a_ledger_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    for opened in (Ledger.open, Ledger.open_read_only):
        with pytest.raises(ArchiveError, match=r"the ledger .*ledger\.sqlite cannot be read: Is a directory"):
            opened(tmp_path / "ledger.sqlite")
