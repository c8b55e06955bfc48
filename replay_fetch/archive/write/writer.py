"""The writer: one task that owns every file of the archive.

Messages are taken in on the event loop, and batches are written in a thread. While a batch is being written the next
gathers, so the disk's own pace decides how many views share a commit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

import anyio
from anyio import lowlevel, to_thread

from replay_fetch.archive.commit_log import CommitLog
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.write.buffer import GROWING, LINGER, Batch, WriteBuffer
from replay_fetch.archive.write.carrier import Carrier
from replay_fetch.archive.write.commit import Committer
from replay_fetch.archive.write.messages import Message
from replay_fetch.clock import now
from replay_fetch.model import ViewRecord
from replay_fetch.settings import ArchiveSettings

# Bytes of pages that may wait for the disk unless told otherwise; past it whoever brings more waits, so nobody
# asks. What is being written lies in memory twice, as segments and as lines.
ROOM = 16 * 2**20
# Seconds from one commit's beginning to the next one's, unless half the room is taken by then: what a
# commit costs by itself, on a quick disk, is shared by what arrives meanwhile.
_REST = 0.1
STANDSTILL = 0.025
"""Seconds for which an event loop that is the run's own stands still for a commit.

It is over by then on a quick disk. With both at work every system call of either hands the one interpreter
over: a sixth of all CPU, and no page comes sooner.
"""


@dataclass(frozen=True)
class CommitTerms:
    """The terms of commits: bytes that may wait, seconds between commits, and the carrier of a stored archive.

    ``linger`` and ``growing`` are seconds, see the buffer's.
    """

    room: int = ROOM
    rest: float = _REST
    linger: float = LINGER
    growing: float = GROWING
    carrier: Carrier | None = None

    def every(self, seconds: float, carrier: Carrier) -> CommitTerms:
        """Make the terms of an archive in a store, where a commit costs requests: one in so many seconds.

        The buffer waits as long, since a view that is due sooner would force a commit.
        """
        return replace(self, rest=seconds, linger=seconds, growing=seconds, carrier=carrier)


class Writer:
    """Takes messages from the workers and commits them to the archive; ends with `close`.

    ``on_commit`` is called on the event loop with the records of views that became durable.
    """

    def __init__(
        self,
        layout: Layout,
        commit_log: CommitLog,
        settings: ArchiveSettings,
        on_commit: Callable[[Sequence[ViewRecord]], None],
        terms: CommitTerms = CommitTerms(),
    ) -> None:
        self._room = terms.room
        self._rest = terms.rest
        self._buffer = WriteBuffer(terms.linger, terms.growing)
        self._committer = Committer(layout, commit_log, keep_raw=settings.keep_raw, carrier=terms.carrier)
        self._on_commit = on_commit
        # A single thread: commits follow each other, and none of the files needs a lock.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._closing = False
        self._wake = anyio.Event()
        self._looks_at = -math.inf
        """When the committing task looks at the buffer again by itself; minus infinity while it is busy."""
        self._rests_until = -math.inf
        self._made_room = anyio.Event()
        self.kept_waiting = 0
        """How many wait for the disk to make room."""
        self.standstill = 0.0
        """See `STANDSTILL`; 0 where the event loop is somebody else's."""

    def expect(self, session: int, views: int) -> None:
        """Announce how many views of a session this run will end, before the session's first message."""
        self._buffer.expect(session, views)

    async def put(self, message: Message) -> None:
        """Take a message in; returns when there is room for another.

        Nothing is lost where the wait is cancelled, for the message is taken already.
        """
        at = now()
        self._buffer.take(message, at)
        if at < self._looks_at and self._due(at) < self._looks_at:
            self._look()
        while self._buffer.size > self._room:
            self.kept_waiting += 1
            try:
                await self._made_room.wait()
            finally:
                self.kept_waiting -= 1

    def close(self) -> None:
        """Announce that no more messages come: `run` commits the rest and returns. May be called more than once."""
        self._closing = True
        self._look()

    async def run(self) -> None:
        """Commit what arrives until `close`, then all that is left.

        Raises ArchiveError where the archive cannot be written; or DamagedFile, when all else is committed,
        where a session's file was damaged before the run.
        """
        try:
            while not self._closing:
                await self._next_batch()
            await self._commit(self._buffer.close())
            self._committer.require_undamaged()
        finally:
            self._thread.shutdown()
            self._committer.close()

    async def _next_batch(self) -> None:
        """Commit the views that are due, or wait until some are: by the clock, by a message, or by the lack of room."""
        at = now()
        due = self._due(at)
        if due <= at:
            self._rests_until = at + self._rest
            # Where there is no room, most of it is taken by sessions that are nearly whole: they had better go as such.
            await self._commit(self._buffer.batch(at, self._room, least=self._buffer.size - self._room * 7 / 8))
            return
        self._wake, self._looks_at = anyio.Event(), due
        with anyio.move_on_after(due - at):
            await self._wake.wait()
        self._looks_at = -math.inf

    def _due(self, at: float) -> float:
        """Return when the next commit is to begin, as things stand, in seconds of the loop's clock."""
        if self._buffer.size > self._room:
            return at
        due = at + self._buffer.next_due(at)
        return due if self._buffer.size > self._room / 2 else max(due, self._rests_until)

    async def _commit(self, batch: Batch) -> None:
        """Commit a batch in the thread, then call ``on_commit`` and let workers go on that waited for room."""
        work = self._thread.submit(self._committer.commit, batch)
        if self.standstill:
            wait([work], self.standstill)
        committed = work.result() if work.done() else await to_thread.run_sync(work.result)
        self._buffer.written(batch)
        self._on_commit(committed)
        # A new event for each commit: a worker that waits again waits for the next one.
        self._made_room.set()
        self._made_room = anyio.Event()
        await lowlevel.checkpoint()  # those who stood still with us come first

    def _look(self) -> None:
        """Wake the committing task, so it looks at the buffer now."""
        self._looks_at = -math.inf
        self._wake.set()
