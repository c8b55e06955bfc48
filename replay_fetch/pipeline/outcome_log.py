"""The outcomes of a run's views: said aloud, counted, and the slowest views kept for the report."""

from __future__ import annotations

import heapq
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from replay_fetch.model import Outcome, View, ViewRecord
from replay_fetch.progress.stats import RunStats

log = logging.getLogger(__name__)

# A run in which everything fails has millions to name.
_SAID_ALOUD = 3
# Views that the report names as the slowest.
_KEPT = 20


class OutcomeLog:
    """Logs the views which went wrong: the first few of each outcome as warnings, the rest at ``-v``.

    A run in which everything fails has millions of such endings, and the manifest names all of them.
    """

    def __init__(self) -> None:
        self._ended: Counter[Outcome] = Counter()

    def note(self, record: ViewRecord) -> None:
        """Log a view with an unfinished ending and the reason: the first of a kind as warnings, all with ``-v``."""
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


def count_records(stats: RunStats, complaints: OutcomeLog, records: Sequence[ViewRecord]) -> None:
    """Count durable views in the run's counters, by outcome and by warning; log each view with a bad ending."""
    for record in records:
        complaints.note(record)
        if record.outcome is not None:
            stats.views_ended[record.outcome] += 1
        stats.segment_bytes += record.size
        stats.stored_bytes += record.whole.length if record.whole else record.size
        stats.gaps += bool(record.warnings.gaps)
        stats.repeats += bool(record.warnings.repeats)
        stats.no_snapshot += record.warnings.lacks_full_snapshot
        stats.fewer_than_listed += record.warnings.segments_expected is not None


class SlowView(NamedTuple):
    """A view and the seconds that its requests took, with pauses between attempts and without the wait in line."""

    seconds: float
    view: View
    outcome: Outcome
    reason: str

    def fields(self) -> dict[str, object]:
        """The entry for the view in ``report.json``: its two ids, the seconds its requests took, outcome and reason."""
        return {
            "session_id": self.view.session_id,
            "view_id": self.view.view_id,
            "seconds": round(self.seconds, 3),
            "outcome": self.outcome,
            "reason": self.reason or None,
        }


class Slowest:
    """Keeps the twenty slowest of any number of views, in memory for twenty."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, SlowView]] = []
        self._number = count()

    def __iter__(self) -> Iterator[SlowView]:
        """Give the views out, the slowest first."""
        return (slow for _, _, slow in sorted(self._heap, reverse=True))

    def note(self, slow: SlowView) -> None:
        """Take in one view that has ended; only the twenty slowest stay."""
        entry = slow.seconds, next(self._number), slow
        # A heap whose first is the quickest of the slowest: most views of a long run cost one comparison.
        if len(self._heap) < _KEPT:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)
