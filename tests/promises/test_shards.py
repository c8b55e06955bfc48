"""Shards of one list in one archive: together they are what a single run makes, byte for byte."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path

import anyio
import pytest
from archives import WIDE, Archive, Job, download, write_list
from hypothesis import given, settings
from hypothesis import strategies as st
from kills import Killed, killed_at

from replay_fetch.archive.lock import locked
from replay_fetch.archive.read.readers import Processes
from replay_fetch.archive.shards import layouts
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.errors import ArchiveError, InputError, SettingsError
from replay_fetch.inspect.merge import merge
from replay_fetch.inspect.sessions import list_sessions
from replay_fetch.inspect.status import status
from replay_fetch.inspect.verify_shards import verify
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.model import View
from replay_fetch.settings import ArchiveSettings, Compression, FetchSettings, PlanSettings
from replay_fetch.shard import ShardId
from replay_fetch.simulator import Fault, Simulator, SimulatorSettings

pytestmark = pytest.mark.anyio

_SERVER = SimulatorSettings(seed=1, limit=WIDE)
_FAILING = replace(_SERVER, faults=(Fault.parse("500:sticky,rate=0.3"),))
_HASTY = Job(fetch=FetchSettings(workers=8, retries=0))
_COUNT = 4


def job(index: int, count: int = _COUNT, usual: Job = _HASTY, most: int | None = None) -> Job:
    return replace(usual, plan=PlanSettings(shard=ShardId(index, count), max_views=most))


def without_times(report: dict[str, object]) -> dict[str, object]:
    """A report but for what hangs on the clock and on the order of answers, and for how it was made."""
    own = {"started", "seconds", "waited_seconds", "pacing", "slowest", "settings", "limiter", "wire_bytes"}
    return {name: value for name, value in report.items() if name not in own}


def messy(views: list[View]) -> str:
    """A list with duplicates, rows that cannot be used, a repeated header, and ids that differ in case alone."""
    rows = [f"{view.session_id},{view.view_id}" for view in views]
    rows[3:3] = [
        rows[0],
        ",view-without-session",
        "session_id,view_id",
        f"{views[5].session_id.upper()},{views[5].view_id}",
    ]
    return "\n".join(["session_id,view_id", *rows, *rows[4:9], f"{views[0].session_id},not an id", ""])


@pytest.mark.parametrize("compress", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
@pytest.mark.parametrize("server", [_SERVER, _FAILING], ids=["well", "failing"])
async def test_merged_shards_are_byte_for_byte_a_single_run(
    tmp_path: Path, compress: Compression, server: SimulatorSettings
) -> None:
    usual = replace(_HASTY, archive=ArchiveSettings(compress=compress))
    path, alone, out = tmp_path / "views.csv", tmp_path / "alone", tmp_path / "shards"
    async with Simulator(server) as simulator:
        path.write_text(messy(list(simulator.views)))
        await download(simulator, alone, usual, views=path)
        for index in (2, 0, 3, 1):
            await download(simulator, out, job(index, usual=usual), views=path)
    merged = merge(out)
    assert merged.lacking == []
    assert Archive(out).sessions() == Archive(alone).sessions()
    assert (out / "manifest.ndjson").read_bytes() == (alone / "manifest.ndjson").read_bytes()
    assert without_times(Archive(out).report()) == without_times(Archive(alone).report())
    assert verify(DiskShelf(out), Processes(1), None).exit_code == 0
    # Each ledger knows it all.
    (out / ".replay-fetch" / "archive.json").unlink()
    merge(out)
    assert (out / "manifest.ndjson").read_bytes() == (alone / "manifest.ndjson").read_bytes()
    assert verify(DiskShelf(out), Processes(1), None).exit_code == 0


async def test_each_session_is_asked_for_by_one_shard_alone(tmp_path: Path) -> None:
    async with Simulator(_SERVER) as simulator:
        await download(simulator, tmp_path / "alone")
        alone = simulator.counts.requests
        for index in range(_COUNT):
            await download(simulator, tmp_path / "shards", job(index))
        assert simulator.counts.requests == 2 * alone


async def test_shards_that_run_side_by_side_do_not_disturb_each_other(tmp_path: Path) -> None:
    out = tmp_path / "shards"
    async with Simulator(_FAILING) as simulator:
        path = write_list(tmp_path / "views.csv", simulator.views)
        await download(simulator, tmp_path / "alone", _HASTY)
        async with anyio.create_task_group() as group:
            for index in range(_COUNT):
                group.start_soon(_in_group, simulator, out, job(index), path)
    merge(out)
    assert Archive(out).sessions() == Archive(tmp_path / "alone").sessions()
    assert (out / "manifest.ndjson").read_bytes() == (tmp_path / "alone" / "manifest.ndjson").read_bytes()


async def _in_group(simulator: Simulator, out: Path, shard: Job, path: Path) -> None:
    await download(simulator, out, shard, views=path)


@pytest.mark.parametrize("instant", range(0, 18, 3))
async def test_a_killed_shard_goes_on_and_leaves_the_others_partial_files_alone(tmp_path: Path, instant: int) -> None:
    out = tmp_path / "shards"
    async with Simulator(_FAILING) as simulator:
        path = write_list(tmp_path / "views.csv", simulator.views)
        await download(simulator, out, job(1, 2), views=path)
        others = Archive(out).sessions()
        with killed_at(instant), pytest.raises((Killed, BaseExceptionGroup)):
            await download(simulator, out, job(0, 2), views=path)
        await download(simulator, out, job(0, 2), views=path)
        await download(simulator, tmp_path / "alone", _HASTY, views=path)
    assert others.items() <= Archive(out).sessions().items()
    merge(out)
    assert Archive(out).sessions() == Archive(tmp_path / "alone").sessions()
    assert (out / "manifest.ndjson").read_bytes() == (tmp_path / "alone" / "manifest.ndjson").read_bytes()


@pytest.fixture(scope="module")
def three_of_four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of which the shards 0 to 2 have ended, and 3 has not begun; copy it to change it."""
    folder = tmp_path_factory.mktemp("shards")

    async def make() -> None:
        async with Simulator(_FAILING) as simulator:
            path = write_list(folder / "views.csv", simulator.views)
            for index in range(3):
                await download(simulator, folder / "out", job(index), views=path)

    anyio.run(make)
    return folder / "out"


