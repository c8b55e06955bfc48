"""The task groups and the kinds of task that a run consists of.

::

    ledger ─► producer ─► worker 1..N ─► writer ─► archive
                  views               messages

A worker takes a view from the producer when it is free for one. The writer takes messages as they
come, and makes workers wait while it has no room.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Protocol

import anyio

from replay_fetch.archive import Writer
from replay_fetch.errors import ReplayFetchError
from replay_fetch.fetch import Fetcher
from replay_fetch.ledger import Ledger, ToDo
from replay_fetch.pipeline.producer import Producer
from replay_fetch.pipeline.slowest import Slowest
from replay_fetch.pipeline.verdicts import Verdicts
from replay_fetch.pipeline.witnesses import Witnesses
from replay_fetch.pipeline.worker import Worker
from replay_fetch.settings import Settings

# Seconds that requests in flight get after the first Ctrl-C or SIGTERM.
GRACE = 10.0
# They are over where none was seen at so many looks in a row, so many seconds apart.
_QUIET, _LOOK = 2, 0.5


class Stop(Protocol):
    """What ends a run early once it is set: asyncio's Event, or anyio's."""

    def wait(self) -> Awaitable[object]:
        """Return when it is set."""


@dataclass(slots=True)
class Run:
    """One run over one list."""

    ledger: Ledger
    todo: ToDo
    fetcher: Fetcher
    writer: Writer
    settings: Settings
    stop: Stop
    """Set from outside: nothing more is asked for, what is in flight is finished and committed."""
    slowest: Slowest = field(default_factory=Slowest)
    cut_short: bool = False
    """The run was stopped before it came to the end of its list."""

    async def run(self) -> None:
        """Fetch every view that is to do and commit it.

        Raises the run's failure (AuthError, OutageError, …) after everything that arrived is
        committed, and ArchiveError when it cannot be.
        """
        failure: ReplayFetchError | None = None
        witnesses = Witnesses(self.fetcher, self.ledger, self.todo.list_number, self.settings.api.source)
        verdicts = Verdicts(self.fetcher, self.writer, witnesses, self.settings.fetch.give_up_after)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self.writer.run)
                try:
                    await self._fetch(verdicts)
                except* ReplayFetchError as errors:
                    failure = cause(errors)
                await verdicts.give_up()
                self.writer.close()
        except ExceptionGroup as errors:
            failure = cause(errors)
        if failure is not None:
            raise failure

    async def _fetch(self, verdicts: Verdicts) -> None:
        """Keep the workers busy until the list is done, or a stop is asked for and its grace is over."""
        producer, asking = Producer(self.ledger, self.todo, self.writer.expect), anyio.CancelScope()
        async with anyio.create_task_group() as brakes:
            brakes.start_soon(self._stop_on_request, producer, asking)
            with asking:
                await self._work(producer, verdicts)
                while not producer.stopped and await verdicts.settle():
                    await self._work(producer, verdicts)
            brakes.cancel_scope.cancel()
        self.cut_short = producer.cut_short or asking.cancelled_caught or (producer.stopped and verdicts.undecided)
        if not self.cut_short:
            await verdicts.finish()

    async def _work(self, producer: Producer, verdicts: Verdicts) -> None:
        async with anyio.create_task_group() as workers:
            for _ in range(self.settings.fetch.workers):
                worker = Worker(self.fetcher, self.settings, self.writer, verdicts, self.slowest)
                workers.start_soon(worker.work, producer)

    async def _stop_on_request(self, producer: Producer, asking: anyio.CancelScope) -> None:
        await self.stop.wait()
        producer.stop()
        asking.deadline = anyio.current_time() + GRACE
        quiet = 0
        while quiet < _QUIET:  # nothing on its way, but pauses: there is nothing to wait for
            await anyio.sleep(_LOOK)
            quiet = 0 if self.fetcher.pacer.snapshot().in_use else quiet + 1
        asking.cancel()


def cause(errors: BaseExceptionGroup[BaseException]) -> ReplayFetchError:
    """The failure that brought a run down; anything else among the errors is a defect and leaves as it is."""
    causes, defects = errors.split(ReplayFetchError)
    if causes is None or defects is not None:
        raise errors
    first = causes.exceptions[0]
    return cause(first) if isinstance(first, BaseExceptionGroup) else first
