"""``events`` as a command, and the commands that show stored events: what people and programs read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import made_recordings
import pytest
from archives import WIDE, write_list
from made_archives import START, click, meta, segment, write_archive
from player_pages import index_of, page_of
from processes import run_here, served

from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.errors import ArchiveError
from replay_fetch.inspect.events import EventFacts, User, session_events
from replay_fetch.replay.account import Action, ActionKind
from replay_fetch.simulator import AuthSettings, SimulatorSettings

pq: Any = pytest.importorskip("pyarrow.parquet", reason="the extra is optional")  # Any: it ships no types

Json = dict[str, Any]
VIEWS = {("shop-1", "v1"): [segment(0, 0, 30, [meta("https://shop.example/cart"), click(1.0), click(20.0)])]}


def event(at: float, kind: str, /, view: str = "v1", **more: Mapping[str, object]) -> Json:
    """An event as the search answers it, ``at`` seconds behind the recording's start."""
    rum: Json = {"type": kind, "date": START + int(at * 1000), "session": {"id": "shop-1"}, "view": {"id": view}}
    return {"id": f"{kind}-{at}", "type": "rum", "attributes": {"attributes": {**rum, **more}}}


ANN = {"id": 7, "email": "ann@shop.example", "name": "Ann"}
EVENTS = [
    event(0.5, "view", usr=ANN),
    event(2.0, "resource", resource={"method": "POST", "url": "https://shop.example/pay", "status_code": 503,
                                     "type": "fetch", "duration": 120_000_000}),
    event(2.5, "error", error={"message": "x is not a function", "source": "source"}, usr={"id": "u-2"}),
    event(3.0, "resource", resource={"url": "https://shop.example/logo.png", "status_code": 200, "type": "image"}),
    event(4.0, "action", action={"type": "custom", "target": {"name": "voucher \ud83d used"}}),
    event(5.0, "long_task", long_task={"duration": 80_000_000}),
]  # fmt: skip


def with_events(root: Path, events: Sequence[Json] = EVENTS) -> Path:
    archive = write_archive(root, VIEWS)
    (archive / "events").mkdir()
    (archive / "events" / "shop-1.ndjson").write_text("".join(json.dumps(each) + "\n" for each in events))
    return archive


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return with_events(tmp_path / "archive")


def test_a_transcript_tells_errors_requests_and_actions_between_what_was_seen(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["transcript", str(archive), "shop"]) == 0
    told = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line.startswith("      0:")]
    assert told[1:4] == [
        ["0:02.0", "request       503 POST https://shop.example/pay (503, 120 ms, fetch)"],
        ["0:02.5", "error         x is not a function (source)"],
        ["0:04.0", "user action   voucher \\ud83d used (custom)"],
    ]
    assert main(["transcript", str(archive), "shop", "--no-events"]) == 0
    assert "not a function" not in capsys.readouterr().out


def test_a_line_of_an_event_has_the_keys_of_an_action_and_two_more(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["transcript", str(archive), "shop", "--json"]) == 0
    lines = list(map(json.loads, capsys.readouterr().out.splitlines()))
    (request,) = (line for line in lines if line["kind"] == "request")
    usual = {"session_id", "view_id", "at", "at_ms", "until_ms", *Action(0, ActionKind.CLICK, "").fields()}
    assert set(request) == usual | {"detail", "failed"}
    assert (request["failed"], request["by"], request["at_ms"]) == (True, "event", START + 2000)


def test_a_view_without_a_picture_is_told_by_its_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = with_events(tmp_path / "archive", [event(9, "error", error={"message": "gone"})])
    assert main(["transcript", str(archive), "shop"]) == 0
    assert "error         gone" in capsys.readouterr().out


def test_show_counts_what_happened_and_names_the_user(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(archive), "shop"]) == 0
    said = capsys.readouterr().out
    assert "events: 1 error, 2 requests (1 failed), 1 user action, 6 events in all\n" in said
    assert "user: Ann (ann@shop.example, 7), u-2\n" in said
    assert main(["show", str(archive), "shop", "--json"]) == 0
    events = json.loads(capsys.readouterr().out)["events"]
    assert events["kinds"] == {"action": 1, "error": 1, "long_task": 1, "resource": 2, "view": 1}
    assert events["users"][0] == {"id": "7", "email": "ann@shop.example", "name": "Ann"}


