"""Loading lists into the plan: order of first appearance, duplicates, clashes, later lists; all or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.errors import InputError
from replay_fetch.ledger import database, loading
from replay_fetch.ledger.ledger import Ledger, ToDo
from replay_fetch.ledger.loading import Clash
from replay_fetch.model import Outcome, View, ViewRecord

Row = tuple[int, View, int | None]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger.open(tmp_path / "ledger.sqlite")) as ledger:
        yield ledger


def rows(*pairs: str) -> list[Row]:
    """Rows as ``session/view``, in lines from 2 on."""
    return [(line, View(*pair.split("/")), None) for line, pair in enumerate(pairs, start=2)]


def planned(ledger: Ledger) -> list[str]:
    return [str(record.planned.view) for record in ledger.views()]


def to_do(ledger: Ledger, number: int) -> list[str]:
    return [str(view.view) for view in ledger.to_do(ToDo(number), None, 1000)]


def test_sessions_and_their_views_stand_in_order_of_first_appearance(ledger: Ledger) -> None:
    ledger.load(rows("b/2", "a/1", "b/1", "a/0"))
    assert planned(ledger) == ["b/2", "b/1", "a/1", "a/0"]


def test_a_view_that_is_named_twice_is_one_view(ledger: Ledger) -> None:
    loaded = ledger.load(rows("a/1", "a/2", "a/1", "a/1"))
    assert (loaded.rows, loaded.views, loaded.duplicates) == (4, 2, 2)
    assert planned(ledger) == ["a/1", "a/2"]


def test_view_ids_that_differ_in_case_are_two_views(ledger: Ledger) -> None:
    assert ledger.load(rows("s/a", "s/A")).views == 2


def test_session_ids_that_differ_in_case_alone_would_share_a_file(ledger: Ledger) -> None:
    loaded = ledger.load(rows("abc/1", "ABC/1", "abc/2", "Abc/3"))
    assert (loaded.views, loaded.duplicates) == (2, 0)
    assert loaded.clashes == [Clash(3, "ABC", "abc"), Clash(5, "Abc", "abc")]


def test_a_clash_with_an_earlier_list_is_one_too(ledger: Ledger) -> None:
    ledger.load(rows("abc/1"))
    assert ledger.load(rows("ABC/1")).clashes == [Clash(2, "ABC", "abc")]


def test_of_very_many_clashes_the_first_are_named_and_all_are_counted(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list in another case than an earlier one clashes in every row; memory must not grow with it."""
    monkeypatch.setattr(loading, "_BATCH", 70)
    ids = [f"s{n}" for n in range(300)]
    ledger.load(rows(*(f"{name}/1" for name in ids)))
    loaded = ledger.load(rows(*(f"{name.upper()}/1" for name in ids), "s0/2", "s0/2"))
    assert loaded.clashes == [Clash(line, f"S{line - 2}", f"s{line - 2}") for line in range(2, 102)]
    assert (loaded.rows, loaded.views, loaded.duplicates, loaded.clashing) == (302, 1, 1, 300)


def test_a_later_list_takes_its_views_over_and_leaves_their_places(ledger: Ledger) -> None:
    first = ledger.load(rows("a/1", "b/1"))
    second = ledger.load(rows("b/2", "b/1", "c/1"))
    assert (second.views, second.duplicates) == (3, 0)
    assert planned(ledger) == ["a/1", "b/1", "b/2", "c/1"]
    assert [to_do(ledger, one.number) for one in (first, second)] == [["a/1"], ["b/1", "b/2", "c/1"]]


def test_counts_of_a_list_are_remembered_until_a_later_list_knows_better(ledger: Ledger) -> None:
    view = View("a", "1")
    expected: list[int | None] = []
    for says in (3, None, 5):
        number = ledger.load([(2, view, says)]).number
        expected += [planned.expected for planned in ledger.to_do(ToDo(number), None, 9)]
    assert expected == [3, 3, 5]


