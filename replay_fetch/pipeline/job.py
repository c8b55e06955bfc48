"""A download job: a list loaded into the ledger as a plan before anything is asked, and its rehearsal."""

from __future__ import annotations

import io
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from replay_fetch.archive.layout import Layout
from replay_fetch.errors import SettingsError
from replay_fetch.ledger.database import check_file
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.loading import ListRow
from replay_fetch.ledger.totals import Totals
from replay_fetch.pipeline.deal import Deal
from replay_fetch.pipeline.opening import check_usable, compression_of
from replay_fetch.pipeline.plan import Plan
from replay_fetch.progress.units import count, some
from replay_fetch.settings import Credentials, Settings
from replay_fetch.shard import ShardId
from replay_fetch.view_list.rows import BadRow, PlannedRow, RepeatedHeader
from replay_fetch.view_list.source import ListSource, fingerprint
from replay_fetch.view_list.view_list import ViewList

if TYPE_CHECKING:
    from typing_extensions import TypeIs  # of typing itself from Python 3.13 on

    from replay_fetch.store.location import Location

log = logging.getLogger(__name__)

# Seconds between two lines that say how far a list is read, and rows between two looks at the clock.
_PERIOD, _GLANCE = 10.0, 10_000


@dataclass(frozen=True, slots=True)
class DownloadJob:
    """A list of views to download into an archive, with the settings and the keys to ask with."""

    views: ListSource | Iterable[tuple[str, str]]
    """A path, ``-`` for stdin, an open binary file; or pairs of (session_id, view_id)."""
    out: Path | Location
    """A folder, or an address in an object store."""
    settings: Settings
    credentials: Credentials
    list_name: str = ""
    """In place of the path's, for a list that was copied from elsewhere."""
    made_up: bool = False
    """The recordings are a simulator's, so an archive of real ones is refused."""

    def listed(self) -> ViewList:
        """The job's list, still unread; raises TypeError for a file that was opened as text."""
        source, plan = self.views, self.settings.plan
        found = listed(source, self.settings) if _is_file(source) else ViewList.from_pairs(source, plan)
        found.name = self.list_name or found.name
        return found

    def fingerprint(self) -> str | None:
        """The mark of a list that is a file, by which the ledger knows an unchanged list again; None for pairs."""
        return fingerprint(self.views, self.settings.plan) if _is_file(self.views) else None


def listed(source: ListSource, settings: Settings) -> ViewList:
    """Make the list of a source; its links may lead only to the site that is asked."""
    api = settings.api
    return ViewList(source, settings.plan, "" if api.base_url else api.site)


@contextmanager
def list_at_hand(job: DownloadJob) -> Iterator[DownloadJob]:
    """Give the job with its list on this machine: a list in an object store is copied for as long as the context lasts.

    Raises SettingsError for an address of an unknown kind, InputError where no list is there.
    """
    if not (isinstance(job.views, str) and is_stored(job.views)):
        yield job
        return
    # Only here: most downloads know nothing of stores, and start faster without.
    from replay_fetch.pipeline.stored import brought  # noqa: PLC0415
    from replay_fetch.store.location import parse  # noqa: PLC0415

    address = parse(job.views)
    with brought(address, job.settings) as copy:
        yield replace(job, views=str(copy), list_name=str(address))


def require_views(listed: ViewList, job: DownloadJob) -> None:
    """Raise SettingsError for a list of sessions that is to be shared, or whose archive is to lie in a store.

    Such a list is searched apart.
    """
    why = "--shard takes a list of views" if job.settings.plan.shard else f"{job.out} is in an object store"
    if listed.names_sessions:
        raise SettingsError(
            f"{listed.name} names sessions, and {why}: find their views first, with "
            f"`replay-fetch discover --sessions FILE --out views.csv`, then download views.csv"
        )


def require_no_events(job: DownloadJob) -> None:
    """Raise SettingsError where RUM events are wanted in an archive of shards, or in one that is to lie in a store."""
    if job.settings.archive.events and job.settings.plan.shard:
        raise SettingsError("--events stores into an archive of a single run alone, so it cannot be used with --shard")
    if job.settings.archive.events:
        raise SettingsError(f"--events stores into a folder of this machine alone, and {job.out} is in an object store")


def is_stored(views: str) -> bool:
    """Tell whether a list is named by an address in an object store; a replay link is a list by itself."""
    return "://" in views and not views.lower().startswith(("http://", "https://"))


