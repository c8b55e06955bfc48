"""One run at a time writes to an archive."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from replay_fetch.errors import ArchiveError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the archive's lock; raises ArchiveError naming who else does.

    The lock is the kernel's: it ends with the process, however that ends, so there is never a stale one.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode("utf-8", "replace").strip() or "another process"
            raise ArchiveError(f"another run is writing to this archive: {holder}; wait for it or stop it") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
