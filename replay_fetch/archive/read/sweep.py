"""The sweep: every session of an archive is checked, in several processes, in the manifest's order."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from typing import NamedTuple

from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.read.verify import Verdict, check_session
from replay_fetch.archive.shelf import Shelf
from replay_fetch.errors import ArchiveError

Session = Sequence[Entry]

# One message to a process: tens of milliseconds of work, so that its own cost vanishes and Ctrl-C is not kept waiting.
_BATCH_BYTES = 8 * 2**20
_BATCH_VIEWS = 500
# Bytes of views that are read together, one a session: a view may be a single line, which is held twice.
_ROOM = 32 * 2**20
# Below this, starting processes (0.2 s) costs more than they save.
_WORTH_PROCESSES = 64 * 2**20


class Checked(NamedTuple):
    """A session, as its entries in the manifest's order, and the verdict on the bytes of its views."""

    entries: Session
    verdict: Verdict


def jobs_for(size: int) -> int:
    """Return how many processes an archive of ``size`` bytes is worth; 1 is the present process alone."""
    return (os.cpu_count() or 1) if size >= _WORTH_PROCESSES else 1


def sweep(shelf: Shelf, sessions: Iterable[Session], jobs: int, *, vouched: bool = False) -> Iterator[Checked]:
    """Check the sessions, ``jobs`` at once, and give them back in order; `check_session` says what ``vouched`` means.

    Holds two batches a process, never the manifest. Raises ArchiveError where a process dies.
    """
    batches = _batches(sessions, shelf.at_once)
    check = partial(_check, shelf, vouched=vouched)
    if jobs == 1:
        for batch in batches:
            yield from map(Checked, batch, check(batch))
        return
    others = set(active_children())
    # Spawned, not forked: a fork would take over the locks of threads that it does not have.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin_process)
    pending: deque[tuple[list[Session], Future[list[Verdict]]]] = deque()
    try:
        for batch in batches:
            pending.append((batch, pool.submit(check, batch)))
            # Two batches a process: while the results of one are read, the next is there to begin with.
            if len(pending) > 2 * jobs:
                yield from _next(pending)
        while pending:
            yield from _next(pending)
    except KeyboardInterrupt:  # which the processes leave to this one
        for process in set(active_children()) - others:
            process.terminate()
        raise
    except BrokenProcessPool:
        raise ArchiveError("a process that was checking died, maybe for want of memory; try --jobs 1") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _next(pending: deque[tuple[list[Session], Future[list[Verdict]]]]) -> Iterator[Checked]:
    batch, future = pending.popleft()
    yield from map(Checked, batch, future.result())


def _check(shelf: Shelf, batch: Sequence[Session], *, vouched: bool) -> list[Verdict]:
    """Check a batch in order; where answers are waited for, several sessions at once, a thread each."""
    if shelf.at_once == 1:
        return [check_session(shelf, entries, vouched=vouched) for entries in batch]
    threads = ThreadPoolExecutor(shelf.at_once)
    try:
        return list(_check_together(shelf, batch, threads))
    except BaseException:  # Ctrl-C, and a store that refuses: nobody waits a minute for the other answers
        shelf.abandon()
        raise
    finally:
        threads.shutdown(cancel_futures=True)


def _check_together(shelf: Shelf, batch: Sequence[Session], threads: Executor) -> Iterator[Verdict]:
    """Check sessions in threads, as many as there is room for, and give the verdicts in order."""
    pending: deque[tuple[int, Future[Verdict]]] = deque()
    held = 0
    for entries in batch:
        size = max(entry.record.size for entry in entries)
        while pending and (len(pending) >= shelf.at_once or held + size > _ROOM):
            freed, verdict = pending.popleft()
            held -= freed
            yield verdict.result()
        pending.append((size, threads.submit(check_session, shelf, entries)))
        held += size
    for _, verdict in pending:
        yield verdict.result()


def _batches(sessions: Iterable[Session], times: int) -> Iterator[list[Session]]:
    batch: list[Session] = []
    size = views = 0
    for entries in sessions:
        batch.append(entries)
        views += len(entries)
        size += sum(entry.span.length for entry in entries if entry.span)
        if size >= times * _BATCH_BYTES or views >= times * _BATCH_VIEWS:
            yield batch
            batch, size, views = [], 0, 0
    if batch:
        yield batch


def _begin_process() -> None:
    """Leave Ctrl-C to the parent, and end with the parent, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
