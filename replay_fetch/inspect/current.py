"""The current state of an archive in a store whose last run has not ended: restored from the log, with no lease.

The manifest in the store is then older than the files beside it, or not there at all. The ledger is restored into a
temporary folder, and a manifest is made of it for the commands that read one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from msgspec.structs import replace

from replay_fetch.archive.manifest import write_manifest
from replay_fetch.archive.shelf import Shelf
from replay_fetch.model import Recording, ViewRecord, Warnings
from replay_fetch.pipeline.out_of_store import restored
from replay_fetch.pipeline.scratch import LedgerScratch
from replay_fetch.settings import FetchSettings, Settings
from replay_fetch.store import StoreShelf
from replay_fetch.store.shelf import GIVE_UP_AFTER

_SETTINGS = Settings(fetch=FetchSettings(give_up_after=GIVE_UP_AFTER))
_WAITS = "its session is not whole yet"


class Current(NamedTuple):
    """A shelf with an up-to-date manifest, and the number of its views whose recordings wait for their sessions."""

    shelf: Shelf
    waiting: int = 0


@contextmanager
def restored_ledger(shelf: Shelf) -> Iterator[LedgerScratch | None]:
    """Give the ledger as the log has it now; None for an archive on a disk, or whose manifest is up to date.

    Raises StoreError where the log is damaged, and ArchiveError where the temporary folder cannot be written.
    """
    if isinstance(shelf, StoreShelf) and shelf.run_ended() is False:
        with restored(shelf.location, _SETTINGS) as scratch:
            yield scratch
    else:
        yield None


@contextmanager
def current(shelf: Shelf) -> Iterator[Current]:
    """Give a shelf whose manifest tells of all sessions that are whole by now, for as long as the context lasts."""
    with restored_ledger(shelf) as scratch:
        if scratch is None or not isinstance(shelf, StoreShelf):
            yield Current(shelf)
            return
        waiting = _Waiting()
        write_manifest(scratch.layout, waiting.left_out(scratch.ledger.views()))
        staged = {stored.name: stored.staged for stored in scratch.unpublished()}
        yield Current(shelf.with_manifest(scratch.layout.manifest, staged), waiting.views)


class _Waiting:
    """Counts the views whose lines lie in no session file, and takes their bytes off their records."""

    views = 0

    def left_out(self, records: Iterable[ViewRecord]) -> Iterator[ViewRecord]:
        for record in records:
            if record.size and record.whole is None and record.partial is None:
                self.views += 1
                yield replace(
                    record,
                    reason=record.reason or _WAITS,
                    segments=0,
                    size=0,
                    sha256="",
                    recording=Recording(),
                    warnings=Warnings(),
                )
            else:
                yield record
