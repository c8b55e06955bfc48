"""What the progress display gets to see of a run."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from replay_fetch.model import Outcome, ViewRecord
from replay_fetch.pacing import Snapshot
from replay_fetch.progress import Limit, RunStats, Standing

log = logging.getLogger(__name__)

# A run in which everything fails has millions to name.
_SAID_ALOUD = 3


@dataclass(frozen=True, slots=True)
class PacerMoment:
    """A pacer's snapshot in the words of the display."""

    snapshot: Snapshot
    max_rate: float | None = None

    @property
    def rate_per_s(self) -> float | None:
        """Requests a second that are allowed now; while a gate is shut, those of a whole window."""
        seen = self.snapshot
        rate = seen.rate or (seen.limit / seen.period if seen.limit and seen.period else 0.0)
        return min(rate, self.max_rate) if self.max_rate else rate

    @property
    def gate_shut_s(self) -> float:
        """Seconds for which nobody may ask."""
        return self.snapshot.gate_shut

    @property
    def limiter(self) -> str:
        """The limiter's kind, as in ``Snapshot``."""
        return self.snapshot.limiter


def where_workers_stand(snapshot: Snapshot, max_rate: float | None, backing_off: int, handing_over: int) -> Standing:
    """The workers by what they wait for, and what holds their line."""
    held_by = Limit.API
    # A full brake with workers in line has been tightened by faults; it is never tighter than they are many otherwise.
    if snapshot.mode == "outage" or snapshot.in_use >= snapshot.slots:
        held_by = Limit.RETRIES
    elif max_rate and snapshot.gate_shut == 0 and not 0 < snapshot.rate < max_rate:
        held_by = Limit.MAX_RATE
    return Standing(snapshot.waiting, held_by, snapshot.in_use, backing_off, handing_over)


class Complaints:
    """Says which views went wrong; the first few of each outcome aloud, the rest at ``-v``."""

    def __init__(self) -> None:
        self._ended: Counter[Outcome] = Counter()

    def note(self, record: ViewRecord) -> None:
        """Log a view that ended and is not finished."""
        outcome = record.outcome
        if outcome is None:
            return
        self._ended[outcome] += 1
        so_many = self._ended[outcome]
        if outcome.finished:
            return
        level = logging.WARNING if so_many <= _SAID_ALOUD else logging.DEBUG
        log.log(level, "%s %s: %s", record.planned.view, outcome, record.reason)
        if so_many == _SAID_ALOUD:
            log.warning("more views that are %s will stand in the manifest only", outcome)
        if outcome is Outcome.UNRECOGNISED and so_many == 1:
            log.warning("its answer is kept under raw/; if this is the shape of all, stop, and see `probe`")


def count_records(stats: RunStats, complaints: Complaints, records: Sequence[ViewRecord]) -> None:
    """Count views that have become durable, and name those that went wrong."""
    for record in records:
        complaints.note(record)
        if record.outcome is not None:
            stats.views_ended[record.outcome] += 1
        stats.segment_bytes += record.size
        stats.gaps += "gaps" in record.checks
        stats.repeats += "repeats" in record.checks
        stats.no_snapshot += "lacks_full_snapshot" in record.checks
        stats.fewer_than_listed += "segments_expected" in record.checks
