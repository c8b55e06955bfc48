"""Commands that closing lines name: they work as they stand."""

from __future__ import annotations

import shlex
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from archives import write_list
from hypothesis import given
from hypothesis import strategies as st
from processes import USUAL, environment, run_here, served

from replay_fetch.archive.layout import Layout
from replay_fetch.cli.download import session_to_watch
from replay_fetch.cli.summary import as_typed, watch_line
from replay_fetch.ledger.ledger import Ledger, ToDo
from replay_fetch.model import Outcome, View, ViewRecord, Warnings
from replay_fetch.printable import as_argument


def without_installed(monkeypatch: pytest.MonkeyPatch, called: str) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr(sys, "argv", [called])


@pytest.mark.parametrize(
    ("called", "program"),
    [
        ("/opt/my tools/bin/replay-fetch", ["/opt/my tools/bin/replay-fetch"]),
        ("/opt/lib/replay_fetch/__main__.py", [sys.executable, "-m", "replay_fetch"]),
    ],
)
def test_a_command_that_the_shell_would_not_find_is_named_by_its_path(
    monkeypatch: pytest.MonkeyPatch, called: str, program: list[str]
) -> None:
    without_installed(monkeypatch, called)
    assert shlex.split(as_typed("show", "my archive")) == [*program, "show", "my archive"]


def test_an_id_that_begins_like_an_option_is_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/replay-fetch")
    assert as_typed("play", "archive", "-v") == "replay-fetch play -- archive -v"


def test_a_line_without_room_for_its_command_gives_it_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/replay-fetch")
    session = "963b6daa-89f6-4703-86ba-6cab4cd295c2"
    lines = {folder: watch_line(Path(folder), session).splitlines() for folder in ("archive", "a-folder-of-replays")}
    assert [len(each) for each in lines.values()] == [1, 2]
    assert lines["archive"] == [f"watch one: replay-fetch play archive {session}"]
    assert lines["a-folder-of-replays"] == ["watch one:", f"  replay-fetch play a-folder-of-replays {session}"]
    assert max(len(line) for each in lines.values() for line in each) <= 80


def test_the_closing_line_of_a_download_plays_what_came(tmp_path: Path) -> None:
    out = tmp_path / "my archive"
    with served(USUAL) as simulator:
        done = run_here(
            "download", write_list(tmp_path / "views.csv", simulator.views), out, "--base-url", simulator.base_url
        )
    assert done.code == 0, done
    said, command = done.stdout.splitlines()[-2:]
    assert said == "watch one:"
    page = tmp_path / "page.html"
    played = subprocess.run(  # noqa: S602 - as a user would paste it
        f"{command} --html page.html",
        shell=True,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (played.returncode, played.stdout.splitlines()[0]) == (0, "page.html"), played
    assert page.stat().st_size > 100_000
    assert shlex.split(command)[-1] in {view.session_id for view in simulator.views}


def test_a_download_that_brought_nothing_names_nothing_to_play(tmp_path: Path) -> None:
    with served(USUAL) as simulator:
        listed = write_list(tmp_path / "views.csv", [View("no-such-session", "no-such-view")])
        done = run_here("download", listed, tmp_path / "out", "--base-url", simulator.base_url)
    assert done.stdout.startswith("1 view in "), done
    assert "watch one" not in done.stdout


def test_a_session_without_its_first_picture_is_not_the_one_to_watch(tmp_path: Path) -> None:
    with closing(Ledger.open(made(Layout(tmp_path).ledger))) as ledger:
        number = ledger.load((line, View(f"s{line}", "v"), None) for line in range(4)).number
        warnings = [Warnings(), Warnings(gaps=[3]), Warnings(lacks_full_snapshot=True)]
        ledger.record(
            ViewRecord(planned, Outcome.FETCHED, size=10, warnings=has)
            for planned, has in zip(ledger.to_do(ToDo(number), None, 10), warnings, strict=False)
        )
    assert session_to_watch(tmp_path) == "s1"


def test_a_ledger_that_cannot_be_read_names_no_session_to_watch(tmp_path: Path) -> None:
    made(Layout(tmp_path).ledger).write_bytes(b"no ledger " * 100)
    assert session_to_watch(tmp_path) is None


def made(file: Path) -> Path:
    file.parent.mkdir()
    return file


@given(st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_a_name_in_a_command_is_one_word_for_the_shell_and_no_option(name: str) -> None:
    (word,) = shlex.split(as_argument(Path(name)))
    assert Path(word) == Path(name)
    assert word == "-" or not word.startswith("-")
