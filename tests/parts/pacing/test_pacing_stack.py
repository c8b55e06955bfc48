"""The limit taken by whole runs: `download` over HTTP against the simulator, hours of its time in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice, pairwise
from pathlib import Path

import pytest
from archives import Job, download
from virtual_clock import VirtualClockLoop

from replay_fetch.model import Outcome
from replay_fetch.settings import FetchSettings, SourceChoice
from replay_fetch.simulator import (
    Algorithm,
    Fault,
    HeaderPolicy,
    HoldingSettings,
    LatencySettings,
    LimitHeaderSettings,
    LimitSettings,
    PagingSettings,
    Reset,
    RetryAfter,
    Simulator,
    SimulatorSettings,
)

pytestmark = pytest.mark.anyio

PAGES = 20
"""Of each view: what is written to the disk view by view takes longer than what is asked for."""
PHASE = 0.37
"""Share of a window that is over when a run begins."""
# Not one attempt to spare: a view that a 429 counted against would end as failed.
JOB = Job(fetch=FetchSettings(workers=16, retries=0), source=SourceChoice.EVENT_PLATFORM)


@dataclass(frozen=True)
class Server:
    """A limit, what is said of it, and how many views are fetched under it."""

    limit: LimitSettings
    headers: LimitHeaderSettings = field(default_factory=LimitHeaderSettings)
    views: int = 20

    def settings(self) -> SimulatorSettings:
        return SimulatorSettings(
            holding=HoldingSettings(sessions=self.views),
            paging=PagingSettings(pages=PAGES),
            limit=self.limit,
            limit_headers=self.headers,
            latency=LatencySettings(median=0.08, tail=0.6),
        )


@dataclass(frozen=True)
class Course:
    """How a run went; shares between 0 and 1."""

    goodput: float
    """Accepted, of what the limit offered and a neighbour did not ask for, from the first second on."""
    rejected: float
    neighbour: float
    """Accepted, of what the neighbour asked for."""


async def fetched(server: Server, out: Path, clock: VirtualClockLoop) -> Course:
    """Fetch the whole list; nothing may be missing afterwards and no attempt spent."""
    clock.now = (1 + PHASE) * server.limit.period
    async with Simulator(server.settings()) as simulator:
        began = clock.now
        ran = await download(simulator, out, JOB, views=list(islice(simulator.views, server.views)))
        lasted = clock.now - began
        counts, quota = simulator.counts, simulator.service.quota
    assert ran.exit_code == 0
    assert not {*ran.report.outcomes} - {Outcome.FETCHED, Outcome.EMPTY}
    assert ran.report.unasked == 0
    assert ran.report.retries == 0
    assert ran.report.rate_limited == counts.rate_limited
    assert counts.requests - counts.rate_limited == ran.report.pages
    return Course(
        goodput=ran.report.pages / (offered(server.limit, lasted) - server.limit.neighbour * lasted),
        rejected=counts.rate_limited / counts.requests,
        neighbour=quota.neighbour_accepted / max(1, quota.neighbour_asked),
    )


def offered(limit: LimitSettings, lasted: float) -> float:
    """Requests that the limit had room for: what was unspent at the start, then its rate."""
    at_hand = {Algorithm.FIXED: PHASE, Algorithm.BUCKET: 1.0, Algorithm.SLIDING: 0.0}[limit.algorithm]
    steps = [(0.0, limit.limit), *((at, each) for at, each in limit.changes if at < lasted), (lasted, 0)]
    rates = sum((after - before) * each / limit.period for (before, each), (after, _) in pairwise(steps))
    return at_hand * limit.limit + rates


MINUTE = LimitSettings(limit=60, period=60.0)
TEN = LimitSettings(limit=10, period=10.0)
HUNDRED = LimitSettings(limit=100, period=10.0)
BUCKET = LimitSettings(limit=100, period=10.0, algorithm=Algorithm.BUCKET)
SLIDING = LimitSettings(limit=100, period=10.0, algorithm=Algorithm.SLIDING)
NEIGHBOUR = LimitSettings(limit=100, period=10.0, neighbour=4.0)
CHANGED = LimitSettings(limit=100, period=10.0, changes=((16.3, 50), (46.3, 100)))
"""Each at the edge of a window, so that what was offered is no matter of opinion."""

ALL, SOME, ONLY_429, NONE = map(
    LimitHeaderSettings, (HeaderPolicy.ALL, HeaderPolicy.SOME, HeaderPolicy.ONLY_429, HeaderPolicy.NONE)
)
FLOOR, FLOAT, EPOCH, MISSING, GARBAGE = (
    LimitHeaderSettings(reset=reset) for reset in (Reset.FLOOR, Reset.FLOAT, Reset.EPOCH, Reset.MISSING, Reset.GARBAGE)
)
SECONDS, DATE = (LimitHeaderSettings(NONE.headers, retry_after=form) for form in (RetryAfter.SECONDS, RetryAfter.DATE))

# Server, least goodput and most 429s in percent of one run. Runs are short, so the search for a limit
# that nothing tells of weighs ten times what it does in an hour. Epochs and dates are rounded up by the
# real clock, which hardly moves meanwhile: each may be late by the same part of a second, up to a whole one.
THRESHOLDS = {
    "all": (Server(HUNDRED), 98.0, 0.0),
    "all, a minute": (Server(MINUTE), 99.0, 0.0),
    "all, cut off": (Server(HUNDRED, FLOOR), 97.0, 1.0),
    "all, fractions": (Server(HUNDRED, FLOAT), 98.5, 0.0),
    "all, epochs": (Server(HUNDRED, EPOCH), 91.0, 0.3),
    "all, no reset": (Server(HUNDRED, MISSING), 96.0, 5.0),
    "all, garbage": (Server(HUNDRED, GARBAGE, views=10), 90.0, 10.0),
    "every other": (Server(HUNDRED, SOME), 97.0, 0.3),
    "429s": (Server(HUNDRED, ONLY_429, views=26), 98.0, 0.6),
    "none": (Server(HUNDRED, NONE, views=26), 97.0, 3.0),
    "none, seconds to wait": (Server(HUNDRED, SECONDS, views=26), 96.0, 1.2),
    "none, a date to wait for": (Server(HUNDRED, DATE, views=26), 78.0, 2.0),
    "none, ten": (Server(TEN, NONE), 90.0, 6.0),
    "bucket": (Server(BUCKET), 77.0, 0.0),  # all but what it had saved up: a third of what so short a run may take
    "bucket, none": (Server(BUCKET, NONE, views=26), 96.0, 3.0),
    "sliding": (Server(SLIDING), 96.0, 0.8),
    "sliding, none": (Server(SLIDING, NONE, views=26), 85.0, 4.0),
    "halved and doubled": (Server(CHANGED, views=26), 98.0, 0.3),
    "halved and doubled, none": (Server(CHANGED, NONE, views=26), 73.0, 5.0),
}


@pytest.mark.parametrize(("server", "goodput", "rejected"), THRESHOLDS.values(), ids=THRESHOLDS.keys())
async def test_a_run_takes_the_limit_and_hardly_ever_passes_it(
    tmp_path: Path, virtual_clock: VirtualClockLoop, server: Server, goodput: float, rejected: float
) -> None:
    course = await fetched(server, tmp_path / "out", virtual_clock)
    assert 100 * course.goodput >= goodput
    assert 100 * course.rejected <= rejected


@pytest.mark.parametrize(("headers", "kept", "goodput"), [(ALL, 0.98, 0.97), (NONE, 0.82, 0.97)], ids=["all", "none"])
async def test_a_neighbour_keeps_its_requests(
    tmp_path: Path, virtual_clock: VirtualClockLoop, headers: LimitHeaderSettings, kept: float, goodput: float
) -> None:
    """Without headers it is only noticed by the 429s, which meet it too."""
    course = await fetched(Server(NEIGHBOUR, headers, views=26), tmp_path / "out", virtual_clock)
    assert course.neighbour >= kept
    assert course.goodput >= goodput


@pytest.mark.parametrize(("share", "least"), [(0.05, 0.97), (0.25, 0.9)])
async def test_faults_that_come_by_themselves_cost_what_they_must(
    tmp_path: Path, virtual_clock: VirtualClockLoop, share: float, least: float
) -> None:
    """A quarter of 503s once emptied the quota of quick retries, and pages waited a minute each: 33 % were left."""
    virtual_clock.now = HUNDRED.period
    faults = (Fault.parse(f"503:rate={share}"),)
    settings = replace(Server(HUNDRED, views=30).settings(), faults=faults)
    job = Job(fetch=FetchSettings(workers=16), source=SourceChoice.EVENT_PLATFORM)
    async with Simulator(settings) as simulator:
        ran = await download(simulator, tmp_path / "out", job, views=list(islice(simulator.views, 30)))
    lasted = virtual_clock.now - HUNDRED.period
    assert ran.exit_code == 0
    assert ran.report.pages >= least * (1 - share) * HUNDRED.limit / HUNDRED.period * lasted


async def test_429s_never_spend_attempts_however_many_there_are(
    tmp_path: Path, virtual_clock: VirtualClockLoop
) -> None:
    """Some pages are refused three times each, and none may fail once."""
    faults = (Fault.parse("429:burst=3,rate=0.3"),)
    settings = SimulatorSettings(faults=faults, paging=PagingSettings(page_bytes=10**9))
    async with Simulator(settings) as simulator:
        ran = await download(simulator, tmp_path / "out", JOB)
        refused, rest = divmod(simulator.counts.rate_limited, 3)
    assert (refused > 0, rest) == (True, 0)
    assert ran.exit_code == 0
    assert ran.report.retries == 0
    assert ran.report.rate_limited == 3 * refused
    assert virtual_clock.now > refused
