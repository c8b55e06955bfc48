"""The counters of a run, and the speed over the last ten seconds. No I/O, and no clock of their own."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple

from replay_fetch.model import Outcome

_WINDOW = 10.0  # seconds: long enough to smooth a rate window's bursts, short enough to follow a change


@dataclass(slots=True)
class RunStats:
    """The run's counters. Each part of the program counts its own work here, and reporters only read.

    Counters only rise, apart from ``backing_off``. One process and one event loop: no lock is needed.
    """

    views_total: int = 0
    """Views of the list; every one is ``finished_before`` or ends in an outcome."""
    finished_before: int = 0
    """Finished by an earlier run and not asked for in this one."""
    views_ended: Counter[Outcome] = field(default_factory=Counter)
    """By this run."""
    bad_rows: int = 0
    duplicates: int = 0
    requests: int = 0
    """Sent, the repeated ones among them."""
    retries: int = 0
    rate_limited: int = 0
    """Answers 429."""
    pages: int = 0
    """Answered and understood."""
    segments: int = 0
    backing_off: int = 0
    """Pages that wait between two attempts now; the one figure here that falls again."""
    wire_bytes: int = 0
    """Bodies as they came, packed or not."""
    segment_bytes: int = 0
    """Segments unpacked, as they stand in the session files."""
    stored_bytes: int = 0
    """As they lie in the files, compressed where the archive is."""
    gaps: int = 0
    """Views whose ``index_in_view`` leaves a number out."""
    repeats: int = 0
    """Views in which the API served a segment twice."""
    no_snapshot: int = 0
    """Views that do not begin with a full snapshot."""
    fewer_than_listed: int = 0
    """Views with fewer segments than the list's ``segments_count`` says."""

    @property
    def ended_now(self) -> int:
        """Views that ended in this run, in any outcome, whether or not a later run asks for the view again."""
        return self.views_ended.total()

    @property
    def ended(self) -> int:
        """Views of the list that need nothing more from this run: finished before, or ended now in any outcome."""
        return self.finished_before + self.ended_now

    @property
    def troubled(self) -> int:
        """Views that ended in this run and are not finished."""
        return sum(number for outcome, number in self.views_ended.items() if not outcome.finished)

    @property
    def warnings(self) -> int:
        """Remarks on completeness, of all four kinds together; a single view may have several."""
        return self.gaps + self.repeats + self.no_snapshot + self.fewer_than_listed


class Speed(NamedTuple):
    """Averages a second over the last ten seconds, or since the start of a shorter run; 0 at the start.

    Bytes are those on the wire, packed or not.
    """

    pages_per_s: float = 0.0
    requests_per_s: float = 0.0
    wire_bytes_per_s: float = 0.0


class Speedometer:
    """Reads the counters whenever told the time (seconds, any monotonic clock), and gives the speed."""

    def __init__(self, stats: RunStats, started_at: float) -> None:
        self._stats = stats
        self._samples = deque([_Sample(started_at, stats.pages, stats.requests, stats.wire_bytes)])

    def read(self, now: float) -> Speed:
        """The speed at ``now``; called a few times a second, the speedometer keeps a few dozen samples.

        ``now`` must not go back; a clock that stands still gives a speed of 0.
        """
        stats, samples = self._stats, self._samples
        latest = _Sample(now, stats.pages, stats.requests, stats.wire_bytes)
        samples.append(latest)
        # One sample stays that is a window old or older: the span is then never shorter than it.
        while len(samples) > 2 and samples[1].time <= now - _WINDOW:  # noqa: PLR2004 - first and last
            samples.popleft()
        first = samples[0]
        span = now - first.time
        # Read twice at one time of a coarse clock, or before any time has passed.
        if span <= 0:
            return Speed()
        pages, requests, wire_bytes = (latest[n] - first[n] for n in range(1, len(latest)))
        return Speed(pages / span, requests / span, wire_bytes / span)


class _Sample(NamedTuple):
    time: float
    pages: int
    requests: int
    wire_bytes: int
