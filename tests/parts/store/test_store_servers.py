"""A real S3 server: conditions that hold in a race, archives byte for byte, large files, lost requests and answers."""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from made_runs import FIRST, SECOND, MadeRun, content, planned
from memory_scratches import MemoryScratch
from store_faults import Lost, losing

from benchmarks.stores import StoreServer
from replay_fetch.store import door
from replay_fetch.store import objects as module
from replay_fetch.store.driver import Found, Tag
from replay_fetch.store.failures import StoreError
from replay_fetch.store.location import parse
from replay_fetch.store.log import Log
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import FOLDER, check_conditional_writes
from replay_fetch.store.restoring import Restoring
from replay_fetch.store.together import together

pytestmark = pytest.mark.anyio

Connect = Callable[..., Objects]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Objects of a place of the test's own, over a server, or over a proxy in front of it at a port."""
    prefix = uuid.uuid4().hex
    backoff = {"init_backoff": timedelta(milliseconds=5), "max_backoff": timedelta(milliseconds=50), "base": 2}
    monkeypatch.setattr(
        door, "_RETRIES", {"max_retries": 10**6, "retry_timeout": timedelta(seconds=30), "backoff": backoff}
    )

    def connected(server: StoreServer, port: int | None = None, **other: str) -> Objects:
        for name, value in {**server.environment(port), **other}.items():
            monkeypatch.setenv(name, value)
        place = parse(server.url(prefix))
        return Objects(door.connected(place), place, give_up_after=60)

    return connected


async def both_lists(connected: Callable[[], Objects], folder: Path) -> None:
    for number, views in enumerate((FIRST, SECOND)):
        await MadeRun(connected(), folder / str(number), views).run()


async def assert_archive(objects: Objects, folder: Path) -> None:
    """What lies there is what the log says, and each session's file has its views' lines in their order."""
    scratch = MemoryScratch(folder)
    await Restoring(objects, FOLDER, scratch).restore(Log(objects, FOLDER, "reader"))
    sessions = {view.session_id for view in scratch.rows}
    there = {listed.name: listed async for listed in objects.list("sessions")}
    assert set(there) == {f"sessions/{session}.ndjson" for session in sessions}
    for session in sessions:
        name = f"sessions/{session}.ndjson"
        got = await objects.get(name)
        assert got is not None
        assert (got[0], got[1].tag) == (content(planned(scratch, session)), scratch.objects[name].tag)
        assert there[name].tag == got[1].tag


async def test_an_archive_on_a_real_server_is_whole_and_its_listing_agrees_with_the_log(
    any_store: StoreServer, connect: Connect, tmp_path: Path
) -> None:
    await both_lists(partial(connect, any_store), tmp_path)
    await assert_archive(connect(any_store), tmp_path / "reader")


async def test_conditions_hold_on_a_real_server_and_one_of_many_writers_wins(
    any_store: StoreServer, connect: Connect
) -> None:
    objects = connect(any_store)
    await check_conditional_writes(objects, FOLDER)

    def race(write: Callable[[bytes], Awaitable[object]]) -> list[tuple[int, Callable[[], Awaitable[object]]]]:
        return [(0, partial(write, b"%d" % number)) for number in range(16)]

    created = await together(race(lambda body: objects.create("log/1", body, 1)))
    assert [type(put) for put in created].count(Tag) == 1
    assert [type(put) for put in created].count(Found) == 15
    got = await objects.get("log/1")
    assert got is not None
    replaced = await together(race(lambda body: objects.replace("log/1", b"new" + body, 1, got[1].tag)))
    assert [type(put) for put in replaced].count(Tag) == 1


async def test_a_large_file_goes_up_in_parts_and_comes_back_in_pieces(
    any_store: StoreServer, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_PUT", 2**20)
    monkeypatch.setattr(door, "_CHUNK", 5 * 2**20)
    objects = connect(any_store)
    large = os.urandom(12 * 2**20)
    (tmp_path / "large").write_bytes(large)
    tag = await objects.write("sessions/large", tmp_path / "large", 7)
    found = await objects.head("sessions/large")
    assert found is not None
    assert (found.tag, found.size, found.metadata["epoch"]) == (tag, len(large), "7")
    assert b"".join([piece async for piece in objects.pieces("sessions/large")]) == large
    assert await objects.range("sessions/large", 7_000_000, 10) == large[7_000_000:7_000_010]


@pytest.mark.parametrize(
    ("any_store", "lost"),
    [*itertools.product(["seaweedfs"], [Lost.REQUEST, Lost.ANSWER, Lost.CONNECTION]), ("azurite", Lost.CONNECTION)],
    indirect=["any_store"],
)
async def test_an_archive_is_the_same_whatever_is_lost_on_the_way(
    lost: Lost, any_store: StoreServer, connect: Connect, tmp_path: Path
) -> None:
    """Every third request, and reads as well as writes."""
    async with losing(any_store.port, lambda number, _: lost if number % 3 == 0 else Lost.NOTHING) as port:
        await both_lists(partial(connect, any_store, port), tmp_path)
    await assert_archive(connect(any_store), tmp_path / "reader")


async def test_an_outage_of_the_store_is_waited_for(seaweedfs: StoreServer, connect: Connect, tmp_path: Path) -> None:
    """Twenty requests in a row are refused, from the middle of each run."""
    async with losing(seaweedfs.port, lambda number, _: Lost.REQUEST if 30 < number <= 50 else Lost.NOTHING) as port:
        await both_lists(partial(connect, seaweedfs, port), tmp_path)
    await assert_archive(connect(seaweedfs), tmp_path / "reader")


async def test_each_write_may_lose_its_answer_alone(seaweedfs: StoreServer, connect: Connect, tmp_path: Path) -> None:
    """The answers to the writes of a run are lost one by one, a run for each of every fourth."""
    for unheard in range(0, 24, 4):
        writes = itertools.count()

        def lost(_: int, first: bytes, writes: itertools.count[int] = writes, unheard: int = unheard) -> Lost:
            return Lost.CONNECTION if first.startswith(b"PUT") and next(writes) == unheard else Lost.NOTHING

        async with losing(seaweedfs.port, lost) as port:
            await MadeRun(
                connect(seaweedfs, port), tmp_path / f"{unheard}", SECOND if unheard % 8 else FIRST, wait=0
            ).run()
    await assert_archive(connect(seaweedfs), tmp_path / "reader")


@pytest.mark.parametrize("any_store", ["seaweedfs", "azurite"], indirect=True)  # moto takes any keys
async def test_wrong_keys_are_refused_by_a_real_server_and_not_shown(any_store: StoreServer, connect: Connect) -> None:
    for name, value in any_store.environment().items():
        if not name.endswith(("REGION", "ENDPOINT", "URL", "ACCOUNT_NAME")):  # an account is part of the endpoint
            wrong = "hiddenhidden" + value
            with pytest.raises(StoreError, match=r"the bucket .* these credentials") as raised:
                await check_conditional_writes(connect(any_store, **{name: wrong}), FOLDER)
            assert "hidden" not in str(raised.value).lower()
