"""The scratch of a stored archive: a folder laid out as an archive, whose ledger follows the store's log.

All of it may be lost at any time. A run begins with an empty scratch and restores the ledger from the store.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from replay_fetch.archive.durable import explained
from replay_fetch.archive.folder import opened
from replay_fetch.archive.layout import Layout
from replay_fetch.errors import SettingsError
from replay_fetch.ledger.schema import Setting
from replay_fetch.ledger.searched import found_of
from replay_fetch.ledger.stored import Fact, ObjectRow, PlaceRow, StoredLedger
from replay_fetch.model import ViewRecord
from replay_fetch.settings import Compression
from replay_fetch.shard import ShardId
from replay_fetch.store.entries import (
    Entry,
    LoggedEvents,
    LoggedList,
    LoggedObject,
    LoggedPart,
    LoggedRemoval,
    LoggedSearch,
    LoggedSetting,
    LoggedTombstone,
    LoggedView,
)
from replay_fetch.store.failures import StoreError
from replay_fetch.store.lists import ListRow

# Entries of one kind that go into the ledger by one statement; what is held of a log part.
_TOGETHER = 5_000
_MARK = "scratch"


@contextmanager
def scratch_folder(
    wanted: Path | None, compression: Compression, shard: ShardId | None = None
) -> Iterator[LedgerScratch]:
    """Give an empty scratch in the folder ``wanted``, which is locked, or in a folder of its own in ``$TMPDIR``.

    Raises SettingsError for a folder with a real archive in it, since a scratch is emptied.
    """
    if wanted is None:
        with explained("making a scratch in the folder for temporary files ($TMPDIR)"):
            made = TemporaryDirectory(prefix="replay-fetch-", ignore_cleanup_errors=True)
        with made as folder, LedgerScratch.opened(Path(folder), compression, shard) as scratch:
            yield scratch
        return
    private = Layout(wanted).private
    if private.is_dir() and not (private / _MARK).exists() and any(private.iterdir()):
        raise SettingsError(f"--scratch {wanted} is an archive, and a scratch is emptied; name a new or empty folder")
    with LedgerScratch.opened(wanted, compression, shard) as scratch:
        yield scratch


class LedgerScratch:
    """The archive's side of a keep: files in a folder and a ledger; `layout` and `ledger` are what the run works on."""

    def __init__(self, layout: Layout, shard: ShardId | None = None) -> None:
        """Prepare a scratch; of a ``shard``'s lists it takes the rows of the shard's sessions."""
        self.layout = layout
        self._mine = shard.owns if shard else None
        self._ledger: StoredLedger | None = None

    @classmethod
    @contextmanager
    def opened(cls, root: Path, compression: Compression, shard: ShardId | None = None) -> Iterator[LedgerScratch]:
        """Open the folder ``root`` as a scratch, locked for one process; its ledger is closed at the end.

        The folder gets a mark, by which a later run knows that all in it may be removed. Raises ArchiveError for a
        folder that holds something else.
        """
        with opened(root) as folder:
            scratch = cls(Layout(folder.root, compression, lasting=False), shard)
            with explained(f"writing {folder.private}"):
                (folder.private / _MARK).touch(mode=0o600)
            try:
                yield scratch
            finally:
                scratch.close()

    @property
    def ledger(self) -> StoredLedger:
        """The ledger of the scratch, opened at its first use; readers of the log and the run share it."""
        if self._ledger is None:
            self._ledger = StoredLedger.open(self.layout.ledger)
        return self._ledger

    @property
    def temporary(self) -> Path:
        """The folder for files on their way, such as a checkpoint that is being brought."""
        return self.layout.temporary

    def close(self) -> None:
        """Close the ledger's file, so `begin` may put another in its place; closing again does nothing."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def begin(self, ledger: Path | None) -> None:
        """Empty the scratch, then take the checkpoint's ledger, or an empty one.

        ``ledger`` is a file that is moved into place. Whatever an earlier run left may be ahead of the log, so all of
        it goes.
        """
        self.close()
        with explained(f"clearing {self.layout.root}"):
            for folder in (self.layout.sessions, self.layout.parts):
                for file in folder.iterdir():
                    file.unlink()
            for file in self.layout.temporary.iterdir():
                # The checkpoint was brought into this very folder.
                if file != ledger:
                    file.unlink()
            for folder in (self.layout.raw, self.layout.events, self.layout.reports):
                if folder.exists():
                    shutil.rmtree(folder)
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.layout.ledger}{suffix}").unlink(missing_ok=True)
            if ledger is not None:
                ledger.chmod(0o600)
                os.replace(ledger, self.layout.ledger)  # noqa: PTH105 - a name for the same file
        # A ledger that was begun empty does not know it.
        self.ledger.set_setting(Setting.COMPRESSION, self.layout.compression)

    def load(self, logged: LoggedList, rows: Iterable[ListRow]) -> None:
        """Load a list of the log; raises StoreError where it does not come to the number of its log entry."""
        counted = itertools.count()
        # A shard's list has the rows of all shards, of which the ledger counts its own.
        loaded = self.ledger.load((row for row in rows if next(counted) >= 0), self._mine, logged.before)
        if (loaded.number, next(counted)) != (logged.number, logged.rows):
            raise StoreError(f"{logged.name} has other rows than the log says; restore it from a copy")
        if logged.fingerprint:
            self.ledger.remember_list(loaded.number, logged.fingerprint)

    def lay(self, entries: Iterable[Entry]) -> None:
        """Take in entries in one transaction; a setting stands alone, in a part of its own."""
        settings: list[LoggedSetting] = []
        self.ledger.lay(_chunks(_kept_apart(entries, settings)))
        for setting in settings:
            # These two mean more than their value: tokens of other chains go, and an erasure's sessions are forgotten.
            if setting.name == Setting.CHAINS:
                self.ledger.note_chains(setting.value)
            elif setting.name == Setting.ERASURE and setting.value:
                self.ledger.forget_erased(setting.value)
            else:
                self.ledger.set_setting(setting.name, setting.value)

    def stored(self, name: str) -> LoggedObject | None:
        """The log's latest entry for a file of the archive, by its name; None for a file that the log does not know."""
        row = self.ledger.object(name)
        return LoggedObject(*row) if row else None

    def unpublished(self) -> Sequence[LoggedObject]:
        """The objects whose bytes are still staged: a run was killed before they were copied to their own names."""
        return [LoggedObject(*row) for row in self.ledger.staged_objects()]

    def places(self, row: int, part: int) -> Sequence[LoggedPart]:
        """The stretches of blobs in which the lines of a view's part lie, in their order."""
        return [LoggedPart(*place) for place in self.ledger.places(row, part)]

    def places_in(self, blob: str) -> Sequence[LoggedPart]:
        """The stretches of a blob that are of use, in their order: a blob without any may be removed."""
        return [LoggedPart(*place) for place in self.ledger.places_in(blob)]

    def blobs(self) -> set[str]:
        """The names of all blobs that are of use to an unfinished view."""
        return self.ledger.blobs()

    def snapshot(self, target: Path) -> None:
        """Write a copy of the ledger as of the last commit into a new file, which is packed for a checkpoint."""
        target.unlink(missing_ok=True)
        self.ledger.snapshot(target)


