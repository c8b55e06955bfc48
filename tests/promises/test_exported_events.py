"""RUM events out of the vendor's exported files keep the promises of asked ones: exact, whole, resumed, verified."""

from __future__ import annotations

import gzip
import itertools
import json
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pyarrow as pa
import pytest
from archives import KEYS, Archive, Job, download
from damaged_archives import problems
from kills import is_kill, killed_at
from pyarrow import parquet
from stored_events import NOW, SETTINGS, SPAN, files, lines, of_one_day, served, store

from replay_fetch.archive.read.events import stored_events
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.errors import InputError
from replay_fetch.inspect.events import EventFacts, session_events
from replay_fetch.pipeline.events import EventsRun
from replay_fetch.pipeline.events_result import StoredEvents
from replay_fetch.pipeline.exported_events import DamagedExport
from replay_fetch.pipeline.opening import open_as_it_is
from replay_fetch.settings import ArchiveSettings, Settings
from replay_fetch.simulator import HoldingSettings, Simulator
from replay_fetch.simulator.events import Events

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock", "_of_one_day")]
Json = dict[str, Any]


@pytest.fixture
def _of_one_day() -> Iterator[None]:
    with of_one_day():
        yield


def all_events(simulator: Simulator, now: int = NOW) -> list[Json]:
    """All events of the simulator, as the search would answer them."""
    events = Events(simulator.views, SPAN, (now - 1) * 1000)
    return [events.answered(number) for number in range(len(events))]


def export(folder: Path, events: Iterable[Mapping[str, object]]) -> Path:
    """An export of events that came in no order, over several hours of several days."""
    for number, event in enumerate(events):
        path = folder / f"dt=2026112{number % 3}" / f"hour=0{number % 2}" / "archive_000000.json.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "ab") as file:
            file.write(json.dumps(event).encode() + b"\n")
    return folder


async def taken(out: Path, exported: Path, now: int = NOW, stop: anyio.Event | None = None) -> StoredEvents:
    """Store events out of exported files; a server that is asked would not be there."""
    settings = Settings(archive=ArchiveSettings(events_from=exported))
    with open_as_it_is(out) as (layout, ledger):
        run = EventsRun(layout, ledger, settings, KEYS)
        run.epoch = lambda: now
        return await run.run(stop or anyio.Event())


