"""The producer: every view that is to do goes to one worker, in order, until there are no more or it is stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from replay_fetch.ledger.ledger import Ledger, ToDo
from replay_fetch.model import PlannedView, View
from replay_fetch.pipeline.producer import Producer

pytestmark = pytest.mark.anyio

ALL = ToDo(1)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger.open(tmp_path / "ledger.sqlite")) as ledger:
        yield ledger


class Told:
    """What the writer is told, as it comes between the views."""

    def __init__(self) -> None:
        self.expected: list[tuple[int, int]] = []

    def expect(self, session: int, views: int) -> None:
        self.expected.append((session, views))


def plan(ledger: Ledger, *counts: int) -> list[PlannedView]:
    """Sessions with that many views each."""
    views = [View(f"{session}", f"v{number}") for session, most in enumerate(counts) for number in range(most)]
    ledger.load((line, view, None) for line, view in enumerate(views))
    return ledger.to_do(ALL, None, 10_000)


@pytest.mark.parametrize("counts", [(1,), (3, 1), (499, 1), (500,), (499, 2), (1, 998, 1), (1700, 3)])
async def test_each_view_goes_out_once_behind_its_session(ledger: Ledger, counts: tuple[int, ...]) -> None:
    """However the sessions lie across what the ledger is asked for at once."""
    views, told = plan(ledger, *counts), Told()
    producer = Producer(ledger, ALL, told.expect)
    for view in views:
        assert await anext(producer) == view
        assert told.expected[-1] == (view.session, counts[int(view.view.session_id)])
    assert [planned async for planned in producer] == []
    assert len(told.expected) == len(counts)
    assert not producer.cut_short


async def test_workers_that_ask_at_once_share_the_views(ledger: Ledger) -> None:
    views = plan(ledger, 600, 600)
    producer = Producer(ledger, ALL, Told().expect)
    taken: list[PlannedView] = []

    async def work() -> None:
        async for planned in producer:
            taken.append(planned)
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(work)
    assert taken == views


@pytest.mark.parametrize(
    ("views", "went_out"),
    [(3, 0), (3, 1), (3, 2), (3, 3), (500, 499), (500, 500), (501, 500), (501, 501), (1000, 1000)],
)
async def test_a_stopped_producer_gives_out_no_view(ledger: Ledger, views: int, went_out: int) -> None:
    """It was cut short unless all had gone out, however many the ledger is asked for at once."""
    plan(ledger, views)
    producer = Producer(ledger, ALL, Told().expect)
    for _ in range(went_out):
        await anext(producer)
    producer.stop()
    assert [planned async for planned in producer] == []
    assert producer.cut_short is (went_out < views)


async def test_a_stop_while_the_ledger_is_read_holds_back_the_views_read(ledger: Ledger) -> None:
    plan(ledger, 3)
    producer = Producer(ledger, ALL, Told().expect)
    async with anyio.create_task_group() as group:
        group.start_soon(_takes_nothing, producer)
        await anyio.lowlevel.checkpoint()  # it waits for the ledger's thread now
        producer.stop()
    assert producer.cut_short


async def _takes_nothing(producer: Producer) -> None:
    assert [planned async for planned in producer] == []
