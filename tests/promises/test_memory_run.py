"""A run with hardly any room for its pages: slower, and otherwise the same."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import anyio
import pytest
from archives import KEYS, USUAL, WIDE, Archive, download, downloaded, truth
from processes import HANGS

from replay_fetch import Client, View
from replay_fetch.memory import Memory
from replay_fetch.pipeline import connection
from replay_fetch.pipeline import run as pipeline_run
from replay_fetch.simulator import PagingSettings, Simulator, SimulatorSettings
from replay_fetch.simulator.faults import Fault
from replay_fetch.transport import http

pytestmark = pytest.mark.anyio

ON_THEIR_WAY, WAITING = 20_000, 1_000
KINDS = (
    "500:rate=0.1",
    "reset-body:rate=0.1",
    "wrong-length:rate=0.05",
    "truncated:rate=0.05",
    "html:rate=0.05",
    "403:sticky,rate=0.05",
)
FAULTS = tuple(map(Fault.parse, KINDS))


class Watched(Memory):
    """Notes the most that was held, beside single pages that are larger than all."""

    made: list[Watched]

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.most = self.waited = 0
        self.made.append(self)

    async def take(self, size: int) -> None:
        self.waited += self.held > 0 and self.held + size > ON_THEIR_WAY
        await super().take(size)
        self.most = max(self.most, self.held if self.held > size else 0)


@pytest.fixture
def memories(monkeypatch: pytest.MonkeyPatch) -> list[Watched]:
    """Every page counts, and there is room for one or two."""
    made: list[Watched] = []
    monkeypatch.setattr(Watched, "made", made, raising=False)
    monkeypatch.setattr(http, "_LIGHT", 0)
    monkeypatch.setattr(connection, "Memory", Watched)
    for module in (connection, pipeline_run):
        monkeypatch.setattr(module, "for_pages", lambda _: (ON_THEIR_WAY, WAITING))
    return made


async def test_large_pages_wait_for_each_other_and_nothing_else_changes(
    tmp_path: Path, memories: list[Watched]
) -> None:
    settings = SimulatorSettings(limit=WIDE, paging=PagingSettings(pages=3))
    async with Simulator(settings) as simulator:
        ran = await download(simulator, tmp_path / "out", USUAL)
        assert Archive(tmp_path / "out").sessions() == truth(simulator)
    (memory,) = memories
    assert memory.waited > 0
    assert memory.most <= ON_THEIR_WAY
    assert memory.held == 0
    assert ran.exit_code == 0


@pytest.mark.usefixtures("virtual_clock")
async def test_whatever_becomes_of_a_page_its_room_is_given_back(tmp_path: Path, memories: list[Watched]) -> None:
    settings = SimulatorSettings(seed=5, limit=WIDE, paging=PagingSettings(pages=3), faults=FAULTS)
    for out in ("one", "two"):
        await downloaded(settings, tmp_path / out, USUAL)
    assert Archive(tmp_path / "one").sessions() == Archive(tmp_path / "two").sessions()
    assert [memory.held for memory in memories] == [0, 0]


async def test_readers_of_a_client_wait_for_room_but_never_for_themselves(memories: list[Watched]) -> None:
    """Many at once, and one who reads every two views side by side."""
    settings = SimulatorSettings(limit=WIDE, paging=PagingSettings(pages=3))
    async with (
        Simulator(settings) as simulator,
        Client(credentials=KEYS, settings=USUAL.settings(simulator.base_url)) as client,
    ):

        async def read(view: View) -> None:
            assert [one.raw async for one in client.segments(*view)] == list(simulator.truth.expected_segments(view))

        with anyio.fail_after(HANGS):
            async with anyio.create_task_group() as group:
                for view in simulator.views:
                    group.start_soon(read, view)
            (memory,) = memories
            assert memory.waited > 0
            assert memory.most <= ON_THEIR_WAY
            for one, other in pairwise(simulator.views):
                async for _ in client.segments(*one):
                    await read(other)
    assert memory.held == 0
