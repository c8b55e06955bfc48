"""``download``: a list into an archive, stoppable; and its rehearsal."""

from __future__ import annotations

import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

from replay_fetch.archive import Layout, Report
from replay_fetch.archive.durable import explained
from replay_fetch.archive.folder import require_no_dangling_link
from replay_fetch.archive.write.writer import STANDSTILL
from replay_fetch.commands.stopping import stoppable
from replay_fetch.errors import ReplayFetchError
from replay_fetch.ledger import Ledger, Totals, check_file
from replay_fetch.pipeline.download import Download
from replay_fetch.pipeline.planning import Plan, rehearse_plan
from replay_fetch.pipeline.request import Request, planned
from replay_fetch.plan import ViewList
from replay_fetch.progress import Reporter
from replay_fetch.settings import Settings

# Views among which one with a picture is looked for; recordings that lack their first snapshot are rare.
_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a download would do."""

    out: Path
    plan: Plan
    totals: Totals
    settings: Settings


Ended = tuple[Report, ReplayFetchError | None]
"""A run's report and, where it was stopped by a failure, that failure."""


def download(request: Request, shown_by: Reporter | None) -> Ended:
    """Download from the list to the report; to be called where no event loop runs.

    The list is read before the loop starts: reading may block, and Ctrl-C then ends it at once. Raises
    SettingsError and InputError before anything is asked, KeyboardInterrupt at a second signal.
    """
    with planned(request) as (run, plan):
        return anyio.run(carry_out, run, plan, shown_by)


async def carry_out(run: Download, plan: Plan, shown_by: Reporter | None) -> Ended:
    """Fetch what is planned until it is there or a signal comes; the event loop is the run's own."""
    run.standstill = STANDSTILL
    async with stoppable() as stop:
        report = await run.run(plan, stop, shown_by)
    return report, run.failure


def session_to_watch(out: Path) -> str | None:
    """The id of a session that was fetched and begins with a picture, one of the latest; None where none is found.

    The ledger knows without reading the manifest, which has a line for each of millions of views. A ledger that
    cannot be read is no failure of the run that ended before.
    """
    with suppress(ReplayFetchError), closing(Ledger.open_read_only(Layout(out).ledger)) as ledger:
        for record in ledger.latest_fetched(None, _LOOKED_AT):
            if record.size and not record.warnings.lacks_full_snapshot:
                return record.planned.view.session_id
    return None


def rehearse(views: str, out: Path, settings: Settings) -> Rehearsal:
    """Read the list and hold it against the archive, if there is one; changes nothing, disturbs no run."""
    with explained(f"opening the archive {out}"):
        require_no_dangling_link(out)
    there = Layout(out).ledger
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "ledger.sqlite"
        if check_file(there):
            with closing(Ledger.open_read_only(there)) as original:
                ledger = original.copy_to(path)
        else:
            ledger = Ledger.open(path)
        with closing(ledger):
            plan, totals = rehearse_plan(ledger, ViewList(views, settings.plan))
    return Rehearsal(out, plan, totals, settings)