def test_show_says_nothing_of_events_that_were_never_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = write_archive(tmp_path / "archive", VIEWS)
    assert main(["show", str(archive), "shop"]) == 0
    assert "events:" not in capsys.readouterr().out
    assert main(["show", str(archive), "shop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["events"] is None


def test_play_shows_the_archives_own_events_without_being_told(tmp_path: Path) -> None:
    picture = made_recordings.full(made_recordings.element(5, "button", {"id": "pay"}))
    seen = made_recordings.segment(made_recordings.meta(), picture, until=30_000)
    archive = write_archive(tmp_path / "a", {("shop-1", "v1"): [seen]})
    (archive / "events").mkdir()
    (archive / "events" / "shop-1.ndjson").write_text("".join(json.dumps(each) + "\n" for each in EVENTS))
    kinds = [row[2] for row in index_of(page_of(archive, "shop"))["actions"]]
    assert {"request", "error", "long task"} <= set(kinds)
    assert "user action" not in kinds


def test_events_are_a_table_with_plain_columns_and_the_json(archive: Path, tmp_path: Path) -> None:
    assert main(["export", str(archive), "--parquet", str(tmp_path / "t")]) == 0
    rows = pq.read_table(tmp_path / "t" / "events.parquet").to_pylist()
    assert [row["type"] for row in rows] == [each["attributes"]["attributes"]["type"] for each in EVENTS]
    failed = rows[1]
    assert (failed["text"], failed["status"], failed["duration_ms"]) == ("https://shop.example/pay", 503, 120.0)
    assert (rows[0]["user_id"], rows[0]["user_email"]) == ("7", "ann@shop.example")
    assert [json.loads(row["json"]) for row in rows] == EVENTS


def test_the_events_of_a_session_are_given_with_their_bytes_and_their_user(archive: Path) -> None:
    lines = (archive / "events" / "shop-1.ndjson").read_bytes().splitlines()
    found = list(session_events(DiskShelf(archive), "shop-1"))
    assert [each.text for each in found] == lines
    assert [each.user for each in found if each.user] == [User("7", "ann@shop.example", "Ann"), User("u-2", "", "")]
    assert list(session_events(DiskShelf(archive), "nobody")) == []
    assert EventFacts.of(found).failed == 1


@pytest.mark.parametrize("text", [b"[]\n", b"{\n", b'{"id":1}'], ids=["no object", "no JSON", "cut off"])
def test_a_line_that_is_no_event_is_an_error_that_names_verify(text: bytes, archive: Path) -> None:
    (archive / "events" / "shop-1.ndjson").write_bytes(text)
    with pytest.raises(ArchiveError, match="verify"):
        list(session_events(DiskShelf(archive), "shop-1"))


def test_a_transcript_on_a_terminal_is_folded_and_in_a_pipe_is_not(
    archive: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    long = event(6.0, "error", error={"message": "a word and another " * 8, "source": "console"})
    archive = with_events(archive.parent / "long", [*EVENTS, long])
    assert main(["transcript", str(archive), "shop"]) == 0
    piped = capsys.readouterr().out
    assert max(map(len, piped.splitlines())) > 150
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["transcript", str(archive), "shop"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.split() == piped.split()
    assert [line for line in shown.splitlines() if line.startswith(" " * 28) and line[28:29].strip()]


def test_status_counts_events_and_a_second_run_asks_for_nothing(tmp_path: Path) -> None:
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        views, out = write_list(tmp_path / "views.csv", list(simulator.views)), tmp_path / "out"
        at = ("--base-url", simulator.base_url, "--progress", "none")
        assert run_here("download", views, out, *at).code == 0
        assert json.loads(run_here("status", out, "--json").stdout)["events"] is None
        done = run_here("events", out, "--json", *at)
        summary = json.loads(done.stdout)
        assert (done.code, summary["sessions"], summary["fetched"], summary["events"]) == (0, 8, 8, 47)
        page = tmp_path / "page.html"
        assert run_here("report", out, "--out", page).code == 0
        assert "RUM events in the archive</dt><dd>47<small>of 8 sessions" in page.read_text("utf-8")
        asked = simulator.counts.requests
        again = run_here("events", out, *at)
        assert (again.code, again.stdout) == (0, "events of 8 sessions are there already; nothing was asked\n")
        assert simulator.counts.requests == asked
    assert "\nRUM events of 8 sessions: 47 events, " in run_here("status", out).stdout
    assert json.loads(run_here("status", out, "--json").stdout)["events"]["fetched"] == 8
    (out / ".replay-fetch" / "ledger.sqlite").unlink()
    assert json.loads(run_here("status", out, "--json").stdout)["events"]["fetched"] == 8


def test_keys_without_the_permission_end_with_3_and_say_which_one_is_needed(tmp_path: Path) -> None:
    with served(SimulatorSettings(limit=WIDE)) as simulator:
        views, out = write_list(tmp_path / "views.csv", list(simulator.views)[:2]), tmp_path / "out"
        at = ("--base-url", simulator.base_url, "--progress", "none")
        assert run_here("download", views, out, *at).code == 0
        done = run_here("events", out, *at, keys={"DD_API_KEY": AuthSettings().api_key, "DD_APP_KEY": "another"})
    assert done.code == 3
    assert "the application key needs the permission rum_apps_read" in done.stderr


def test_events_of_no_archive_are_an_error_and_nothing_is_made(tmp_path: Path) -> None:
    done = run_here("events", tmp_path / "nosuch")
    assert done.code == 3
    assert "there is no folder" in done.stderr
    assert list(tmp_path.iterdir()) == []
