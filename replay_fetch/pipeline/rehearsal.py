"""The rehearsal of a download: the plan that its list would make, and what the archive has of the list already."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from replay_fetch.archive.layout import Layout
from replay_fetch.ledger.database import check_file
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.totals import Totals
from replay_fetch.pipeline.job import DownloadJob
from replay_fetch.pipeline.list_loading import rehearse_plan
from replay_fetch.pipeline.opening import check_usable, compression_of
from replay_fetch.pipeline.plan import Plan
from replay_fetch.progress.reporters import Reporter
from replay_fetch.settings import Settings
from replay_fetch.view_list.view_list import ViewList

if TYPE_CHECKING:
    from replay_fetch.store.location import Location


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The forecast of a download: the plan of the list, and the sums over the list by the archive's ledger."""

    out: Path | Location
    plan: Plan
    totals: Totals
    settings: Settings
    to_search: int = 0
    """Sessions whose views a search would have to find first; they are in no other figure."""


def rehearse(views: ViewList, job: DownloadJob, to_search: int = 0, reporter: Reporter | None = None) -> Rehearsal:
    """Read the job's list and compare with the archive, if there is any; changes nothing, disturbs no run.

    Raises as the run itself would for a folder or a compression that it refuses.
    """
    out, settings = job.out, job.settings
    if isinstance(out, Path):
        check_usable(out, settings.archive.compress, settings.plan.shard)
    with (
        tempfile.TemporaryDirectory() as scratch,
        closing(_ledger_to_try(out, settings, Path(scratch) / "ledger.sqlite")) as ledger,
    ):
        compression_of(ledger, settings.archive.compress)
        plan, totals = rehearse_plan(ledger, views, settings.plan.shard, reporter)
    return Rehearsal(out, plan, totals, settings, to_search)


def _ledger_to_try(out: Path | Location, settings: Settings, path: Path) -> Ledger:
    """Make a copy of the archive's ledger at ``path``, or an empty one where there is no archive."""
    if not isinstance(out, Path):
        from replay_fetch.pipeline.out_of_store import restored  # noqa: PLC0415 - only where an archive lies in a store

        with restored(out, settings) as scratch:
            return scratch.ledger.copy_to(path)
    there = Layout(out, shard=settings.plan.shard).ledger
    if not check_file(there):
        return Ledger.open(path)
    with closing(Ledger.open_read_only(there)) as original:
        return original.copy_to(path)
