"""Processes that share a machine's cores: batches of work go out, and their results come back in order."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from typing import TypeVar

from replay_fetch.errors import ArchiveError

Batch = TypeVar("Batch")
Result = TypeVar("Result")


def spread(work: Callable[[Batch], Result], batches: Iterable[Batch], jobs: int) -> Iterator[tuple[Batch, Result]]:
    """Do the work on each batch, ``jobs`` at once, and give batches and results in order; 1 is this process alone.

    ``work`` is a module's function, for it is sent to the processes. Holds two batches a process. Raises ArchiveError
    where a process dies.
    """
    if jobs == 1:
        for batch in batches:
            yield batch, work(batch)
        return
    others = set(active_children())
    # Spawned, not forked: a fork would take over the locks of threads that it does not have.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin_process)
    pending: deque[tuple[Batch, Future[Result]]] = deque()
    try:
        for batch in batches:
            pending.append((batch, pool.submit(work, batch)))
            # Two batches a process: while the results of one are read, the next is there to begin with.
            if len(pending) > 2 * jobs:
                yield _next(pending)
        while pending:
            yield _next(pending)
    except KeyboardInterrupt:  # which the processes leave to this one
        for process in set(active_children()) - others:
            process.terminate()
        raise
    except BrokenProcessPool:
        raise ArchiveError("a process that was reading died, maybe for want of memory; try --jobs 1") from None
    finally:
        pool.shutdown(cancel_futures=True)


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
