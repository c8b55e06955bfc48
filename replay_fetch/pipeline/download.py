"""Bringing a list of views into an archive: plan, run, manifest, report."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from replay_fetch.api import Endpoint, PageDecoder, auth_headers
from replay_fetch.archive import (
    Layout,
    Report,
    Writer,
    check_ledger_is_there,
    make_good,
    opened,
    require,
    write_manifest,
    write_report,
)
from replay_fetch.errors import ArchiveError, ReplayFetchError, SettingsError
from replay_fetch.fetch import Asking
from replay_fetch.ledger import Ledger, ToDo, Totals, check_file
from replay_fetch.pacing import Pacer
from replay_fetch.pipeline.planning import Plan
from replay_fetch.pipeline.run import Run
from replay_fetch.pipeline.show import Complaints, PacerMoment, count_records
from replay_fetch.progress import Reporter, RunStats, report
from replay_fetch.settings import ApiSettings, Compression, Credentials, Settings
from replay_fetch.transport import open_transport

# A setting of the ledger: set while files and manifest may be behind it.
_STATE, _RUNNING, _CLEAN = "state", "running", "clean"
_COMPRESSION = "compression"
_CHAINS = "chains"
"""Of what a paging token may depend; where it changes, unfinished chains begin anew."""


@contextmanager
def open_archive(out: Path, settings: Settings) -> Iterator[tuple[Layout, Ledger]]:
    """The archive at ``out`` and its ledger, locked for one run and cleared of leftovers.

    Raises ArchiveError where it cannot be used, SettingsError where it was made with another
    compression than is asked for.
    """
    there = Layout(out)
    check_ledger_is_there(there)
    check_file(there.ledger)
    with opened(out) as folder, closing(Ledger.open(folder.ledger)) as ledger:
        layout = dataclasses.replace(folder, compression=_compression(ledger, settings.archive.compress))
        if ledger.setting(_STATE) == _RUNNING:
            make_good(layout, ledger)
        _begin_chains_anew(ledger, settings.api)
        yield layout, ledger


class Download:
    """One run over one list into an open archive; used once."""

    def __init__(self, layout: Layout, ledger: Ledger, settings: Settings, credentials: Credentials) -> None:
        self._layout = layout
        self._ledger = ledger
        self._settings = settings
        self._credentials = credentials
        self._pacer = Pacer(settings.fetch)
        self._stats = RunStats()
        self._cut_short = False
        self.failure: ReplayFetchError | None = None
        """Why the run ended before its list did; what was fetched until then is kept and reported."""

    async def run(self, plan: Plan, stop: anyio.Event, shown_by: Reporter | None = None) -> Report:
        """Fetch and commit, then write manifest and report; ``stop`` ends it early and cleanly.

        A failure of the run is kept in ``failure``, not raised.
        """
        started, began = datetime.now(UTC), anyio.current_time()
        todo = self._todo(plan, started)
        views_to_do = await to_thread.run_sync(self._ledger.count_to_do, todo)
        self._count(plan, views_to_do)
        if views_to_do:
            await self._stage(self._fetch(todo, stop, shown_by))
        await self._stage(to_thread.run_sync(self._finish, plan.loaded))
        totals = await to_thread.run_sync(self._ledger.totals, plan.list_number)
        if totals.unasked and self.failure is None and not self._cut_short:
            self.failure = ArchiveError(f"{totals.unasked} views ended without an outcome: a defect, please report it")
        summed = self._report(plan, totals)
        summed = dataclasses.replace(
            summed,
            started=started.isoformat(timespec="seconds"),
            seconds=round(anyio.current_time() - began, 3),
            interrupted=self._cut_short,
        )
        await self._stage(to_thread.run_sync(write_report, self._layout, summed))
        return summed

    async def _stage(self, work: Awaitable[None]) -> None:
        try:
            await work
        except ReplayFetchError as error:
            self.failure = self.failure or error

    async def _fetch(self, todo: ToDo, stop: anyio.Event, shown_by: Reporter | None) -> None:
        await to_thread.run_sync(self._ledger.set_setting, _STATE, _RUNNING)
        api, fetch, stats = self._settings.api, self._settings.fetch, self._stats
        writer = Writer(self._layout, self._ledger, self._settings.archive, partial(count_records, stats, Complaints()))
        async with open_transport(api, fetch, auth_headers(self._credentials)) as transport:
            asking = Asking(transport, self._pacer, Endpoint(api), PageDecoder(api), stats, fetch.retries)
            async with anyio.create_task_group() as shown:
                shown.start_soon(report, stats, lambda: PacerMoment(self._pacer.snapshot()), shown_by)
                run = Run(self._ledger, todo, asking, writer, self._settings, stop)
                await self._stage(run.run())
                self._cut_short = run.cut_short
                shown.cancel_scope.cancel()

    def _finish(self, newly_loaded: bool) -> None:  # noqa: FBT001 - called through a thread, by position
        """Bring the manifest up to date with the ledger, unless it is."""
        unchanged = self._ledger.setting(_STATE) == _CLEAN and not newly_loaded
        if not unchanged or not self._layout.manifest.exists():
            write_manifest(self._layout, self._ledger.views())
            # After a failed write there may be leftovers: the next run looks for them as after a kill.
            if not isinstance(self.failure, ArchiveError):
                self._ledger.set_setting(_STATE, _CLEAN)

    def _todo(self, plan: Plan, now: datetime) -> ToDo:
        window = self._settings.plan.refresh_window
        return ToDo(plan.list_number, None if window is None else int(now.timestamp() - window))

    def _count(self, plan: Plan, views_to_do: int) -> None:
        self._stats.views_total, self._stats.finished_before = plan.views, plan.views - views_to_do
        self._stats.bad_rows, self._stats.duplicates = plan.bad_rows, plan.duplicates

    def _report(self, plan: Plan, totals: Totals) -> Report:
        stats, snapshot = self._stats, self._pacer.snapshot()
        return Report(
            list_name=plan.list_name,
            rows=plan.rows,
            duplicates=plan.duplicates,
            bad_rows=plan.bad_rows,
            outcomes=totals.outcomes,
            unasked=totals.unasked,
            finished_before=stats.finished_before,
            noted=totals.noted,
            segments=totals.segments,
            bytes=totals.size,
            requests=stats.requests,
            retries=stats.retries,
            rate_limited=stats.rate_limited,
            pages=stats.pages,
            wire_bytes=stats.wire_bytes,
            waited_seconds=round(snapshot.waited, 3),
            stopped=str(self.failure) if self.failure else None,
            bad_row_reasons=plan.reasons,
            pacing=[point._asdict() for point in self._pacer.history],
            settings=_shown(self._settings),
        )


def _compression(ledger: Ledger, asked: Compression | None) -> Compression:
    made_with = ledger.setting(_COMPRESSION)
    if made_with is None:
        made_with = asked or Compression.NONE
        require(made_with)
        ledger.set_setting(_COMPRESSION, made_with)
    elif asked is not None and asked != made_with:
        raise SettingsError(f"the archive was made with --compress {made_with}; leave that out, or use another OUT")
    require(Compression(made_with))
    return Compression(made_with)


def _begin_chains_anew(ledger: Ledger, api: ApiSettings) -> None:
    """Let unfinished chains begin anew where they would be asked for in another way than before."""
    chains = repr((api.origin, api.source, api.ts_ms, api.max_list_size, api.segments_path, api.next_path))
    if ledger.setting(_CHAINS) != chains:
        ledger.forget_tokens()
        ledger.set_setting(_CHAINS, chains)


def _shown(settings: Settings) -> dict[str, object]:
    """The settings for the report, by group; keys are not among them, paths as text."""

    def plain(value: object) -> object:
        return str(value) if isinstance(value, Path) else value

    groups = dataclasses.asdict(settings)
    return {group: {name: plain(value) for name, value in values.items()} for group, values in groups.items()}
