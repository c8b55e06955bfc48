"""The states of long work as people and programs read them: figures that agree, and nothing said of what is unknown."""

from __future__ import annotations

import pytest
from made_snapshots import Pace

from replay_fetch.inspect.recordings import RrwebSnapshot
from replay_fetch.inspect.tables import ExportSnapshot
from replay_fetch.pipeline.events_result import EventsSnapshot, StoredEvents
from replay_fetch.progress.archive_snapshot import CheckSnapshot, CopySnapshot, ListSnapshot
from replay_fetch.progress.bottleneck import Limit
from replay_fetch.progress.snapshot import ProgressSnapshot
from replay_fetch.progress.stats import RunStats


def _events(limited_by: Limit, rate_limited: int) -> EventsSnapshot:
    stats = RunStats(requests=9, rate_limited=rate_limited, pages=7)
    stored = StoredEvents(sessions=10, fetched=2, none=1, events=1234, stats=stats)
    stored.cut(1, "the API warned")
    return EventsSnapshot(stored, Pace(), limited_by)


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (CheckSnapshot(4_000_000, 0, 0, 0.0), ["0 B of 4.0 MB checked", "0 B/s"]),
        (
            CheckSnapshot(4_000_000, 1_000_000, 2, 2.0),
            ["1.0 MB of 4.0 MB checked", "2 wrong", "500.0 kB/s", "6.0 s left"],
        ),
        (CopySnapshot(2_000, 1_000, 10), ["1.0 kB of 2.0 kB read", "10 B written"]),
        (ListSnapshot(2_000, 1_000, 1), ["1 row of the list read", "1.0 kB of 2.0 kB"]),
        (ListSnapshot(0, 0, 30, of="export"), ["30 rows of the export read"]),
        (ExportSnapshot(3_000, 0, 0, 0.0), ["0 B of 3.0 kB read", "0 segments"]),
        (ExportSnapshot(3_000, 1_000, 4, 2.0), ["1.0 kB of 3.0 kB read", "4 segments", "500 B/s", "4.0 s left"]),
        (RrwebSnapshot(3_000, 1_000, 2, 5_000, 3.0), ["1.0 kB of 3.0 kB read", "2 views", "5.0 kB written", "3.0 s"]),
        (_events(Limit.LATENCY, 0), ["4/10 sessions", "1,234 events stored", "7 pages", "0 B"]),
        (_events(Limit.API, 2), ["4/10 sessions", "1,234 events stored", "API limit 12/s", "7 pages", "0 B", "2 429s"]),
    ],
)
def test_progress_is_told_most_important_first_and_without_what_nobody_knows_yet(
    snapshot: ProgressSnapshot, words: list[str]
) -> None:
    assert snapshot.words() == words


@pytest.mark.parametrize(
    ("snapshot", "fields"),
    [
        (
            CheckSnapshot(4, 1, 2, 2.04),
            {"bytes_total": 4, "bytes_checked": 1, "findings": 2, "seconds": 2.0},
        ),
        (CopySnapshot(2, 1, 10), {"bytes_total": 2, "bytes_read": 1, "bytes_written": 10}),
        (ListSnapshot(2, 1, 3), {"rows_read": 3, "bytes_read": 1, "bytes_total": 2}),
        (ExportSnapshot(3, 1, 4, 2.0), {"bytes_total": 3, "bytes_read": 1, "segments": 4}),
    ],
)
def test_programs_get_the_same_figures_as_numbers(
    snapshot: ProgressSnapshot, fields: dict[str, int | float | None]
) -> None:
    assert snapshot.fields() == fields
