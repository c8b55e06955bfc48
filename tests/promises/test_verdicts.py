"""What a run makes of views that are not there, and of view after view that fails in the same way."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest
from archives import USUAL, Archive, download, download_from, truth
from told_views import EMPTY_LIST, GONE, NO_BODY, ODD, REFUSED, UNAUTHORIZED, Said, there, told_views

from replay_fetch.errors import AuthError, OutageError
from replay_fetch.fetch.retry import MOST_REFUSALS
from replay_fetch.model import Outcome, View
from replay_fetch.pacing.breaker import BESIDE_A_SUCCESS, IN_A_ROW
from replay_fetch.settings import FetchSettings, SourceChoice
from replay_fetch.simulator import Fault, HoldingSettings, LimitSettings, Simulator, SimulatorSettings

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

JOB = replace(USUAL, source=SourceChoice.EVENT_PLATFORM)
ONE_BY_ONE = replace(JOB, fetch=FetchSettings(workers=1))


def views(number: int) -> list[View]:
    """Views of as many sessions."""
    return [View(f"s{row:04}", "v") for row in range(number)]


def only(*there_are: View) -> Callable[[View, int], Said]:
    """These are there, all others are not."""
    return lambda view, _: there() if view in there_are else GONE


def spell(first: int, last: int, said: Said) -> Callable[[View, int], Said]:
    """All views are there, but to the requests from one number to another something else is said."""
    return lambda _, number: said if first <= number <= last else there()


# --- views that are not there


@pytest.mark.parametrize("said", [GONE, NO_BODY, EMPTY_LIST], ids=["404", "no body", "empty list"])
@pytest.mark.parametrize("workers", [1, 8])
async def test_views_that_are_there_survive_a_spell_in_which_they_were_not(
    tmp_path: Path, said: Said, workers: int
) -> None:
    async with told_views(spell(101, 160, said)) as told:
        job = replace(JOB, fetch=FetchSettings(workers=workers))
        ran = await download_from(told.base_url, tmp_path / "out", views(300), job)
    assert (ran.exit_code, ran.report.outcomes) == (0, {Outcome.FETCHED: 300})
    assert len(told.asked) < 300 + 60 + 20


@pytest.mark.parametrize(("empty", "more"), [(5, 0), (19, 0), (60, 4)])
@pytest.mark.parametrize("last", [False, True], ids=["in the middle", "last in the list"])
async def test_a_few_empty_lists_are_believed_and_a_long_run_of_them_needs_a_witness(
    tmp_path: Path, empty: int, more: int, *, last: bool
) -> None:
    listed = views(100 + empty)
    without = set(listed[-empty:] if last else listed[50 : 50 + empty])
    async with told_views(lambda view, _: EMPTY_LIST if view in without else there()) as told:
        ran = await download_from(told.base_url, tmp_path / "out", listed, ONE_BY_ONE)
    assert (ran.exit_code, ran.report.outcomes) == (0, {Outcome.FETCHED: 100, Outcome.EMPTY: empty})
    assert len(told.asked) <= len(listed) + more


async def test_a_long_spell_is_waited_for_like_an_outage(tmp_path: Path) -> None:
    limit = LimitSettings(limit=5, period=1.0)
    settings = SimulatorSettings(
        holding=HoldingSettings(sessions=100), limit=limit, faults=(Fault.parse("404:outage=10..300"),)
    )
    async with Simulator(settings) as simulator:
        ran = await download(simulator, tmp_path / "out")
        assert Archive(tmp_path / "out").sessions() == truth(simulator)
    assert ran.exit_code == 0
    assert Outcome.MISSING not in ran.report.outcomes
    assert ran.report.requests < simulator.counts.statuses[200] + 120


@pytest.mark.parametrize("said", [GONE, EMPTY_LIST], ids=["404", "empty list"])
async def test_a_spell_without_an_end_stops_the_run_and_the_next_one_finds_everything(
    tmp_path: Path, said: Said
) -> None:
    async with told_views(spell(101, 10**9, said)) as told:
        ran = await download_from(told.base_url, tmp_path / "out", views(200), JOB)
    assert (ran.exit_code, type(ran.failure)) == (3, OutageError)
    assert "views that it gave in this run" in str(ran.failure)
    assert ran.report.outcomes[Outcome.FETCHED] == 100
    assert not {Outcome.MISSING, Outcome.EMPTY} & ran.report.outcomes.keys()
    async with told_views(lambda _view, _: there()) as told:
        ran = await download_from(told.base_url, tmp_path / "out", views(200), JOB)
    assert (ran.exit_code, ran.report.outcomes) == (0, {Outcome.FETCHED: 200})


async def test_a_view_that_meets_429s_for_ever_is_given_up_while_others_are_answered(tmp_path: Path) -> None:
    listed = views(2_000)
    async with told_views(lambda view, _: (429, b"") if view == listed[50] else there()) as told:
        ran = await download_from(told.base_url, tmp_path / "out", listed, JOB)
    assert (ran.exit_code, ran.report.outcomes) == (1, {Outcome.FETCHED: 1_999, Outcome.FAILED: 1})
    assert MOST_REFUSALS < told.times(listed[50]) < 2 * MOST_REFUSALS


async def test_a_fifth_of_the_views_gone_costs_no_second_round(tmp_path: Path) -> None:
    listed = views(500)
    gone = listed[::5]
    async with told_views(lambda view, _: GONE if view in gone else there()) as told:
        ran = await download_from(told.base_url, tmp_path / "out", listed, JOB)
    assert (ran.exit_code, ran.report.outcomes) == (0, {Outcome.FETCHED: 400, Outcome.MISSING: 100})
    assert len(told.asked) <= 500 + 2  # the first, asked before the API was seen to be well


@pytest.mark.parametrize("end", ["first", "middle", "last"])
async def test_a_fifth_gone_in_one_piece_costs_one_witness_for_every_twenty(tmp_path: Path, end: str) -> None:
    """A list in order of time begins with what retention has deleted."""
    listed = views(500)
    gone = set({"first": listed[:100], "middle": listed[200:300], "last": listed[400:]}[end])
    async with told_views(lambda view, _: GONE if view in gone else there()) as told:
        ran = await download_from(told.base_url, tmp_path / "out", listed, JOB)
    assert (ran.exit_code, ran.report.outcomes) == (0, {Outcome.FETCHED: 400, Outcome.MISSING: 100})
    assert len(told.asked) <= 500 + 40


@pytest.mark.parametrize("gone", range(3))
async def test_a_view_of_three_that_is_gone_is_missing_without_a_wait(tmp_path: Path, gone: int) -> None:
    listed = views(3)
    async with told_views(lambda view, _: GONE if view == listed[gone] else there()) as told:
        ran = await download_from(told.base_url, tmp_path / "out", listed, ONE_BY_ONE)
    assert (ran.exit_code, Archive(tmp_path / "out").outcomes()[listed[gone]]) == (0, "missing")
    assert len(told.asked) <= 4
    assert ran.report.seconds < 5


@pytest.mark.parametrize("workers", [1, 3, 32])
async def test_where_the_api_is_well_the_archive_does_not_depend_on_the_workers(tmp_path: Path, workers: int) -> None:
    settings = SimulatorSettings(
        seed=5, holding=HoldingSettings(sessions=60), faults=(Fault.parse("404:sticky,rate=0.3"),)
    )
    async with Simulator(settings) as simulator:
        await download(simulator, tmp_path / "one", ONE_BY_ONE)
        ran = await download(simulator, tmp_path / "out", replace(JOB, fetch=FetchSettings(workers=workers)))
    assert ran.exit_code == 0
    one, out = Archive(tmp_path / "one"), Archive(tmp_path / "out")
    assert (out.sessions(), out.manifest()) == (one.sessions(), one.manifest())


@pytest.mark.parametrize("number", [1, 3, 30, 1100])
async def test_a_list_of_which_nothing_is_there_is_not_final_and_is_doubted_aloud(
    tmp_path: Path, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    listed = views(number)
    for _ in range(2):
        async with told_views(only()) as told:
            ran = await download_from(told.base_url, tmp_path / "out", listed, JOB)
        assert (ran.exit_code, ran.report.outcomes) == (1, {Outcome.UNCONFIRMED: number})
        assert ran.report.nothing_there
        assert "are the session and the view column exchanged? is --site right" in caplog.messages[-1]
        assert len(told.asked) <= number + 12
    async with told_views(lambda _view, _: there()) as told:
        assert (await download_from(told.base_url, tmp_path / "out", listed, JOB)).exit_code == 0


async def test_ids_in_upper_case_are_tried_once_in_lower_case(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    listed = [View(f"AAAAAAAA-0000-0000-0000-{row:012}", f"BBBBBBBB-0000-0000-0000-{row:012}") for row in range(40)]
    async with told_views(lambda view, _: there() if view.session_id.islower() else GONE) as told:
        ran = await download_from(told.base_url, tmp_path / "out", listed, JOB)
    assert ran.exit_code == 1
    assert len([message for message in caplog.messages if "in lower case" in message]) == 1
    assert len([view for view in told.asked if view.session_id.islower()]) == 1


async def test_a_view_that_was_not_confirmed_is_missing_when_a_later_run_hears_it_again(tmp_path: Path) -> None:
    """The last of the list, of which a spell without an end began with it."""
    listed = views(2)
    wall = [1_800_000_000.0]
    async with told_views(spell(2, 10**9, GONE)) as told:
        fetch = FetchSettings(workers=1, give_up_after=10)
        job = replace(JOB, fetch=fetch, wall=lambda: wall[0])
        ran = await download_from(told.base_url, tmp_path / "out", listed, job)
        assert (ran.exit_code, ran.report.outcomes) == (3, {Outcome.FETCHED: 1, Outcome.UNCONFIRMED: 1})
        for seconds, outcome in ((30, Outcome.UNCONFIRMED), (31, Outcome.MISSING)):
            wall[0] += seconds
            ran = await download_from(told.base_url, tmp_path / "out", listed, job)
            assert ran.report.outcomes == {Outcome.FETCHED: 1, outcome: 1}


async def test_columns_are_not_doubted_where_an_earlier_run_got_segments(tmp_path: Path) -> None:
    listed = counted(tmp_path / "views.csv", 4)
    job = replace(JOB, wall=partial(float, RECORDED))
    async with told_views(lambda _, number: there(2, RECORDED * 1000) if number == 1 else GONE) as told:
        runs = [await download_from(told.base_url, tmp_path / "out", listed, job) for _ in "12"]
    assert (runs[1].exit_code, runs[1].report.segments) == (1, 2)
    assert not runs[1].report.nothing_there


# --- views that the list counts more segments of


def counted(path: Path, count: int, date: str = "") -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("session_id", "view_id", "segments_count", "date"), ("s0", "v", count, date)])
    return path


RECORDED = 1_800_000_000
LATER_THAN_A_DAY = RECORDED + 86_400


AHEAD = RECORDED + 10**9


@pytest.mark.parametrize(
    "said",
    [there(2, RECORDED * 1000), there(2, AHEAD * 1000), there(0), GONE],
    ids=["2 of 3", "2 of 3 by a clock that is ahead", "empty", "404"],
)
async def test_a_young_view_with_fewer_segments_than_listed_is_asked_for_again_for_a_day(
    tmp_path: Path, said: Said
) -> None:
    listed = counted(tmp_path / "views.csv", 3, "2027-01-15T08:00:00Z")
    witness = View("s1", "v")
    with listed.open("a") as file:
        file.write(f"{witness.session_id},v,,\n")
    wanted = {200: Outcome.FETCHED if b"records" in said[1] else Outcome.EMPTY, 404: Outcome.MISSING}[said[0]]
    async with told_views(lambda view, _: there() if view == witness else said) as told:
        for wall, exit_code, outcome in (
            (RECORDED, 1, Outcome.INCOMPLETE),
            (LATER_THAN_A_DAY - 1, 1, Outcome.INCOMPLETE),
            (LATER_THAN_A_DAY, 0, wanted),
        ):
            ran = await download_from(told.base_url, tmp_path / "out", listed, replace(JOB, wall=partial(float, wall)))
            line = Archive(tmp_path / "out").manifest()[View("s0", "v")]
            assert (ran.exit_code, line["outcome"], line["segments_expected"]) == (exit_code, outcome, 3)


async def test_a_young_view_is_fetched_once_all_segments_are_there(tmp_path: Path) -> None:
    listed = counted(tmp_path / "views.csv", 2)
    job = replace(JOB, wall=partial(float, RECORDED))
    async with told_views(lambda _, number: there(0 if number == 1 else 2, RECORDED * 1000)) as told:
        runs = [await download_from(told.base_url, tmp_path / "out", listed, job) for _ in "12"]
    assert [ran.exit_code for ran in runs] == [1, 0]
    assert runs[-1].report.outcomes == {Outcome.FETCHED: 1}


async def test_a_young_view_whose_latest_answer_lacks_segments_says_so(tmp_path: Path) -> None:
    listed = counted(tmp_path / "views.csv", 4)
    job = replace(JOB, wall=partial(float, RECORDED))
    async with told_views(lambda _, number: there(3 - number, RECORDED * 1000)) as told:
        for _ in "12":
            await download_from(told.base_url, tmp_path / "out", listed, job)
    line = Archive(tmp_path / "out").manifest()[View("s0", "v")]
    assert (line["outcome"], line["segments"]) == (Outcome.INCOMPLETE, 2)
    assert line["reason"].startswith("the API's latest answer lacks 1 of the 2 segments here")


# --- view after view that fails in the same way

REDIRECT: Said = 302, b""
BAD: Said = 400, b'{"errors":["Bad request"]}'


@pytest.mark.parametrize(
    ("said", "outcome"), [(REFUSED, "forbidden"), (REDIRECT, "failed"), (BAD, "failed"), (ODD, "unrecognised")]
)
async def test_views_that_all_fail_after_a_success_stop_the_run(tmp_path: Path, said: Said, outcome: str) -> None:
    async with told_views(spell(101, 10**9, said)) as told:
        ran = await download_from(told.base_url, tmp_path / "out", views(600), JOB)
    assert ran.exit_code == 3
    assert isinstance(ran.failure, AuthError if outcome == "forbidden" else OutageError)
    assert ran.report.outcomes[Outcome.FETCHED] == 100
    assert BESIDE_A_SUCCESS <= ran.report.outcomes[Outcome(outcome)] <= len(told.asked) - 100 <= 50
    assert ran.report.unasked >= 450


@pytest.mark.parametrize(("workers", "lasts"), [(1, 0.1), (8, 0.1), (8, 170.0)])
async def test_keys_that_are_refused_with_401_for_less_than_three_minutes_stop_nothing(
    tmp_path: Path, workers: int, lasts: float
) -> None:
    """The servers that know the keys fail for a while, as others do."""
    began: list[float] = []

    def say(_: View, number: int) -> Said:
        if number > 100:
            began.append(anyio.current_time())
        return UNAUTHORIZED if began and began[-1] - began[0] < lasts else there()

    async with told_views(say) as told:
        job = replace(JOB, fetch=FetchSettings(workers=workers))
        ran = await download_from(told.base_url, tmp_path / "out", views(300), job)
    assert (ran.exit_code, ran.report.outcomes) == (0, {Outcome.FETCHED: 300})
    assert 300 < len(told.asked) < 300 + 60


async def test_keys_that_are_refused_with_401_for_three_minutes_stop_the_run(
    tmp_path: Path,
) -> None:
    async with told_views(spell(101, 10**9, UNAUTHORIZED)) as told:
        ran = await download_from(told.base_url, tmp_path / "out", views(600), JOB)
    assert (ran.exit_code, type(ran.failure)) == (3, AuthError)
    assert "the keys are refused (401): Unauthorized. Check DD_API_KEY and DD_APP_KEY" in str(ran.failure)
    assert ran.report.outcomes == {Outcome.FETCHED: 100}
    assert 180 <= ran.report.seconds < 300
    assert len(told.asked) < 100 + 60


async def test_a_view_that_meets_401s_for_ever_has_failed_while_others_are_fetched(tmp_path: Path) -> None:
    listed = views(500)
    async with told_views(lambda view, _: UNAUTHORIZED if view == listed[50] else there()) as told:
        ran = await download_from(told.base_url, tmp_path / "out", listed, ONE_BY_ONE)
    assert (ran.exit_code, ran.report.outcomes) == (1, {Outcome.FETCHED: 499, Outcome.FAILED: 1})


@pytest.mark.parametrize("said", [REDIRECT, BAD, ODD])
async def test_views_that_all_fail_before_any_success_stop_the_run(tmp_path: Path, said: Said) -> None:
    async with told_views(lambda _view, _: said) as told:
        ran = await download_from(told.base_url, tmp_path / "out", views(600), JOB)
    assert (ran.exit_code, type(ran.failure)) == (3, OutageError)
    assert "nothing was fetched yet. The rest was not asked for" in str(ran.failure)
    assert IN_A_ROW <= len(told.asked) <= IN_A_ROW + 15


@pytest.mark.parametrize("said", [REFUSED, BAD, ODD])
async def test_views_that_fail_alike_do_not_stop_a_run_while_a_fetched_view_is_still_there(
    tmp_path: Path, said: Said
) -> None:
    listed = views(300)
    bad = listed[50:250]
    async with told_views(lambda view, _: said if view in bad else there()) as told:
        ran = await download_from(told.base_url, tmp_path / "out", listed, JOB)
    assert ran.exit_code == 1
    assert (ran.report.outcomes[Outcome.FETCHED], ran.report.unasked) == (100, 0)
    assert len(told.asked) <= 300 + 200 // BESIDE_A_SUCCESS


async def test_views_that_fail_for_different_reasons_do_not_stop_the_run(tmp_path: Path) -> None:
    def say(view: View, _: int) -> Said:
        return (REDIRECT, BAD)[int(view.session_id[1:]) % 2]

    async with told_views(say) as told:
        ran = await download_from(told.base_url, tmp_path / "out", views(200), ONE_BY_ONE)
    assert (ran.exit_code, ran.report.unasked) == (1, 0)
    assert {(str(each["reason"])[:10], each["views"]) for each in ran.report.reasons} == {
        ("redirected", 100),
        ("the reques", 100),
    }


def sessions(number: int, of: int) -> list[View]:
    return [View(f"s{session:04}", f"v{view}") for session in range(number) for view in range(of)]


@pytest.mark.parametrize("forbidden", [1, 3, 10])
@pytest.mark.parametrize("turned", [False, True], ids=["first in the list", "last in the list"])
async def test_a_list_with_forbidden_sessions_is_fetched_but_for_these(
    tmp_path: Path, forbidden: int, *, turned: bool
) -> None:
    listed = sessions(20, 3)
    refused = set(listed[: 3 * forbidden])
    wanted: Sequence[View] = listed[::-1] if turned else listed
    async with told_views(lambda view, _: REFUSED if view in refused else there()) as told:
        ran = await download_from(told.base_url, tmp_path / "out", wanted, JOB)
    assert ran.exit_code == 1
    assert ran.report.outcomes == {Outcome.FETCHED: 60 - 3 * forbidden, Outcome.FORBIDDEN: 3 * forbidden}
    assert len(told.asked) <= 60 + 4


async def test_a_list_of_forbidden_views_is_asked_to_its_end_where_the_archive_has_views_that_are_not(
    tmp_path: Path,
) -> None:
    """As the leftovers of a season are, given to the next run as a list of their own."""
    listed = views(150)
    refused = set(listed[30:])
    async with told_views(lambda view, _: REFUSED if view in refused else there()) as told:
        await download_from(told.base_url, tmp_path / "out", listed, JOB)
        ran = await download_from(told.base_url, tmp_path / "out", listed[30:], JOB)
    assert (ran.exit_code, ran.report.outcomes) == (1, {Outcome.FORBIDDEN: 120})


async def test_a_run_that_is_stopped_while_it_waits_for_views_to_come_back_ends_at_once(tmp_path: Path) -> None:
    stop = anyio.Event()

    async def stop_later() -> None:
        await anyio.sleep(60)
        stop.set()

    async with told_views(spell(21, 10**9, GONE)) as told, anyio.create_task_group() as group:
        group.start_soon(stop_later)
        ran = await download_from(told.base_url, tmp_path / "out", views(100), JOB, stop)
    assert ran.exit_code == 130
    assert ran.report.seconds < 75
    assert Outcome.MISSING not in ran.report.outcomes


async def test_keys_that_are_refused_for_all_are_found_out_within_three_sessions(tmp_path: Path) -> None:
    async with told_views(lambda _view, _: REFUSED) as told:
        ran = await download_from(told.base_url, tmp_path / "out", views(100), JOB)
    assert (ran.exit_code, type(ran.failure)) == (3, AuthError)
    assert len(told.asked) <= 3 + 7 + 4
