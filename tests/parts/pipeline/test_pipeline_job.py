"""What is said and counted while a list is loaded into the ledger."""

from __future__ import annotations

import io
import itertools
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from replay_fetch.ledger.ledger import Ledger
from replay_fetch.pipeline import job
from replay_fetch.pipeline.job import load_plan, rehearse_plan
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


def test_how_far_a_long_list_is_read_is_said_every_ten_seconds(
    ledger: Ledger, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Good rows or bad ones; here a look at the clock comes every 3 rows, and takes 2 seconds."""
    monkeypatch.setattr(job, "_GLANCE", 3)
    monkeypatch.setattr(job, "monotonic", itertools.count(0.0, 2.0).__next__)
    caplog.set_level(logging.INFO, "replay_fetch")
    load_plan(ledger, listed(*(f"s{n},v" for n in range(20)), *(f"s {n},v" for n in range(10))), None)
    said = [record for record in caplog.records if record.levelno == logging.INFO]
    assert [record.getMessage() for record in said] == ["15 rows of the list read", "30 rows of the list read"]
    assert said[0].__dict__["fields"] == {"rows_read": 15}
