"""``find``, ``erase`` and ``prune`` of an archive in a store: the same words as of the same archive on a disk."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from pathlib import Path

import obstore
import orjson
import pytest
from archives import KEYS, WIDE, write_list
from memory_stores import Fate, body, names
from obstore.store import MemoryStore
from processes import lead_to
from stored_commands import simulator
from stored_runs import SEASON, copied, dies, journal, local_files, over, stored_files

from replay_fetch.archive_json import ArchiveFacts
from replay_fetch.cli import main
from replay_fetch.settings import Compression
from replay_fetch.simulator import HoldingSettings, SearchSettings, Simulator, SimulatorSettings

__all__ = ["simulator"]

OUT = str(SEASON)
NOBODY = "5d0f2c11-0000-4000-8000-00000000dead"
AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
SIMULATED = SimulatorSettings(
    limit=WIDE, holding=HoldingSettings(sessions=4), search=SearchSettings(events_age=90_000, page_events=5)
)


@pytest.fixture
def both(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, MemoryStore]:
    """The same archive with events in a folder and in a store."""
    lead_to(simulator, monkeypatch)
    store, out, views = MemoryStore(), tmp_path / "out", write_list(tmp_path / "views.csv", simulator.views)
    with journal(monkeypatch, store) as written:
        for place in (str(out), OUT):
            assert main(["download", str(views), place, "-q", "--events"]) == 0
    return out, copied(written)


def user_of(out: Path) -> str:
    """A user whom an event of the archive names."""
    for path in sorted((out / "events").iterdir()):
        for line in path.read_bytes().splitlines():
            usr = orjson.loads(line)["attributes"]["attributes"].get("usr")
            if usr:
                return str(usr["id"])
    raise AssertionError


def ran(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main([*words])
    said = capsys.readouterr()
    return code, said.out, said.err


def alike(  # what both say, but for where they lie
    both: tuple[Path, MemoryStore], patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    told: list[tuple[int, str, str]] = []
    with over(patch, both[1]):
        for out in (str(both[0]), OUT):
            code, *said = ran(capsys, *(out if word == "OUT" else word for word in words))
            # Of the last run, `status` tells how long it took.
            texts = (" ".join(text.replace(out, "OUT").split()).partition("last run:")[0] for text in said)
            told.append((code, next(texts), next(texts)))
    assert told[1] == told[0]
    return told[0]


def test_find_and_erase_of_a_user_say_and_leave_the_same(
    both: tuple[Path, MemoryStore], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    user = user_of(both[0])
    assert alike(both, monkeypatch, capsys, "find", "OUT", "--user", user)[0] == 0
    assert alike(both, monkeypatch, capsys, "find", "OUT", "--user", "nobody", "--json")[0] == 1
    before = stored_files(both[1])
    rehearsed = alike(both, monkeypatch, capsys, "erase", "OUT", "--user", user, "--dry-run", "--json")
    named = [each["session_id"] for each in orjson.loads(rehearsed[1])["named"]]
    assert named
    assert stored_files(both[1]) == before
    monkeypatch.setattr("replay_fetch.cli.erase.now", lambda: AT)
    assert alike(both, monkeypatch, capsys, "erase", "OUT", "--user", user)[0] == 0
    assert stored_files(both[1]) == local_files(both[0])
    assert not [name for name in names(both[1]) for session in named if session in name]
    assert alike(both, monkeypatch, capsys, "status", "OUT")[0] == 0
    assert alike(both, monkeypatch, capsys, "erase", "OUT", "--user", "nobody")[0] == 1


def test_prune_says_and_leaves_the_same(
    both: tuple[Path, MemoryStore], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("replay_fetch.cli.prune.now", lambda: AT)
    assert alike(both, monkeypatch, capsys, "prune", "OUT", "--older-than", "100000d")[0] == 0
    assert names(both[1], "sessions")
    assert alike(both, monkeypatch, capsys, "prune", "OUT", "--older-than", "1d")[0] == 0
    assert stored_files(both[1]) == local_files(both[0])
    assert names(both[1], "sessions") == []


def test_verify_names_files_of_erased_sessions_and_erasing_again_removes_them(
    both: tuple[Path, MemoryStore],
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    session, store = simulator.views[0].session_id, both[1]
    name = f"sessions/{session}.ndjson"
    with over(monkeypatch, store):
        content = body(store, name)
        assert main(["erase", OUT, "--session", session]) == 0
        obstore.put(store, name, content)
        code, said, _ = ran(capsys, "verify", OUT, "--json")
        assert (code, [each["problem"] for each in orjson.loads(said)["findings"]]) == (1, ["erased"])
        advice = " ".join(ran(capsys, "verify", OUT)[1].split())
        assert "erase OUT --session ID` removes what is there" in advice
        assert "former version" not in advice
        assert main(["erase", OUT, "--session", session]) == 0
        assert main(["verify", OUT]) == 0


def test_an_erasure_of_a_user_that_died_is_finished_by_the_same_command(
    both: tuple[Path, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind its instant no event names the user any more."""
    store, user = both[1], user_of(both[0])
    words = ["erase", OUT, "--user", user, "-q"]
    with over(monkeypatch, store) as driver:
        driver.fates = deque()
        fate = driver.fate

        async def dying(verb: str, name: str) -> Fate:
            gone = [asked for asked in driver.asked if asked[0] == "DELETE" and asked[1].startswith("events/")]
            return Fate.DIES_BEFORE if gone and verb != "DELETE" else await fate(verb, name)

        monkeypatch.setattr(driver, "fate", dying)
        assert dies(lambda: main(words))
    obstore.delete(store, [".replay-fetch/lease.json"])
    with over(monkeypatch, store):
        assert main(["verify", OUT]) == 3
        assert main(words) in {0, 1, 2}  # nothing of that user is known any more
        assert main(["verify", OUT]) == 0


