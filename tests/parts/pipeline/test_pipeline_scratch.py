"""The scratch of a stored archive keeps the laws of the model: the same entries give the same answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_scratches import MemoryScratch

from replay_fetch.errors import ArchiveError, SettingsError
from replay_fetch.ledger.ledger import Ledger, ToDo
from replay_fetch.ledger.schema import Setting
from replay_fetch.model import Outcome, PlannedView, Span, View, ViewRecord
from replay_fetch.pipeline.scratch import LedgerScratch, logged, scratch_folder
from replay_fetch.settings import Compression
from replay_fetch.store.entries import (
    Entry,
    LoggedList,
    LoggedObject,
    LoggedPart,
    LoggedRemoval,
    LoggedSetting,
    LoggedView,
)
from replay_fetch.store.failures import StoreError

VIEWS = [View("s-1", "a"), View("s-1", "b"), View("s-2", "a"), View("s-1", "a")]
ROWS = [(line, view, None, None) for line, view in enumerate(VIEWS, start=2)]
LIST = LoggedList(1, "lists/0001.csv.zst", "mark", len(ROWS))


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[LedgerScratch]:
    with scratch_folder(tmp_path / "scratch", Compression.NONE) as scratch:
        scratch.begin(None)
        scratch.load(LIST, ROWS)
        yield scratch


def record(row: int, outcome: Outcome | None, size: int, part: int = 0, *, whole: bool = False) -> ViewRecord:
    planned = PlannedView(row, 3 if row == 3 else 1, VIEWS[row - 1])
    sha256 = "0" * 64 if size else ""
    span = Span(0, size, sha256) if whole else None
    return ViewRecord(planned, outcome=outcome, size=size, sha256=sha256, part=part, whole=span)


_NAMES = st.sampled_from(["sessions/s-1.ndjson", "sessions/s-2.ndjson", "raw/s-1/a/0001.body"])
_ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    st.builds(
        lambda row, finished, part, whole, at: LoggedView(
            record(row, Outcome.FETCHED if finished or whole else None, 7, part, whole=whole), at
        ),
        st.integers(1, 3),
        st.booleans(),
        st.integers(0, 1),
        st.booleans(),
        st.integers(1, 9),
    ),
    st.builds(
        LoggedPart,
        st.integers(1, 3),
        st.integers(0, 1),
        st.integers(0, 2),
        st.sampled_from(["blob-1", "blob-2"]),
        st.integers(0, 5),
        st.integers(1, 5),
    ),
    st.builds(LoggedObject, _NAMES, st.integers(0, 9), st.just("ab"), st.just("tag"), st.none(), st.sampled_from("- ")),
    st.builds(LoggedRemoval, _NAMES),
)


@given(st.lists(st.lists(_ENTRIES, max_size=6), max_size=4))
@settings(deadline=None, max_examples=60)
def test_the_ledger_answers_as_the_model_whatever_the_log_says(
    tmp_path_factory: pytest.TempPathFactory, parts: Sequence[Sequence[Entry]]
) -> None:
    model = MemoryScratch(tmp_path_factory.mktemp("model"))
    model.load(LIST, ROWS)
    with LedgerScratch.opened(tmp_path_factory.mktemp("real"), Compression.NONE) as real:
        real.begin(None)
        real.load(LIST, ROWS)
        for part in parts:
            for entries in (part, [LoggedRemoval("sessions/never-there.ndjson")]):
                real.lay(entries)
                model.lay(entries)
        assert {one.planned.row: one for one in real.ledger.views() if one.outcome or one.size} == model.records
        assert real.blobs() == model.blobs()
        assert {one.name for one in real.unpublished()} == {one.name for one in model.unpublished()}
        for row in (1, 2, 3):
            for number in (0, 1):
                assert list(real.places(row, number)) == list(model.places(row, number))
        for name in ("sessions/s-1.ndjson", "sessions/s-2.ndjson", "raw/s-1/a/0001.body"):
            assert real.stored(name) == model.stored(name)


def test_a_snapshot_begins_another_scratch_with_list_records_and_places(scratch: LedgerScratch, tmp_path: Path) -> None:
    scratch.lay([LoggedView(record(1, None, 9), 5), LoggedPart(1, 0, 0, "blob", 0, 9)])
    scratch.snapshot(tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    with scratch_folder(tmp_path / "other", Compression.NONE) as other:
        copy = other.temporary / "ledger.sqlite"
        (tmp_path / "copy").rename(copy)
        (other.layout.sessions / "s-9.ndjson").write_bytes(b"of an earlier run")
        other.begin(copy)
        assert other.ledger.known_list("mark") is not None
        assert list(other.places(1, 0)) == [LoggedPart(1, 0, 0, "blob", 0, 9)]
        assert [one.size for one in other.ledger.views()] == [9, 0, 0]
        assert list(other.layout.sessions.iterdir()) == []


def test_a_records_time_is_the_logs_so_that_a_resumed_view_is_no_younger(scratch: LedgerScratch) -> None:
    scratch.lay([LoggedView(record(1, Outcome.EMPTY, 0, whole=False), 1_000)])
    assert scratch.ledger.count_to_do(ToDo(1, young=1_000)) == 3
    assert scratch.ledger.count_to_do(ToDo(1, young=1_001)) == 2


def test_a_commit_and_its_log_entry_say_the_same_time(scratch: LedgerScratch, tmp_path: Path) -> None:
    one = record(1, Outcome.EMPTY, 0)
    scratch.ledger.record([one])
    entry = logged(one, scratch.ledger.recorded_at)
    with closing(sqlite3.connect(scratch.layout.ledger)) as db:
        assert db.execute("SELECT ended_at FROM result").fetchone() == (entry.ended_at,)
    del tmp_path


def test_an_entry_holds_nothing_of_what_an_earlier_run_left() -> None:
    one = record(1, None, 3)
    planned = PlannedView(1, 1, VIEWS[0], earlier=one)
    assert logged(ViewRecord(planned, size=5), 0).record == ViewRecord(PlannedView(1, 1, VIEWS[0]), size=5)


def test_another_way_of_asking_lets_unfinished_chains_begin_anew(scratch: LedgerScratch) -> None:
    begun = ViewRecord(PlannedView(1, 1, VIEWS[0]), size=3, sha256="0" * 64, token="next")  # noqa: S106 - a paging token
    scratch.lay([LoggedSetting(Setting.CHAINS, "one")])
    scratch.lay([LoggedView(begun, 1)])
    scratch.lay([LoggedSetting(Setting.CHAINS, "one"), LoggedSetting(Setting.DEMO, "yes")])
    assert [one.token for one in scratch.ledger.views()] == ["next", None, None]
    scratch.lay([LoggedSetting(Setting.CHAINS, "two")])
    assert [one.token for one in scratch.ledger.views()] == [None, None, None]
    assert scratch.ledger.setting(Setting.DEMO) == "yes"


def test_a_list_with_other_rows_than_its_entry_says_is_refused(scratch: LedgerScratch) -> None:
    with pytest.raises(StoreError, match="other rows than the log says"):
        scratch.load(LoggedList(2, "lists/0002.csv.zst", "", 3), ROWS[:2])


def test_a_scratch_over_a_real_archive_is_refused_and_nothing_is_removed(tmp_path: Path) -> None:
    out = tmp_path / "archive"
    (out / ".replay-fetch").mkdir(parents=True)
    Ledger.open(out / ".replay-fetch" / "ledger.sqlite").close()
    with (
        pytest.raises(SettingsError, match="is an archive, and a scratch is emptied"),
        scratch_folder(out, Compression.NONE),
    ):
        pass
    assert (out / ".replay-fetch" / "ledger.sqlite").exists()


def test_a_scratch_is_for_one_run_at_a_time(scratch: LedgerScratch) -> None:
    with (
        pytest.raises(ArchiveError, match="another run is writing"),
        scratch_folder(scratch.layout.root, Compression.NONE),
    ):
        pass


def test_without_a_wish_the_scratch_is_a_folder_that_goes_with_the_run() -> None:
    with scratch_folder(None, Compression.NONE) as scratch:
        root = scratch.layout.root
        assert root.is_dir()
    assert not root.exists()
