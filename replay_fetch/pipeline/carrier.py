"""The carrier of a run into a store: commits go out through the keep, and old bytes come back into the scratch.

The writer's thread calls, the event loop sends: a portal between the two ends with the run, so a call which a
cancelled run leaves behind ends, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import ParamSpec, TypeVar

from anyio.from_thread import BlockingPortal

from replay_fetch.archive.durable import explained
from replay_fetch.archive.write.carrier import Shipment, WrittenFile
from replay_fetch.errors import ArchiveError
from replay_fetch.model import View, ViewRecord
from replay_fetch.pipeline.scratch import LedgerScratch, logged
from replay_fetch.store.entries import LoggedEvents
from replay_fetch.store.keep import StoreKeep
from replay_fetch.store.parts import GrownPart
from replay_fetch.store.scratch import Staged, StagedFile

P = ParamSpec("P")
T = TypeVar("T")

# Bytes of a commit's files that stay in memory from hashing to sending: all of a commit at the usual limits.
# A second reading, and the hop into a thread that it takes, is a tenth of what a session costs.
_BODIES = 32 * 2**20


class StoreCarrier:
    """Ships commits of the writer's thread into a store, and brings bytes back; used while the run's loop runs."""

    def __init__(
        self, keep: StoreKeep, scratch: LedgerScratch, portal: BlockingPortal, before: Callable[[], Awaitable[None]]
    ) -> None:
        """Prepare to ship; ``before`` is waited for ahead of each commit."""
        self._before = before
        self._keep = keep
        self._scratch = scratch
        self._portal = portal

    def ship(self, shipment: Shipment) -> None:
        """Make a commit count in the store; raises StoreError where it does not, Fenced after a takeover."""
        if not (shipment.records or shipment.files or shipment.gone or shipment.events):
            return
        ledger = self._scratch.ledger
        with explained(f"reading {self._scratch.layout.root}"):
            staged = Staged(
                [logged(record, ledger.recorded_at) for record in shipment.records],
                list(_staged(shipment.files)),
                list(self._grown(shipment.records)),
                # A run that was killed may have shown a partial file behind its last log part, which nobody has noted.
                [name for name in shipment.gone if not self._keep.ended or self.has(name)],
                [LoggedEvents(record) for record in shipment.events],
            )
        self._call(self._before)
        self._call(self._keep.ship, staged)

    def bring(self, files: Mapping[str, Path], parts: Mapping[tuple[int, int], Path]) -> None:
        """Copy files by name, and parts by row and number, out of the store; raises StoreError."""
        self._call(self._keep.bring, files, parts)

    def has(self, name: str) -> bool:
        """Tell whether the store has a file of that name, by the log as the scratch knows it; no request is made."""
        return self._scratch.ledger.object(name) is not None

    def raw_pages(self, view: View) -> Sequence[str]:
        """Name the raw pages of a view in the store, by the log."""
        layout = self._scratch.layout
        return self._scratch.ledger.objects_below(layout.raw_folder(view).relative_to(layout.root).as_posix())

    def _grown(self, records: Sequence[ViewRecord]) -> Iterator[GrownPart]:
        """Find the lines that lie in parts and not in the store yet, of views that lie in no file."""
        for record in records:
            if record.whole is not None or not record.size:
                continue
            row, part = record.planned.row, record.part
            there = sum(place.length for place in self._scratch.ledger.places(row, part))
            if there < record.size:
                path = self._scratch.layout.part(row, part)
                yield GrownPart(row, part, path, there, record.size - there)

    def _call(self, send: Callable[P, Awaitable[T]], *args: P.args, **_: P.kwargs) -> T:
        try:
            return self._portal.call(send, *args)
        except (CancelledError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "portal" not in str(error):
                raise
            raise ArchiveError("the run was ended before its last commit; run the same command again") from None


def _staged(files: Iterable[WrittenFile]) -> Iterator[StagedFile]:
    """Give each file with its size and hash, and with its bytes as long as there is room: they go out at once."""
    room = _BODIES
    for file in files:
        size = file.path.stat().st_size
        if size <= room:
            body = file.path.read_bytes()
            room -= size
            sha256 = file.sha256 or hashlib.sha256(body).hexdigest()
            yield StagedFile(file.name, file.path, size, sha256, file.disposable, body)
        else:
            yield StagedFile(file.name, file.path, size, file.sha256 or _sha256(file.path), file.disposable)


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
