"""Tombstones of a ledger: rows of erased sessions are counted and not planned, and no byte of an id is left."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from replay_fetch.erased import ErasedSession, mark_of
from replay_fetch.ledger.ledger import Ledger, ToDo
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.model import Outcome, Recording, View, ViewRecord

SESSIONS = [f"{number:08x}-session" for number in range(200)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """A ledger of 200 sessions, recorded twice, so that its pages hold copies of rows."""
    with closing(Ledger.open(path)) as ledger:
        ledger.load((line, View(each, f"view-of-{each}"), None) for line, each in enumerate(SESSIONS))
        for reason in ("first", "second"):
            ledger.record(
                ViewRecord(record.planned, outcome=Outcome.FAILED, reason=f"{reason} {record.planned.view}")
                for record in list(ledger.views())
            )
        yield ledger


def erase(ledger: Ledger, *sessions: str) -> None:
    ledger.begin_erasure("{}", map(ErasedSession, sessions))
    ledger.files_are_gone()
    assert ledger.compact()


def traces(path: Path, session_id: str) -> list[str]:
    """The database's own files that hold the id, or that of its view."""
    return [each.name for each in path.parent.iterdir() if session_id.encode() in each.read_bytes()]


def test_no_byte_of_an_erased_session_is_left_in_the_database(ledger: Ledger, path: Path) -> None:
    ledger.record([], understood=[View(SESSIONS[7], "raw")])
    assert traces(path, SESSIONS[7]) != []
    erase(ledger, SESSIONS[7], SESSIONS[150])
    assert traces(path, SESSIONS[7]) == traces(path, SESSIONS[150]) == []
    assert traces(path, SESSIONS[8]) != []
    assert len(list(ledger.views())) == len(SESSIONS) - 2


def test_between_its_steps_an_erasure_keeps_what_the_next_step_needs(ledger: Ledger) -> None:
    sessions = [ErasedSession(SESSIONS[3], 1, 2, 3, 4, 5), ErasedSession("unknown")]
    ledger.begin_erasure('{"name": "a"}', sessions)
    assert list(ledger.erasing()) == sessions
    assert ledger.setting(Setting.ERASURE) == '{"name": "a"}'
    assert ledger.setting(Setting.STATE) == State.RUNNING
    ledger.files_are_gone()
    assert list(ledger.erasing()) == []
    assert ledger.setting(Setting.ERASURE) == ""
    assert ledger.compact()
    assert ledger.setting(Setting.ERASURE) is None
    assert ledger.erased_sessions() == 2


def test_tables_of_later_versions_forget_the_session_too(ledger: Ledger) -> None:
    ledger._db.execute("CREATE TABLE later (session INTEGER PRIMARY KEY, text TEXT)")
    ledger._db.execute("CREATE TABLE seen (row INTEGER PRIMARY KEY)")
    ledger._db.execute("INSERT INTO later SELECT session, session_id FROM session")
    ledger._db.execute("INSERT INTO seen SELECT row FROM view")
    erase(ledger, *SESSIONS[:3])
    for table in ("later", "seen", "result", "view", "session"):
        (left,) = ledger._db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - of the table above
        assert (table, left) == (table, len(SESSIONS) - 3)


def test_a_reader_keeps_the_traces_until_it_has_gone(ledger: Ledger, path: Path) -> None:
    ledger._db.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM view").fetchone()
        ledger.begin_erasure("{}", [ErasedSession(SESSIONS[5])])
        ledger.files_are_gone()
        assert not ledger.compact()
        assert ledger.setting(Setting.ERASURE) == ""
    assert ledger.compact()
    assert traces(path, SESSIONS[5]) == []


def test_rows_of_erased_sessions_are_counted_and_not_planned(ledger: Ledger) -> None:
    erase(ledger, "gone")
    rows = [View("gone", "1"), View("here", "1"), View("GONE", "2"), View("here", "1"), View("Here", "3")]
    loaded = ledger.load((line, view, None) for line, view in enumerate(rows))
    assert (loaded.rows, loaded.views, loaded.duplicates, loaded.clashing, loaded.erased) == (5, 1, 1, 1, 2)
    assert [planned.view for planned in ledger.to_do(ToDo(loaded.number), None, 9)] == [View("here", "1")]


def test_a_rehearsal_counts_as_a_load_does(ledger: Ledger, tmp_path: Path) -> None:
    erase(ledger, SESSIONS[0])
    with closing(ledger.copy_to(tmp_path / "copy.sqlite")) as copy:
        loaded, totals = copy.rehearse([(1, View(SESSIONS[0], "x"), None), (2, View("new", "x"), None)])
    assert (loaded.erased, loaded.views, totals.views) == (1, 1, 1)


def test_a_list_is_read_again_behind_an_erasure_and_known_with_its_erased_rows(ledger: Ledger) -> None:
    ledger.remember_list(1, "mark")
    assert ledger.known_list("mark") is not None
    erase(ledger, SESSIONS[0])
    assert ledger.known_list("mark") is None
    loaded = ledger.load((line, View(each, "v"), None) for line, each in enumerate(SESSIONS))
    ledger.remember_list(loaded.number, "mark")
    known = ledger.known_list("mark")
    assert known is not None
    assert known._replace(clashes=[]) == loaded._replace(clashes=[])
    assert known.erased == 1


def test_sessions_are_as_old_as_their_first_view(path: Path) -> None:
    starts = {"old/1": 900, "old/2": 2000, "young/1": 1000, "unknown/1": None}
    with closing(Ledger.open(path)) as ledger:
        ledger.load((line, View(*each.split("/")), None) for line, each in enumerate([*starts, "unasked/1"]))
        ledger.record(
            ViewRecord(record.planned, outcome=Outcome.FETCHED, recording=Recording(starts[str(record.planned.view)]))
            for record in list(ledger.views())
            if str(record.planned.view) in starts
        )
        assert list(ledger.sessions_before(1000)) == ["old"]
        assert list(ledger.sessions_before(1001)) == ["old", "young"]
        assert ledger.sessions_without_start() == 2


def test_a_ledger_of_an_older_version_has_no_tombstones_and_gets_room_for_them(path: Path, tmp_path: Path) -> None:
    with closing(Ledger.open(path)) as ledger:
        ledger.load([(1, View("a", "1"), None)])
        for table in ("erased", "erasing", "dated"):
            ledger._db.execute(f"DROP TABLE {table}")
    with closing(Ledger.open_read_only(path)) as ledger:
        assert (ledger.erased_sessions(), ledger.is_erased("a"), list(ledger.marks()), list(ledger.erasing())) == (
            0,
            False,
            [],
            [],
        )
        with closing(ledger.copy_to(tmp_path / "copy.sqlite")) as copy:
            assert copy.rehearse([(1, View("b", "1"), None)])[0].views == 1
    with closing(Ledger.open(path)) as ledger:
        erase(ledger, "a")
        assert ledger.is_erased("A")


def test_a_mark_is_the_hash_of_the_id_in_lower_case() -> None:
    assert mark_of("AbC").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
