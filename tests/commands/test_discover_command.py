"""``replay-fetch discover`` as a command: stdout is the list, a file is whole or not there, the code tells."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import WIDE, Archive
from processes import COMMAND, Done, run, run_here, served

from replay_fetch.api.events import FoundPage, FoundView
from replay_fetch.cli import main
from replay_fetch.model import View
from replay_fetch.pipeline.discover import Discovery
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
    quiet = run_here("discover", "--base-url", simulator.base_url, "-q")
    assert (quiet.stdout, quiet.stderr) == (done.stdout, "")


@pytest.mark.any_day
def test_the_list_goes_into_a_download_through_a_pipe(tmp_path: Path) -> None:
    """Its views are older than a day: of younger ones with fewer segments than counted, more may come."""
    with served(SimulatorSettings(limit=WIDE, search=SearchSettings(events_age=90_000))) as simulator:
        found = run("discover", "--base-url", simulator.base_url, "--from", "now-7d", "-q")
        done = run("download", "-", tmp_path / "out", "--base-url", simulator.base_url, stdin=found.stdout.encode())
    assert done.code == 0
    assert len(Archive(tmp_path / "out").outcomes()) == 26


def test_a_file_is_written_whole_and_summed_up_on_stdout(simulator: Simulator, tmp_path: Path) -> None:
    out = tmp_path / "views.csv"
    done = run_here("discover", "--base-url", simulator.base_url, "--out", out, "--json", "-q")
    assert (done.code, done.stderr) == (0, "")
    summary = json.loads(done.stdout)
    assert (summary["views"], summary["sessions"], summary["events"], summary["exit_code"]) == (26, 8, 41, 0)
    assert len(rows(out.read_text("utf-8"))) == 26
    assert [path.name for path in tmp_path.iterdir()] == ["views.csv"]
    spoken = run_here("discover", "--base-url", simulator.base_url, "--out", out)
    assert spoken.stdout.endswith(f"in {out}\n")


def test_a_quiet_discover_into_a_file_prints_nothing(simulator: Simulator, tmp_path: Path) -> None:
    """Cron makes a mail of every word."""
    assert run_here("discover", "--base-url", simulator.base_url, "--out", tmp_path / "views.csv", "-q") == Done(
        0, "", ""
    )


A_VIEW = FoundView(View("s", "v"), "2026-01-31", "app", "https://shop.example/", 1, "browser")


@pytest.mark.parametrize(
    ("views", "nameless", "warnings", "code", "said"),
    [
        ([A_VIEW], 0, [], 0, []),
        ([A_VIEW], 2, [], 0, ["left out: 2 events that name no view; ask for @type:view in --query"]),
        ([], 2, [], 1, ["left out: 2 events that name no view; ask for @type:view in --query", "the list is empty"]),
        ([], 0, [], 1, ["nothing matches: widen --from, or look at --query and --application", "the list is empty"]),
        ([A_VIEW], 0, ["a shard"], 1, ["the API warned, so the list may not be whole: look at the warnings above"]),
    ],
)
def test_the_exit_code_tells_whether_the_list_can_be_worked_with(  # noqa: PLR0913, PLR0917 - a table and fixtures
    views: list[FoundView],
    nameless: int,
    warnings: list[str],
    code: int,
    said: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One event without a view must not cost a night's download; quiet or not, what is to be known is said."""

    async def found(*_: object) -> Discovery:
        discovery = Discovery(warnings=warnings)
        discovery.add(FoundPage(views, None, len(views) + nameless, nameless))
        return discovery

    monkeypatch.setattr("replay_fetch.cli.discover.discover", found)
    monkeypatch.setenv("DD_BEARER_TOKEN", "token")
    out = tmp_path / "views.csv"
    assert main(["discover", "--out", str(out), "-q"]) == code
    quiet = capsys.readouterr()
    assert quiet.out == ""
    assert [line.partition(" WARNING ")[2] for line in quiet.err.splitlines()] == said
    assert [row[:2] for row in rows(out.read_text())] == [["s", "v"] for _ in views]
    assert main(["discover", "--out", str(out)]) == code
    assert capsys.readouterr().out.splitlines()[2:-1] == said
    assert main(["discover", "--out", str(out), "--json"]) == code
    summary = json.loads(capsys.readouterr().out)
    assert (summary["exit_code"], summary["events_without_view"], summary["warnings"]) == (code, nameless, warnings)
    assert main(["discover"]) == code
    piped = capsys.readouterr()
    assert [row[:2] for row in rows(piped.out)] == [["s", "v"] for _ in views]
    assert all(f" INFO {each}\n" in piped.err for each in said)
    assert main(["discover", "--count", "--json", "-q"]) == code
    counted = json.loads(capsys.readouterr().out)
    assert (counted["exit_code"], counted["views"], counted["least_requests"]) == (code, len(views), len(views))


def test_a_search_that_fails_leaves_the_list_of_before(simulator: Simulator, tmp_path: Path) -> None:
    out = tmp_path / "views.csv"
    out.write_text("yesterday's")
    keys = {"DD_API_KEY": "wrong", "DD_APP_KEY": "wrong"}
    done = run_here("discover", "--base-url", simulator.base_url, "--out", out, keys=keys)
    assert done.code == 3
    assert "rum_apps_read" in done.stderr
    assert done.stdout == ""
    assert out.read_text() == "yesterday's"


