"""Facts of the last run for the report page, read from ``report.json``; other keys there are passed over."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import msgspec
from msgspec import Struct

from replay_fetch.archive.report import read_report
from replay_fetch.archive.shelf import Shelf
from replay_fetch.errors import ArchiveError
from replay_fetch.inspect.entries import totals_so_far
from replay_fetch.ledger.totals import Totals
from replay_fetch.model import Outcome


class PacingPoint(Struct, gc=False):
    """A point of the run's course: seconds since the start, allowed requests a second, counts since the start."""

    time: float
    rate: float | None = None
    pages: int = 0
    rate_limited: int = 0
    limited_by: str | None = None


class SlowView(Struct, gc=False):
    """A view among the slowest of the run: the seconds that its requests took, and its outcome."""

    session_id: str
    view_id: str
    seconds: float
    outcome: str
    reason: str | None = None


class RunFacts(Struct):
    """The report of a run under the names of ``report.json``; sizes are bytes, times seconds."""

    list_name: str
    rows: int
    duplicates: int
    bad_rows: int
    outcomes: dict[Outcome, int]
    unasked: int
    finished_before: int
    noted: int
    segments: int
    bytes: int
    requests: int
    retries: int
    rate_limited: int
    pages: int
    wire_bytes: int
    seconds: float
    started: str
    interrupted: bool
    stopped: str | None
    bad_row_reasons: list[str]
    views: int
    exit_code: int
    erased: int = 0
    """Reports of older versions do not have it."""
    pacing: list[PacingPoint] = []
    slowest: list[SlowView] = []
    events: dict[str, object] | None = None
    """Of a run that stores RUM events, its figures."""
    search: dict[str, int | float] | None = None
    """Of a list of sessions, the figures of the search that found their views."""
    settings: dict[str, dict[str, object]] = {}

    @property
    def unfinished(self) -> int:
        """Views that the next run asks for again."""
        return self.unasked + sum(n for outcome, n in self.outcomes.items() if not outcome.finished)

    @property
    def without_events(self) -> int:
        """Sessions whose RUM events the run was to store, and whose search did not come to its end."""
        figures = self.events or {}
        return sum(n for name in ("unfinished", "not_asked") if isinstance(n := figures.get(name), int))


class PacingStretch(NamedTuple):
    """A stretch between two points, in seconds: pages a second, the rate allowed at the end, 429s, the limit met."""

    start: float
    end: float
    pages_per_s: float
    allowed: float | None
    rate_limited: int
    limited_by: str | None


def run_facts(shelf: Shelf) -> RunFacts:
    """Read the last run's report, or sum up a first run that has not ended yet.

    Raises ArchiveError where there is neither, or the report is damaged.
    """
    try:
        return msgspec.json.decode(read_report(shelf), type=RunFacts)
    except FileNotFoundError:
        totals = totals_so_far(shelf)
        if totals is not None:
            return _so_far(totals)
        when = "by `replay-fetch merge`" if shelf.shards() else "when a run ends"
        raise ArchiveError(f"{shelf.place()} has no {shelf.report} yet: it is written {when}") from None
    except (OSError, ValueError) as error:
        raise ArchiveError(f"{shelf.place(shelf.report)} cannot be read: {error}") from None


def _so_far(totals: Totals) -> RunFacts:
    """Make the facts of a run that has no report yet: of its requests and its pace nothing is known."""
    return RunFacts(
        list_name="",
        rows=totals.views,
        duplicates=0,
        bad_rows=0,
        outcomes=totals.outcomes,
        unasked=totals.unasked,
        finished_before=0,
        noted=totals.noted.views,
        segments=totals.segments,
        bytes=totals.size,
        requests=0,
        retries=0,
        rate_limited=0,
        pages=totals.pages,
        wire_bytes=0,
        seconds=0.0,
        started="",
        interrupted=False,
        stopped=None,
        bad_row_reasons=[],
        views=totals.views,
        exit_code=0,
    )


def stretches_of(points: list[PacingPoint]) -> list[PacingStretch]:
    """Make stretches of neighbouring points, the first from the run's start; points at the same time make none."""
    neighbours = pairwise([PacingPoint(0.0), *points])
    return [
        PacingStretch(
            before.time,
            after.time,
            (after.pages - before.pages) / (after.time - before.time),
            after.rate or None,
            after.rate_limited - before.rate_limited,
            after.limited_by,
        )
        for before, after in neighbours
        if after.time > before.time
    ]


def shares(stretches: list[PacingStretch]) -> list[tuple[str, float]]:
    """Sum up the run's limits as shares of time, from 0 to 1, the largest first."""
    seconds: Counter[str] = Counter()
    for stretch in stretches:
        seconds[stretch.limited_by or "nothing"] += stretch.end - stretch.start  # type: ignore[assignment] # seconds, not a count
    total = sum(seconds.values())
    return [(name, part / total) for name, part in seconds.most_common()]
