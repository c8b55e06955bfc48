"""The lock of an archive: a single run at a time writes to it."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from replay_fetch.archive.durable import explained
from replay_fetch.errors import ArchiveError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the archive's lock for the context; raises ArchiveError with the name of the process that has the lock.

    The lock is the kernel's and ends with the process, however that ends, so there is never a stale lock.
    """
    with explained(f"locking {path}"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with explained(f"locking {path}"):
            _take(descriptor)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> None:
    try:
        # Not waited for: the other run may take days, and whoever started this one by cron would find a queue.
        # flock, not lockf: a lock of POSIX's is lost as soon as the process closes the file anywhere, as `holder` does.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = os.read(descriptor, 200).decode("utf-8", "replace").strip() or "another process"
        raise ArchiveError(f"another run is writing to this archive: {said}; wait for it or stop it") from None
    # The name in the file is for people alone: a lock file without a holder says nothing, and is never removed, since
    # another run may have it open.
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)


def holder(path: Path) -> str | None:
    """Name the process that holds the archive's lock now, such as ``pid 7 on host``; None where the lock is free.

    Asking takes the lock for an instant, so a status command asks only where the process named in the file may be
    alive.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None  # never written to, or copied without what is ours
    try:
        said = os.read(descriptor, 200).decode("utf-8", "replace").strip()
        if _is_gone(said):
            return None
        # Shared, so that two commands which ask at once do not take each other for a run.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return said or "another process"
    except OSError:
        return None  # a file system that knows no locks
    finally:
        os.close(descriptor)
    return None


def _is_gone(said: str) -> bool:
    """Tell whether the process that took the lock last ran on this machine and has ended."""
    pid, _, host = said.removeprefix("pid ").partition(" on ")
    # On a shared disk the process may run on another machine, where nobody can be asked; then the lock is.
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)  # the signal 0 only asks
    except ProcessLookupError:
        return True
    except OSError:
        return False  # alive, and somebody else's
    return False