@pytest.fixture
def out(three_of_four: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(three_of_four, tmp_path / "out"))


def names(out: Path) -> list[str]:
    return sorted(path.name for path in out.rglob("*"))


async def _refused(out: Path, refused: Job, views: list[View] | None = None) -> str:
    async with Simulator(_SERVER) as simulator:
        path = write_list(out.parent / "again.csv", views or list(simulator.views))
        with pytest.raises((SettingsError, InputError)) as error:
            await download(simulator, out, refused, views=path)
        assert simulator.counts.requests == 0
    return str(error.value)


async def test_another_number_of_shards_is_refused(out: Path) -> None:
    before = names(out)
    assert "an archive of 4 shards, not of 8: say --shard I/4" in await _refused(out, job(3, 8))
    assert "an archive of 4 shards, and `download --shard I/4` alone" in await _refused(out, _HASTY)
    assert names(out) == before


async def test_another_list_is_refused_by_a_new_shard_and_by_a_known_one(out: Path) -> None:
    other = [View("another", "view")]
    for index in (0, 3):
        assert "begun with another list" in await _refused(out, job(index), other)
    async with Simulator(_SERVER) as simulator:
        views = list(simulator.views)
    assert "begun with another list" in await _refused(out, job(0, most=5), views)
    assert "begun with another list" in await _refused(out, job(3), views[::-1])


async def test_another_compression_is_refused_and_none_is_taken_over(out: Path) -> None:
    packed = replace(_HASTY, archive=ArchiveSettings(compress=Compression.GZIP))
    assert "begun with --compress none, not gzip" in await _refused(out, job(3, usual=packed))


async def test_an_archive_of_a_single_run_refuses_shards(tmp_path: Path) -> None:
    async with Simulator(_SERVER) as simulator:
        await download(simulator, tmp_path / "alone")
    assert "an archive without shards; leave --shard out, and --engine" in await _refused(tmp_path / "alone", job(0))
    with pytest.raises(SettingsError, match="without shards"):
        merge(tmp_path / "alone")