def test_an_error_in_the_middle_of_a_list_leaves_the_ledger_as_it_was(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_BATCH", 2)
    ledger.load(rows("a/1"))

    def breaking() -> Iterator[Row]:
        yield from rows("b/1", "b/2", "c/1")
        raise InputError("line 5: not UTF-8")

    with pytest.raises(InputError, match="line 5"):
        ledger.load(breaking())
    assert (planned(ledger), ledger.totals().sessions) == (["a/1"], 1)
    assert ledger.load(rows("d/1")).number == 2, "and it can be used"


def test_a_rehearsal_tells_what_loading_would_and_changes_nothing(ledger: Ledger) -> None:
    ledger.load(rows("a/1"))
    (one,) = ledger.to_do(ToDo(1), None, 1)
    ledger.record([ViewRecord(one, Outcome.FETCHED, segments=2, size=9)])
    rehearsed, totals = ledger.rehearse(rows("a/1", "b/1", "b/1"))
    assert (rehearsed.rows, rehearsed.views, rehearsed.duplicates) == (3, 2, 1)
    assert (totals.views, totals.finished, totals.segments) == (2, 1, 2)
    assert (planned(ledger), ledger.totals(1).views) == (["a/1"], 1)


def test_the_newest_list_is_known_by_its_fingerprint_and_no_other(ledger: Ledger) -> None:
    for number, mark in ((1, "one"), (2, "two")):
        loaded = ledger.load(rows("a/1", "a/1"))
        ledger.remember_list(number, mark)
        assert ledger.known_list(mark) == loaded
    assert ledger.known_list("one") is None


def test_a_list_without_fingerprint_is_not_known(ledger: Ledger) -> None:
    ledger.load(rows("a/1"))
    assert ledger.known_list("") is None


def test_an_empty_list_is_a_list(ledger: Ledger) -> None:
    assert ledger.load([])[1:] == (0, 0, 0, [], 0)
    assert to_do(ledger, 1) == []


_SESSIONS = st.sampled_from(["a", "A", "b", "B", "c"])
_PAIRS = st.builds(View, _SESSIONS, st.sampled_from(["1", "2", "3", "x", "X"]))
_LISTS = st.lists(st.lists(_PAIRS, max_size=12), min_size=1, max_size=4)


@contextmanager
def _in_memory() -> Iterator[Ledger]:
    """A ledger that waits for no disk and loads rows in batches of three."""
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(loading, "_BATCH", 3)
        patch.setattr(database, "PRAGMAS", ("PRAGMA journal_mode = MEMORY", "PRAGMA synchronous = OFF"))
        with closing(Ledger.open(Path(folder) / "l")) as ledger:
            yield ledger


@settings(max_examples=60)
@given(_LISTS)
def test_every_row_is_a_view_a_duplicate_or_a_clash_whatever_the_lists(lists: Sequence[Sequence[View]]) -> None:
    """The plan is held against the rule, applied by hand to lists loaded in batches of three."""
    sessions: dict[str, str] = {}
    plan: dict[View, int] = {}
    with _in_memory() as ledger:
        for number, views in enumerate(lists, start=1):
            good = [view for view in views if sessions.setdefault(view.session_id.lower(), view.session_id) == view[0]]
            plan |= dict.fromkeys(good, number)
            loaded = ledger.load((line, view, None) for line, view in enumerate(views))
            assert (loaded.rows, loaded.views, len(loaded.clashes)) == (
                len(views),
                len(set(good)),
                len(views) - len(good),
            )
            assert loaded.rows == loaded.views + loaded.duplicates + len(loaded.clashes)
        order = list(sessions.values())
        expected = sorted(plan, key=lambda view: order.index(view.session_id))
        assert [record.planned.view for record in ledger.views()] == expected
        for number in range(1, len(lists) + 1):
            mine = [view for view in expected if plan[view] == number]
            assert [planned.view for planned in ledger.to_do(ToDo(number), None, 99)] == mine
