"""Readers: the processes of a machine, or the workers of an engine, among which the reading of an archive is spread.

Batches of sessions go out, and their results come back in order.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from typing import Protocol, TypeVar

from replay_fetch.errors import ArchiveError

Batch = TypeVar("Batch")
Result = TypeVar("Result")
# Below this, starting processes (0.2 s) costs more than they save.
_WORTH_PROCESSES = 64 * 2**20


class Readers(Protocol):
    """A place where batches are read, several at once."""

    def at_once(self, size: int) -> int:
        """The number of batches to read at once of an archive of ``size`` bytes."""

    def pool(self, at_once: int) -> AbstractContextManager[Executor | None]:
        """Open an executor of so many readers for a block; None is the present process, which reads in line."""


@dataclass(frozen=True, slots=True)
class Processes:
    """Reads with processes of this machine: ``jobs`` of them, or for None as many as the archive's size is worth."""

    jobs: int | None = None

    def at_once(self, size: int) -> int:
        """The number that was asked for, or else all processors where starting processes is worth it."""
        return self.jobs or ((os.cpu_count() or 1) if size >= _WORTH_PROCESSES else 1)

    @contextmanager
    def pool(self, at_once: int) -> Iterator[Executor | None]:
        """Start the processes, unless one is enough; raises ArchiveError where a process dies."""
        if at_once == 1:
            yield None
            return
        others = set(active_children())
        # Spawned, not forked: a fork would take over the locks of threads that it does not have.
        pool = ProcessPoolExecutor(at_once, mp_context=get_context("spawn"), initializer=_begin_process)
        try:
            yield pool
        except KeyboardInterrupt:  # which the processes leave to this one
            for process in set(active_children()) - others:
                process.terminate()
            raise
        except BrokenProcessPool:
            raise ArchiveError("a process that was reading died, maybe for want of memory; try --jobs 1") from None
        finally:
            pool.shutdown(cancel_futures=True)


def spread(
    work: Callable[[Batch], Result], batches: Iterable[Batch], readers: Readers, size: int
) -> Iterator[tuple[Batch, Result]]:
    """Do the work on each batch and give batches and results in order; ``size`` is the archive's, in bytes.

    ``work`` is a module's function, for it is sent away. Holds two batches a reader.
    """
    at_once = readers.at_once(size)
    with readers.pool(at_once) as pool:
        if pool is None:
            for batch in batches:
                yield batch, work(batch)
            return
        pending: deque[tuple[Batch, Future[Result]]] = deque()
        for batch in batches:
            pending.append((batch, pool.submit(work, batch)))
            # Two batches a reader: while the results of one are read, the next is there to begin with.
            if len(pending) > 2 * at_once:
                yield _next(pending)
        while pending:
            yield _next(pending)


def _next(pending: deque[tuple[Batch, Future[Result]]]) -> tuple[Batch, Result]:
    batch, future = pending.popleft()
    return batch, future.result()


def _begin_process() -> None:
    """Leave Ctrl-C to the parent, and end with the parent, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