def load_plan(
    ledger: Ledger,
    views: ViewList,
    fingerprint: str | None,
    deal: Deal | None = None,
    passing: Callable[[Iterator[PlannedRow]], Iterable[ListRow]] = iter,
) -> Plan:
    """Load ``views``, or a shard's share of them, into the ledger, unless its newest list is the same.

    The fingerprint tells that. ``passing`` sees each good row of the list on its way. Raises InputError, with the
    ledger unchanged, where the list cannot be read or is another than that of the archive's other shards.
    """
    deal = deal or Deal()
    # A list of millions that did not change since the last run need not be read again.
    known = ledger.known_list(fingerprint) if fingerprint else None
    if known is not None:
        plan = Plan(views.name, known.number, known.views, known.duplicates, erased=known.erased, loaded=False)
        plan.shard = deal.shard
        _tell(plan)
        return plan
    plan = Plan(views.name, shard=deal.shard)
    # Rows are counted as the ledger takes them: the list is read once, and never held.
    with views:
        plan.note(ledger.load(passing(deal.watched(_good_rows(views, plan))), deal.mine))
    _tell(plan)
    # Bad rows are named by every run, so a list with some is read by every run.
    if fingerprint and not plan.bad_rows:
        ledger.remember_list(plan.list_number, fingerprint)
    return plan


def rehearse_plan(ledger: Ledger, views: ViewList, shard: ShardId | None = None) -> tuple[Plan, Totals]:
    """Read ``views`` and return the plan and the totals as loading would give both; the ledger stays unchanged."""
    plan = Plan(views.name, rehearsed=True, shard=shard)
    with views:
        loaded, totals = ledger.rehearse(_good_rows(views, plan), shard.owns if shard else None)
    plan.note(loaded)
    if not views.was_found:  # of those, the rows that are lacking may only be found later
        _tell(plan)
    return plan, totals


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The forecast of a download: the plan of the list, and the sums over the list by the archive's ledger."""

    out: Path | Location
    plan: Plan
    totals: Totals
    settings: Settings
    to_search: int = 0
    """Sessions whose views a search would have to find first; they are in no other figure."""


def rehearse(views: ViewList, out: Path | Location, settings: Settings, to_search: int = 0) -> Rehearsal:
    """Read the list and compare with the archive, if there is any; changes nothing, disturbs no run.

    Raises as the run itself would for a folder or a compression that it refuses.
    """
    if isinstance(out, Path):
        check_usable(out, settings.archive.compress, settings.plan.shard)
    with (
        tempfile.TemporaryDirectory() as scratch,
        closing(_ledger_to_try(out, settings, Path(scratch) / "ledger.sqlite")) as ledger,
    ):
        compression_of(ledger, settings.archive.compress)
        plan, totals = rehearse_plan(ledger, views, settings.plan.shard)
    return Rehearsal(out, plan, totals, settings, to_search)


def _ledger_to_try(out: Path | Location, settings: Settings, path: Path) -> Ledger:
    """Make a copy of the archive's ledger at ``path``, or an empty one where there is no archive."""
    if not isinstance(out, Path):
        from replay_fetch.pipeline.stored import restored  # noqa: PLC0415 - only where an archive lies in a store

        with restored(out, settings) as scratch:
            return scratch.ledger.copy_to(path)
    there = Layout(out, shard=settings.plan.shard).ledger
    if not check_file(there):
        return Ledger.open(path)
    with closing(Ledger.open_read_only(there)) as original:
        return original.copy_to(path)


def _is_file(views: ListSource | Iterable[tuple[str, str]]) -> TypeIs[ListSource]:
    if isinstance(views, io.TextIOBase):
        raise TypeError("the list is a file opened as text; open it with mode 'rb'")
    return isinstance(views, str | os.PathLike) or hasattr(views, "read")


def _good_rows(views: ViewList, plan: Plan) -> Iterator[PlannedRow]:
    said = monotonic()
    for number, row in enumerate(views.rows(), start=1):
        if isinstance(row, PlannedRow):
            yield row
        elif not plan.has_other_rows:
            pass
        elif isinstance(row, BadRow):
            plan.reject(row.line, row.reason)
        elif isinstance(row, RepeatedHeader):
            plan.pass_over(row)
        else:
            plan.reject(row.line, f"session {row.session_id} is named without a view")
        if not number % _GLANCE and (now := monotonic()) - said >= _PERIOD:
            said = now
            log.info("%s rows of the list read", count(number), extra={"fields": {"rows_read": number}})


def _tell(plan: Plan) -> None:
    """Log the facts that the figures of the plan do not show."""
    if plan.repeated_headers > 1:
        log.info("the header stands %d times more in the list", plan.repeated_headers)
    if plan.shard is not None:
        log.info("shard %s: %s of the list in it", plan.shard, some(plan.views, "view"))
    elif not plan.rows:
        log.warning("%s: the list has no rows, so there is nothing to do", plan.list_name)
