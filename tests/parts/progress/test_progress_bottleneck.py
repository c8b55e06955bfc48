"""What limits a run, told from where its workers stand."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.pacing import Snapshot
from replay_fetch.pipeline.progress_feed import PacerSnapshot, where_workers_stand
from replay_fetch.progress.bottleneck import Bottleneck, Limit, WorkerCounts
from replay_fetch.progress.reporters import watch


@pytest.mark.parametrize(
    ("workers", "limit"),
    [
        (WorkerCounts(), None),
        (WorkerCounts(asking=32), Limit.LATENCY),
        (WorkerCounts(in_line=1, asking=31), Limit.API),
        (WorkerCounts(in_line=1, asking=31, line_held_by=Limit.MAX_RATE), Limit.MAX_RATE),
        (WorkerCounts(in_line=10, asking=10, handing_over=1), Limit.DISK),
        (WorkerCounts(asking=3, backing_off=20), Limit.RETRIES),
        (WorkerCounts(asking=20, backing_off=3), Limit.LATENCY),
        (WorkerCounts(backing_off=1), Limit.RETRIES),
    ],
)
def test_the_last_queue_that_is_not_empty_is_the_limit(workers: WorkerCounts, limit: Limit | None) -> None:
    assert workers.limit is limit


@pytest.mark.parametrize(
    ("snapshot", "max_rate", "limit"),
    [
        (Snapshot("window", rate=10.0, waiting=30, in_use=2, slots=32), None, Limit.API),
        (Snapshot("window", rate=10.0, waiting=30, in_use=2, slots=32), 20.0, Limit.API),
        (Snapshot("window", rate=10.0, waiting=30, in_use=2, slots=32), 5.0, Limit.MAX_RATE),
        (Snapshot("window", rate=0.0, gate_shut=9.0, waiting=30, in_use=2, slots=32), 5.0, Limit.API),
        (Snapshot("window", rate=10.0, waiting=30, in_use=4, slots=4), 5.0, Limit.RETRIES),
        (Snapshot("outage", rate=10.0, waiting=30, in_use=1, slots=8), None, Limit.RETRIES),
    ],
)
def test_the_line_is_held_by_whoever_is_strictest(snapshot: Snapshot, max_rate: float | None, limit: Limit) -> None:
    workers = where_workers_stand(snapshot, max_rate, 0, 0)
    assert (workers.line_held_by, workers.busy) == (limit, snapshot.waiting + snapshot.in_use)


@pytest.mark.parametrize(
    ("snapshot", "max_rate", "rate"),
    [
        (Snapshot("window", rate=8.0, limit=100, period=10.0), None, 8.0),
        (Snapshot("window", rate=0.0, gate_shut=3.0, limit=100, period=10.0), None, 10.0),
        (Snapshot("window", rate=8.0, limit=100, period=10.0), 5.0, 5.0),
        (Snapshot("probe"), None, 0.0),
    ],
)
def test_the_allowed_rate_is_that_of_a_whole_window_while_a_gate_is_shut(
    snapshot: Snapshot, max_rate: float | None, rate: float
) -> None:
    assert PacerSnapshot(snapshot, max_rate).rate_per_s == rate


def verdict(bottleneck: Bottleneck, now: float, workers: WorkerCounts) -> Limit | None:
    bottleneck.tell(now, workers)
    return bottleneck.verdict


def test_the_verdict_is_that_of_most_of_the_last_seconds() -> None:
    bottleneck = Bottleneck()
    api, latency = WorkerCounts(in_line=5, asking=5), WorkerCounts(asking=10)
    verdicts = [verdict(bottleneck, second / 5, latency if second % 5 == 0 else api) for second in range(100)]
    assert set(verdicts[50:]) == {Limit.API}
    assert verdict(bottleneck, 20.5, latency) is Limit.API
    assert verdict(bottleneck, 30.0, latency) is Limit.LATENCY


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from([0, 1]), st.sampled_from([0, 1]))))
def test_the_bottlenecks_verdict_is_a_limit_that_was_seen(steps: list[tuple[float, int, int]]) -> None:
    bottleneck, now, seen = Bottleneck(), 0.0, set[Limit | None]()
    for step, in_line, asking in steps:
        now += step
        workers = WorkerCounts(in_line=in_line, asking=asking)
        seen.add(workers.limit)
        assert verdict(bottleneck, now, workers) in seen


@pytest.mark.anyio
@pytest.mark.usefixtures("virtual_clock")
async def test_the_workers_are_looked_at_between_two_refreshes() -> None:
    """A line every ten seconds tells what limited the seconds before it, not the instant."""
    bottleneck, began = Bottleneck(), anyio.current_time()

    def workers() -> WorkerCounts:
        return WorkerCounts(asking=1) if anyio.current_time() - began > 9.6 else WorkerCounts(in_line=1)

    with anyio.move_on_after(10):
        await watch(bottleneck, workers)
    assert (bottleneck.workers.limit, bottleneck.verdict) == (Limit.LATENCY, Limit.API)
