"""The seam between an archive and the place where it is kept: what a commit hands over, and what a resume needs.

The archive's side implements `Scratch`: a ledger and files that may be lost at any time. `keep` implements `Keep` for a
store. The keep of a local disk does nothing in most calls, since its scratch is the archive itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from replay_fetch.store.driver import Tag
from replay_fetch.store.entries import Entry, LoggedList, LoggedObject, LoggedPart, LoggedView
from replay_fetch.store.lease import Progress
from replay_fetch.store.lists import ListRow
from replay_fetch.store.parts import GrownPart

_Value = TypeVar("_Value")


class StagedFile(NamedTuple):
    """A file of the archive as a commit wrote it: its name in the archive, where it lies now, and its stored bytes.

    A ``disposable`` file is a copy for people to read, such as a partial session file: it can be made again, so it is
    written in place of the one before without being staged in the store.
    """

    name: str
    file: Path
    size: int
    sha256: str
    disposable: bool = False

    def logged(self, tag: Tag, staged: str = "") -> LoggedObject:
        """The log's entry for the file: ``tag`` is of the object under its name, ``staged`` is where the bytes wait."""
        return LoggedObject(self.name, self.size, self.sha256, tag.etag, tag.version, staged)


@dataclass(frozen=True)
class Staged:
    """One commit, recorded in the scratch's ledger: what has to be in the store before any of it counts."""

    views: Sequence[LoggedView] = ()
    files: Sequence[StagedFile] = ()
    grown: Sequence[GrownPart] = ()
    gone: Sequence[str] = ()
    """Names of files that the commit made superfluous, such as the partial file of a session that is whole now."""


class Scratch(Protocol):
    """The archive's side. All calls come from worker threads, one at a time, and may take as long as they need.

    Behind each of them the ledger agrees with the log up to the entries it was given.
    """

    @property
    def temporary(self) -> Path:
        """A folder for files on their way, on the scratch's disk."""

    def begin(self, ledger: Path | None) -> None:
        """Start from a checkpoint's ledger, which is the scratch's to keep, or from an empty one for None."""

    def load(self, logged: LoggedList, rows: Iterable[ListRow]) -> None:
        """Load a list as the run did that logged it: as that number, with its fingerprint."""

    def lay(self, entries: Iterable[Entry]) -> None:
        """Take entries of one log part in, in one transaction; LoggedList is not among them.

        A view's record replaces the one before. A finished view, and another part number, drop the view's places. An
        object replaces the one of the same name; a removal drops it.
        """

    def stored(self, name: str) -> LoggedObject | None:
        """What the log says of a file of that name; None where it says nothing."""

    def unpublished(self) -> Sequence[LoggedObject]:
        """The objects whose bytes are still staged; few, for a commit publishes its own."""

    def places(self, row: int, part: int) -> Sequence[LoggedPart]:
        """Where the lines of a view's part lie."""

    def blobs(self) -> set[str]:
        """The names of all blobs in which lines of an unfinished view lie."""

    def snapshot(self, target: Path) -> None:
        """Write a copy of the ledger, whole and without a journal beside it, into a new file."""


class Keep(Protocol):
    """Where an archive lives for good. The order of calls is that of the methods; `close` comes in any case."""

    async def open(self) -> None:
        """Make the archive this run's alone, and bring the scratch up to what it holds."""

    async def beside(self, work: Callable[[], Awaitable[_Value]], progress: Progress) -> _Value:
        """Do the run's work while the archive is held; raises Fenced as soon as it is known to be lost.

        ``progress`` gives figures by name, which ``status`` shows of a run that is going on.
        """

    async def keep_list(self, number: int, fingerprint: str, rows: Iterable[ListRow]) -> None:
        """Keep a new list, before its first view is asked for."""

    async def bring(self, files: Mapping[str, Path], parts: Mapping[tuple[int, int], Path]) -> None:
        """Copy files by name, and parts by row and number, to where a commit is going to read them."""

    async def ship(self, staged: Staged) -> None:
        """Make a commit count; behind it its views are finished, and its files may be removed from the scratch."""

    async def finish(self, files: Mapping[str, Path]) -> None:
        """Write the manifest and the report, by name, at the end of a run."""

    async def close(self) -> None:
        """Let other runs have the archive."""
