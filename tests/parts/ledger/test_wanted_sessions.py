"""The sessions of a list while their views are found, and what the ledger keeps of them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from replay_fetch.api.events import FoundView
from replay_fetch.ledger.found import FoundViews
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.searched import SearchedSessions
from replay_fetch.ledger.wanted import SessionEntry, WantedSessions
from replay_fetch.model import View

LIST = [
    SessionEntry(2, "b"),
    SessionEntry(3, None, None, "no id"),
    SessionEntry(4, "a", "v2"),
    SessionEntry(5, "b", "v1"),
    SessionEntry(6, "a", "v2"),
]


def view(session: str, view_id: str, date: str = "2026-01-31", count: int | None = 3) -> FoundView:
    return FoundView(View(session, view_id), date, "", "", count, "")


def test_each_session_is_wanted_once_in_the_order_of_the_list() -> None:
    with closing(WantedSessions()) as wanted:
        assert wanted.take(LIST) == len(LIST)
        assert list(wanted) == list(wanted.all()) == ["b", "a"]
        assert list(wanted.entries()) == [
            SessionEntry(2, "b"),
            SessionEntry(3, None, None, "no id"),
            SessionEntry(4, "a"),
        ]
        assert (wanted.named_views("a"), wanted.named_views("b")) == (["v2"], ["v1"])
        assert ([each.line for each in wanted.unusable()], wanted.unusable_rows, wanted.sessions) == ([3], 1, 2)


def test_sessions_that_were_searched_for_are_wanted_no_more() -> None:
    with closing(WantedSessions()) as wanted:
        wanted.take(LIST)
        reading = iter(wanted)
        assert next(reading) == "b"
        wanted.searched(["b"])
        assert list(reading) == ["a"]
        assert (list(wanted), len(wanted), wanted.is_searched("b"), wanted.is_searched("a")) == (["a"], 1, True, False)


def test_a_ledger_keeps_the_views_of_sessions_and_no_empty_ones(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger.open(path).close()
    with closing(SearchedSessions.open_read_only(path)) as kept:
        assert kept.know("a") is None
    with closing(SearchedSessions.open(path)) as kept:
        kept.keep([[view("a", "v1"), view("a", "v2", count=None)], []])
    with closing(SearchedSessions.open_read_only(path)) as kept:
        assert kept.know("a") == [view("a", "v1"), view("a", "v2", count=None)]
        assert kept.know("b") is None
    with closing(SearchedSessions.open(path)) as kept:
        kept.forget(["a", "b"])
        assert kept.know("a") is None
    with closing(Ledger.open(path)) as ledger:
        ledger.check()


def test_a_ledger_that_is_not_there_knows_no_session(tmp_path: Path) -> None:
    with closing(SearchedSessions.open_read_only(tmp_path / "none.sqlite")) as kept:
        assert kept.know("a") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("split", [1, 2, 5])
def test_of_more_views_than_wanted_the_oldest_are_given_whatever_came_with_them(split: int) -> None:
    found = [view("a", "1", "2026-01-01"), view("b", "2", "2026-01-02"), view("a", "3", "2026-01-03")]
    late = [view("a", "4", "2026-01-04"), view("b", "5", "2026-01-05")][: split - 1]
    with closing(FoundViews(3)) as views:
        views.add([*found, *late])
        assert views.full
        assert [each.view.view_id for each in views] == ["1", "3", "2"]
        assert (views.size, views.sums().views, views.sums().sessions, views.sums().segments) == (3, 3, 2, 9)
