"""``status --watch``: a run that is going on, looked at from another process."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Self

import pytest
from damaged_archives import VIEWS, make

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import locked
from replay_fetch.cli import main, output, watch
from replay_fetch.cli.watch import Watching
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.model import Outcome, PlannedView, View, ViewRecord


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with Run(make(tmp_path / "archive")) as run:
        yield run


class Run:
    """A run as others see it: a held lock, and a ledger that grows by ten views in each interval, for so many."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.intervals = 3
        self.now = 0.0
        self._held = ExitStack()

    def __enter__(self) -> Self:
        self._held.enter_context(locked(Layout(self.root).lock))
        with closing(Ledger.open(Layout(self.root).ledger)) as ledger:
            ledger.load((line, View("watched", f"v{line}"), None, None) for line in range(100))
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.intervals -= 1
        if not self.intervals:
            self._held.close()
        with closing(Ledger.open(Layout(self.root).ledger)) as ledger:
            planned = [view for view in ledger.planned_session("watched") if view.earlier is None][:10]
            ledger.record(map(self._ended, planned))

    def _ended(self, planned: PlannedView) -> ViewRecord:
        bad = planned.view.view_id.endswith("9")
        return ViewRecord(planned, Outcome.FAILED if bad else Outcome.FETCHED, "no (500)" if bad else "", pages=2)

    def watching(self, interval: float | None = None, *, as_json: bool = False) -> Watching:
        return Watching(self.root, interval, as_json, self.sleep, lambda: self.now)


def test_a_pipe_gets_a_line_an_interval_until_the_run_ends(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert watch.watch(run.watching())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("0/100 views, pid ")
    assert lines[1].startswith("9/100 views, 1 unfinished, 1 min 41 s left, 2.0 pages/s, 0 B/s, pid ")
    assert lines[2].startswith("18/100 views, 2 unfinished, ")
    assert (len(lines), run.now) == (3, 30.0)


def test_programs_get_the_same_as_json(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    watch.watch(run.watching(5.0, as_json=True))
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["finished"] for each in told] == [0, 9, 18]
    assert told[0]["pages_per_s"] is None
    assert told[1]["pages_per_s"] == 4.0
    assert told[2]["reasons"] == [{"outcome": "failed", "reason": "no (500)", "views": 2}]
    assert told[2]["running"].startswith("pid ")


def test_a_terminal_is_drawn_anew_in_place(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    watch.watch(run.watching())
    first, second, third = terminal.getvalue().split("\x1b[J")[0], *terminal.getvalue().split("\x1b[J")[1:]
    assert first.endswith(f"\x1b[{first.count(chr(10))}F"), "the cursor goes back over all lines that were drawn"
    assert second.splitlines()[1:4] == [
        "  failed                  1",
        "                          1  no (500)",
        "  fetched                 9",
    ]
    assert all(len(line) < 60 for line in third.splitlines())
    assert run.now == 6.0


def test_a_list_that_is_being_read_is_no_run_without_views(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layout = Layout(tmp_path)
    layout.private.mkdir()
    with locked(layout.lock) as _, ExitStack() as stack:

        def end(_: float) -> None:
            raise KeyboardInterrupt

        stack.enter_context(pytest.raises(KeyboardInterrupt))
        watch.watch(Watching(tmp_path, sleep=end))
    assert capsys.readouterr().out.startswith("the list is being read, pid ")


def test_watching_ends_where_its_reader_has_gone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_text: str) -> bool:
        return False

    monkeypatch.setattr(watch, "say", gone)
    assert watch.watch(run.watching())
    assert run.now == 0.0
    assert callable(output.say)


def test_without_a_run_the_figures_follow_and_the_exit_code_is_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = make(tmp_path / "archive")
    assert main(["status", str(out), "--watch"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"no run is going on in {out}", f"{VIEWS} views in {out}"]
    assert main(["status", str(out), "--watch", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["running"] is None


@pytest.mark.parametrize("words", [["--interval", "3"], ["--watch", "--interval", "0"], ["--watch", "--unfinished"]])
def test_options_that_do_not_go_together_end_with_2(tmp_path: Path, words: list[str]) -> None:
    assert main(["status", str(make(tmp_path / "archive")), *words]) == 2


def test_ctrl_c_ends_the_watching_with_130(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_watching: Watching) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("replay_fetch.cli.status.watch", interrupted)
    assert main(["status", str(run.root), "--watch"]) == 130
    assert capsys.readouterr() == ("", "")
