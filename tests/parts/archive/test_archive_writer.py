"""The writer's task: batches as the disk allows, the last word at the end, and a disk that refuses."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from anyio import lowlevel
from pieces import FakeCommitLog, arrived, content, ended, planned
from processes import HANGS

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.write.buffer import GROWING, LINGER
from replay_fetch.archive.write.writer import ROOM, STANDSTILL, CommitTerms, Writer
from replay_fetch.errors import ArchiveError
from replay_fetch.model import Outcome, View, ViewRecord
from replay_fetch.settings import ArchiveSettings

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

ONE, TWO = planned(1), planned(2)


@dataclass
class RefusingCommitLog(FakeCommitLog):
    """A ledger whose disk is full from some record on."""

    room: int = 0

    def record(self, records: Iterable[ViewRecord], redo: Iterable[int] = (), understood: Sequence[View] = ()) -> None:
        if len(self.recorded) >= self.room:
            raise ArchiveError("the ledger cannot be written")
        super().record(records, redo, understood)


@dataclass
class HangingCommitLog(FakeCommitLog):
    """A ledger whose disk does not answer until it is let go."""

    asked: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def record(self, records: Iterable[ViewRecord], redo: Iterable[int] = (), understood: Sequence[View] = ()) -> None:
        self.asked.set()
        assert self.let_go.wait(timeout=HANGS)
        super().record(records, redo, understood)


@dataclass
class Office:
    """A writer at work."""

    layout: Layout
    commit_log: FakeCommitLog
    room: int = ROOM
    standstill: float = STANDSTILL
    committed: list[tuple[float, list[int]]] = field(default_factory=list)
    """When which rows became durable."""

    async def run(self, script: Callable[[Writer], Awaitable[None]]) -> None:
        """Let a script bring messages, say that there are no more, and wait for the writer."""

        def on_commit(records: Sequence[ViewRecord]) -> None:
            if records:
                self.committed.append((round(anyio.current_time(), 1), [record.planned.row for record in records]))

        writing = Writer(self.layout, self.commit_log, ArchiveSettings(), on_commit, CommitTerms(self.room))
        writing.standstill = self.standstill
        writing.expect(1, views=2)
        async with anyio.create_task_group() as group:
            group.start_soon(writing.run)
            await script(writing)
            writing.close()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    layout = Layout(tmp_path)
    for folder in (layout.parts, layout.temporary, layout.sessions):
        folder.mkdir(parents=True)
    return Office(layout, FakeCommitLog.of(ONE, TWO))


async def test_a_session_is_durable_as_soon_as_it_is_whole(office: Office) -> None:
    async def script(writing: Writer) -> None:
        for message in (arrived(ONE), ended(ONE), arrived(TWO), ended(TWO)):
            await writing.put(message)
        await anyio.sleep(100)

    await office.run(script)
    assert [rows for _, rows in office.committed] == [[1, 2]]
    assert office.committed[0][0] < LINGER
    assert office.layout.session_file("s1").read_bytes() == content(ONE, 1) + content(TWO, 1)


async def test_a_view_that_ended_is_durable_after_a_moment_though_its_session_is_not_whole(office: Office) -> None:
    async def script(writing: Writer) -> None:
        await writing.put(arrived(ONE))
        await writing.put(ended(ONE))
        await anyio.sleep(100)
        assert office.layout.part(1, 0).exists()

    await office.run(script)
    assert office.committed == [(LINGER, [1])]


async def test_pages_of_a_slow_view_are_durable_before_it_ends(office: Office) -> None:
    async def script(writing: Writer) -> None:
        await writing.put(arrived(ONE, then="t1"))
        await anyio.sleep(GROWING + 1)
        record = office.commit_log.views[1]
        assert (record.outcome, record.segments, record.token) == (None, 1, "t1")

    await office.run(script)


async def test_messages_that_wait_at_the_end_are_committed(office: Office) -> None:
    async def script(writing: Writer) -> None:
        await writing.put(arrived(ONE, then="t1"))
        await writing.put(arrived(TWO))
        await writing.put(ended(TWO, Outcome.FAILED, "reset"))

    await office.run(script)
    assert [office.commit_log.views[row].segments for row in (1, 2)] == [1, 1]
    assert office.layout.session_file("s1", partial=True).read_bytes() == content(ONE, 1) + content(TWO, 1)


@pytest.mark.parametrize("standstill", [0.0, STANDSTILL])
async def test_a_commit_that_hangs_goes_on_beside_the_loop(office: Office, standstill: float) -> None:
    """The loop stands still for it a moment only, or nobody could let it go."""
    office.standstill = standstill
    office.commit_log = hanging = HangingCommitLog.of(ONE, TWO)

    async def script(writing: Writer) -> None:
        for message in (arrived(ONE), ended(ONE), arrived(TWO), ended(TWO)):
            await writing.put(message)
        while not hanging.asked.is_set():
            await lowlevel.checkpoint()
        assert office.committed == []
        hanging.let_go.set()

    await office.run(script)
    assert [rows for _, rows in office.committed] == [[1, 2]]


async def test_while_the_disk_is_behind_nothing_is_taken_in(office: Office) -> None:
    office.room = 3_000
    sent = 0

    async def script(writing: Writer) -> None:
        nonlocal sent
        for first in range(100):
            await writing.put(arrived(ONE, first=first, size=2_000, then=f"t{first}"))
            sent += 1
        await writing.put(ended(ONE))

    await office.run(script)
    assert (sent, office.commit_log.views[1].segments) == (100, 100)
    assert len(office.commit_log.recorded) > 20, "in many small commits, none of which waited for time to pass"
    assert anyio.current_time() < GROWING


async def test_a_disk_that_refuses_ends_the_run(office: Office) -> None:
    office.commit_log = RefusingCommitLog(office.commit_log.views)

    async def script(writing: Writer) -> None:
        await writing.put(arrived(ONE))
        await writing.put(ended(ONE))
        await anyio.sleep(1_000)
        pytest.fail("went on")

    with pytest.raises(ExceptionGroup) as caught:
        await office.run(script)
    assert caught.group_contains(ArchiveError, match="cannot be written", depth=1)
    assert office.committed == []
