"""``download``: a list into an archive, stoppable; and its rehearsal."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from replay_fetch.archive import Report
from replay_fetch.commands.stopping import stoppable
from replay_fetch.errors import ReplayFetchError
from replay_fetch.ledger import Ledger, Totals
from replay_fetch.pipeline.download import Download, open_archive
from replay_fetch.pipeline.planning import Plan, rehearse_plan
from replay_fetch.plan import ViewList, fingerprint
from replay_fetch.progress import Reporter
from replay_fetch.settings import Credentials, Settings


@dataclass(frozen=True, slots=True)
class Request:
    """What to download, where to, and how."""

    views: str
    """A path, or ``-`` for stdin."""
    out: Path
    settings: Settings
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a download would do."""

    request_views: str
    out: Path
    plan: Plan
    totals: Totals
    settings: Settings


async def download(request: Request, shown_by: Reporter | None) -> tuple[Report, ReplayFetchError | None]:
    """Download; returns the report and, where the run was stopped by a failure, that failure.

    Raises SettingsError and InputError before anything is asked, KeyboardInterrupt at a second signal.
    """
    views = ViewList(request.views, request.settings.plan)
    mark = fingerprint(request.views, request.settings.plan)
    with open_archive(request.out, request.settings) as (layout, ledger):
        run = Download(layout, ledger, request.settings, request.credentials)
        async with stoppable() as stop:
            report = await run.run(views, mark, stop, shown_by)
    return report, run.failure


def rehearse(views: str, out: Path, settings: Settings) -> Rehearsal:
    """Read the list and hold it against the archive, if there is one; changes nothing."""
    with ExitStack() as stack:
        if (out / ".replay-fetch").is_dir():
            _, ledger = stack.enter_context(open_archive(out, settings))
        else:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            ledger = stack.enter_context(closing(Ledger.open(scratch / "ledger.sqlite")))
        plan, totals = rehearse_plan(ledger, ViewList(views, settings.plan))
    return Rehearsal(views, out, plan, totals, settings)
