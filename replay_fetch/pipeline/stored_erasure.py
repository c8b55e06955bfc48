"""The erasure of sessions from an archive in a store.

Its instant is a log part with the tombstones. What is left of the sessions is removed behind it, by this run or by
whichever opens the archive next: from then on nothing needs their ids, since the tombstones tell them by their marks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import anyio
import orjson
from anyio import to_thread

from replay_fetch.archive.durable import explained, write_file
from replay_fetch.archive.erasure import begun, erasure_report, forgotten
from replay_fetch.archive.layout import ERASURES, RAW
from replay_fetch.erased import ErasedSession, mark_of
from replay_fetch.ledger.schema import Setting
from replay_fetch.model import ViewRecord
from replay_fetch.pipeline.scratch import LedgerScratch
from replay_fetch.store.entries import Entry, LoggedSetting, LoggedTombstone
from replay_fetch.store.scratch import StagedFile

if TYPE_CHECKING:
    from replay_fetch.pipeline.stored import StoredArchive


class StoredErasure:
    """Erases sessions from an archive in a store, which this run holds. Memory grows by 100 bytes a session."""

    def __init__(self, stored: StoredArchive) -> None:
        self._stored = stored
        self._keep = stored.keep
        self._ledger = stored.scratch.ledger
        self._layout = stored.scratch.layout

    def finish_begun(self) -> None:
        """Carry an erasure whose run died to its end; does nothing where there is none."""
        if self._ledger.setting(Setting.ERASURE):
            anyio.run(self._stored.beside, self._cleanse, dict)

    def erase(self, sessions: Iterator[ErasedSession], by: str, at: datetime) -> str | None:
        """Erase the sessions; returns the name of the report, None where there was no session.

        Raises InputError, with nothing erased, as the iterator does.
        """
        return anyio.run(self._stored.beside, partial(self._erase, sessions, by, at), dict)

    async def _erase(self, sessions: Iterator[ErasedSession], by: str, at: datetime) -> str | None:
        await to_thread.run_sync(self._ledger.hold_erasing, sessions)
        name, about = begun(await self._stored.names(ERASURES), by, at)
        facts: list[Entry] = [LoggedTombstone(mark_of(each.session_id)) for each in self._ledger.erasing()]
        if not facts:
            await self._stored.end_as_it_is()
            return None
        report = await to_thread.run_sync(self._report, name, about)
        await self._keep.erase([*facts, LoggedSetting(Setting.ERASURE, name)], report)
        await self._cleanse()
        return name

    def _report(self, name: str, about: bytes) -> StagedFile:
        file, sha256 = self._layout.temporary / "erasure", hashlib.sha256()

        def hashed(pieces: Iterable[bytes]) -> Iterator[bytes]:
            for piece in pieces:
                sha256.update(piece)
                yield piece

        with explained(f"writing {file}"):
            write_file(file, hashed(erasure_report(orjson.loads(about), self._ledger)))
            return StagedFile(name, file, file.stat().st_size, sha256.hexdigest())

    async def _cleanse(self) -> None:
        is_erased = self._ledger.is_erased
        await self._stored.bring_manifests_up_to_date()
        forget = partial(forgotten, is_erased=is_erased)
        await self._keep.cleanse(is_erased, forget, self._stored.manifests())
        await self._keep.note([LoggedSetting(Setting.ERASURE, "")])
        await self._stored.finish()


def stored_sizes(scratch: LedgerScratch, session_id: str, records: Iterable[ViewRecord]) -> list[int]:
    """Return the bytes of each file of a session, by the log; lines of a view that wait count as a file."""
    layout, ledger = scratch.layout, scratch.ledger
    names = [layout.session_name(session_id), layout.session_name(session_id, partial=True)]
    names += [layout.events_name(session_id), *ledger.objects_below(f"{RAW}/{session_id}")]
    sizes = [found.size for name in names if (found := ledger.object(name)) is not None]
    parts = (ledger.places(record.planned.row, record.part) for record in records)
    return sizes + [sum(place.length for place in places) for places in parts if places]