@pytest.mark.parametrize("words", [f"erase OUT --session {NOBODY}", "prune OUT --older-than 1d"])
def test_an_erasure_is_refused_where_nothing_is_and_while_a_run_holds_the_archive(
    words: str, both: tuple[Path, MemoryStore], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with over(monkeypatch, MemoryStore()) as driver:
        code, _, warned = ran(capsys, *words.replace("OUT", OUT).split())
        assert (code, f"{OUT} is not an archive of replay-fetch" in " ".join(warned.split())) == (3, True)
        assert names(driver.store) == []
    store = both[1]
    obstore.put(store, ".replay-fetch/lease.json", b'{"holder":"worker-7/31/5f0c9a1b","epoch":9}')
    before = stored_files(store)
    with over(monkeypatch, store):
        code, _, warned = ran(capsys, *words.replace("OUT", OUT).split())
    assert (code, "--wait-for-lock 60" in warned) == (3, True)
    assert stored_files(store) == before


def test_the_beginning_of_an_id_is_refused_and_the_archive_stays_as_it_is(
    both: tuple[Path, MemoryStore],
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    session, before = simulator.views[0].session_id, stored_files(both[1])
    code, _, warned = alike(both, monkeypatch, capsys, "erase", "OUT", "--session", session[:12])
    assert (code, "only the beginning of an id" in warned) == (2, True)
    assert stored_files(both[1]) == before
    assert alike(both, monkeypatch, capsys, "verify", "OUT", "--quick")[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        f"erase {OUT} --session {NOBODY}",
        f"erase {OUT} --session {NOBODY} --dry-run",
        f"prune {OUT} --older-than 1d",
        f"events {OUT}",
    ],
)
def test_an_archive_of_shards_in_a_store_is_refused_by_all_that_write_to_a_single_runs(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
    monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
    monkeypatch.setenv("REPLAY_FETCH_BASE_URL", "http://127.0.0.1:9")
    store = MemoryStore()
    obstore.put(store, ".replay-fetch/archive.json", ArchiveFacts(compression=Compression.NONE, shards=2).encode())
    with over(monkeypatch, store):
        code, _, warned = ran(capsys, *words.split())
    assert (code, "is an archive of 2 shards" in " ".join(warned.split())) == (2, True)
    assert names(store) == [".replay-fetch/archive.json"]
