"""The library's door: segments as they come, errors as they are, a list into an archive."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, get_args, get_type_hints

import anyio
import pytest
from archives import KEYS, WIDE, Archive
from rude_server import answer, serving

import replay_fetch
from replay_fetch import (
    ApiSettings,
    AuthError,
    ChainCut,
    Client,
    Credentials,
    FetchSettings,
    GaveUp,
    InputError,
    Noted,
    NotFound,
    OutageError,
    Outcome,
    ReplayFetchError,
    Settings,
    SettingsError,
    ShowSettings,
    SourceChoice,
    Stop,
    View,
    download,
)
from replay_fetch.simulator import Fault, PageChain, PagingSettings, Scope, Simulator, SimulatorSettings

pytestmark = pytest.mark.anyio

NOBODYS = "5f3c7f1e-2b44-4c0a-9a57-000000000000"
ONE_A_PAGE = PagingSettings(page_segments=1)


@asynccontextmanager
async def opened(settings: SimulatorSettings, retries: int = 8) -> AsyncIterator[tuple[Client, Simulator]]:
    async with (
        Simulator(settings) as simulator,
        Client(credentials=KEYS, settings=settings_for(simulator, retries)) as client,
    ):
        yield client, simulator


def settings_for(simulator: Simulator, retries: int = 8) -> Settings:
    return Settings(api=ApiSettings(base_url=simulator.base_url), fetch=FetchSettings(workers=4, retries=retries))


def simulated(paging: PagingSettings | None = None, *faults: Fault) -> SimulatorSettings:
    return SimulatorSettings(limit=WIDE, paging=paging or PagingSettings(), faults=faults)


def asked(simulator: Simulator) -> int:
    return simulator.counts.requests


def longest(simulator: Simulator) -> View:
    return max(simulator.views, key=lambda view: len(simulator.truth.expected_segments(view)))


async def segments(client: Client, view: View) -> list[bytes]:
    return [segment.raw async for segment in client.segments(*view)]


async def test_segments_come_in_order_byte_for_byte() -> None:
    async with opened(simulated(ONE_A_PAGE)) as (client, simulator):
        for view in list(simulator.views)[:3]:
            assert await segments(client, view) == list(simulator.truth.expected_segments(view))


async def test_a_client_reads_the_segments_of_many_views_at_once() -> None:
    found: dict[View, list[bytes]] = {}

    async with opened(simulated()) as (client, simulator):

        async def read(view: View) -> None:
            found[view] = await segments(client, view)

        async with anyio.create_task_group() as group:
            for view in simulator.views:
                group.start_soon(read, view)
        assert found == {view: list(simulator.truth.expected_segments(view)) for view in simulator.views}


async def test_a_chain_that_begins_anew_gives_nothing_twice() -> None:
    paging = PagingSettings(page_segments=1, expire_page=3)
    async with opened(simulated(paging)) as (client, simulator):
        view = longest(simulator)
        assert await segments(client, view) == list(simulator.truth.expected_segments(view))
        assert asked(simulator) > len(simulator.truth.expected_segments(view))


class Forgetful:
    """A server of one view: pages of the segments 0 to 3, whose next token it refuses; thereafter other pages."""

    def __init__(self, *anew: tuple[int, ...] | None) -> None:
        self._pages: Sequence[tuple[int, ...] | None] = [(0, 1), (2, 3)]
        self._anew = anew

    async def __call__(self, head: bytes, _reader: object, writer: asyncio.StreamWriter) -> None:
        token = re.search(rb"paging=(\d+)", head)
        number = int(token[1]) if token else 0
        if self._pages is not self._anew and number == len(self._pages):
            self._pages = self._anew
            writer.write(answer(b'{"errors":["expired"]}', status=b"400 Bad Request"))
            return
        indexes = self._pages[number]
        if indexes is None:
            writer.write(answer(b'{"errors":["Not Found"]}', status=b"404 Not Found"))
            return
        more = number + 1 < len(self._pages) or self._pages is not self._anew
        found = [{"records": [], "start": 1, "index_in_view": index} for index in indexes]
        writer.write(answer(json.dumps({"segments": found, "paging": str(number + 1) if more else None}).encode()))


@pytest.mark.parametrize(
    ("anew", "given", "whole"),
    [
        (((0, 1, 2), (3, 4)), [0, 1, 2, 3, 4], True),
        (((1, 0), (3, 2, 5)), [0, 1, 2, 3, 5], True),
        (((2, 3), (4, 5), (6, 7)), [0, 1, 2, 3, 4, 5, 6, 7], False),
        (((4,), (5,)), [0, 1, 2, 3, 4, 5], False),
        (((),), [0, 1, 2, 3], False),
        ((None,), [0, 1, 2, 3], False),
    ],
    ids=str,
)
async def test_a_chain_begun_anew_gives_what_is_new_and_says_where_something_is_lacking(
    anew: tuple[tuple[int, ...] | None, ...], given: list[int], *, whole: bool
) -> None:
    found: list[int] = []
    async with serving(Forgetful(*anew)) as server:
        settings = Settings(api=ApiSettings(base_url=server.url, source=SourceChoice.BLOB))
        async with Client(credentials=KEYS, settings=settings) as client:
            with (
                nullcontext()
                if whole
                else pytest.raises(ChainCut, match=r"began anew, and lacks \d of the \d segments")
            ):
                async for segment in client.segments("s", "v"):
                    index = json.loads(segment.raw)["index_in_view"]
                    found.append(index)
    assert found == given


@pytest.mark.parametrize("view", [(5, "v"), ("s", None), (b"s", "v"), ("s", ["v"])], ids=str)
async def test_an_id_that_is_no_text_is_an_input_error(view: tuple[Any, Any]) -> None:  # Any: what no type checker saw
    async with opened(simulated()) as (client, simulator):
        with pytest.raises(InputError, match=r"an id is text, not (int|NoneType|bytes|list)"):
            await segments(client, View(*view))
        assert asked(simulator) == 0


async def test_a_reader_that_has_enough_asks_for_no_more() -> None:
    async with opened(simulated(ONE_A_PAGE)) as (client, simulator):
        view = longest(simulator)
        async with aclosing(client.segments(*view)) as stream:
            await anext(stream)
        assert asked(simulator) == 1


async def test_a_view_that_is_not_there_is_not_found() -> None:
    async with opened(simulated()) as (client, _):
        with pytest.raises(NotFound):
            await segments(client, View("no-session", "no-view"))


async def test_a_chain_without_an_end_is_cut() -> None:
    async with opened(simulated(PagingSettings(page_segments=1, chain=PageChain.REPEATED))) as (client, simulator):
        view = longest(simulator)
        with pytest.raises(ChainCut):
            await segments(client, view)


async def test_a_fault_that_stays_is_given_up() -> None:
    async with opened(simulated(None, Fault.parse("503:burst=9")), retries=0) as (client, simulator):
        with pytest.raises(GaveUp, match=r"\(after 1 attempt\)"):
            await segments(client, simulator.views[0])


# --- an API that is away for a while, and a client that lives on


def away(*outages: tuple[float, float]) -> SimulatorSettings:
    """503 to every request from one second of the simulator's life to another."""
    return simulated(None, *(Fault("503", Scope.OUTAGE, begin=begin, end=end) for begin, end in outages))


