"""Lists of sessions and links downloaded into a store: searched for once, whatever machine goes on."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import obstore
import orjson
import pytest
from archives import KEYS, WIDE
from memory_stores import Fate, names
from obstore.store import MemoryStore
from searches import replayed
from stored_commands import simulator, store
from stored_runs import SEASON, dies, local_files, over, stored_files

from replay_fetch import download as library_download
from replay_fetch.cli import main
from replay_fetch.settings import ApiSettings, FetchSettings, Settings
from replay_fetch.simulator import HoldingSettings, SearchSettings, Simulator, SimulatorSettings

__all__ = ["simulator", "store"]

OUT = str(SEASON)
SIMULATED = SimulatorSettings(
    limit=WIDE, search=SearchSettings(events_age=90_000), holding=HoldingSettings(sessions=102)
)


@pytest.fixture
def ids(simulator: Simulator, tmp_path: Path) -> Path:
    """A list of all sessions, which takes two searches of a hundred sessions at most, and a link that repeats one."""
    sessions = list(dict.fromkeys(view.session_id for view in simulator.views))
    first = next(view for view in simulator.views if view in replayed(simulator))
    link = f"https://app.datadoghq.eu/rum/replay/sessions/{first.session_id}?seed={first.view_id}&from=1764230400000"
    path = tmp_path / "ids.txt"
    path.write_text("\n".join([*sessions, link]) + "\n", "ascii")
    return path


def searches(simulator: Simulator) -> int:
    return sum(simulator.counts.others.values())


def test_a_list_of_sessions_makes_the_same_archive_in_a_store_and_is_searched_for_once(
    simulator: Simulator, store: MemoryStore, ids: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["download", "--sessions", str(ids), str(tmp_path / "out"), "-q"]) == 0
    for _ in range(2):
        with over(monkeypatch, store):
            before = searches(simulator)
            assert main(["download", "--sessions", str(ids), OUT, "-q"]) == 0
            assert stored_files(store) == local_files(tmp_path / "out")
    assert searches(simulator) == before


def test_a_link_brings_its_whole_session_into_a_store(
    simulator: Simulator, store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = simulator.views[1]
    link = f"https://app.datadoghq.eu/rum/replay/sessions/{view.session_id}"
    assert main(["download", link, str(tmp_path / "out"), "-q"]) == 0
    with over(monkeypatch, store):
        assert main(["download", link, OUT, "-q"]) == 0
    assert stored_files(store) == local_files(tmp_path / "out")
    assert [name for name in names(store) if name.startswith("sessions/")] == [f"sessions/{view.session_id}.ndjson"]


def test_a_rehearsal_counts_the_sessions_to_search_for_and_writes_nothing(
    simulator: Simulator,
    store: MemoryStore,
    ids: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with over(monkeypatch, store):
        for to_search in (102, 0):
            there, before = names(store), searches(simulator)
            assert main(["download", "--sessions", str(ids), OUT, "--dry-run", "--json"]) == 0
            assert orjson.loads(capsys.readouterr().out)["sessions_to_search"] == to_search
            assert (names(store), searches(simulator)) == (there, before)
            assert main(["download", "--sessions", str(ids), OUT, "-q"]) == 0
            capsys.readouterr()


def test_a_list_of_sessions_may_lie_in_the_store_too(
    store: MemoryStore, ids: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    obstore.put(store, "ids.txt", ids.read_bytes())
    with over(monkeypatch, store):
        assert main(["download", "--sessions", "s3://bucket/lists/ids.txt", str(tmp_path / "out"), "-q"]) == 0
    assert orjson.loads((tmp_path / "out" / "report.json").read_bytes())["list_name"] == "s3://bucket/lists/ids.txt"


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("fate", [Fate.DIES_BEFORE, Fate.DIES_AFTER])
def test_a_machine_that_dies_while_it_searches_is_followed_by_one_that_searches_for_the_rest_alone(
    fate: Fate, simulator: Simulator, ids: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["download", "--sessions", str(ids), str(tmp_path / "out"), "-q"]) == 0
    begun = searches(simulator)
    with over(monkeypatch, MemoryStore()) as driver:
        assert main(["download", "--sessions", str(ids), OUT, "-q"]) == 0
    whole = searches(simulator) - begun
    # The log parts of the two searches are those behind the run's first, and its settings.
    parts = [number for number, (verb, name) in enumerate(driver.asked) if verb == "PUT" and "/log/" in name]
    for number, spared in ((parts[2], 0), (parts[3], 1)):
        dead = MemoryStore()
        with over(monkeypatch, dead, deque([Fate.DONE] * number + [fate] * 10_000)):
            assert dies(lambda: main(["download", "--sessions", str(ids), OUT, "-q"]))
        obstore.delete(dead, [".replay-fetch/lease.json"])
        before = searches(simulator)
        with over(monkeypatch, dead):
            assert main(["download", "--sessions", str(ids), OUT, "-q"]) == 0
        assert stored_files(dead) == local_files(tmp_path / "out")
        kept = spared + (fate is Fate.DIES_AFTER)
        again = searches(simulator) - before
        assert (again == whole, again == 0) == (kept == 0, kept == 2)


@pytest.mark.anyio
async def test_a_program_downloads_a_list_of_sessions_into_a_store(
    simulator: Simulator, store: MemoryStore, ids: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(api=ApiSettings(base_url=simulator.base_url), fetch=FetchSettings(workers=4))
    with over(monkeypatch, store):
        report = await library_download(ids, OUT, credentials=KEYS, settings=settings)
    assert report.exit_code == 0
    assert report.views == len(replayed(simulator))
