"""Runs over a keep, in small: every session goes through a part, a partial file, and its whole file.

The content of a view is made from its ids alone, so any two runs of one list make the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Never

import anyio
from memory_scratches import MemoryScratch
from memory_stores import body, names
from obstore.store import MemoryStore

from replay_fetch.archive_json import ArchiveFacts
from replay_fetch.model import Outcome, PlannedView, Span, View, ViewRecord
from replay_fetch.settings import Compression
from replay_fetch.store.entries import LoggedList, LoggedView
from replay_fetch.store.keep import StoreKeep
from replay_fetch.store.lease import Lease, Progress
from replay_fetch.store.lists import packing
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import FOLDER, KeepTerms
from replay_fetch.store.parts import GrownPart
from replay_fetch.store.scratch import Staged, StagedFile

FACTS = ArchiveFacts(compression=Compression.NONE)
FIRST = (View("s0", "a"), View("s0", "b"), View("s1", "a"))
SECOND = (View("s0", "c"), View("s2", "a"), View("s0", "a"))
OTHER = (View("s3", "a"),)


def content(views: Iterable[View]) -> bytes:
    return b"".join(f"{view} {index}\n".encode() for view in views for index in range(4))


class MadeRun:
    """One run of one list over a store, on a machine of its own."""

    def __init__(self, objects: Objects, folder: Path, views: Sequence[View], *, wait: float = 0) -> None:
        self.scratch = MemoryScratch(folder)
        self.keep = StoreKeep(objects, self.scratch, KeepTerms(FACTS, wait))
        self.views = views
        self.folder = folder
        self.asked: list[View] = []
        """Views that were asked for though this run's log did not have them as finished."""
        self.ended = False

    async def run(self) -> None:
        try:
            await self.keep.open()
            await self.keep.beside(self._work, self._progress)
            self.ended = True
        finally:
            await self.keep.close()

    def _progress(self) -> Mapping[str, object]:
        return {"views": len(self.asked)}

    async def _work(self) -> None:
        fingerprint = repr(self.views)
        if self.scratch.lists.get(len(self.scratch.lists)) != fingerprint:
            number = len(self.scratch.lists) + 1
            rows = [(line, view, None, None) for line, view in enumerate(self.views, start=2)]
            packed = self.folder / "packed"
            self.scratch.load(LoggedList(number, "", fingerprint, len(rows)), packing(rows, packed))
            await self.keep.keep_list(number, fingerprint, packed, len(rows))
        for session in dict.fromkeys(view.session_id for view in self.views):
            await self._session(session)
        (self.folder / "manifest").write_bytes(manifest(self.scratch))
        await self.keep.finish({"manifest.ndjson": self.folder / "manifest"})

    async def _session(self, session: str) -> None:
        views = planned(self.scratch, session)
        unfinished = [view for view in views if not self._finished(view)]
        if not unfinished:
            return
        name, partial = f"sessions/{session}.ndjson", f"sessions/{session}.partial.ndjson"
        await self._bring(name, views)
        self.asked += unfinished
        half = len(content([unfinished[0]])) // 2
        grown = self._grown(unfinished[0], half)
        shown = self._file(partial, content(unfinished)[:half], disposable=True)
        await self._ship(Staged([LoggedView(self._record(unfinished[0], None, half))], [shown], grown))
        records = [LoggedView(self._record(view, Outcome.FETCHED, 0), 7) for view in unfinished]
        whole = self._file(name, content(views))
        await self._ship(Staged(records, [whole], gone=[partial]))

    async def _bring(self, name: str, views: Sequence[View]) -> None:
        """What lies in the store of a session is there, whole, and of the views that the log has as finished."""
        done = [view for view in views if self._finished(view)]
        begun = [row for view in views if (row := self.scratch.rows[view]) in self.scratch.parts]
        files = {name: self.folder / "brought"} if done else {}
        await self.keep.bring(files, {(row, 0): self.folder / f"part-{row}" for row in begun})
        if done:
            assert (self.folder / "brought").read_bytes() == content(done)
        for row in begun:
            (view,) = (view for view in views if self.scratch.rows[view] == row)
            assert content([view]).startswith((self.folder / f"part-{row}").read_bytes())

    async def _ship(self, staged: Staged) -> None:
        for logged in staged.views:  # as the ledger of a scratch: recorded before it is shipped
            self.scratch.record(logged.record)
        await self.keep.ship(staged)

    def _finished(self, view: View) -> bool:
        record = self.scratch.records.get(self.scratch.rows[view])
        return record is not None and record.finished

    def _grown(self, view: View, length: int) -> list[GrownPart]:
        row = self.scratch.rows[view]
        if row in self.scratch.parts:
            return []
        (self.folder / f"grown-{row}").write_bytes(content([view])[:length])
        return [GrownPart(row, 0, self.folder / f"grown-{row}", 0, length)]

    def _record(self, view: View, outcome: Outcome | None, size: int) -> ViewRecord:
        whole = Span(0, 1, "") if outcome is not None else None  # each of these sessions is whole at once
        return ViewRecord(PlannedView(self.scratch.rows[view], 1, view), outcome=outcome, size=size, whole=whole)

    def _file(self, name: str, written: bytes, *, disposable: bool = False) -> StagedFile:
        file = self.folder / name.replace("/", "-")
        file.write_bytes(written)
        return StagedFile(name, file, len(written), hashlib.sha256(written).hexdigest(), disposable)


