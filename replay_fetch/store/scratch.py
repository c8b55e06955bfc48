"""The seam between an archive and its keep: the facts of a commit on their way out, and of a resume on their way in.

The archive's side implements `Scratch`: a ledger and files on a disk that may vanish at any time. `keep` implements
`Keep` for a store. The keep of a local disk does nothing in most calls, since its scratch is the archive itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from replay_fetch.store.driver import Tag
from replay_fetch.store.entries import Entry, LoggedEvents, LoggedList, LoggedObject, LoggedPart, LoggedView
from replay_fetch.store.lease import Progress
from replay_fetch.store.lists import ListRow
from replay_fetch.store.parts import GrownPart

_Value = TypeVar("_Value")


class StagedFile(NamedTuple):
    """A file as a commit wrote it: name in the archive, path on the scratch's disk, size and sha256 of stored bytes.

    A ``disposable`` file is a copy for people to read, such as a partial session file. Any run can make it again, so
    it replaces its older version without being staged in the store. ``body`` are its bytes where they were at hand.
    """

    name: str
    file: Path
    size: int
    sha256: str
    disposable: bool = False
    body: bytes | None = None

    @property
    def content(self) -> bytes | Path:
        """The bytes, or the file that has them."""
        return self.file if self.body is None else self.body

    def logged(self, tag: Tag, staged: str = "") -> LoggedObject:
        """The log's entry for the file: ``tag`` is of the object under its name, ``staged`` is where the bytes wait."""
        return LoggedObject(self.name, self.size, self.sha256, tag.etag, tag.version, staged)


class Rows(NamedTuple):
    """The rows of a list: how many they are, and the number behind which they are counted."""

    rows: int
    before: int


@dataclass(frozen=True)
class Staged:
    """A commit that the scratch's ledger has recorded; nothing of it counts before `Keep.ship` has returned.

    ``views`` are all records of the commit. ``grown`` are new lines of views whose session is not whole.
    """

    views: Sequence[LoggedView] = ()
    files: Sequence[StagedFile] = ()
    grown: Sequence[GrownPart] = ()
    gone: Sequence[str] = ()
    """Names of files made superfluous by the commit, such as the partial file of a session that is whole now."""
    events: Sequence[LoggedEvents] = ()
    """The records of sessions' events in the commit."""


class Scratch(Protocol):
    """The archive's side of the seam, called from worker threads, one call at a time; calls may be slow.

    After each call the ledger agrees with the log up to the last entries handed over. Errors are the ledger's own.
    """

    @property
    def temporary(self) -> Path:
        """A folder for files on their way, on the scratch's disk."""

    def begin(self, ledger: Path | None) -> None:
        """Start from a checkpoint's ledger, a file to be moved into place, or from an empty ledger for None.

        Ledger, parts and session files of an earlier run are removed first: that ledger may be ahead of the log.
        """

    def load(self, logged: LoggedList, rows: Iterable[ListRow]) -> None:
        """Load a list under the number and the fingerprint of its log entry; rows get the numbers they had then."""

    def lay(self, entries: Iterable[Entry]) -> None:
        """Take in entries of a log part in a single transaction; LoggedList is never among them.

        A record replaces the view's record, with ``ended_at`` as given. A record whose lines lie in a session file, and
        another part number, drop the view's places. A setting of another value than before may change chains; that of
        an erasure lets all sessions with a tombstone be forgotten. An object replaces the object of the same name; a
        removal drops it.
        """

    def stored(self, name: str) -> LoggedObject | None:
        """The log's latest entry for a file; None for a file without an entry."""

    def unpublished(self) -> Sequence[LoggedObject]:
        """The objects whose bytes are still staged; few, for each commit publishes its own."""

    def places(self, row: int, part: int) -> Sequence[LoggedPart]:
        """Where the lines of a view's part lie."""

    def places_in(self, blob: str) -> Sequence[LoggedPart]:
        """The stretches of a blob in which lines of an unfinished view lie, in their order."""

    def blobs(self) -> set[str]:
        """The names of all blobs in which lines of an unfinished view lie."""

    def snapshot(self, target: Path) -> None:
        """Write a copy of the ledger, whole and without a journal beside it, into a new file."""


class Keep(Protocol):
    """The place where an archive lives for good. Methods are called in the order below; `close` always comes last."""

    async def open(self) -> None:
        """Reserve the archive for the calling run, and bring the scratch up to date with it."""

    async def beside(self, work: Callable[[], Awaitable[_Value]], progress: Progress) -> _Value:
        """Do the run's work while the archive is held; raises Fenced once another run is known to hold it.

        ``progress`` gives figures by name, which ``status`` shows while the run goes on.
        """

    async def keep_list(self, number: int, fingerprint: str, packed: Path, rows: Rows) -> None:
        """Keep a new list that the ledger has loaded, before its first view is asked for."""

    async def note(self, facts: Sequence[Entry]) -> None:
        """Keep facts that come with no file: settings on which chains depend, and the views that searches found."""

    async def bring(self, files: Mapping[str, Path], parts: Mapping[tuple[int, int], Path]) -> None:
        """Copy files by name, and parts by row and number, to where a commit is going to read them."""

    async def ship(self, staged: Staged) -> None:
        """Make a commit count; afterwards its views are finished, and the scratch may remove its files."""

    async def finish(self, files: Mapping[str, Path | None]) -> None:
        """Write the manifests and the reports, by name, at the end of a run; those with None are removed."""

    async def close(self) -> None:
        """Give the archive free for other runs, also after an error."""
