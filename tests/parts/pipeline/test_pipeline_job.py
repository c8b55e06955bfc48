"""What is said and counted while a list is loaded into the ledger."""

from __future__ import annotations

import gzip
import io
import itertools
import logging
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from replay_fetch.ledger.ledger import Ledger
from replay_fetch.pipeline import list_loading
from replay_fetch.pipeline.list_loading import load_plan, rehearse_plan
from replay_fetch.progress.reporters import LogLines
from replay_fetch.progress.snapshot import ProgressSnapshot
from replay_fetch.view_list.view_list import ViewList


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger.open(tmp_path / "ledger.sqlite")) as ledger:
        yield ledger


def listed(*rows: str) -> ViewList:
    """A list of ``session,view`` rows; the first stands in line 2."""
    return ViewList(io.BytesIO("\n".join(("session_id,view_id", *rows)).encode()))


def test_every_row_that_clashes_is_a_bad_one_though_the_first_alone_are_named(ledger: Ledger) -> None:
    load_plan(ledger, listed(*(f"s{n},v" for n in range(150))), None)
    plan = load_plan(ledger, listed("s 1,v", *(f"S{n},v" for n in range(150)), "t,v"), None)
    assert (plan.rows, plan.views, plan.duplicates, plan.bad_rows) == (152, 1, 0, 151)
    assert len(plan.reasons) == 100
    assert plan.reasons[1] == "line 3: session id S0 differs only in case from s0"


def test_a_list_without_rows_is_warned_of_each_time(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    """Its views number 0 and nothing fails, so nothing else would tell a query that went wrong."""
    rehearse_plan(ledger, listed())
    for _ in range(2):
        assert load_plan(ledger, listed(), "the same").rows == 0
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
    assert caplog.messages == ["the stream: the list has no rows, so there is nothing to do"] * 3


def test_a_list_of_bad_rows_alone_is_not_called_empty(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    load_plan(ledger, listed("s 1,v"), None)
    (said,) = caplog.messages
    assert said.startswith("line 2: session id: ")


def test_a_rehearsal_does_not_send_anybody_to_a_report_that_it_does_not_write(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    bad = [f"s {n},v" for n in range(30)]
    rehearse_plan(ledger, listed(*bad))
    load_plan(ledger, listed(*bad), None)
    assert [message for message in caplog.messages if "report" in message] == [
        "more bad rows follow; a download's report names the first 100",
        "more bad rows follow; the report names the first 100",
    ]


def test_a_long_list_that_is_read_is_told_of_every_ten_seconds(
    ledger: Ledger, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Good rows or bad ones; here a look at the clock comes every 3 rows, and takes 2 seconds."""
    monkeypatch.setattr(list_loading, "_GLANCE", 3)
    monkeypatch.setattr(time, "monotonic", itertools.count(0.0, 2.0).__next__)
    caplog.set_level(logging.INFO, "replay_fetch")
    rows = listed(*(f"s{n},v" for n in range(20)), *(f"s {n},v" for n in range(10)))
    load_plan(ledger, rows, None, reporter=LogLines())
    said = [record for record in caplog.records if record.levelno == logging.INFO]
    words = [record.getMessage() for record in said]
    assert words == ["15 rows of the list read", *["30 rows of the list read"] * 2]
    assert said[0].__dict__["fields"] == {"rows_read": 15, "bytes_read": 0, "bytes_total": 0}


@pytest.mark.parametrize("packed", [False, True])
def test_a_long_list_is_shown_with_the_bytes_read_of_its_file(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    class Shown:
        period = 0.2

        def __init__(self) -> None:
            self.snapshots: list[ProgressSnapshot] = []

        def refresh(self, snapshot: ProgressSnapshot) -> None:
            self.snapshots.append(snapshot)

        close = refresh

    content = ("session_id,view_id\n" + "".join(f"{n}{n * n},v\n" for n in range(100_000))).encode()
    path = tmp_path / "views.csv"
    path.write_bytes(gzip.compress(content) if packed else content)
    monkeypatch.setattr(time, "monotonic", itertools.count(0.0, 1.0).__next__)
    shown = Shown()
    load_plan(ledger, ViewList(path), None, reporter=shown)
    shares = [snapshot.done / snapshot.total for snapshot in shown.snapshots]
    assert (len(shares), shares[-1]) == (11, 1.0)
    assert shares == sorted(shares)
    assert 0.05 < shares[0] < 0.3
    size = (
        f"{path.stat().st_size / 1e6:.1f} MB" if path.stat().st_size >= 1e6 else f"{path.stat().st_size / 1e3:.1f} kB"
    )
    assert shown.snapshots[-1].words() == ["100,000 rows of the list read", f"{size} of {size}"]


def test_a_short_list_shows_no_bar(ledger: Ledger) -> None:
    class NeverShown:
        period = 0.0

        def refresh(self, _: ProgressSnapshot) -> None:
            raise AssertionError("a list of three rows was shown")

        close = refresh

    load_plan(ledger, listed("a,1", "b,2", "c,3"), None, reporter=NeverShown())
