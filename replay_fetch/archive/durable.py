"""Durable files: whole and on the disk before they have their names.

The order is always: write → fsync the file → rename → fsync the folder. Recordings are personal data: files are made
0600 and folders 0700, whatever the umask allows.
"""

from __future__ import annotations

import errno
import logging
import os
import resource
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, wait
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Self

from replay_fetch.archive.syncing import NO_CALL, fsync, start_writing
from replay_fetch.errors import ArchiveError

log = logging.getLogger(__name__)

# Seconds that one thread spends on bringing files to the disk before others help: on a quick disk what it costs
# to wake them is more than they save, on a slow one fsyncs that wait together share its journal's commits.
_QUICK = 0.1


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn a refusal of the operating system into an ArchiveError with advice; ``doing`` begins its message."""
    try:
        yield
    except OSError as error:
        raise refused(doing, error) from error


def refused(doing: str, error: OSError) -> ArchiveError:
    """Make the ArchiveError of a refusal: the action, the reason, the file, and the advice for that reason."""
    advice = ADVICE.get(error.errno or 0, "nothing fetched is lost")
    named = error.filename is None or str(Path(str(error.filename)).parent) in doing
    where = "" if named else f" ({error.filename})"
    return ArchiveError(f"{doing}: {error.strerror or error}{where}; {advice}")


ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some room and run the same command again"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "run it as the user whose files these are; nothing fetched is lost"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "allow more open files: see `ulimit -n`; nothing fetched is lost"),
}
"""What to do where the operating system refuses, by its reason."""


def is_file(path: Path) -> bool:
    """Tell whether a file is there; raises OSError where the system does not tell, which is no No."""
    about = _about(path)
    return about is not None and stat.S_ISREG(about.st_mode)


def is_folder(path: Path) -> bool:
    """Tell whether a folder is there, or a link to one; raises OSError where the system does not tell."""
    about = _about(path)
    return about is not None and stat.S_ISDIR(about.st_mode)


def require_folder(root: Path) -> None:
    """Raise ArchiveError where ``root`` is not there, or is a file: a mistyped name is no damaged archive."""
    with explained(f"reading {root}"):
        if is_folder(root):
            return
        there = root.exists()
    raise ArchiveError(f"{root} is a file, not an archive's folder" if there else f"there is no folder {root}")


def sizes_in(folder: Path) -> Iterator[tuple[str, int]]:
    """List a folder's names with their sizes, 0 for what is gone by then; none where there is no folder.

    Raises ArchiveError where the folder cannot be read.
    """
    try:
        with os.scandir(folder) as listed:
            for file in listed:
                yield file.name, _size(file)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ArchiveError(f"{folder} cannot be read: {error.strerror}") from error


def _size(file: os.DirEntry[str]) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _about(path: Path) -> os.stat_result | None:
    # pathlib's own questions raise for another user's archive before Python 3.14, and say No from then on.
    try:
        return os.stat(path)  # noqa: PTH116 - see above
    except (FileNotFoundError, NotADirectoryError):
        return None


def make_folder(path: Path) -> None:
    """Make ``path`` and its parents, for our eyes only, and put the new names on the disk."""
    if path.is_dir():
        return
    # Parent first, each synced: a folder whose own name is lost in a power cut takes everything in it along.
    if not path.parent.exists():
        make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Put a folder's names on the disk; where the file system has no call for that, warn once."""
    # Without this, a file that was renamed may come back under its old name: fsync of a file says nothing of its name.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fsync(descriptor, path)
    except OSError as error:
        if error.errno not in NO_CALL:
            raise
        _warn_once(os.strerror(error.errno or 0))
    finally:
        os.close(descriptor)


@lru_cache(maxsize=1)
def _warn_once(reason: str) -> None:
    log.warning(
        "this file system has no way to put a folder's names on the disk (fsync: %s): after a power cut, "
        "look at the archive with verify",
        reason,
    )


def write_file(path: Path, chunks: Iterable[bytes], *, append_at: int | None = None, lasting: bool = True) -> int:
    """Write chunks to a file and fsync it, unless it need not be ``lasting``; returns the bytes written.

    With ``append_at`` the file is first cut to that length, since an interrupted run may have left bytes behind it.
    """
    descriptor = _open(path, os.O_TRUNC if append_at is None else 0)
    try:
        if append_at is not None:
            os.ftruncate(descriptor, append_at)
            os.lseek(descriptor, append_at, os.SEEK_SET)
        written = sum(_write_all(descriptor, chunk) for chunk in chunks)
        if lasting:
            fsync(descriptor, path)
    finally:
        os.close(descriptor)
    return written


def open_files_allowed() -> int:
    """Return how many files this process may have open at once, by its soft limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


class Unsynced:
    """Collects files that are written and then brought to the disk together.

    The files stay open in between, so the disk's refusal reaches us. Several threads may write at once.
    """

    def __init__(self) -> None:
        self._files: list[tuple[int, str | Path]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor, _path in self._files:
            os.close(descriptor)

    def write(self, path: str | Path, chunks: Iterable[bytes]) -> None:
        """Write chunks to a new file, emptied if it is there, which stays open until the context ends."""
        descriptor = _open(path, os.O_TRUNC)
        self._files.append((descriptor, path))
        for chunk in chunks:
            _write_all(descriptor, chunk)

    def sync(self, helpers: Executor) -> None:
        """Bring all files to the disk, on a slow disk several at once with the help of threads."""
        for descriptor, _ in self._files:
            start_writing(descriptor)
        began = time.monotonic()
        for done, (descriptor, path) in enumerate(self._files):
            if time.monotonic() - began > _QUICK:
                at_work = [helpers.submit(fsync, *rest) for rest in self._files[done:]]
                # All have ended before the first error is raised: the context closes the files behind it.
                wait(at_work)
                for one in at_work:
                    one.result()
                return
            fsync(descriptor, path)


def replace(temporary: str | Path, final: str | Path) -> None:
    """Give a finished, fsynced file its final name; the folder is the caller's to sync."""
    os.replace(temporary, final)  # noqa: PTH105 - the same call, without building a Path


def write_atomically(path: Path, chunks: Iterable[bytes], temporary: Path) -> None:
    """Write a file that appears under ``path`` whole or not at all, durably; an error leaves nothing behind."""
    try:
        write_file(temporary, chunks)
        replace(temporary, path)
    except BaseException:  # on a full disk it would take the room that is lacking
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _open(path: str | Path, flags: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flags, 0o600)


def _write_all(descriptor: int, chunk: bytes) -> int:
    # A signal or a nearly full disk ends a write early, without an error: the error comes with the rest.
    written = os.write(descriptor, chunk)
    while written < len(chunk):
        written += os.write(descriptor, memoryview(chunk)[written:])
    return written
