"""What the progress display gets to see of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from replay_fetch.model import ViewRecord
from replay_fetch.pacing import Snapshot
from replay_fetch.progress import RunStats


@dataclass(frozen=True, slots=True)
class PacerMoment:
    """A pacer's snapshot in the words of the display."""

    snapshot: Snapshot

    @property
    def rate_per_s(self) -> float | None:
        """Requests a second that are allowed now."""
        return self.snapshot.rate

    @property
    def gate_shut_s(self) -> float:
        """Seconds for which nobody may ask."""
        return self.snapshot.gate_shut


def count_records(stats: RunStats, records: Sequence[ViewRecord]) -> None:
    """Count views that have become durable."""
    for record in records:
        if record.outcome is not None:
            stats.views_ended[record.outcome] += 1
        stats.segment_bytes += record.size
        stats.gaps += "gaps" in record.checks
        stats.repeats += "repeats" in record.checks
        stats.no_snapshot += "lacks_full_snapshot" in record.checks
        stats.fewer_than_listed += "segments_expected" in record.checks