@pytest.mark.usefixtures("virtual_clock")
async def test_two_faults_with_an_idle_hour_between_them_do_not_end_a_client() -> None:
    async with opened(away((0, 10), (3600, 3700)), retries=0) as (client, simulator):
        view = simulator.views[0]
        for _ in range(2):
            with pytest.raises(GaveUp, match="503"):
                await segments(client, view)
            await anyio.sleep(3600)
        assert await segments(client, view) == list(simulator.truth.expected_segments(view))


@pytest.mark.usefixtures("virtual_clock")
async def test_a_client_that_was_told_of_an_outage_has_patience_again_when_all_have_gone() -> None:
    """All who ask are told, and whoever asks at once thereafter; later it is as if it were new."""
    told: list[float] = []
    async with opened(away((0, 2000), (2500, 5000))) as (client, simulator):

        async def read(view: View) -> None:
            with pytest.raises(OutageError, match=r"no request has succeeded for 18\d\d s; the API looks dead"):
                await segments(client, view)
            told.append(anyio.current_time())

        async def all_read() -> None:
            async with anyio.create_task_group() as group:
                for view in simulator.views[:4]:
                    group.start_soon(read, view)

        await all_read()
        await all_read()
        assert told[-1] - told[0] < 61
        view = simulator.views[0]
        await anyio.sleep(300)  # the first outage is over then
        assert await segments(client, view) == list(simulator.truth.expected_segments(view))
        await anyio.sleep(500)
        began = anyio.current_time()
        await all_read()
        assert 1800 < anyio.current_time() - began < 1800 + 130


async def test_refused_keys_are_an_error_of_their_own() -> None:
    wrong = Credentials("wrong", "keys")
    async with (
        Simulator(simulated()) as simulator,
        Client(credentials=wrong, settings=settings_for(simulator)) as client,
    ):
        with pytest.raises(AuthError):
            await segments(client, simulator.views[0])


