"""Files that are whole and on the disk before they have their name.

The order is always: write → fsync the file → rename → fsync the folder. Recordings are personal
data: files are made 0600 and folders 0700, whatever the umask allows.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from replay_fetch.errors import ArchiveError


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn what the operating system refuses into an ArchiveError that says what to do."""
    try:
        yield
    except OSError as error:
        advice = "free some room and run the same command again" if error.errno in _FULL else "nothing fetched is lost"
        raise ArchiveError(f"{doing}: {error.strerror or error}; {advice}") from error


_FULL = {errno.ENOSPC, errno.EDQUOT}


def make_folder(path: Path) -> None:
    """Make ``path`` and its parents, for our eyes only, and put the new names on the disk."""
    if path.is_dir():
        return
    if not path.parent.exists():
        make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Put the names in a folder on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, chunks: Iterable[bytes], *, append_at: int | None = None) -> int:
    """Write chunks to a file and fsync it; returns the bytes written.

    With ``append_at`` the file is cut or kept to that length first: what an interrupted run left
    behind it is dropped.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if append_at is None else 0)
    with open(os.open(path, flags, 0o600), "wb", buffering=0) as file:  # noqa: PTH123 - it opens a descriptor
        if append_at is not None:
            file.truncate(append_at)
            file.seek(append_at)
        written = 0
        for chunk in chunks:
            written += _write_all(file.fileno(), chunk)
        os.fsync(file.fileno())
    return written


def replace(temporary: Path, final: Path) -> None:
    """Give a finished, fsynced file its name; the folder is the caller's to sync."""
    os.replace(temporary, final)  # noqa: PTH105 - the same call, without building a Path


def write_atomically(path: Path, chunks: Iterable[bytes], temporary: Path) -> None:
    """Write a file that appears under ``path`` whole or not at all, durably."""
    write_file(temporary, chunks)
    replace(temporary, path)
    sync_folder(path.parent)


def _write_all(descriptor: int, chunk: bytes) -> int:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    return len(chunk)
