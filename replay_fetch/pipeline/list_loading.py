"""The loading of a list into the ledger as a plan, or its rehearsal; a long list is shown while it is read."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.totals import Totals
from replay_fetch.pipeline.deal import Deal
from replay_fetch.pipeline.plan import Plan
from replay_fetch.progress.archive_snapshot import ListSnapshot
from replay_fetch.progress.reporters import Reporter, Ticker
from replay_fetch.progress.units import some
from replay_fetch.shard import ShardId
from replay_fetch.view_list.rows import BadRow, PlannedRow, RepeatedHeader, Row
from replay_fetch.view_list.view_list import ViewList

log = logging.getLogger(__name__)

# Rows between two looks at the clock, to show how far a list is read.
_GLANCE = 10_000


def load_plan(
    ledger: Ledger,
    views: ViewList,
    fingerprint: str | None,
    deal: Deal | None = None,
    reporter: Reporter | None = None,
) -> Plan:
    """Load ``views``, or a shard's share of them, into the ledger, unless its newest list is the same.

    ``deal`` sees each good row on its way; ``reporter`` shows how far a long list is read. Raises InputError,
    with the ledger unchanged, where the list cannot be read or is another than that of the archive's other shards.
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
        rows = deal.watched(_good_rows(views, plan, reporter))
        plan.note(ledger.load(rows, deal.mine), views.place)
    _tell(plan)
    # Bad rows are named by every run, so a list with some is read by every run.
    if fingerprint and not plan.bad_rows:
        ledger.remember_list(plan.list_number, fingerprint)
    return plan


def rehearse_plan(
    ledger: Ledger, views: ViewList, shard: ShardId | None = None, reporter: Reporter | None = None
) -> tuple[Plan, Totals]:
    """Read ``views`` and return the plan and the totals as loading would give both; the ledger stays unchanged."""
    plan = Plan(views.name, rehearsed=True, shard=shard)
    with views:
        loaded, totals = ledger.rehearse(_good_rows(views, plan, reporter), shard.owns if shard else None)
    plan.note(loaded, views.place)
    if not views.was_found:  # of those, the rows that are lacking may only be found later
        _tell(plan)
    return plan, totals


def shown_rows(views: ViewList, reporter: Reporter | None) -> Iterator[Row]:
    """Give all rows of a list; the reporter shows how far the list is read, where that takes long."""
    number = 0

    def snapshot(_: float) -> ListSnapshot:
        done, total = views.bytes_read
        return ListSnapshot(total, done, number)

    ticker = Ticker(reporter, snapshot)
    try:
        for number, row in enumerate(views.rows(), start=1):
            yield row
            # By the row, not by the clock: a look at the clock for each of millions of rows would cost more than
            # reading it.
            if not number % _GLANCE:
                ticker.beat()
    finally:
        ticker.close()


def _good_rows(views: ViewList, plan: Plan, reporter: Reporter | None) -> Iterator[PlannedRow]:
    for row in shown_rows(views, reporter):
        if isinstance(row, PlannedRow):
            yield row
        elif not plan.has_other_rows:
            pass
        elif isinstance(row, BadRow):
            plan.reject(views.place(row.line), row.reason)
        elif isinstance(row, RepeatedHeader):
            plan.pass_over(row)
        else:
            plan.reject(views.place(row.line), f"session {row.session_id} is named without a view")


def _tell(plan: Plan) -> None:
    """Log the facts that the figures of the plan do not show."""
    if plan.repeated_headers > 1:
        log.info("the header stands %d times more in the list", plan.repeated_headers)
    if plan.shard is not None:
        log.info("shard %s: %s of the list in it", plan.shard, some(plan.views, "view"))
    elif not plan.rows:
        log.warning("%s: the list has no rows, so there is nothing to do", plan.list_name)
