"""Write to a file that a user names, for a page, a list, metrics or a table: the one door to such files.

1. A device, a pipe, a socket's end or a terminal, and ``/dev/stdout`` in any case, is written to as a stream:
   its name is the machine's, and no file of ours takes its place.
2. A symbolic link is followed, to a file that is not there yet as well.
3. A regular file, or none, is replaced whole: readers see the old text or the new one, never half of one.
4. A name that is an archive's own, such as its manifest or a file in ``sessions/``, is refused, in any archive.

An archive's own files are written by ``archive.durable``.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TextIO

from replay_fetch.errors import ReplayFetchError, SettingsError

# Names of what this process has open. Behind one may be a regular file that a shell opened: to replace that would
# leave the shell's own with nothing, and to open it again would write over its beginning.
_OPEN = re.compile(r"/dev/(?:(stdin|stdout|stderr)|fd/(\d+))|/proc/self/fd/(\d+)")
_STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}
# As many as Linux follows.
_MOST_LINKS = 40
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_PRIVATE, _MANIFEST, _SESSIONS = ".replay-fetch", "manifest.ndjson", "sessions"
# Names at the top of an archive, with shards or without. A test holds it to `archive.layout`, which lies above.
ARCHIVES_OWN = frozenset(
    {_PRIVATE, _MANIFEST, _SESSIONS, "manifest-events.ndjson", "events", "raw", "erasures", "reports"}
    | {"report.json", "manifest", "report"}
)
"""First parts of the names that are an archive's own; a page or a log may stand beside them."""


class NamedFile:
    """The place behind a flag's path, found and tested before any work is done for it, and the ways to write there."""

    def __init__(self, flag: str, path: Path, *, grows: bool = False) -> None:
        """Find the place behind ``path``; raises SettingsError where nothing can be written there.

        ``flag`` names the option in every message. A regular file that ``grows`` is added to, never replaced.
        """
        self._name = f"{flag} {str(path)!r}"
        self._descriptor: int | None = None
        try:
            self.target = self._followed(path)
            self.is_stream = self._descriptor is not None or _is_special(self.target)
            if self.is_stream:
                self._check_stream()
                return
            require_outside_archives(flag, path)
            if not grows:
                self._check_folder()
        except OSError as error:
            raise SettingsError(f"{self._name} cannot be written: {error.strerror}") from None

    @property
    def temporary(self) -> Path:
        """The name of a regular file until it is whole: hidden, beside the target, with the process's number."""
        return self.target.with_name(f".{self.target.name}.{os.getpid()}")

    def write(self, chunks: Iterable[bytes], *, mode: int = 0o600, durable: bool = True) -> None:
        """Write the whole file; raises ReplayFetchError, with the advice to free some room where a disk is full.

        ``durable`` waits until the disk has it. A regular file that fails leaves the old one as it was.
        """
        try:
            self.put(chunks, mode=mode, durable=durable)
        except OSError as error:
            advice = "; free some room and run the same command again" if error.errno in _FULL else ""
            raise ReplayFetchError(f"{self._name} cannot be written: {error.strerror or error}{advice}") from error

    def put(self, chunks: Iterable[bytes], *, mode: int = 0o600, durable: bool = True, patient: bool = True) -> None:
        """Write the whole file as `write` does, but raise OSError: for a caller who tries again later.

        A call that is not ``patient`` fails at a pipe without a reader, where others wait for one.
        """
        if self.is_stream:
            with self._stream(patient=patient) as descriptor:
                for chunk in chunks:
                    _write_all(descriptor, chunk)
            return
        try:
            with _open(self.temporary, os.O_CREAT | os.O_TRUNC, mode) as descriptor:
                os.fchmod(descriptor, mode)
                for chunk in chunks:
                    _write_all(descriptor, chunk)
                if durable:
                    os.fsync(descriptor)
            self.temporary.replace(self.target)
        except BaseException:
            with suppress(OSError):
                self.temporary.unlink(missing_ok=True)
            raise
        if durable:
            _sync_folder(self.target.parent)

    def opened(self) -> TextIO:
        """Open the file for lines to be added to its present ones; raises OSError. To be closed by the caller."""
        if self._descriptor is not None:
            return os.fdopen(os.dup(self._descriptor), "w", encoding="utf-8")
        return open(self.target, "a", encoding="utf-8", opener=partial(os.open, mode=0o600))

    def _followed(self, path: Path) -> Path:
        """Follow all links, up to a name of a file that this process has open already, such as ``/dev/stdout``."""
        for _ in range(_MOST_LINKS):
            if found := _OPEN.fullmatch(str(path)):
                standard, *numbers = found.groups()
                self._descriptor = _STANDARD[standard] if standard else int(next(filter(None, numbers)))
                return path
            if not path.is_symlink():
                return path
            path = path.parent / path.readlink()
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))

    def _check_stream(self) -> None:
        """Raise OSError where the stream is closed, or may not be written to."""
        if self._descriptor is not None:
            os.fstat(self._descriptor)
        elif not os.access(self.target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def _check_folder(self) -> None:
        """Raise OSError where the folder is missing or refuses a new file; the test makes one and removes it."""
        if self.target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder, and must be a file")
        if not self.target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, f"there is no folder {self.target.parent}")
        with _open(self.temporary, os.O_CREAT | os.O_TRUNC, 0o600):
            pass
        self.temporary.unlink()

    @contextmanager
    def _stream(self, *, patient: bool) -> Iterator[int]:
        if self._descriptor is not None:
            yield self._descriptor  # as it is open: at its place, appending where it appends
            return
        with _open(self.target, 0 if patient else os.O_NONBLOCK, 0) as descriptor:
            yield descriptor


