"""The current state of an archive in a store whose last run has not ended: restored from the log, with no lease.

The manifest in the store is then older than the files beside it, or not there at all. The ledger is restored into a
temporary folder, and a manifest is made of it for the commands that read one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace as replace_field
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from msgspec.structs import replace

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.manifest import BadLine, read_manifest, write_manifest
from replay_fetch.archive.shelf import Shelf
from replay_fetch.model import Recording, ViewRecord, Warnings
from replay_fetch.pipeline.out_of_store import restored
from replay_fetch.pipeline.scratch import LedgerScratch
from replay_fetch.settings import FetchSettings, PlanSettings, Settings
from replay_fetch.store.shelf import GIVE_UP_AFTER, StoreShelf

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
        settings = replace_field(_SETTINGS, plan=PlanSettings(shard=shelf.shard))
        with restored(shelf.location, settings) as scratch:
            yield scratch
    else:
        yield None


@contextmanager
def current(shelf: Shelf) -> Iterator[Current]:
    """Give a shelf whose manifest tells of all sessions that are whole by now, for as long as the context lasts."""
    if not isinstance(shelf, StoreShelf) or shelf.run_ended() is not False:
        yield Current(shelf)
        return
    waiting, staged = _Waiting(), dict[str, str]()
    with ExitStack() as opened, TemporaryDirectory(prefix="replay-fetch-current-") as folder:
        layout = Layout(Path(folder))
        layout.temporary.mkdir(parents=True)
        parts: list[Iterator[ViewRecord]] = []
        for part in shelf.shards() or [shelf]:
            # All stay open until the manifest is written: the records below are read no sooner.
            scratch = opened.enter_context(restored_ledger(part))
            if scratch is not None:
                layout = replace_field(layout, compression=scratch.layout.compression)
                staged |= {stored.name: stored.staged for stored in scratch.unpublished()}
                parts.append(waiting.left_out(scratch.ledger.views()))
            elif part.is_file(part.manifest):
                parts.append(line.record for line in read_manifest(part) if not isinstance(line, BadLine))
        write_manifest(layout, chain.from_iterable(parts))
        yield Current(shelf.with_manifest(layout.manifest, staged), waiting.views)


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
