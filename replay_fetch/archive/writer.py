"""The one task that owns every file of the archive.

Messages are taken in on the event loop; batches are written in a thread. While one batch is being
written the next one gathers, so the disk's own pace decides how many views share a commit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream

from replay_fetch.archive.commit import Committer, Journal
from replay_fetch.archive.desk import Batch, Desk
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.messages import Message
from replay_fetch.model import ViewRecord
from replay_fetch.settings import ArchiveSettings

# Bytes of pages that may wait for the disk; past it nothing is taken in, so workers wait and nobody asks.
# What is being written lies in memory twice, as pages and as lines. On a slow disk (0.15 s an fsync) 48 MB
# made a peak of 145 MB, 16 MB one of 77 MB, 8 MB one of 69 MB, and none of the runs was quicker.
_ROOM = 8 * 2**20


class Writer:
    """Takes messages from the workers' stream and commits them to the archive.

    ``on_commit`` is called on the event loop with the views that became durable.
    """

    def __init__(
        self,
        layout: Layout,
        journal: Journal,
        settings: ArchiveSettings,
        on_commit: Callable[[Sequence[ViewRecord]], None],
    ) -> None:
        self._desk = Desk()
        self._committer = Committer(layout, journal, keep_raw=settings.keep_raw)
        self._on_commit = on_commit
        self._thread = anyio.CapacityLimiter(1)
        self._changed = anyio.Event()
        self._closing = False
        self._looks_at = -math.inf
        """When the committing task looks at the desk again by itself; minus infinity while it is busy."""

    def expect(self, session: int, views: int) -> None:
        """Announce how many views of a session this run will end, before its first message."""
        self._desk.expect(session, views)

    async def run(self, inbox: MemoryObjectReceiveStream[Message]) -> None:
        """Take messages until the stream's senders are closed, then commit what there is.

        Raises ArchiveError when the archive cannot be written.
        """
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._commit_batches)
                async with inbox:
                    async for message in inbox:
                        self._take(message)
                        while self._desk.size > _ROOM:
                            await self._changed.wait()
                self._closing = True
                self._notify()
        finally:
            self._committer.close()

    def _take(self, message: Message) -> None:
        """Take a message in; the committing task is woken only where it would look too late."""
        now = anyio.current_time()
        self._desk.take(message, now)
        if now + self._desk.next_due(now) < self._looks_at or self._desk.size > _ROOM:
            self._notify()

    async def _commit_batches(self) -> None:
        while not self._closing:
            changed, now = self._changed, anyio.current_time()
            if self._desk.size > _ROOM:
                await self._commit(self._desk.batch(math.inf))
            elif wait := self._desk.next_due(now):
                self._looks_at = now + wait
                with anyio.move_on_after(wait):
                    await changed.wait()
                self._looks_at = -math.inf
            else:
                await self._commit(self._desk.batch(now))
        await self._commit(self._desk.close())
        await to_thread.run_sync(self._committer.commit_partial_files, limiter=self._thread)

    async def _commit(self, batch: Batch) -> None:
        committed = await to_thread.run_sync(self._committer.commit, batch, limiter=self._thread)
        self._desk.written(batch)
        self._on_commit(committed)
        self._notify()

    def _notify(self) -> None:
        self._looks_at = -math.inf
        self._changed.set()
        self._changed = anyio.Event()
