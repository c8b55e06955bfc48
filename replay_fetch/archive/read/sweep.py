"""The sweep: every session of an archive is checked, in several processes, in the manifest's order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.read.readers import Readers, spread
from replay_fetch.archive.read.recorded import RecordedFile, as_recorded, recorded_files
from replay_fetch.archive.read.verify import Verdict, check_session
from replay_fetch.archive.shelf import Shelf

Session = Sequence[Entry]

# One message to a process: tens of milliseconds of work, so that its own cost vanishes and Ctrl-C is not kept waiting.
_BATCH_BYTES = 8 * 2**20
_BATCH_VIEWS = 500
# Bytes of views that are read together, one a session: a view may be a single line, which is held twice.
_ROOM = 32 * 2**20
_GOOD = Verdict([], frozenset())


class Checked(NamedTuple):
    """A session, as its entries in the manifest's order, and the verdict on the bytes of its views."""

    entries: Session
    verdict: Verdict


def sweep(
    shelf: Shelf, sessions: Iterable[Session], readers: Readers, size: int, *, vouched: bool = False
) -> Iterator[Checked]:
    """Check the sessions of an archive of ``size`` bytes, and give them back in order.

    Entries are ``vouched`` for where a sound ledger says the same of them: the hashes of their bytes decide then.
    Holds two batches a reader, never the manifest. Raises ArchiveError where a reader dies.
    """
    times = shelf.at_once
    many = batches(sessions, times * _BATCH_BYTES, times * _BATCH_VIEWS)
    # The lines need not be read as JSON then, which is two thirds of a verification's time.
    if vouched:
        yield from _by_hashes(shelf, many, readers, size)
        return
    for batch, verdicts in spread(partial(_check, shelf), many, readers, size):
        yield from map(Checked, batch, verdicts)


def _by_hashes(shelf: Shelf, many: Iterable[Sequence[Session]], readers: Readers, size: int) -> Iterator[Checked]:
    """Check sessions by their hashes alone; what is wrong with a session whose hashes differ is found here."""
    waiting: deque[Sequence[Session]] = deque()

    def recorded() -> Iterator[Sequence[Sequence[RecordedFile] | None]]:
        for batch in many:
            waiting.append(batch)
            yield [recorded_files(entries) for entries in batch]

    for _, right in spread(partial(_as_recorded, shelf), recorded(), readers, size):
        for entries, good in zip(waiting.popleft(), right, strict=True):
            yield Checked(entries, _GOOD if good else check_session(shelf, entries))


def _as_recorded(shelf: Shelf, batch: Sequence[Sequence[RecordedFile] | None]) -> list[bool]:
    return [files is not None and all(as_recorded(shelf, file) for file in files) for files in batch]


def _check(shelf: Shelf, batch: Sequence[Session]) -> list[Verdict]:
    """Check a batch in order; where answers are waited for, several sessions at once, a thread each."""
    if shelf.at_once == 1:
        return [check_session(shelf, entries) for entries in batch]
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


def batches(sessions: Iterable[Session], most_bytes: int, most_views: int) -> Iterator[list[Session]]:
    """Put sessions together until a batch is worth a message to another process: so many stored bytes or views."""
    batch: list[Session] = []
    size = views = 0
    for entries in sessions:
        batch.append(entries)
        views += len(entries)
        size += sum(entry.span.length for entry in entries if entry.span)
        if size >= most_bytes or views >= most_views:
            yield batch
            batch, size, views = [], 0, 0
    if batch:
        yield batch
