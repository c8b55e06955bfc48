"""Opening an archive in a store: which stores are refused, and which archives."""

from __future__ import annotations

import sys

import pytest
from memory_stores import PLACE, Fate, MemoryDriver, names, objects
from obstore.store import MemoryStore

from replay_fetch.archive_json import ArchiveFacts
from replay_fetch.errors import InputError, SettingsError
from replay_fetch.settings import Compression
from replay_fetch.store.driver import Tag, Taken
from replay_fetch.store.failures import StoreError
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import agree, check_conditional_writes, objects_at, read_facts

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

FOLDER = ".replay-fetch"


async def test_a_store_with_conditional_writes_passes_in_four_of_them_and_keeps_nothing() -> None:
    store = MemoryStore()
    one = objects(store, [Fate.UNHEARD, Fate.DONE, Fate.DONE])
    await check_conditional_writes(one, FOLDER)
    assert names(store) == []
    assert one.requests["PUT"] == 5  # the first is sent again: its answer was lost


@pytest.mark.parametrize("ignored", ["create", "replace"])
async def test_a_store_that_ignores_conditions_is_refused_before_anything_is_asked(ignored: str) -> None:
    class Careless(MemoryDriver):
        async def put(self, name, body, condition, metadata):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - as its base
            try:
                return await super().put(name, body, condition, metadata)
            except Taken:
                if (condition is None) != (ignored == "create"):
                    raise
                return Tag('"1"')

    with pytest.raises(SettingsError, match="whose condition does not hold"):
        await check_conditional_writes(Objects(Careless(MemoryStore()), PLACE, give_up_after=1), FOLDER)


async def test_the_first_run_writes_the_archives_facts_and_the_others_agree() -> None:
    one = objects(MemoryStore())
    assert await read_facts(one, FOLDER) is None
    facts = ArchiveFacts(compression=Compression.ZSTD)
    await agree(one, FOLDER, facts)
    await agree(one, FOLDER, facts)
    assert await read_facts(one, FOLDER) == facts


async def test_the_facts_of_shards_are_written_by_the_first_that_knows_the_list() -> None:
    one = objects(MemoryStore())
    opening = ArchiveFacts(compression=Compression.ZSTD, shards=8)
    await agree(one, FOLDER, opening)
    assert await read_facts(one, FOLDER) is None
    facts = ArchiveFacts(compression=Compression.ZSTD, shards=8, list="a1")
    for each in (facts, opening, facts):
        await agree(one, FOLDER, each)
        assert await read_facts(one, FOLDER) == facts


@pytest.mark.parametrize(
    ("compress", "shards", "listed", "kind", "says"),
    [
        (Compression.ZSTD, 8, "a1", SettingsError, "was begun with --compress none, not zstd"),
        (Compression.NONE, 7, "", SettingsError, "is an archive of 8 shards, not of 7"),
        (Compression.NONE, 0, "", SettingsError, "is an archive of 8 shards, and `download --shard I/8` alone"),
        (Compression.NONE, 8, "b2", InputError, "was begun with another list than this one"),
    ],
)
async def test_a_run_that_means_another_archive_is_refused_with_2(
    compress: Compression, shards: int, listed: str, kind: type[Exception], says: str
) -> None:
    one = objects(MemoryStore())
    await agree(one, FOLDER, ArchiveFacts(compression=Compression.NONE, shards=8, list="a1"))
    with pytest.raises(kind, match=f"s3://bucket/season {says}"):
        await agree(one, FOLDER, ArchiveFacts(compression=compress, shards=shards, list=listed))


@pytest.mark.parametrize("content", [b"{", b'{"compression":"none","format":2}', b'{"compression":"lzma"}'])
async def test_facts_that_cannot_be_read_are_an_error_with_their_name(content: bytes) -> None:
    store = MemoryStore()
    store.put(f"{FOLDER}/archive.json", content, use_multipart=False)
    with pytest.raises(StoreError, match=r"archive\.json is not of format 1"):
        await read_facts(objects(store), FOLDER)


async def test_an_address_without_the_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "replay_fetch.store.door", None)
    with pytest.raises(
        SettingsError, match=r"s3:// needs the store extra: in a checkout of replay-fetch, pip install '\.\[store\]'"
    ):
        objects_at(PLACE, 60)


async def test_objects_at_an_address_ask_nothing_yet() -> None:
    assert repr(objects_at(PLACE, 60)) == "<Objects s3://bucket/season, 0 requests>"
