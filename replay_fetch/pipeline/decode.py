"""Decoding: the walk of a download over the raw pages of an archive, by the paths known now."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio import to_thread
from msgspec.structs import replace

from replay_fetch.archive.durable import explained
from replay_fetch.archive.folder import existing
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.write.messages import ChainRestarted, ViewEnded
from replay_fetch.archive.write.writer import STANDSTILL, Writer
from replay_fetch.fetch.paginator import Paginator, Start
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.model import Outcome, PlannedView, Source
from replay_fetch.pipeline.decoded import Decoded, Tally
from replay_fetch.pipeline.failure import FirstFailure, beside_writer
from replay_fetch.pipeline.opening import (
    api_of_chains,
    begin_chains_anew,
    begin_run,
    bring_manifest_up_to_date,
    open_as_it_is,
)
from replay_fetch.pipeline.raw_transport import NotKept, RawTransport
from replay_fetch.pipeline.stopping import stoppable
from replay_fetch.pipeline.view_walk import Put, walk_view
from replay_fetch.settings import ApiSettings, ArchiveSettings, FetchSettings

log = logging.getLogger(__name__)

# Sessions a writer: views that go on stay with theirs until it ends, and its threads cost little.
_AT_ONCE = 200
_MOST_PAGES = FetchSettings().max_pages


@dataclass(frozen=True, slots=True)
class Redecoding:
    """An archive to decode again, and the paths of segments and token in its pages; empty paths mean the rules.

    Elements that look like no segments are only taken with ``keep_raw``: a wrong path is not undone.
    """

    out: Path
    segments_path: str = ""
    next_path: str = ""
    keep_raw: bool = False


class Decoding:
    """Walks through all raw pages of an archive; used once, by `rehearse` or by `run`.

    Each view is walked twice: first into a tally, then, where the archive gains, into the writer. Pages are read a
    second time rather than held for the first, and a wrong path takes nothing from any view.
    """

    def __init__(self, layout: Layout, ledger: Ledger, wanted: Redecoding) -> None:
        self._keep_raw = wanted.keep_raw
        self._layout = layout
        self._ledger = ledger
        asked = api_of_chains(ledger) or ApiSettings()
        self._api = dataclasses.replace(asked, segments_path=wanted.segments_path, next_path=wanted.next_path)
        self._raw = RawTransport(layout, self._api, wary=bool(wanted.segments_path) and not wanted.keep_raw)
        self._failure = FirstFailure()
        self.found = Decoded()

    async def rehearse(self) -> Decoded:
        """Find out the result of `run` for every view with raw pages, and change nothing on the disk."""
        for session_id in await to_thread.run_sync(self._sessions):
            await self._tallies(session_id)
        return self.found

    async def run(self, stop: anyio.Event) -> Decoded:
        """Walk, commit, and bring the manifest up to date; ``stop`` ends the run early and cleanly.

        The paths become the paths by which the archive's chains are asked for, so a download with the same
        ones goes on behind the pages. A failure is part of the result, not raised.
        """
        with self._failure.kept():
            sessions = await to_thread.run_sync(self._begin)
            # A writer for some sessions at a time: views that go on are held by theirs until it closes.
            for first in range(0, len(sessions), _AT_ONCE):
                if self._failure.error is None and not self.found.interrupted:
                    await self._commit(sessions[first : first + _AT_ONCE], stop)
                    log.info("%d views read again", self.found.views)
        with self._failure.kept():
            await to_thread.run_sync(self._finish)
        self.found.failure = self._failure.error
        return self.found

    def _begin(self) -> list[str]:
        """The sessions to read, once the ledger knows how their chains are to be asked for."""
        # Chains asked for by other paths begin anew; those that nobody understood are what is read here.
        begin_chains_anew(self._ledger, self._api, but=Outcome.UNRECOGNISED)
        begin_run(self._ledger)
        return self._sessions()

    def _finish(self) -> None:
        bring_manifest_up_to_date(self._layout, self._ledger, changed=False, in_order=self._failure.in_order)

    async def _commit(self, session_ids: Sequence[str], stop: anyio.Event) -> None:
        writer = Writer(self._layout, self._ledger, ArchiveSettings(keep_raw=self._keep_raw), lambda _: None)
        writer.standstill = STANDSTILL

        async def work() -> None:
            for session_id in session_ids:
                if stop.is_set():
                    self.found.interrupted = True
                    break
                await self._put_session(session_id, writer)

        await beside_writer(writer, work, self._failure)

    async def _put_session(self, session_id: str, writer: Writer) -> None:
        """Walk the views of a session that gain a second time, now into the writer."""
        gaining = [tally.planned for tally in await self._tallies(session_id) if tally.gains]
        if gaining:
            writer.expect(gaining[0].session, len(gaining))
        for planned in gaining:
            ended = await self._walk(planned, writer.put)
            if ended is not None:
                await writer.put(ended)

    async def _tallies(self, session_id: str) -> list[Tally]:
        """The tallies of a session's views with raw pages, which are counted in the result."""
        return [await self._tally(planned) for planned in await to_thread.run_sync(self._waiting, session_id)]

    async def _tally(self, planned: PlannedView) -> Tally:
        tally = Tally(planned)
        tally.ended = await self._walk(planned, tally.put)
        self.found.note(tally)
        return tally

    async def _walk(self, planned: PlannedView, put: Put) -> ViewEnded | None:
        """Walk a view's kept pages into ``put``; returns None where the chain leads to a page not kept.

        The walk begins at the first page, where kept: then all pages are read by the same rules. Else the walk
        begins at the page not understood, behind the pages saved by an earlier run.
        """
        paginator = Paginator(self._raw, planned.view, self._api.source, _MOST_PAGES)
        earlier, segments = planned.earlier, 0
        if earlier is not None:
            source, start = Source(earlier.source) if earlier.source else paginator.source, Start()
            if earlier.token is not None:
                # The first page is there: the saved ones are among the kept, and are read by the new paths too.
                if await to_thread.run_sync(self._raw.keeps, planned.view, source, None):
                    await put(ChainRestarted(planned))
                else:
                    start, segments = Start.behind(earlier, self._api.next_path), earlier.segments
            paginator.go_on(source, start)
        try:
            ended = await walk_view(planned, paginator, put, segments)
        except NotKept:
            return None
        return replace(ended, answer=None)  # which is under raw/ already

    def _sessions(self) -> list[str]:
        """The ids of all sessions with raw pages, in the order of their names; raises ArchiveError where unreadable."""
        with explained(f"reading {self._layout.raw}"):
            folders = self._layout.raw.iterdir() if self._layout.raw.is_dir() else ()
            return sorted(folder.name for folder in folders if folder.is_dir())

    def _waiting(self, session_id: str) -> list[PlannedView]:
        """The views of a session that have raw pages and are not finished."""
        return [
            planned
            for planned in self._ledger.planned_session(session_id)
            if self._layout.raw_folder(planned.view).is_dir() and not (planned.earlier and planned.earlier.finished)
        ]


async def decode(wanted: Redecoding) -> Decoded:
    """Move the segments of raw pages that are understood now into sessions.

    Raises ArchiveError where there is no archive or it cannot be opened, KeyboardInterrupt at a second signal.
    """
    existing(wanted.out)
    with open_as_it_is(wanted.out) as (layout, ledger):
        decoding = Decoding(layout, ledger, wanted)
        async with stoppable() as stop:
            return await decoding.run(stop)


async def rehearse_decode(wanted: Redecoding) -> Decoded:
    """Find out the result of `decode` without changing anything, even while a run is writing."""
    layout = existing(wanted.out)
    with closing(Ledger.open_read_only(layout.ledger)) as ledger:
        return await Decoding(layout, ledger, wanted).rehearse()
