"""What a command prints and returns when its run has ended well, early or badly; the runs are made up."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path

import pytest
from archives import write_list
from processes import run_here

from replay_fetch.archive.report import Report
from replay_fetch.cli.download import session_to_watch, workers_with_room
from replay_fetch.errors import ArchiveError, AuthError, ReplayFetchError
from replay_fetch.model import Outcome, View
from replay_fetch.pipeline.decoded import Decoded, Understanding
from replay_fetch.pipeline.events_result import StoredEvents
from replay_fetch.pipeline.opening import open_archive
from replay_fetch.pipeline.run import Ended
from replay_fetch.progress.stats import RunStats
from replay_fetch.settings import Settings

FULL = ArchiveError("disk full: free some room and run the same command again")
REPORT = Report("views.csv", 3, 0, 0, {Outcome.FETCHED: 2}, unasked=1, segments=4, bytes=100, requests=5)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    with open_archive(tmp_path / "archive", Settings()):
        pass
    return tmp_path / "archive"


@pytest.mark.parametrize(("failure", "code"), [(None, 1), (FULL, 3), (AuthError("the keys are refused"), 3)])
def test_a_download_prints_its_report_and_then_the_failure_that_stopped_it(
    failure: ReplayFetchError | None, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replay_fetch.cli.download.download", lambda *_: Ended(REPORT, failure))
    words = ("download", write_list(tmp_path / "views.csv", [View("s", "v")]), tmp_path / "out", "-q")
    done = run_here(*words)
    assert done.code == code
    assert done.stdout.startswith(
        f"3 views in {tmp_path / 'out'}\n  not asked               1  run the same command again"
    )
    assert done.stderr == (f"replay-fetch: {failure}\n" if failure else "")
    told = run_here(*words, "--json")
    assert (told.code, json.loads(told.stdout)["unasked"]) == (code, 1)


def test_a_shard_that_has_ended_names_the_command_that_merges_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replay_fetch.cli.download.download", lambda *_: Ended(REPORT, None))
    out = tmp_path / "out"
    done = run_here("download", write_list(tmp_path / "views.csv", [View("s", "v")]), out, "--shard", "1/4", "-q")
    assert done.stdout.splitlines()[-1].startswith("this is shard 1/4; when all have ended: ")
    assert done.stdout.endswith(f" merge {out}\n")
    assert session_to_watch(out) is None


@pytest.mark.parametrize(("may_have", "ask"), [(1000, 100), (120, 60), (1, 1)])
def test_no_more_workers_ask_than_files_may_be_open(
    may_have: int, ask: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("replay_fetch.cli.download.allow_open_files", lambda needed: min(needed, may_have))
    with caplog.at_level(logging.WARNING):
        assert workers_with_room(100) == ask
    said = [f"100 workers need {said.args[1]} open files" for said in caplog.records if isinstance(said.args, tuple)]
    assert [message.partition(" and there may be ")[0] for message in caplog.messages] == said
    assert bool(said) is (ask < 100)


@pytest.mark.parametrize(("failure", "code"), [(None, 0), (FULL, 3)])
def test_a_demo_ends_as_a_download_and_names_what_to_look_at(
    failure: ReplayFetchError | None, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Report("pairs.csv", 2, 0, 0, {Outcome.FETCHED: 2})

    async def demo(*_: object) -> Ended:
        return Ended(whole, failure)

    monkeypatch.setattr("replay_fetch.cli.demo.demo", demo)
    done = run_here("demo", tmp_path / "out", "-q")
    assert done.code == code
    assert (f"the recordings are in {tmp_path / 'out'}/sessions/\nnext: " in done.stdout) is (failure is None)
    assert ("watch one:" in done.stdout) is (failure is None)
    assert done.stderr == (f"replay-fetch: {failure}\n" if failure else "")
    told = run_here("demo", tmp_path / "out", "-q", "--json")
    assert (told.code, json.loads(told.stdout)["views"]) == (code, 2)


@pytest.mark.parametrize(
    ("decoded", "code", "last"),
    [
        (Decoded(Counter({Understanding.UNRECOGNISED: 1})), 1, ""),
        (
            Decoded(Counter({Understanding.GOES_ON: 1}), interrupted=True),
            130,
            "interrupted; run the same command again to go on",
        ),
        (Decoded(failure=FULL), 3, ""),
    ],
)
def test_a_decode_prints_what_it_found_and_then_the_failure_that_stopped_it(
    decoded: Decoded, code: int, last: str, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def decode(_: object) -> Decoded:
        return decoded

    monkeypatch.setattr("replay_fetch.cli.decode.decode", decode)
    done = run_here("decode", archive, "--segments-path", "a", "-q")
    assert done.code == code
    assert done.stdout.splitlines()[-1].endswith(last)
    assert done.stderr == (f"replay-fetch: {FULL}\n" if decoded.failure else "")
    told = run_here("decode", archive, "--segments-path", "a", "-q", "--json")
    assert (told.code, json.loads(told.stdout)["exit_code"]) == (code, code)


STORED = {"sessions": 4, "fetched": 1, "events": 5, "size": 100, "stats": RunStats(requests=3)}


@pytest.mark.parametrize(
    ("stored", "code", "last"),
    [
        (StoredEvents(sessions=1, fetched=1), 0, "the events are in OUT/events/"),
        (StoredEvents(), 0, "events of 0 sessions are there already; nothing was asked"),
        (StoredEvents(exported="export"), 0, "events of 0 sessions are there already; nothing was read"),
        (StoredEvents(**STORED, failure=FULL), 3, "the events are in OUT/events/"),  # type: ignore[arg-type] # a table's
        (StoredEvents(sessions=2, interrupted=True), 130, "interrupted; run the same command again to go on"),
        (StoredEvents(sessions=2, unfinished=Counter({"cut": 2})), 1, "0 requests (0 were 429, 0 retries), 0 B, 0.0 s"),
    ],
)
def test_events_are_summed_up_however_their_run_has_ended(
    stored: StoredEvents, code: int, last: str, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replay_fetch.cli.events.store_events", lambda *_: stored)
    done = run_here("events", archive, "-q")
    assert done.code == code
    assert done.stdout.splitlines()[-1] == last.replace("OUT", str(archive))
    assert done.stderr == (f"replay-fetch: {FULL}\n" if stored.failure else "")
    told = json.loads(run_here("events", archive, "-q", "--json").stdout)
    assert (told["exit_code"], told["not_asked"]) == (code, stored.sessions - stored.done)
    assert told["stopped"] == (str(FULL) if stored.failure else None)