def test_a_search_that_finds_no_view_gives_an_empty_list_a_hint_and_exit_code_1(
    simulator: Simulator, tmp_path: Path
) -> None:
    """The list that a pipe hands on is one all the same, and the download says that there is nothing to do."""
    done = run_here("discover", "--base-url", simulator.base_url, "--query", "@type:view @view.id:none")
    assert done.code == 1
    assert rows(done.stdout) == []
    assert "widen --from" in done.stderr
    piped = run_here("download", "-", tmp_path / "out", "--base-url", simulator.base_url, stdin=done.stdout.encode())
    assert piped.code == 0
    assert "the list has no rows" in piped.stderr


def test_a_search_for_more_than_views_is_a_list_of_its_views_and_exit_code_0(simulator: Simulator) -> None:
    done = run_here("discover", "--base-url", simulator.base_url, "--query", "*", "-q")
    assert done.code == 0, done
    assert len(rows(done.stdout)) >= 26


@pytest.mark.parametrize("before", [None, "yesterday's"])
def test_a_list_that_the_disk_cuts_off_leaves_nothing_behind(
    simulator: Simulator, tmp_path: Path, before: str | None
) -> None:
    """A limit on the size of files stands for a full disk: the write fails in the middle of the list."""
    out = tmp_path / "lists" / "views.csv"
    out.parent.mkdir()
    if before:
        out.write_text(before)
    limited = ("/bin/sh", "-c", 'ulimit -f 2 && exec "$@"', "sh", *COMMAND)
    done = run("discover", "--base-url", simulator.base_url, "--out", out, command=limited)
    assert done.code == 3, done
    assert f"--out '{out}' cannot be written: " in done.stderr
    assert {path.name: path.read_text() for path in out.parent.iterdir()} == ({out.name: before} if before else {})


@pytest.mark.parametrize(("make", "said"), [("loop", "cannot be written"), ("longname", "File name too long")])
def test_an_out_that_cannot_be_written_is_found_out_before_the_search(
    simulator: Simulator, tmp_path: Path, make: str, said: str
) -> None:
    asked = simulator.counts.requests
    out = tmp_path / ("x" * 300 if make == "longname" else "views.csv")
    if make == "loop":
        out.symlink_to(out)
    done = run_here("discover", "--base-url", simulator.base_url, "--out", out)
    assert (done.code, done.stdout) == (2, ""), done
    assert said in done.stderr
    assert simulator.counts.requests == asked


def test_a_folder_without_the_right_to_write_is_found_out_before_the_search(simulator: Simulator) -> None:
    """Below /proc nobody can make a file, root neither."""
    asked = simulator.counts.requests
    done = run_here("discover", "--base-url", simulator.base_url, "--out", "/proc/self/views.csv")
    assert done.code == 2, done
    assert "--out '/proc/self/views.csv' cannot be written" in done.stderr
    assert simulator.counts.requests == asked


def test_a_link_as_out_is_followed(simulator: Simulator, tmp_path: Path) -> None:
    out = tmp_path / "today.csv"
    out.symlink_to(tmp_path / "views.csv")
    assert run_here("discover", "--base-url", simulator.base_url, "--out", out, "-q").code == 0
    assert out.is_symlink()
    assert len(rows((tmp_path / "views.csv").read_text())) == 26


def test_sessions_may_be_named_several_at_once_and_are_found_without_a_window(simulator: Simulator) -> None:
    ids = [simulator.views.session_id(number) for number in range(3)]
    done = run_here(
        "discover", "--base-url", simulator.base_url, "--session", ids[0], ids[1], "--session", ids[2], "-q"
    )
    assert {row[0] for row in rows(done.stdout)} == set(ids)


def test_ids_may_bring_white_space_along(simulator: Simulator) -> None:
    """As $(cat ids.txt) does, where the file was made on Windows."""
    ids = [simulator.views.session_id(number) for number in range(2)]
    done = run_here("discover", "--base-url", simulator.base_url, "--session", f"{ids[0]}\r", f" {ids[1]}\r", "-q")
    assert done.code == 0, done
    assert {row[0] for row in rows(done.stdout)} == set(ids)


@pytest.mark.any_day
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--from", "yesterday"], "--from 'yesterday' is no point in time"),
        (["--from", "2026-02-01", "--to", "2026-01-01"], "--from 2026-02-01 is not before --to 2026-01-01"),
        (["--session", 'x" OR "y'], "--session: the id"),
        (["--session", "\ufeffa-1"], r"--session: the id '\ufeffa-1' has a character outside"),
        (["--playlist", "../1"], "--playlist: the id"),
        (["--application", "a b"], "--application: the id"),
        (["--json"], "--json needs --out FILE"),
        (["--out", "/"], "it is a folder, and must be a file"),
        (["--out", "/no/such/folder/v.csv"], "there is no folder /no/such/folder"),
    ],
)
def test_options_of_discover_that_cannot_be_meant_are_refused_before_anything_is_asked(
    options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["discover", *options]) == 2
    said = capsys.readouterr()
    assert complaint in said.err
    assert said.out == ""


def test_the_help_shows_an_example_and_the_exit_codes() -> None:
    done = run_here("discover", "--help")
    assert done.code == 0
    assert "replay-fetch discover --from now-7d | replay-fetch download - archive/" in done.stdout
    assert "exit codes: 0" in done.stdout
