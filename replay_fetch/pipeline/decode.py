"""Moving what is understood of the raw pages now into sessions, by the writer that a download uses."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import anyio
from anyio import to_thread

from replay_fetch.archive import ChainRestarted, Layout, PageArrived, RawPages, Writer
from replay_fetch.archive.durable import explained
from replay_fetch.archive.write.writer import STANDSTILL
from replay_fetch.errors import ReplayFetchError
from replay_fetch.ledger import Ledger
from replay_fetch.model import Outcome
from replay_fetch.pipeline.opening import api_of_chains, begin_chains_anew, begin_run, bring_manifest_up_to_date
from replay_fetch.pipeline.rereading import Finding, Rereader, Rereading, reread
from replay_fetch.pipeline.run import cause
from replay_fetch.settings import ApiSettings, ArchiveSettings

log = logging.getLogger(__name__)

# Sessions a writer: views that go on stay with theirs until it ends, and its threads cost little.
_AT_ONCE = 200


@dataclass(slots=True)
class Decoded:
    """What reading the raw pages again came to, view by view."""

    findings: Counter[Finding] = field(default_factory=Counter)
    segments: int = 0
    """Of the views that got further, those saved before among them."""
    leads_on: bool = False
    """At least one page names a next one."""
    reason: str = ""
    """Why a page is not understood, of the first such view."""
    interrupted: bool = False
    failure: ReplayFetchError | None = None

    @property
    def views(self) -> int:
        """Views that have raw pages and are not finished otherwise."""
        return self.findings.total()

    @property
    def exit_code(self) -> int:
        """1 where pages are still not understood or lead nowhere, 130 interrupted, else 0."""
        if self.interrupted:
            return 130
        return 1 if self.findings[Finding.UNRECOGNISED] or self.findings[Finding.INCOMPLETE] else 0

    def note(self, found: Rereading) -> None:
        """Count one view."""
        self.findings[found.finding] += 1
        self.leads_on |= found.leads_on
        if found.gains:
            self.segments += found.segments
        if found.ended is not None and not self.reason:
            self.reason = found.ended.reason


class Decoding:
    """Reads all raw pages of an archive again; used once."""

    def __init__(self, layout: Layout, ledger: Ledger, paths: tuple[str, str], *, keep_raw: bool) -> None:
        """``paths`` are those of the segments and of the next token.

        Elements that look like no segments are only taken with ``keep_raw``: a wrong path is not undone.
        """
        segments_path, next_path = paths
        self._keep_raw = keep_raw
        self._layout = layout
        self._ledger = ledger
        asked = api_of_chains(ledger) or ApiSettings()
        self._api = dataclasses.replace(asked, segments_path=segments_path, next_path=next_path)
        self._reader = Rereader(self._api, wary=bool(segments_path) and not keep_raw)
        self.found = Decoded()

    def rehearse(self) -> Decoded:
        """What `run` would come to; changes nothing."""
        for session_id in self._sessions():
            for found in self._session(session_id):
                self.found.note(found)
        return self.found

    async def run(self, stop: anyio.Event) -> Decoded:
        """Read, commit, and bring the manifest up to date; ``stop`` ends it early and cleanly.

        The paths become the ones that the archive's chains are asked with, so that a download with
        the same ones goes on behind the pages. A failure is kept in ``found``.
        """
        try:
            sessions = await to_thread.run_sync(self._begin)
            for first in range(0, len(sessions), _AT_ONCE):
                if not self.found.interrupted:
                    await self._commit(sessions[first : first + _AT_ONCE], stop)
                    log.info("%d views read again", self.found.views)
        except ReplayFetchError as error:
            self.found.failure = error
        in_order = self.found.failure is None
        try:
            await to_thread.run_sync(self._finish, in_order)
        except ReplayFetchError as error:
            self.found.failure = self.found.failure or error
        return self.found

    def _begin(self) -> list[str]:
        """The sessions to read, once the ledger knows how their chains are to be asked for."""
        begin_chains_anew(self._ledger, self._api, but=Outcome.UNRECOGNISED)
        begin_run(self._ledger)
        return self._sessions()

    def _finish(self, in_order: bool) -> None:  # noqa: FBT001 - called through a thread, by position
        bring_manifest_up_to_date(self._layout, self._ledger, changed=False, in_order=in_order)

    async def _commit(self, session_ids: Sequence[str], stop: anyio.Event) -> None:
        archive = ArchiveSettings(keep_raw=self._keep_raw)
        writer = Writer(self._layout, self._ledger, archive, lambda _: None)
        writer.standstill = STANDSTILL
        failure: ReplayFetchError | None = None
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(writer.run)
                for session_id in session_ids:
                    if stop.is_set():
                        self.found.interrupted = True
                        break
                    await self._hand_over(session_id, writer)
                writer.close()
        except ExceptionGroup as errors:
            failure = cause(errors)
        if failure is not None:
            raise failure

    async def _hand_over(self, session_id: str, writer: Writer) -> None:
        """Tell the writer of one session; pages are decoded a second time rather than held for the first one."""
        gains = []
        for found in await to_thread.run_sync(list, self._session(session_id)):
            self.found.note(found)
            if found.gains:
                gains.append(found)
        if gains:
            writer.expect(gains[0].planned.session, len(gains))
        for found in gains:
            planned = found.planned
            if found.anew and planned.earlier is not None and planned.earlier.token is not None:
                await writer.put(ChainRestarted(planned))
            raw = RawPages(self._layout.raw_folder(planned.view))
            for number in found.numbers:
                page = await to_thread.run_sync(self._reader.page, raw, number)
                await writer.put(PageArrived(planned, page, found.source))
            if found.ended is not None:
                await writer.put(found.ended)

    def _sessions(self) -> list[str]:
        """The ids of sessions with raw pages."""
        with explained(f"reading {self._layout.raw}"):
            folders = self._layout.raw.iterdir() if self._layout.raw.is_dir() else ()
            return sorted(folder.name for folder in folders if folder.is_dir())

    def _session(self, session_id: str) -> Iterator[Rereading]:
        for planned in self._ledger.planned_session(session_id):
            folder = self._layout.raw_folder(planned.view)
            if folder.is_dir() and not (planned.earlier and planned.earlier.finished):
                yield reread(planned, RawPages(folder), self._reader, self._api.source)