def require_outside_archives(flag: str, path: Path) -> None:
    """Raise SettingsError for a path among an archive's own files, whether or not something is there.

    The archive is known by what lies in it, so that the files of another archive than the one that is read are safe,
    too. Links are followed, and a link's own name counts as well.
    """
    for place in (Path(os.path.realpath(path)), Path(os.path.realpath(path.parent)) / path.name):
        for folder in place.parents:
            # Some file systems take names in any case of their letters.
            if place.relative_to(folder).parts[0].lower() in ARCHIVES_OWN and is_archive(folder):
                raise SettingsError(
                    f"{flag} {str(path)!r} lies among the files of the archive {folder}, which would be damaged: "
                    "name another place, such as a folder beside the archive"
                )


def is_there(path: Path, name: str) -> bool:
    """Tell whether a path exists; raises SettingsError, which calls it by ``name``, where it can never be written.

    A name that is too long is an error of the system's, which pathlib does not take for a No.
    """
    try:
        return path.exists()
    except OSError as error:
        raise SettingsError(f"{name} cannot be written: {error.strerror}") from None


def require_folder_place(flag: str, folder: Path) -> None:
    """Raise SettingsError where a command cannot make, or fill, a folder: a file is there, or the name is refused.

    A device and a pipe are files, too. A folder among an archive's own files is refused as a file is.
    """
    if is_there(folder, f"{flag} {str(folder)!r}") and not folder.is_dir():
        raise SettingsError(f"{flag} {folder} is a file; it must be a folder, made if it is not there")
    require_outside_archives(flag, folder)


def require_another(flag: str, path: Path | None, *read: object) -> None:
    """Raise SettingsError where a file to be written is one that the same command reads.

    What names no file, as standard input or None do not, is passed over.
    """
    for each in read:
        with suppress(OSError, ValueError):  # not there, or no name of a file: so it is not the same
            if path is None or not isinstance(each, str | os.PathLike) or _is_special(path):
                continue
            if path.samefile(each):
                raise SettingsError(f"{flag} {str(path)!r} is also the file that is read: name another file to write")


def is_archive(folder: Path) -> bool:
    """Tell whether a folder looks like an archive: ours by its private folder, or a copy without that."""
    manifest, sessions = f"{folder}/{_MANIFEST}", f"{folder}/{_SESSIONS}"
    # os.path's questions say No where the user may not look.
    return os.path.isdir(f"{folder}/{_PRIVATE}") or (os.path.isfile(manifest) and os.path.isdir(sessions))  # noqa: PTH112, PTH113


def _is_special(path: Path) -> bool:
    """Return True for a path that is neither a regular file nor a folder, nor missing."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


@contextmanager
def _open(path: Path, flags: int, mode: int) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY | flags, mode)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, chunk: bytes) -> None:
    """Write a chunk to its end: a pipe or a signal may cut one write short."""
    written = 0
    while written < len(chunk):
        written += os.write(descriptor, memoryview(chunk)[written:])


def _sync_folder(folder: Path) -> None:
    """Put the file's name on the disk, where the file system has a way to; the content is there already."""
    with suppress(OSError), _open_folder(folder) as descriptor:
        os.fsync(descriptor)


@contextmanager
def _open_folder(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
