"""Loading a list into the ledger, before anything is asked."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic

from replay_fetch.ledger import Ledger, LoadedList, Totals
from replay_fetch.progress.units import count
from replay_fetch.view_list import BadRow, PlannedRow, RepeatedHeader, ViewList

log = logging.getLogger(__name__)

# Bad rows that are named one by one; a list with the wrong column has millions of them.
_NAMED = 20
_KEPT = 100
# Seconds between two lines that say how far a list is read, and rows between two looks at the clock.
_PERIOD, _GLANCE = 10.0, 10_000


@dataclass(slots=True)
class Plan:
    """What a list came to: ``rows`` = ``views`` + ``duplicates`` + ``bad_rows``; repeated headers are no rows."""

    list_name: str = ""
    list_number: int = 0
    views: int = 0
    duplicates: int = 0
    bad_rows: int = 0
    repeated_headers: int = 0
    reasons: list[str] = field(default_factory=list)
    """Of the first bad rows, each with its line."""
    loaded: bool = True
    """False where the ledger knew the unchanged list already."""
    rehearsed: bool = False
    """Nothing is fetched, and no report written."""

    @property
    def rows(self) -> int:
        """All rows but blank ones."""
        return self.views + self.duplicates + self.bad_rows

    def note(self, loaded: LoadedList) -> None:
        """Take over what the ledger counted."""
        self.list_number, self.views, self.duplicates = loaded.number, loaded.views, loaded.duplicates
        for clash in loaded.clashes:
            self.reject(clash.line, f"session id {clash.session_id} differs only in case from {clash.earlier}")
        self.bad_rows += loaded.clashing - len(loaded.clashes)

    def reject(self, line: int, reason: str) -> None:
        """Count a bad row and name it, unless very many were named before."""
        self.bad_rows += 1
        if self.bad_rows <= _KEPT:
            self.reasons.append(f"line {line}: {reason}")
        if self.bad_rows <= _NAMED:
            log.warning("line %d: %s; the row is left out", line, reason)
        elif self.bad_rows == _NAMED + 1:
            whose = "a download's " if self.rehearsed else ""
            log.warning("more bad rows follow; %sreport.json names the first %d", whose, _KEPT)

    def pass_over(self, header: RepeatedHeader) -> None:
        """Count a header in the middle of the list, and name the line of the first."""
        self.repeated_headers += 1
        if self.repeated_headers == 1:
            log.info("line %d holds the header again, as where lists are put together; it is passed over", header.line)


def load_plan(ledger: Ledger, views: ViewList, fingerprint: str | None) -> Plan:
    """Load ``views`` into the ledger, unless its newest list is the same.

    Raises InputError, with the ledger unchanged, where the list cannot be read.
    """
    known = ledger.known_list(fingerprint) if fingerprint else None
    if known is not None:
        plan = Plan(views.name, known.number, known.views, known.duplicates, loaded=False)
        _tell(plan)
        return plan
    plan = Plan(views.name)
    with views:
        plan.note(ledger.load(_good_rows(views, plan)))
    _tell(plan)
    if fingerprint and not plan.bad_rows:
        ledger.remember_list(plan.list_number, fingerprint)
    return plan


def rehearse_plan(ledger: Ledger, views: ViewList) -> tuple[Plan, Totals]:
    """What loading ``views`` would come to; the ledger stays as it is."""
    plan = Plan(views.name, rehearsed=True)
    with views:
        loaded, totals = ledger.rehearse(_good_rows(views, plan))
    plan.note(loaded)
    _tell(plan)
    return plan, totals


def _good_rows(views: ViewList, plan: Plan) -> Iterator[PlannedRow]:
    said = monotonic()
    for number, row in enumerate(views.rows(), start=1):
        if isinstance(row, PlannedRow):
            yield row
        elif isinstance(row, BadRow):
            plan.reject(row.line, row.reason)
        else:
            plan.pass_over(row)
        if not number % _GLANCE and (now := monotonic()) - said >= _PERIOD:
            said = now
            log.info("%s rows of the list read", count(number), extra={"fields": {"rows_read": number}})


def _tell(plan: Plan) -> None:
    """Say what the figures of the plan do not show."""
    if plan.repeated_headers > 1:
        log.info("the header stands %d times more in the list", plan.repeated_headers)
    if not plan.rows:
        log.warning("%s: the list has no rows, so there is nothing to do", plan.list_name)
