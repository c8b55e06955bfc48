"""What is said and counted while a list is loaded into the ledger."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from replay_fetch.ledger import Ledger
from replay_fetch.pipeline.planning import load_plan
from replay_fetch.plan import ViewList


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
