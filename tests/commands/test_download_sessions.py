"""Downloading sessions and replay links: their views are found first, in the same command."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
import orjson
import pytest
from archives import KEYS, WIDE, Archive, truth
from searches import replayed

from replay_fetch import ApiSettings, FetchSettings, Report, Settings, View, download
from replay_fetch.cli.summary import report_text
from replay_fetch.errors import AuthError, InputError
from replay_fetch.pipeline.erasing import ErasureJob, erase
from replay_fetch.pipeline.finding import SessionSearch
from replay_fetch.pipeline.first_stage import found_first
from replay_fetch.pipeline.job import listed
from replay_fetch.settings import Credentials, PlanSettings
from replay_fetch.simulator import HoldingSettings, LatencySettings, SearchSettings, Simulator, SimulatorSettings
from replay_fetch.view_list.rows import PlannedRow

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

# Older than a day: of younger views with fewer segments than counted, more may come.
OLD = SearchSettings(events_age=90_000)
SMALL = SimulatorSettings(limit=WIDE, search=OLD)
MANY = replace(SMALL, holding=HoldingSettings(sessions=110))


def settings_for(simulator: Simulator, plan: PlanSettings | None = None) -> Settings:
    api = ApiSettings(base_url=simulator.base_url)
    return Settings(api=api, fetch=FetchSettings(workers=4, retries=2), plan=plan or PlanSettings())


async def downloaded(
    simulator: Simulator,
    out: Path,
    lines: Sequence[str],
    plan: PlanSettings | None = None,
    stop: anyio.Event | None = None,
) -> Report:
    lists = io.BytesIO("\n".join(lines).encode())
    return await download(lists, out, credentials=KEYS, settings=settings_for(simulator, plan), stop=stop)


def found(ids: Sequence[str], out: Path, settings: Settings) -> AbstractContextManager[SessionSearch]:
    return found_first(listed(io.BytesIO("\n".join(ids).encode()), settings), out, settings)


def sessions_of(simulator: Simulator) -> list[str]:
    return [simulator.views.session_id(number) for number in range(simulator.views.sessions)]


def recorded(simulator: Simulator) -> list[View]:
    """The views that a search finds, in the order of the list."""
    there = replayed(simulator)
    return [view for view in simulator.views if view in there]


def link(view: View, *, seed: bool = True) -> str:
    query = f"?seed={view.view_id}&from=1764230400000" if seed else ""
    return f"https://app.datadoghq.eu/rum/replay/sessions/{view.session_id}{query}"


async def test_a_list_of_sessions_brings_home_all_their_recorded_views(tmp_path: Path) -> None:
    async with Simulator(SMALL) as simulator:
        report = await downloaded(simulator, tmp_path / "out", ["session_id", *sessions_of(simulator)])
        views = recorded(simulator)
        assert Archive(tmp_path / "out").sessions() == truth(simulator, views)
        assert set(Archive(tmp_path / "out").manifest()) == set(views)
    assert (report.views, report.exit_code) == (len(views), 0)
    assert Archive(tmp_path / "out").problems() == []


async def test_the_requests_of_the_search_are_counted_apart_from_those_for_segments(tmp_path: Path) -> None:
    async with Simulator(SMALL) as simulator:
        sessions = sessions_of(simulator)
        report = await downloaded(simulator, tmp_path / "out", ["session_id", *sessions])
        assert report.search is not None
        assert report.search["requests"] + report.requests == simulator.counts.requests
        assert (report.search["sessions"], report.search["views"]) == (len(sessions), report.views)
        (line,) = [line for line in report_text(report, tmp_path / "out").splitlines() if line.startswith("search: ")]
        assert line.startswith("search: 26 views found in 2 requests (0 were 429, 0 retries), ")
        assert len(line) <= 80
        written = (tmp_path / "out" / "report.json").read_bytes()
        assert orjson.loads(written)["search"] == report.search
        again = await downloaded(simulator, tmp_path / "out", ["session_id", *sessions])
        assert (again.search, again.requests) == (None, 0)
        assert (tmp_path / "out" / "report.json").read_bytes() == written


async def test_a_link_brings_its_whole_session_and_with_view_only_its_view(tmp_path: Path) -> None:
    async with Simulator(SMALL) as simulator:
        view = simulator.views[1]
        whole = [each for each in simulator.views if each.session_id == view.session_id]
        await downloaded(simulator, tmp_path / "whole", [link(view)])
        assert list(Archive(tmp_path / "whole").manifest()) == whole
        searched = simulator.counts.requests
        await downloaded(simulator, tmp_path / "one", [link(view)], PlanSettings(view_only=True))
        assert list(Archive(tmp_path / "one").manifest()) == [view]
        assert simulator.counts.requests == searched + 1


@pytest.mark.parametrize("refresh_window", [None, 10.0**9])
async def test_erased_sessions_are_not_asked_for_and_their_rows_are_counted(
    tmp_path: Path, refresh_window: float | None
) -> None:
    """One was downloaded before, a link names the view of another, and the third was erased in advance."""
    out, plan = tmp_path / "out", PlanSettings(refresh_window=refresh_window)
    async with Simulator(SMALL) as simulator:
        known, linked, other = sessions_of(simulator)[:3]
        view = next(view for view in simulator.views if view.session_id == linked)
        await downloaded(simulator, out, ["session_id", known])
        asked = simulator.counts.requests
        erase(ErasureJob(out, datetime(2026, 11, 28, tzinfo=UTC), "session", [known, linked, other]))
        report = await downloaded(simulator, out, [known, link(view), other], plan)
        assert simulator.counts.requests == asked
    assert (report.rows, report.erased, report.views, report.bad_rows, report.exit_code) == (3, 3, 0, 0, 0)
    assert Archive(out).manifest() == {}
    assert Archive(out).problems() == []


async def test_a_run_made_again_searches_for_nothing_and_changes_nothing(tmp_path: Path) -> None:
    async with Simulator(SMALL) as simulator:
        ids = sessions_of(simulator)
        await downloaded(simulator, tmp_path / "out", ids[:3])
        before, asked = Archive(tmp_path / "out").sessions(), simulator.counts.requests
        report = await downloaded(simulator, tmp_path / "out", ids[:3])
        assert simulator.counts.requests == asked
        assert (report.requests, report.exit_code) == (0, 0)
        assert Archive(tmp_path / "out").sessions() == before
        await downloaded(simulator, tmp_path / "out", ids)
        views = recorded(simulator)
        assert Archive(tmp_path / "out").sessions() == truth(simulator, views)


async def test_refresh_searches_again_for_sessions_that_are_young(tmp_path: Path) -> None:
    async with Simulator(SMALL) as simulator:
        ids = sessions_of(simulator)[:2]
        await downloaded(simulator, tmp_path / "out", ids)
        for window, searches in ((3600.0, False), (10 * 86_400.0, True)):
            asked = sum(simulator.counts.others.values())
            await downloaded(simulator, tmp_path / "out", ids, PlanSettings(refresh_window=window))
            assert (sum(simulator.counts.others.values()) > asked) is searches


async def test_a_search_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    """The batches of a hundred and of ten sessions take two requests each: during the third, one batch is known."""
    async with Simulator(replace(MANY, latency=LatencySettings(median=1.0))) as simulator:
        ids, settings, out = sessions_of(simulator), settings_for(simulator), tmp_path / "out"
        with found(ids, out, settings) as finding:
            async with anyio.create_task_group() as group:
                group.start_soon(finding.search, KEYS, None)
                while simulator.counts.requests < 3:  # noqa: ASYNC110 - the simulator has no event for its counts
                    await anyio.sleep(0.1)
                group.cancel_scope.cancel()
        with found(ids, out, settings) as finding:
            assert finding.needed == 10
            await finding.search(KEYS, None)
            rows = list(finding.views().rows())
        assert [row.view for row in rows if isinstance(row, PlannedRow)] == recorded(simulator)
        with found(ids, tmp_path / "other", settings) as finding:
            await finding.search(KEYS, None)
            assert list(finding.views().rows()) == rows


async def test_a_run_that_is_stopped_while_it_searches_ends_with_130(tmp_path: Path) -> None:
    async with Simulator(replace(SMALL, latency=LatencySettings(median=1.0))) as simulator:
        stop = anyio.Event()
        stop.set()
        report = await downloaded(simulator, tmp_path / "out", [link(simulator.views[0])], stop=stop)
        assert (report.exit_code, report.views, simulator.counts.requests) == (130, 1, 0)


async def test_a_session_without_views_is_a_bad_row_unless_its_link_names_one(tmp_path: Path) -> None:
    gone = View("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
    async with Simulator(SMALL) as simulator:
        there = simulator.views[0]
        report = await downloaded(simulator, tmp_path / "out", [there.session_id, gone.session_id])
        assert (report.bad_rows, report.exit_code) == (1, 1)
        (reason,) = Archive(tmp_path / "out").report()["bad_row_reasons"]
        assert reason.startswith(f"line 2: no views with a recording were found of session {gone.session_id}")
        upper, cut = there.session_id.upper(), f"{there.session_id[:8]}"
        report = await downloaded(simulator, tmp_path / "odd", [there.session_id, upper])
        assert report.bad_rows == 1
        (reason,) = Archive(tmp_path / "odd").report()["bad_row_reasons"]
        assert reason.endswith("in the last 30 days; the API writes ids in lower case: write it so")
        report = await downloaded(simulator, tmp_path / "cut", ["session_id", cut])
        (reason,) = Archive(tmp_path / "cut").report()["bad_row_reasons"]
        assert reason.endswith(f"of session {cut} in the last 30 days; a session's whole id has 36 characters")
        report = await downloaded(simulator, tmp_path / "linked", [there.session_id, link(gone)])
        assert (report.bad_rows, Archive(tmp_path / "linked").outcomes()[gone]) == (0, "missing")


async def test_keys_that_may_not_search_are_told_of_the_permission_and_the_way_without(tmp_path: Path) -> None:
    async with Simulator(SMALL) as simulator:
        linked, keys = io.BytesIO(link(simulator.views[0]).encode()), Credentials("wrong", "wrong")
        with pytest.raises(AuthError, match=r"search for views was refused: .*rum_apps_read; without it, --view-only"):
            await download(linked, tmp_path / "out", credentials=keys, settings=settings_for(simulator))


async def test_a_link_to_another_site_is_refused_before_anything_is_made_or_asked(tmp_path: Path) -> None:
    linked = io.BytesIO(link(View("s" * 8, "v" * 8)).encode())
    with pytest.raises(InputError, match=r"leads to datadoghq.eu, and us3.datadoghq.com would be asked"):
        await download(linked, tmp_path / "out", credentials=KEYS, settings=Settings(ApiSettings("us3.datadoghq.com")))
    assert not (tmp_path / "out").exists()
