"""Shelves: the places that archives are read from, a folder on a disk or a prefix of a bucket, behind one protocol.

Files go by their names relative to the archive, such as ``sessions/1f46e825.ndjson``. A shelf that cannot give a file
raises OSError, as the disk does, with the same words; a store that refuses or is dead raises ArchiveError.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from replay_fetch.archive.durable import explained, is_file, is_folder, require_folder, sizes_in
from replay_fetch.archive.layout import MANIFEST, PRIVATE, SESSIONS, Layout
from replay_fetch.archive.lock import holder
from replay_fetch.archive.shards import layouts
from replay_fetch.blocks import file_range, whole_file
from replay_fetch.errors import ArchiveError
from replay_fetch.shard import ShardId


class ShelvedFile(Protocol):
    """A file in a listing, on a disk or in a store, by its name and its size alone; nothing of it is read."""

    @property
    def name(self) -> str:
        """The file's name relative to the archive, with slashes on every system."""

    @property
    def size(self) -> int:
        """The file's size in bytes as the listing says it, which may be a little older than the file."""


class Shelf(Protocol):
    """Reads an archive's files by name; safe to use from several threads, and pickled as its address alone."""

    @property
    def title(self) -> str:
        """The archive's own name for people: the last part of its path or address, for titles and file names."""

    @property
    def at_once(self) -> int:
        """The number of reads worth having under way together: 1 for a disk, more where each waits for an answer."""

    @property
    def layout(self) -> Layout | None:
        """The archive as a folder of this machine, or one of its shards; None for an archive in a store."""

    @property
    def manifest(self) -> str:
        """The name of the manifest: of the whole archive, or of the shard that this shelf shows."""

    @property
    def report(self) -> str:
        """The name of the last run's report: of the whole archive, or of the shard that this shelf shows."""

    def shards(self) -> Sequence[Shelf]:
        """The shelves of an archive's shards in the order of their indexes; empty for a shard, and without shards."""

    def place(self, name: str = "") -> str:
        """Where a file lies, or the archive itself: a path or an address, for messages."""

    def is_file(self, name: str) -> bool:
        """Tell whether a file is there; raises OSError or ArchiveError where nobody tells, which is no No."""

    def is_folder(self, name: str) -> bool:
        """Tell whether a folder is there, or any file below it: a store knows no folders."""

    def size(self, name: str) -> int:
        """Bytes of a file; raises FileNotFoundError for a missing file, and for a name of something else."""

    def blocks(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Read exactly ``length`` bytes from ``start``, or the whole file for None; no more is read than is taken.

        Raises OSError where the file is missing or shorter.
        """

    def files(self, folder: str) -> Iterator[ShelvedFile]:
        """List the files of a folder in no order; none where there is no folder. Raises ArchiveError."""

    def held_by(self) -> str | None:
        """Name the run that is writing to the archive now, such as ``pid 7 on host``; None where none is."""

    def progress(self) -> Mapping[str, object]:
        """Figures of that run, by name; empty where none is known."""

    def last_taken(self) -> int | None:
        """A number that changes whenever a run takes the archive to write to it, None where unknown."""

    def run_ended(self) -> bool | None:
        """Tell whether the last run came to its end; None where a ledger says so, or nothing does."""

    def changed(self) -> Iterator[str]:
        """Name the session files whose bytes are known to be others than were written, without reading them."""

    def holds(self, folder: Path) -> bool:
        """Tell whether a folder of this machine lies in the archive."""

    def abandon(self) -> None:
        """Give up all reads under way and later ones; threads that wait for them get an error at once."""


class FileOnDisk(NamedTuple):
    """A file in the listing of a folder: its name relative to the archive, and its size in bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class DiskShelf:
    """Reads an archive in a folder of this machine, or one shard of it: session files and manifest."""

    root: Path
    shard: ShardId | None = None

    @property
    def title(self) -> str:
        """The folder's name, also where it was given as a dot or through a link."""
        return self.root.resolve().name

    @property
    def at_once(self) -> int:
        """A disk's answers are not waited for; processors are what a check needs more of."""
        return 1

    @property
    def layout(self) -> Layout:
        """The folder itself, which commands may lock and write to."""
        return Layout(self.root, shard=self.shard)

    @property
    def manifest(self) -> str:
        """The name of the archive's manifest, or of its shard's."""
        return self.layout.manifest_name

    @property
    def report(self) -> str:
        """The name of the archive's report, or of its shard's, relative to the archive."""
        return self.layout.report.relative_to(self.root).as_posix()

    def shards(self) -> Sequence[DiskShelf]:
        """The shelves of the shards, whether they have begun or not."""
        return [DiskShelf(self.root, each.shard) for each in layouts(self.root)] if self.shard is None else []

    def place(self, name: str = "") -> str:
        """The path of a file as text, or of the archive for the empty name."""
        return str(self.root / name)

    def is_file(self, name: str) -> bool:
        """Tell whether a file is there; raises OSError where the system does not say, which is no No."""
        return is_file(self.root / name)

    def is_folder(self, name: str) -> bool:
        """Tell whether a folder is there; raises OSError where the system does not say, which is no No."""
        return is_folder(self.root / name)

    def size(self, name: str) -> int:
        """Bytes of a file; raises FileNotFoundError for a folder, too."""
        about = (self.root / name).stat()
        if not stat.S_ISREG(about.st_mode):
            raise FileNotFoundError(errno.ENOENT, "not a file")
        return about.st_size

    def blocks(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Read a stretch of a file in blocks of a megabyte, or for None the whole of it."""
        path = self.root / name
        return whole_file(path) if length is None else file_range(path, start, length)

    def files(self, folder: str) -> Iterator[FileOnDisk]:
        """List a folder, whatever lies there; a file that a run has just replaced counts no bytes."""
        mine = self.layout.has if folder == SESSIONS else bool
        for name, size in sizes_in(self.root / folder):
            if mine(name):
                yield FileOnDisk(f"{folder}/{name}", size)

    def held_by(self) -> str | None:
        """Name the process that holds the archive's lock, or the shards' whose locks are held, each with its name."""
        writing = ((f"shard {each.shard}: {who}") for each in self.shards() if (who := holder(each.layout.lock)))
        return ", ".join(writing) or holder(self.layout.lock)

    def last_taken(self) -> int | None:
        """When a run took the lock last, in ns since 1970; each run writes its name there."""
        try:
            return self.layout.lock.stat().st_mtime_ns
        except OSError:
            return None

    def progress(self) -> Mapping[str, object]:
        """Empty: a run on this machine shows its progress itself, and no other command reads it here."""
        return {}

    def run_ended(self) -> None:
        """None: the ledger beside the files knows, and its readers ask it."""

    def changed(self) -> Iterator[str]:
        """None: a disk keeps no version of a file by which a change could be seen without reading."""
        return iter(())

    def holds(self, folder: Path) -> bool:
        """Tell whether a folder lies in this one, or is the same, with all links followed."""
        return folder.resolve().is_relative_to(self.root.resolve())

    def abandon(self) -> None:
        """Do nothing: a disk answers at once, so no read is under way when another is given up."""


def readable(shelf: Shelf) -> Shelf:
    """Return the shelf of an archive for reading, with a manifest or a ledger, or neither for the moment.

    Raises ArchiveError where nothing there is an archive.
    """
    if shelf.layout is not None:
        require_folder(shelf.layout.root)
    with explained(f"reading {shelf.place()}"):
        there = shelf.is_file(shelf.manifest) or shelf.is_folder(PRIVATE) or shelf.shards()
    if not there:
        raise ArchiveError(f"{shelf.place()} is not an archive of replay-fetch: it has no {MANIFEST}")
    return shelf


def require_manifest(shelf: Shelf) -> None:
    """Raise ArchiveError where an archive has no manifest yet, as before the end of its first run."""
    if not shelf.is_file(shelf.manifest):
        raise ArchiveError(f"{shelf.place()} has no {shelf.manifest} yet: it is written when a run ends")


def manifests(shelf: Shelf) -> Sequence[Shelf]:
    """The shelves whose manifests together tell of an archive: the shards', until these are merged, else its own.

    Raises ArchiveError where there is no manifest yet.
    """
    if shelf.is_file(shelf.manifest) or not (shards := shelf.shards()):
        require_manifest(shelf)
        return [shelf]
    there = [shard for shard in shards if shard.is_file(shard.manifest)]
    if not there:
        raise ArchiveError(f"{shelf.place()} has no manifest yet: it is written when a run ends")
    return there
