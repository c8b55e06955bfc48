"""Finding views: everything there is, each once, however the search misbehaves."""

from __future__ import annotations

import signal
from pathlib import Path

import anyio
import pytest
from archives import Archive, download, write_list
from searches import DAY_MS, everything, replayed, search

from replay_fetch.api.search import Window
from replay_fetch.errors import AuthError, ChainCut, GaveUp, NotFound, Rejected, TokenRefused
from replay_fetch.pipeline.discover import Wanted
from replay_fetch.settings import Credentials
from replay_fetch.simulator import (
    AuthSettings,
    Fault,
    HoldingSettings,
    LimitSettings,
    PagingSettings,
    SearchChain,
    SearchSettings,
    Simulator,
    SimulatorSettings,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock", "seldom_shown")]

MANY = HoldingSettings(sessions=40)
SMALL = SearchSettings(page_events=10)
FAULTS = tuple(
    map(
        Fault.parse,
        ("503:single,rate=0.3", "429:single,rate=0.2", "reset-body:single,rate=0.2", "truncated:single,rate=0.2"),
    )
)


async def test_every_view_with_a_replay_is_found_once() -> None:
    async with Simulator(SimulatorSettings(holding=MANY, search=SMALL)) as simulator:
        found = await search(simulator)
        assert len(found.ids) == len(set(found.ids))
        assert set(found.ids) == replayed(simulator)
        assert found.discovery.exit_code == 0
        assert found.discovery.events > len(found.ids)


@pytest.mark.parametrize(
    "settings",
    [
        SimulatorSettings(holding=MANY, search=SMALL, faults=FAULTS, seed=4),
        SimulatorSettings(holding=MANY, search=SMALL, limit=LimitSettings(limit=5, period=10.0)),
        SimulatorSettings(holding=MANY, search=SMALL, paging=PagingSettings(expire_page=3)),
        SimulatorSettings(holding=MANY, search=SMALL, paging=PagingSettings(expire_page=4, expire_status=400)),
        SimulatorSettings(holding=MANY, search=SearchSettings(page_events=10, search_pages=2)),
        SimulatorSettings(holding=MANY, search=SearchSettings(page_events=10, search_timeout=7200.0)),
        SimulatorSettings(holding=MANY, search=SearchSettings(page_events=10, search_chain=SearchChain.LINK)),
        SimulatorSettings(holding=MANY, search=SearchSettings(page_events=10, search_chain=SearchChain.ERRORS)),
        SimulatorSettings(holding=MANY, search=SearchSettings(page_events=10, search_chain=SearchChain.PARTIAL)),
    ],
    ids=[
        "faults",
        "a tight limit",
        "expired cursors",
        "refused cursors",
        "a silent end",
        "long windows time out",
        "cursors in links",
        "second pages that tell of errors",
        "second pages that are half there",
    ],
)
async def test_a_search_that_misbehaves_gives_the_same_list(settings: SimulatorSettings) -> None:
    async with Simulator(SimulatorSettings(holding=MANY, seed=settings.seed)) as simulator:
        truth = replayed(simulator)
        order = (await search(simulator)).ids
    async with Simulator(settings) as simulator:
        found = await search(simulator)
        assert set(found.ids) == truth
        assert found.ids == order


async def test_the_last_event_of_a_view_is_the_one_that_counts() -> None:
    async with Simulator() as simulator:
        views = {found.view.view_id: found for found in (await search(simulator)).views}
    assert views["d651b473-43af-4d7c-ac56-cb96870840f8"].segments_count == 7
    assert views["f83c7a44-5abc-417a-a6d6-c53e6795e552"].sdk == "browser 6.33.0"
    assert views["581a550f-a774-47f0-bca2-a7e6a7329a25"].view_url == "http://127.0.0.1:42401/catalog"


async def test_a_sessions_views_stand_together_in_the_order_they_began() -> None:
    async with Simulator(SimulatorSettings(holding=MANY)) as simulator:
        found = await search(simulator)
        sessions = [view.session_id for view in found.ids]
        assert sessions == sorted(sessions, key=sessions.index)
        assert [view for view in simulator.views if view in set(found.ids)] == found.ids


async def test_sessions_and_playlists_narrow_the_search() -> None:
    async with Simulator(SimulatorSettings(holding=HoldingSettings(sessions=250), search=SMALL)) as simulator:
        ids = [simulator.views.session_id(number) for number in range(250)]
        of_two = await search(simulator, everything(sessions=[ids[7], ids[3], ids[7]]))
        of_playlist = await search(simulator, everything(playlist="230"))
        both = await search(simulator, everything(sessions=[ids[240]], playlist="2"))
        assert {view.session_id for view in of_two.ids} == {ids[3], ids[7]}
        assert {view.session_id for view in of_playlist.ids} == set(ids[:230])
        assert set(of_playlist.ids) == {view for view in replayed(simulator) if view.session_id in set(ids[:230])}
        assert {view.session_id for view in both.ids} == {ids[0], ids[1], ids[240]}


async def test_sessions_that_are_not_found_are_named_up_to_twenty(caplog: pytest.LogCaptureFixture) -> None:
    async with Simulator() as simulator:
        there = simulator.views.session_id(0)
        for wanted in (everything(sessions=[there]), everything(playlist="1")):
            assert (await search(simulator, wanted)).discovery.exit_code == 0
        assert "no views found" not in caplog.text
        some = await search(simulator, everything(sessions=["nonesuch", there, "nonesuch"]))
        assert (some.discovery.lacking, some.discovery.exit_code) == (1, 1)
        assert "no views found of 1 of 2 sessions, look at --from and --query: nonesuch\n" in caplog.text
        await search(simulator, everything(sessions=[there, *(f"none-{number:02}" for number in range(23))]))
        assert "no views found of 23 of 24 sessions" in caplog.text
        assert "none-18, none-19 and 3 more\n" in caplog.text
        assert "none-20" not in caplog.messages[-1]


async def test_the_window_bounds_what_is_found() -> None:
    async with Simulator(SimulatorSettings(holding=MANY)) as simulator:
        wanted = everything()
        middle = wanted.window.end_ms - DAY_MS // 4
        early = await search(simulator, Wanted(wanted.query, Window(wanted.window.start_ms, middle)))
        late = await search(simulator, Wanted(wanted.query, Window(middle, wanted.window.end_ms)))
        assert early.ids
        assert late.ids
        assert set(early.ids) | set(late.ids) == replayed(simulator)


async def test_an_application_narrows_the_search() -> None:
    async with Simulator() as simulator:
        wanted = everything()
        theirs = Wanted(wanted.query, wanted.window, application="5f3c7f1e-2b44-4c0a-9a57-0d6a3b7e9c11")
        nobodys = Wanted(wanted.query, wanted.window, application="5f3c7f1e-2b44-4c0a-9a57-000000000000")
        assert set((await search(simulator, theirs)).ids) == replayed(simulator)
        assert (await search(simulator, nobodys)).ids == []


async def test_refused_keys_name_the_permission() -> None:
    async with Simulator() as simulator:
        with pytest.raises(AuthError, match=r"permission rum_apps_read$"):
            await search(simulator, keys=Credentials("wrong", "wrong"))
        with pytest.raises(AuthError, match="rum_session_replay_read"):
            await search(simulator, everything(playlist="1"), keys=Credentials("wrong", "wrong"))
    async with Simulator(SimulatorSettings(auth=AuthSettings(refusal=401))) as simulator:
        with pytest.raises(AuthError):
            await search(simulator, keys=Credentials("wrong", "wrong"))


async def test_a_search_that_is_forbidden_behind_an_allowed_playlist_is_the_keys_fault() -> None:
    """Half of all calls are forbidden: with this seed not the playlist's, and soon a search's."""
    settings = SimulatorSettings(seed=2, faults=(Fault.parse("403:sticky,rate=0.5"),))
    async with Simulator(settings) as simulator:
        with pytest.raises(AuthError, match="rum_apps_read"):
            await _search_again_and_again(simulator)
        assert simulator.counts.statuses[403] == 1
        assert simulator.counts.statuses[200] > 1


async def _search_again_and_again(simulator: Simulator) -> None:
    for _ in range(50):  # each over another window, for which chance is drawn anew
        await search(simulator, everything(playlist="1"))


async def test_a_query_or_playlist_that_the_api_refuses_is_named() -> None:
    async with Simulator() as simulator:
        with pytest.raises(Rejected, match="searched for: @type:view AND"):
            await search(simulator, everything(query="@type:view AND ("))
        with pytest.raises(Rejected, match=r"\(asked for: the sessions of playlist abc\)$"):
            await search(simulator, everything(playlist="abc"))
        with pytest.raises(NotFound, match="playlist 99"):
            await search(simulator, everything(playlist="99"))


async def test_a_window_that_cannot_be_had_is_not_passed_over() -> None:
    """Even a second of it fails: then there is no list, rather than one with a hole."""
    settings = SimulatorSettings(search=SearchSettings(search_timeout=0.1))
    async with Simulator(settings) as simulator:
        with pytest.raises(GaveUp, match='status "timeout"'):
            await search(simulator, retries=0)
    async with Simulator(SimulatorSettings(search=SMALL, paging=PagingSettings(expire_page=2))) as simulator:
        with pytest.raises(TokenRefused, match="expired"):
            await search(simulator)


async def test_half_a_list_is_no_list() -> None:
    settings = SimulatorSettings(holding=MANY, search=SearchSettings(page_events=10, search_chain=SearchChain.NUMBER))
    async with Simulator(settings) as simulator:
        with pytest.raises(ChainCut, match="a cursor that is no text"):
            await search(simulator)


@pytest.mark.parametrize(("holds", "minutes", "requests"), [(86400.0, 8, 110), (3600.0, 25, 1250)])
async def test_a_month_with_windows_that_time_out_takes_minutes(holds: float, minutes: int, requests: int) -> None:
    """Each time-out takes 20 s. Nine of them for every window on the way took two hours, and by the hour days."""
    behaviour = SearchSettings(events_span=29 * 86400.0, search_timeout=holds, search_patience=20.0)
    async with Simulator(SimulatorSettings(holding=MANY, search=behaviour)) as simulator:
        wanted = everything()
        month = Wanted(wanted.query, Window(wanted.window.end_ms - 30 * DAY_MS, wanted.window.end_ms))
        began = anyio.current_time()
        found = await search(simulator, month)
        assert set(found.ids) == replayed(simulator)
        assert anyio.current_time() - began < minutes * 60
        assert simulator.counts.requests < requests


async def test_a_discovered_list_can_be_downloaded(tmp_path: Path) -> None:
    async with Simulator() as simulator:
        found = await search(simulator)
        ran = await download(simulator, tmp_path / "out", views=write_list(tmp_path / "views.csv", found.ids))
        assert ran.exit_code == 0
        assert set(Archive(tmp_path / "out").outcomes()) == replayed(simulator)


async def test_an_interrupt_ends_a_search_at_once() -> None:
    async with Simulator(SimulatorSettings(holding=MANY, search=SMALL)) as simulator:
        async with anyio.create_task_group() as group:
            group.start_soon(_interrupt)
            with pytest.raises(KeyboardInterrupt):
                await search(simulator)
        assert simulator.counts.requests < 20


async def _interrupt() -> None:
    await anyio.sleep(0.5)
    # To this thread, so at once: a signal for the process may come through another, and the clock jumps meanwhile.
    signal.raise_signal(signal.SIGINT)


async def test_no_view_without_a_replay_slips_in() -> None:
    """The recordings hold one view whose events never say that it has a replay."""
    async with Simulator() as simulator:
        found = await search(simulator)
        assert len(found.ids) == len(simulator.views) - 1