def logged(record: ViewRecord, at: int) -> LoggedView:
    """Make a log entry of a record and its time, in seconds since 1970.

    The record loses what an earlier run left of the view, since the log said so at that time.
    """
    planned = record.planned
    if planned.earlier is not None:
        record = replace(record, planned=replace(planned, earlier=None))
    return LoggedView(record, at)


def _kept_apart(entries: Iterable[Entry], settings: list[LoggedSetting]) -> Iterator[Entry]:
    for entry in entries:
        if isinstance(entry, LoggedSetting):
            settings.append(entry)
        else:
            yield entry


def _chunks(entries: Iterable[Entry]) -> Iterator[list[Fact]]:
    """Group entries as the ledger takes them in: neighbours of one kind together, in their order, 5,000 at most."""
    for _, same in itertools.groupby(entries, type):
        facts = map(_fact, same)
        while chunk := list(itertools.islice(facts, _TOGETHER)):
            yield chunk


def _fact(entry: Entry) -> Fact:  # noqa: PLR0911 - one for each kind of entry
    match entry:
        case LoggedView(record, ended_at):
            return record, ended_at
        case LoggedObject(name, size, sha256, etag, version, staged):
            return ObjectRow(name, size, sha256, etag, version, staged)
        case LoggedPart(row, part, start, blob, offset, length):
            return PlaceRow(row, part, start, blob, offset, length)
        case LoggedRemoval(name):
            return name
        case LoggedEvents(record):
            return record
        case LoggedTombstone(mark):
            return mark
        case LoggedSearch(session_id, views):
            return found_of(session_id, views)
        case _:
            raise StoreError(f"the log has a {type(entry).__name__} among the facts of a commit")
