"""Whatever the API does: the archive holds the truth, or the row's outcome says that it does not."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import pytest
from archives import KEYS, Archive, Job, Ran, download, truth, view_lines
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from virtual_clock import VirtualClockLoop

from replay_fetch.errors import OutageError
from replay_fetch.model import Outcome, Source, View
from replay_fetch.settings import ArchiveSettings, Compression, FetchSettings, SourceChoice
from replay_fetch.simulator import (
    Absence,
    Algorithm,
    Body429,
    ErrorBody,
    Fault,
    HeaderPolicy,
    HoldingSettings,
    LastPage,
    LatencySettings,
    LimitHeaderSettings,
    LimitSettings,
    PageChain,
    PagingSettings,
    Reset,
    RetryAfter,
    Scope,
    Shape,
    Simulator,
    SimulatorSettings,
)
from replay_fetch.simulator.choices import CUT_CHAINS, OBJECT_SHAPES
from replay_fetch.simulator.faults import KINDS, NO_BODY

# The long form sets this to some thousands.
SCRIPTS = int(os.environ.get("REPLAY_FETCH_FAULT_SCRIPTS", "25"))

PASSING = ("408", "429", "500", "502", "503", "504", "512", "599", *(kind for kind in KINDS if kind != NO_BODY))
LASTING = (NO_BODY, "400", "403", "404", "410", "418")
RATES = st.sampled_from([0.05, 0.2, 0.5, 1.0])


UNREAD = "meta.resume_at"
TOKEN_PLACES = ("", "", "meta.next_cursor", "pagination.next_page_token", "page.after", "links.next", UNREAD)


@st.composite
def fault(draw: st.DrawFn) -> Fault:
    """Any kind of fault, passing or lasting."""
    match draw(st.sampled_from(list(Scope))):
        case Scope.OUTAGE:
            begin = draw(st.sampled_from([0.0, 0.5, 3.0]))
            return Fault(
                draw(st.sampled_from(PASSING)), Scope.OUTAGE, begin=begin, end=begin + draw(st.integers(0, 900))
            )
        case Scope.PAGE:
            return Fault(draw(st.sampled_from(PASSING)), Scope.PAGE, draw(RATES), draw(st.integers(1, 4)))
        case scope:
            return Fault(draw(st.sampled_from(PASSING + LASTING)), scope, draw(RATES))


@st.composite
def paging(draw: st.DrawFn) -> PagingSettings:
    shape = draw(st.sampled_from(list(Shape)))
    chains = [chain for chain in PageChain if chain not in CUT_CHAINS or shape in OBJECT_SHAPES]
    return PagingSettings(
        shape=shape,
        page_segments=draw(st.integers(0, 3)),
        last_page=draw(st.sampled_from(LastPage)),
        chain=draw(st.sampled_from([PageChain.GOOD, PageChain.GOOD, *chains])),
        chain_share=draw(RATES),
        empty_pages=draw(st.sampled_from([0, 0, 1, 4, 7, 40])),
        expire_page=draw(st.sampled_from([0, 0, 2, 3])),
        expire_status=draw(st.sampled_from([400, 404, 410])),
        expire_chains=draw(st.integers(1, 2)),
        token_place=draw(st.sampled_from(TOKEN_PLACES)) if shape in OBJECT_SHAPES else "",
    )


LIMITS = st.one_of(
    st.just(LimitSettings()),
    st.builds(
        LimitSettings,
        limit=st.integers(1, 60),
        period=st.sampled_from([1.0, 10.0, 60.0]),
        algorithm=st.sampled_from(Algorithm),
        neighbour=st.sampled_from([0.0, 0.1, 3.0]),
    ),
)
LIMIT_HEADERS = st.builds(
    LimitHeaderSettings,
    headers=st.sampled_from(HeaderPolicy),
    reset=st.sampled_from(Reset),
    remaining_on_429=st.sampled_from([0, 9]),
    retry_after=st.sampled_from(RetryAfter),
    body_429=st.sampled_from(Body429),
)
HOLDINGS = st.builds(
    HoldingSettings,
    blob_share=st.sampled_from([0.0, 0.5]),
    overlap=st.booleans(),
    absent_as=st.sampled_from(Absence),
    empty_as=st.sampled_from(Absence),
)
SIMULATORS = st.builds(
    SimulatorSettings,
    seed=st.integers(0, 2**32),
    holding=HOLDINGS,
    paging=paging(),
    limit=LIMITS,
    limit_headers=LIMIT_HEADERS,
    latency=st.builds(LatencySettings, median=st.sampled_from([0.0, 0.2]), tail=st.sampled_from([0.0, 1.5])),
    faults=st.lists(fault(), max_size=3).map(tuple),
    error_body=st.sampled_from(ErrorBody),
)
JOBS = st.builds(
    Job,
    fetch=st.builds(FetchSettings, workers=st.integers(1, 24), retries=st.integers(0, 9)),
    archive=st.builds(
        ArchiveSettings, compress=st.sampled_from([Compression.NONE, Compression.GZIP]), keep_raw=st.booleans()
    ),
    source=st.sampled_from(SourceChoice),
    keys=st.just(KEYS),
)


@dataclass
class Story:
    """One run against one simulator, and how it ended."""

    simulator: Simulator
    views: Sequence[View]
    job: Job
    ran: Ran
    archive: Archive

    @property
    def script(self) -> set[str]:
        return {fault.kind for fault in self.simulator.settings.faults}

    def lines(self, view: View) -> bytes:
        wrapped = self.simulator.settings.paging.shape is Shape.JSON_API
        return view_lines(view, self._segments(view), wrapped=wrapped)

    def _segments(self, view: View) -> Sequence[bytes]:
        if self.job.source is SourceChoice.AUTO:
            return self.simulator.truth.expected_segments(view)
        return self.simulator.truth.held(view, _SOURCES[self.job.source]) or ()


_SOURCES = {SourceChoice.EVENT_PLATFORM: Source.EVENT_PLATFORM, SourceChoice.BLOB: Source.BLOB}


@pytest.mark.timeout(300 + 5 * SCRIPTS)
@settings(max_examples=SCRIPTS, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(simulated=SIMULATORS, job=JOBS, length=st.integers(1, 27), stop_at=st.sampled_from([None, None, 0.5, 30.0]))
def test_the_archive_is_the_truth_or_the_outcome_says_otherwise(
    simulated: SimulatorSettings, job: Job, length: int, stop_at: float | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(
            partial(_tell, simulated, job, length, stop_at, Path(folder) / "out"),
            backend_options={"loop_factory": VirtualClockLoop},
        )


async def _tell(simulated: SimulatorSettings, job: Job, length: int, stop_at: float | None, out: Path) -> None:
    async with Simulator(simulated) as simulator:
        views = list(simulator.views[:length])
        stop = anyio.Event()
        async with anyio.create_task_group() as group:
            if stop_at is not None:
                group.start_soon(_stop_later, stop, stop_at)
            ran = await download(simulator, out, job, views=views, stop=stop)
            group.cancel_scope.cancel()
        story = Story(simulator, views, job, ran, Archive(out))
        note(f"{ran.report.outcomes}, {ran.report.unasked} unasked, {ran.report.stopped}")
        _judge(story)


async def _stop_later(stop: anyio.Event, seconds: float) -> None:
    await anyio.sleep(seconds)
    stop.set()


def _judge(story: Story) -> None:
    report, outcomes = story.ran.report, story.archive.outcomes()
    assert list(outcomes) == story.views
    assert report.rows == report.unasked + sum(report.outcomes.values()) == len(story.views)
    assert report.unasked == list(outcomes.values()).count(None)
    if report.unasked:
        assert report.stopped or report.interrupted
    assert (story.ran.exit_code == 0) == all(outcome and Outcome(outcome).finished for outcome in outcomes.values())
    for view, outcome in outcomes.items():
        _judge_view(story, view, outcome)
    assert story.archive.problems() == []
    assert not any("/tmp/" in name for name in story.archive.files())  # noqa: S108 - the archive's own


def _judge_view(story: Story, view: View, outcome: str | None) -> None:
    """What is there is right, and it is all there is unless the outcome tells."""
    stored, whole = story.archive.view(view), story.lines(view)
    script, chain = story.script, story.simulator.settings.paging
    match outcome:
        case "fetched":
            assert stored == whole != b""
        case "empty" | "missing":
            assert stored == b""
            # Nobody can tell a 404 of the API's own that is not true, or silence that is none of its.
            assert whole == b"" or script & {"404", "410", NO_BODY}
        case _:
            assert whole.startswith(stored)
    expected = {
        # A 404 that is not true, behind a page that came, takes nothing away and leaves the view open.
        "incomplete": chain.chain is not PageChain.GOOD or bool(script & {"404", "410", NO_BODY}),
        "unrecognised": chain.shape in (Shape.UNKNOWN, Shape.UNREAD)
        or chain.token_place == UNREAD
        or bool(script & {"html", "truncated"}),
        "forbidden": "403" in script,
    }
    assert expected.get(outcome or "", True), f"{view} is {outcome}"


DEAD = ["503", "512", "reset-before", "reset-body", "stall-before"]


@pytest.mark.anyio
@pytest.mark.usefixtures("virtual_clock")
@pytest.mark.parametrize("kind", [*DEAD, "429"])
@pytest.mark.parametrize("workers", [2, 16])  # a single one cannot tell a dead API from a sick page
async def test_an_api_that_is_dead_for_ten_minutes_costs_ten_minutes(tmp_path: Path, kind: str, workers: int) -> None:
    outage = Fault(kind, Scope.OUTAGE, begin=2.0, end=602.0)
    settings = SimulatorSettings(faults=(outage,), paging=PagingSettings(page_segments=1))
    async with Simulator(settings) as simulator:
        ran = await download(simulator, tmp_path / "out", Job(fetch=FetchSettings(workers=workers)))
        assert ran.exit_code == 0, ran
        assert 600 < ran.report.seconds < 602 + 130  # a probe a minute, and what a stalled one waits
        assert Archive(tmp_path / "out").sessions() == truth(simulator)


@pytest.mark.anyio
@pytest.mark.usefixtures("virtual_clock")
@pytest.mark.parametrize("kind", DEAD)
async def test_past_give_up_after_the_run_stops_and_keeps_everything(tmp_path: Path, kind: str) -> None:
    outage = Fault(kind, Scope.OUTAGE, begin=3.0, end=4000.0)
    settings = SimulatorSettings(faults=(outage,), paging=PagingSettings(page_segments=1))
    job = Job(fetch=FetchSettings(workers=4, give_up_after=300.0))
    async with Simulator(settings) as simulator:
        ran = await download(simulator, tmp_path / "out", job)
        assert isinstance(ran.failure, OutageError)
        assert ran.exit_code == 3
        assert ran.report.seconds < 3 + 300 + 130
        finished = [view for view, outcome in Archive(tmp_path / "out").outcomes().items() if outcome]
        assert finished
        assert ran.report.unasked == len(simulator.views) - len(finished) > 0
        asked = dict(simulator.counts.views)

        await anyio.sleep(4000.0)
        assert (await download(simulator, tmp_path / "out", job)).exit_code == 0
        assert {view: simulator.counts.views[view] for view in finished} == {view: asked[view] for view in finished}
        assert Archive(tmp_path / "out").sessions() == truth(simulator)
        assert not Archive(tmp_path / "out").stray_files()


@pytest.mark.anyio
@pytest.mark.usefixtures("virtual_clock", "seldom_shown")
@pytest.mark.parametrize("period", [3600.0, 86400.0])
@pytest.mark.parametrize(
    "told",
    [
        LimitHeaderSettings(),
        LimitHeaderSettings(HeaderPolicy.ONLY_429),
        LimitHeaderSettings(HeaderPolicy.NONE, retry_after=RetryAfter.SECONDS),
        LimitHeaderSettings(HeaderPolicy.NONE),
    ],
    ids=["headers", "headers on 429s", "retry after", "nothing"],
)
async def test_a_quota_of_hours_or_days_is_waited_for_unattended(
    tmp_path: Path, told: LimitHeaderSettings, period: float
) -> None:
    """However short --give-up-after is: waiting that the API ordered is not an outage."""
    limited = SimulatorSettings(limit=LimitSettings(20, period), limit_headers=told)
    async with Simulator(limited) as simulator:
        ran = await download(simulator, tmp_path / "out", Job(fetch=FetchSettings(workers=4, give_up_after=60.0)))
        assert ran.exit_code == 0, ran
        assert ran.report.requests - ran.report.rate_limited > 20
        assert period < ran.report.seconds < 3 * period
        assert Archive(tmp_path / "out").sessions() == truth(simulator)
