"""``replay-fetch discover`` as a process: stdout is the list, a file is whole or not there, the code tells."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import WIDE, Archive
from processes import Done, run, served

from replay_fetch.cli import main
from replay_fetch.commands.discover import Discovery
from replay_fetch.simulator import SearchSettings, Simulator, SimulatorSettings

HEADER = ["session_id", "view_id", "date", "application_id", "view_url", "segments_count", "sdk"]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with served(SimulatorSettings(limit=WIDE, search=SearchSettings(page_events=15))) as simulator:
        yield simulator


def rows(text: str) -> list[list[str]]:
    header, *found = csv.reader(io.StringIO(text))
    assert header == HEADER
    return found


def test_stdout_holds_the_list_and_nothing_else(simulator: Simulator) -> None:
    done = run("discover", "--base-url", simulator.base_url)
    assert done.code == 0
    assert len(rows(done.stdout)) == 26
    assert "INFO 26 views of 8 sessions found\n" in done.stderr
    assert "INFO 41 events in 4 requests (0 were 429, 0 retries), " in done.stderr
    quiet = run("discover", "--base-url", simulator.base_url, "-q")
    assert (quiet.stdout, quiet.stderr) == (done.stdout, "")


def test_the_list_goes_into_a_download_through_a_pipe(simulator: Simulator, tmp_path: Path) -> None:
    found = run("discover", "--base-url", simulator.base_url, "--from", "now-7d", "-q")
    done = run("download", "-", tmp_path / "out", "--base-url", simulator.base_url, stdin=found.stdout.encode())
    assert done.code == 0
    assert len(Archive(tmp_path / "out").outcomes()) == 26


def test_a_file_is_written_whole_and_summed_up_on_stdout(simulator: Simulator, tmp_path: Path) -> None:
    out = tmp_path / "views.csv"
    done = run("discover", "--base-url", simulator.base_url, "--out", out, "--json", "-q")
    assert (done.code, done.stderr) == (0, "")
    summary = json.loads(done.stdout)
    assert (summary["views"], summary["sessions"], summary["events"], summary["exit_code"]) == (26, 8, 41, 0)
    assert len(rows(out.read_text("utf-8"))) == 26
    assert [path.name for path in tmp_path.iterdir()] == ["views.csv"]
    spoken = run("discover", "--base-url", simulator.base_url, "--out", out)
    assert spoken.stdout.endswith(f"in {out}\n")


def test_quiet_is_quiet(simulator: Simulator, tmp_path: Path) -> None:
    """Cron makes a mail of every word."""
    assert run("discover", "--base-url", simulator.base_url, "--out", tmp_path / "views.csv", "-q") == Done(0, "", "")


def test_quiet_tells_why_the_exit_code_is_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def found(*_: object) -> Discovery:
        return Discovery(events=3, nameless=2)

    monkeypatch.setattr("replay_fetch.cli.discover.discover", found)
    monkeypatch.setenv("DD_BEARER_TOKEN", "token")
    assert main(["discover", "--out", str(tmp_path / "views.csv"), "-q"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.endswith(" WARNING left out: 2 events without a view\n")


def test_a_search_that_fails_leaves_the_list_of_before(simulator: Simulator, tmp_path: Path) -> None:
    out = tmp_path / "views.csv"
    out.write_text("yesterday's")
    keys = {"DD_API_KEY": "wrong", "DD_APP_KEY": "wrong"}
    done = run("discover", "--base-url", simulator.base_url, "--out", out, keys=keys)
    assert done.code == 3
    assert "rum_apps_read" in done.stderr
    assert done.stdout == ""
    assert out.read_text() == "yesterday's"


def test_nothing_found_is_an_empty_list_and_a_hint(simulator: Simulator) -> None:
    done = run("discover", "--base-url", simulator.base_url, "--query", "@type:view @view.id:none")
    assert done.code == 0
    assert rows(done.stdout) == []
    assert "widen --from" in done.stderr


def test_sessions_may_be_named_several_at_once_and_are_found_without_a_window(simulator: Simulator) -> None:
    ids = [simulator.views.session_id(number) for number in range(3)]
    done = run("discover", "--base-url", simulator.base_url, "--session", ids[0], ids[1], "--session", ids[2], "-q")
    assert {row[0] for row in rows(done.stdout)} == set(ids)


def test_ids_may_bring_white_space_along(simulator: Simulator) -> None:
    """As $(cat ids.txt) does, where the file was made on Windows."""
    ids = [simulator.views.session_id(number) for number in range(2)]
    done = run("discover", "--base-url", simulator.base_url, "--session", f"{ids[0]}\r", f" {ids[1]}\r", "-q")
    assert done.code == 0, done
    assert {row[0] for row in rows(done.stdout)} == set(ids)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--from", "yesterday"], "--from 'yesterday' is no point in time"),
        (["--from", "2026-02-01", "--to", "2026-01-01"], "--from 2026-02-01 is not before --to 2026-01-01"),
        (["--session", 'x" OR "y'], "--session: the id"),
        (["--session", "\ufeffa-1"], r"--session: the id '\ufeffa-1' has a character outside"),
        (["--session", "\r"], "--session: the id is empty"),
        (["--playlist", "../1"], "--playlist: the id"),
        (["--application", "a b"], "--application: the id"),
        (["--json"], "--json needs --out FILE"),
        (["--out", "/"], "it is a folder, and must be a file"),
        (["--out", "/no/such/folder/v.csv"], "there is no folder /no/such/folder"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(
    options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["discover", *options]) == 2
    said = capsys.readouterr()
    assert complaint in said.err
    assert said.out == ""


def test_the_help_shows_an_example_and_the_exit_codes() -> None:
    done = run("discover", "--help")
    assert done.code == 0
    assert "replay-fetch discover --from now-7d | replay-fetch download - archive/" in done.stdout
    assert "exit codes: 0" in done.stdout