@pytest.mark.parametrize("merged", [False, True])
def test_a_shard_that_has_not_begun_is_named(
    out: Path,
    merged: bool,  # noqa: FBT001 - from the table
    capsys: pytest.CaptureFixture[str],
) -> None:
    if merged:
        merge(out, partial=True)
    assert verify(DiskShelf(out), Processes(1), None).not_begun == ["3/4"]
    assert main(["verify", str(out)]) == 1, "a shard that was lost would look the same"
    assert " ".join(capsys.readouterr().out.split()).startswith(
        "shards that have not begun, or were lost, so nothing of their sessions is here: 3/4; run the same download "
        "for these nothing wrong in the other shards: "
    )
    assert main(["verify", str(out), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["good"] is False
    for words in (["show", str(out)], ["export", str(out), "--rrweb", str(out.parent / "events")]):
        main(words)
        said = " ".join(capsys.readouterr().err.split())
        assert "these shards have not begun, and nothing of their sessions is here: 3/4" in said


def test_a_merge_refuses_a_shard_that_has_not_begun_unless_told(out: Path) -> None:
    with pytest.raises(ArchiveError, match="shard 3/4 has not begun: run them to their end, or merge"):
        merge(out)
    assert not (out / "manifest.ndjson").exists()
    merged = merge(out, partial=True)
    assert merged.lacking == ["shard 3/4 has not begun"]
    lines = [path.read_bytes().splitlines() for path in (out / "manifest").iterdir()]
    assert Counter(chain.from_iterable(lines)) == Counter((out / "manifest.ndjson").read_bytes().splitlines())


def test_a_shard_that_was_refused_before_it_had_read_its_list_has_not_begun(out: Path) -> None:
    there = layouts(out)[3]
    there.private.mkdir(parents=True, exist_ok=True)
    with closing(Ledger.open(there.ledger)) as ledger:
        ledger.set_setting(Setting.COMPRESSION, "none")
    with pytest.raises(ArchiveError, match=r"^shard 3/4 has not begun: run"):
        merge(out)
    state = status(DiskShelf(out)).shards
    assert state is not None
    assert state.not_begun == [3]


async def test_a_merge_refuses_a_shard_that_is_running_or_was_killed(out: Path) -> None:
    with locked(layouts(out)[1].lock), pytest.raises(ArchiveError, match="shard 1/4: another run is writing"):
        merge(out, partial=True)
    with closing(Ledger.open(layouts(out)[2].ledger)) as ledger:
        ledger.set_setting(Setting.STATE, State.RUNNING)
    with pytest.raises(ArchiveError, match="shard 2/4 was killed; shard 3/4 has not begun"):
        merge(out)


def test_a_merge_may_be_killed_at_any_instant_and_repeated(out: Path) -> None:
    merge(out, partial=True)
    wanted = (out / "manifest.ndjson").read_bytes()
    instant = 0
    while True:
        (out / "manifest.ndjson").unlink(missing_ok=True)
        try:
            with killed_at(instant):
                merge(out, partial=True)
            break
        except Killed:
            # Not there, or whole.
            assert not (out / "manifest.ndjson").exists() or (out / "manifest.ndjson").read_bytes() == wanted
        merge(out, partial=True)
        assert (out / "manifest.ndjson").read_bytes() == wanted
        instant += 1
    assert instant > 3


async def test_a_shard_that_goes_on_removes_the_merged_manifest_until_the_next_merge(out: Path) -> None:
    merge(out, partial=True)
    async with Simulator(_SERVER) as simulator:
        path = write_list(out.parent / "again.csv", simulator.views)
        await download(simulator, out, job(3), views=path)
        assert not (out / "manifest.ndjson").exists()
        assert not (out / "report.json").exists()
        for index in range(_COUNT):
            await download(simulator, out, job(index), views=path)
        merge(out)
        # One that finds nothing to do leaves it alone.
        await download(simulator, out, job(1), views=path)
        assert (out / "manifest.ndjson").exists()
        await download(simulator, out.parent / "alone", _HASTY)
    assert (out / "manifest.ndjson").read_bytes() == (out.parent / "alone" / "manifest.ndjson").read_bytes()


def test_status_and_show_read_shards_merged_or_not(out: Path) -> None:
    apart, sessions = status(DiskShelf(out)), sorted(each.session_id for each in list_sessions(DiskShelf(out)))
    assert apart.shards is not None
    assert (apart.shards.ended, apart.shards.not_begun, apart.shards.merged) == ([0, 1, 2], [3], False)
    merge(out, partial=True)
    together = status(DiskShelf(out))
    assert together.shards is not None
    assert together.shards.merged
    assert (together.outcomes, together.whole, together.partial) == (apart.outcomes, apart.whole, apart.partial)
    assert apart.unfinished
    assert apart.shards.unfinished <= {0, 1, 2}
    assert sorted(each.session_id for each in list_sessions(DiskShelf(out))) == sessions


def test_verify_finds_damage_in_any_shard_and_in_the_merged_manifest(out: Path) -> None:
    assert verify(DiskShelf(out), Processes(1), None).findings == []
    merge(out, partial=True)
    manifest = out / "manifest.ndjson"
    manifest.write_bytes(manifest.read_bytes().replace(b'"pages":', b'"pages":1', 1))
    (out / "sessions" / "stranger.ndjson").write_bytes(b"{}\n")
    sessions = sorted(path for path in (out / "sessions").iterdir() if ".partial." not in path.name)
    sessions[0].write_bytes(sessions[0].read_bytes()[:-9])
    (out / "manifest" / "01-of-04.ndjson").unlink()
    found = {(finding.file, finding.problem.value) for finding in verify(DiskShelf(out), Processes(1), None).findings}
    assert found >= {
        (f"sessions/{sessions[0].name}", "cut off"),
        ("sessions/stranger.ndjson", "extra"),
        ("manifest/01-of-04.ndjson", "missing"),
    }
    (out / "manifest.ndjson").write_bytes(b"")


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abAB12"), st.sampled_from("xyz")), max_size=40),
    st.integers(1, 5),
)
def test_shards_partition_the_plan_with_the_rows_of_a_single_run(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]], count: int
) -> None:
    folder = tmp_path_factory.mktemp("plans")
    rows = [(line, View(*pair), None) for line, pair in enumerate(pairs, start=2)]

    def plan(name: str, shard: ShardId | None) -> tuple[list[tuple[int, int, View]], tuple[int, ...]]:
        with closing(Ledger.open(folder / name)) as ledger:
            loaded = ledger.load(rows, shard.owns if shard else None)
            planned = [record.planned for record in ledger.views()]
        return [(each.session, each.row, each.view) for each in planned], loaded[1:4]

    alone, counts = plan("alone", None)
    shards = [plan(shard.name, shard) for shard in ShardId(0, count).siblings()]
    assert sorted(chain.from_iterable(planned for planned, _ in shards)) == sorted(alone)
    assert tuple(map(sum, zip(*(each for _, each in shards), strict=True))) == counts
