"""The deal of a list for a stored archive: all of its usable rows are packed into a file on their way to the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from anyio import from_thread, to_thread

from replay_fetch.ledger.stored import StoredLedger
from replay_fetch.pipeline.deal import Deal
from replay_fetch.pipeline.list_loading import load_plan
from replay_fetch.pipeline.plan import Plan
from replay_fetch.pipeline.scratch import LedgerScratch
from replay_fetch.progress.reporters import Reporter
from replay_fetch.shard import ShardId
from replay_fetch.store.keep import StoreKeep
from replay_fetch.store.lists import ListRow, blank, packing
from replay_fetch.store.scratch import Rows
from replay_fetch.view_list.rows import PlannedRow
from replay_fetch.view_list.view_list import ViewList

# Rows of a list between two looks whether the run was stopped.
_GLANCE = 10_000


class PackedDeal(Deal):
    """Deals the rows of a list, and packs all of them into a file on their way, in a thread that a cancel ends."""

    def __init__(self, scratch: LedgerScratch, shard: ShardId | None, agree: Callable[[str], None] | None) -> None:
        super().__init__(shard, agree)
        self._path = scratch.temporary / "list.csv.zst"
        self._ledger = scratch.ledger
        self._rows = 0

    async def load(self, keep: StoreKeep, listed: ViewList, mark: str | None, reporter: Reporter | None) -> Plan:
        """Load a list into the scratch's ledger, unless it is known, and then keep it; raises as `load_plan` does."""
        before = self._ledger.last_row()
        plan = await to_thread.run_sync(load_plan, self._ledger, listed, mark, self, reporter)
        if plan.loaded:
            known_by = mark if mark and not plan.bad_rows else ""
            await keep.keep_list(plan.list_number, known_by, self._path, Rows(self._rows, before))
            await to_thread.run_sync(self._path.unlink)
        return plan

    def watched(self, rows: Iterator[PlannedRow]) -> Iterator[ListRow]:
        """Pass all usable rows on, packed and counted."""
        for row in packing(_without_erased(super().watched(rows), self._ledger), self._path):
            if not self._rows % _GLANCE:
                # A cancel does not reach into a thread: without a look, Ctrl-C would wait for the end of the list.
                from_thread.check_cancelled()
            self._rows += 1
            yield row


def _without_erased(rows: Iterable[ListRow], ledger: StoredLedger) -> Iterator[ListRow]:
    """Take the ids out of rows of erased sessions, which keep their numbers: a list is kept for good."""
    some = ledger.erased_sessions()
    for row in rows:
        yield blank(row) if some and ledger.is_erased(row[1].session_id) else row