async def test_events_of_an_export_make_the_same_files_as_asked_ones(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        await download(simulator, tmp_path / "a")
        truth, exported = served(simulator), export(tmp_path / "export", all_events(simulator))
    stored = await taken(tmp_path / "a", exported)
    assert (stored.exit_code, stored.fetched, stored.stats.requests) == (0, 12, 0)
    assert files(tmp_path / "a") == truth
    assert problems(tmp_path / "a") == []
    again = await taken(tmp_path / "a", exported)
    assert (again.sessions, again.exit_code) == (0, 0)


async def test_events_that_the_sdk_wrote_are_stored_in_the_form_of_the_search(tmp_path: Path) -> None:
    """So that every reader finds them where asked ones are; the text of the SDK's own values stays as it was."""
    async with Simulator(SETTINGS) as simulator:
        await download(simulator, tmp_path / "a")
        events = [event["attributes"]["attributes"] for event in all_events(simulator)]
    assert (await taken(tmp_path / "a", export(tmp_path / "export", events))).fetched == 12
    texts = {json.dumps(event).encode() for event in events}
    session = events[0]["session"]["id"]
    stored = list(stored_events(DiskShelf(tmp_path / "a"), session))
    assert all(line.startswith(b'{"type":"rum","attributes":{"attributes":{') for line in stored)
    assert {
        line.removeprefix(b'{"type":"rum","attributes":{"attributes":').removesuffix(b"}}") for line in stored
    } <= texts
    assert EventFacts.of(session_events(DiskShelf(tmp_path / "a"), session)).kinds["view"] > 0


async def test_events_come_out_of_a_parquet_file(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        await download(simulator, tmp_path / "a")
        events = all_events(simulator)
    rows = [{**event, "attributes": json.dumps(event["attributes"])} for event in events]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "events.parquet")
    stored = await taken(tmp_path / "a", tmp_path / "events.parquet")
    assert (stored.fetched, stored.events) == (12, len(events))


async def test_sessions_that_an_export_lacks_stay_open_for_the_api(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        out = tmp_path / "a"
        await download(simulator, out)
        events = all_events(simulator)
        session = events[0]["attributes"]["attributes"]["session"]["id"]
        some = [event for event in events if event["attributes"]["attributes"]["session"]["id"] == session]
        stored = await taken(out, export(tmp_path / "export", some))
        assert (stored.exit_code, stored.fetched, stored.unfinished.total()) == (1, 1, 11)
        assert set(files(out)) == set(lines_named(out)) == {f"{session}.ndjson"}
        assert (await store(simulator, out)).fetched == 11
        assert files(out) == served(simulator)


def lines_named(out: Path) -> list[str]:
    return [f"{session}.ndjson" for session in lines(out)]


async def test_an_export_brings_events_that_the_api_has_deleted(tmp_path: Path) -> None:
    """Asked too late, the API has none, which is noted; whoever has an export may still store them."""
    async with Simulator(SETTINGS) as simulator:
        out = tmp_path / "a"
        await download(simulator, out)
        exported = export(tmp_path / "export", all_events(simulator))
        truth = served(simulator)
        late = await store(simulator, out, now=NOW + 400 * 86_400)
        assert (late.none, files(out)) == (12, {})
    assert (await taken(out, exported, now=NOW + 400 * 86_400)).fetched == 12
    assert files(out) == truth


async def test_a_run_that_takes_an_export_and_is_killed_at_any_instant_ends_in_the_same_bytes(tmp_path: Path) -> None:
    settings = replace(SETTINGS, holding=HoldingSettings(sessions=3))
    async with Simulator(settings) as simulator:
        await download(simulator, tmp_path / "base")
        exported = export(tmp_path / "export", all_events(simulator))
        truth = served(simulator)
    for instant in itertools.count():
        out = tmp_path / f"killed-{instant}"
        shutil.copytree(tmp_path / "base", out)
        if not await _killed(out, exported, instant):
            break
        await taken(out, exported)
        assert files(out) == truth, instant
        assert problems(out) == [], instant
    assert instant > 15


async def _killed(out: Path, exported: Path, instant: int) -> bool:
    """Run until the instant; False where the run ends before there is one."""
    try:
        with killed_at(instant):
            await taken(out, exported)
    except BaseException as ended:
        if is_kill(ended):
            return True
        raise
    return False


async def test_a_bad_line_of_an_export_is_named_and_fails_no_session(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "replay_fetch")
    caplog.clear()
    async with Simulator(SETTINGS) as simulator:
        await download(simulator, tmp_path / "a")
        exported = export(tmp_path / "export", all_events(simulator))
    (exported / "z.json").write_text('["no object"]\n\n{"cut": \n')
    stored = await taken(tmp_path / "a", exported)
    assert (stored.exit_code, stored.fetched, stored.bad_lines) == (1, 12, 2)
    assert [message.partition(": ")[0] for message in caplog.messages] == [
        f"{exported}, z.json, line {number}" for number in (1, 3)
    ]


async def test_a_damaged_file_of_an_export_stores_nothing_and_stops_the_run(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        await download(simulator, tmp_path / "a")
        exported = export(tmp_path / "export", all_events(simulator))
    path = exported / "dt=20261122" / "hour=01" / "archive_000000.json.gz"
    path.write_bytes(path.read_bytes()[:-30])
    stored = await taken(tmp_path / "a", exported)
    assert isinstance(stored.failure, DamagedExport)
    assert f"{path} is cut short or damaged" in str(stored.failure)
    assert files(tmp_path / "a") == {}


async def test_a_stop_while_an_export_is_read_stores_nothing(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        await download(simulator, tmp_path / "a")
        exported = export(tmp_path / "export", all_events(simulator))
    stop = anyio.Event()
    stop.set()
    stored = await taken(tmp_path / "a", exported, stop=stop)
    assert (stored.exit_code, files(tmp_path / "a")) == (130, {})


async def test_a_download_stores_the_events_of_an_export(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        exported = export(tmp_path / "export", all_events(simulator))
        ran = await download(simulator, tmp_path / "a", Job(archive=ArchiveSettings(events_from=exported)))
        report = ran.report
        assert report.exit_code == 0
        assert report.events is not None
        assert (report.events["fetched"], report.events["exported"]) == (12, str(exported))
        assert files(tmp_path / "a") == served(simulator)
        assert simulator.counts.requests == report.requests


async def test_a_download_whose_export_is_not_there_asks_nothing(tmp_path: Path) -> None:
    async with Simulator(SETTINGS) as simulator:
        with pytest.raises(InputError, match="there is no such file"):
            await download(simulator, tmp_path / "a", Job(archive=ArchiveSettings(events_from=tmp_path / "none")))
        assert simulator.counts.requests == 0
    assert not Archive(tmp_path / "a").root.exists()