@pytest.mark.parametrize("view", [("", "v"), ("s", "../v"), ("s/", "v"), ("s", "v" * 129)])
async def test_an_id_that_no_view_has_is_not_asked_for(view: tuple[str, str]) -> None:
    async with opened(simulated()) as (client, simulator):
        with pytest.raises(InputError, match="id"):
            await segments(client, View(*view))
        assert asked(simulator) == 0


async def test_a_client_that_is_not_open_says_how_to_open_it() -> None:
    client = Client(credentials=KEYS, settings=Settings())
    with pytest.raises(RuntimeError, match="async with"):
        await segments(client, View("s", "v"))
    assert repr(client) == "<Client of https://api.datadoghq.com, closed>"


async def test_keys_and_site_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("DD_API_KEY", "key-1"), ("DD_APP_KEY", "key-2"), ("DD_SITE", "datadoghq.eu")):
        monkeypatch.setenv(name, value)
    async with Client() as client:
        assert repr(client) == "<Client of https://api.datadoghq.eu>"
    patient = Settings(fetch=FetchSettings(workers=1))
    assert repr(Client(settings=patient)) == "<Client of https://api.datadoghq.eu, closed>"
    named = Settings(api=ApiSettings(site="us5.datadoghq.com"))
    assert repr(Client(settings=named)) == "<Client of https://api.us5.datadoghq.com, closed>"
    monkeypatch.delenv("DD_API_KEY")
    with pytest.raises(SettingsError, match="DD_API_KEY"):
        Client()


# --- a list into an archive


async def test_pairs_are_brought_home_and_told_in_a_report(tmp_path: Path) -> None:
    async with Simulator(simulated()) as simulator:
        pairs = [*simulator.views[:3], simulator.views[0], ("bad id", "v"), (NOBODYS, NOBODYS)]
        report = await download(pairs, tmp_path / "out", credentials=KEYS, settings=settings_for(simulator))
    assert (report.rows, report.duplicates, report.bad_rows, report.exit_code) == (6, 1, 1, 1)
    assert report.outcomes == {Outcome.FETCHED: 3, Outcome.MISSING: 1}
    assert list(Archive(tmp_path / "out").outcomes()) == [*simulator.views[:3], (NOBODYS, NOBODYS)]


async def test_a_failure_of_the_run_is_raised_when_what_came_is_safe(tmp_path: Path) -> None:
    async with Simulator(simulated()) as simulator:
        with pytest.raises(AuthError):
            await download(
                simulator.views, tmp_path / "out", credentials=Credentials("a", "b"), settings=settings_for(simulator)
            )
    assert Archive(tmp_path / "out").report()["exit_code"] == 3


async def test_a_run_that_is_stopped_asks_for_nothing_more(tmp_path: Path) -> None:
    stop = anyio.Event()
    stop.set()
    async with Simulator(simulated()) as simulator:
        report = await download(
            simulator.views, tmp_path / "out", credentials=KEYS, settings=settings_for(simulator), stop=stop
        )
    assert (report.exit_code, report.interrupted) == (130, True)


async def test_a_list_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        await download(tmp_path / "nowhere.csv", tmp_path / "out", credentials=KEYS, settings=Settings())


async def test_pairs_that_cannot_be_made_leave_no_archive_behind(tmp_path: Path) -> None:
    def pairs() -> Iterator[tuple[str, str]]:
        raise ConnectionError("the database of ids is away")
        yield ("s", "v")

    with pytest.raises(ConnectionError):
        await download(pairs(), tmp_path / "out", credentials=KEYS, settings=Settings())
    assert not (tmp_path / "out").exists()


# --- the package


@pytest.mark.parametrize("name", replay_fetch.__all__)
def test_every_public_name_is_there_with_its_docstring(name: str) -> None:
    assert getattr(replay_fetch, name).__doc__


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'Downloader'"):
        _ = replay_fetch.Downloader


def ours_in(hint: object) -> set[type]:
    """The package's own classes in an annotation, and in the fields of those."""
    found = {kind for argument in get_args(hint) for kind in ours_in(argument)}
    if isinstance(hint, type) and hint.__module__.startswith("replay_fetch"):
        inside = {kind for field in get_type_hints(hint).values() if field is not hint for kind in ours_in(field)}
        found |= {hint} | inside
    return found


def test_every_type_that_a_signature_names_is_public() -> None:
    """Whoever wraps the library can annotate all that goes in and comes out."""
    errors = [getattr(replay_fetch, name) for name in replay_fetch.__all__]
    signatures = [Client.__init__, Client.segments, download, *(kind.__init__ for kind in errors if is_error(kind))]
    named = {kind for function in signatures for hint in get_type_hints(function).values() for kind in ours_in(hint)}
    assert {Settings, ShowSettings, Noted, Stop} < named
    assert {kind.__name__ for kind in named} - set(replay_fetch.__all__) == set()


def is_error(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, ReplayFetchError)