def planned(scratch: MemoryScratch, session: str) -> list[View]:
    """The views of a session in the order of their rows."""
    return [view for view, _ in sorted(scratch.rows.items(), key=lambda item: item[1]) if view.session_id == session]


def manifest(scratch: MemoryScratch) -> bytes:
    return repr(sorted((str(view), row) for view, row in scratch.rows.items())).encode()


class WithoutLease(Lease):
    """The lease of a run that ignores it, as a run does that was stopped while it held it."""

    async def take(self) -> int:
        self.epoch = 1
        return 1

    async def beat(self, progress: Progress) -> Never:
        del progress
        await anyio.sleep_forever()
        raise AssertionError

    async def release(self) -> None:
        return


def assert_log_holds(store: MemoryStore, scratch: MemoryScratch) -> None:
    """All that the log names is there, byte for byte; ``scratch`` is what the log says now."""
    for name, stored in scratch.objects.items():
        if ".partial." not in name:
            assert stored.sha256 in {_sha256(store, name), _sha256(store, stored.staged)}, name
    for row, places in scratch.parts.items():
        (view,) = (view for view, number in scratch.rows.items() if number == row)
        lines = b"".join(body(store, place.blob)[place.offset :][: place.length] for place in places)
        assert content([view]).startswith(lines)


def assert_whole(store: MemoryStore, scratch: MemoryScratch, *, strays: bool = False) -> None:
    """Each session's file is the views in their order, and nothing else lies in the archive.

    ``strays`` are partial files, copies for people, which a woken run may have shown behind its last commit.
    """
    sessions = {view.session_id for view in scratch.rows}
    files = {f"sessions/{session}.ndjson": content(planned(scratch, session)) for session in sessions}
    there = {name: body(store, name) for name in names(store, "sessions")}
    assert {name: there[name] for name in there if not (strays and ".partial." in name)} == files
    assert body(store, "manifest.ndjson") == manifest(scratch)
    private = {name.removeprefix(f"{FOLDER}/").partition("/")[0].partition("-")[0] for name in names(store, FOLDER)}
    assert private <= {"archive.json", "checkpoint", "lease.json", "lists", "log", "probe"}


def _sha256(store: MemoryStore, name: str) -> str:
    try:
        return hashlib.sha256(body(store, name)).hexdigest()
    except (FileNotFoundError, ValueError):
        return "not there"
