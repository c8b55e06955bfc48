"""``erase`` and ``prune``: which sessions go, what is said of them, and what is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from archives import Archive
from damaged_archives import problems, session_files, verified
from msgspec.structs import replace
from small_archives import made, out, sessions

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import locked
from replay_fetch.archive.read.readers import Processes
from replay_fetch.archive.read.verify import Problem
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.inspect.rebuild import rebuild
from replay_fetch.inspect.status import status
from replay_fetch.ledger.ledger import Ledger

__all__ = ["made", "out", "sessions"]

NOW = datetime(2026, 11, 28, 12, 0, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("erase", "prune"):
        monkeypatch.setattr(f"replay_fetch.cli.{name}.now", lambda: NOW)


def ran(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([*map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def views_of(out: Path, session_id: str) -> int:
    return sum(view.session_id == session_id for view in Archive(out).manifest())


def test_a_rehearsal_names_what_would_go_and_changes_nothing(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = Archive(out).everything()
    views, size = views_of(out, sessions[0]), Layout(out).session_file(sessions[0]).stat().st_size
    code, said, warned = ran(capsys, "erase", out, "--session", sessions[0], "unknown", "--dry-run")
    assert (code, warned) == (0, "")
    first, named, absent = said.splitlines()
    assert first.startswith(f"would go from {out}: 1 session, {views} views, 1 file of ")
    assert named.startswith(f"  {sessions[0]}  {views} views, 1 file, ")
    assert absent == "1 session is not in it; no later download brings them in"
    code, said, _ = ran(capsys, "erase", out, "--session", sessions[0], "--dry-run", "--json")
    told = json.loads(said)
    assert (told["dry_run"], told["sessions"], told["views"], told["stored_bytes"]) == (True, 1, views, size)
    assert [each["session_id"] for each in told["named"]] == [sessions[0]]
    assert Archive(out).everything() == before


def test_an_erasure_says_what_went_and_leaves_a_report_without_the_id(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    views = views_of(out, sessions[0])
    code, said, warned = ran(capsys, "erase", out, "--session", sessions[0])
    report = out / "erasures" / "2026-11-28T12-00-05Z.json"
    assert (code, warned) == (0, "")
    assert said.splitlines()[0].startswith(f"erased from {out}: 1 session, {views} views, 1 file of ")
    assert said.splitlines()[1:] == [f"report: {report}"]
    told = json.loads(report.read_bytes())
    assert sessions[0] not in report.read_text()
    assert told["erased_at"] == "2026-11-28T12:00:05Z"
    assert (told["chosen_by"], told["sessions"], told["not_there"], told["views"]) == ("session", 1, 0, views)
    assert [each["sha256"] for each in told["erased"]] == [hashlib.sha256(sessions[0].encode()).hexdigest()]
    assert told["erased"][0]["views"] == views


def test_two_erasures_of_one_second_have_two_reports(out: Path, sessions: list[str]) -> None:
    for session_id in sessions:
        assert main(["erase", str(out), "--session", session_id, "-q"]) == 0
    names = [path.name for path in sorted((out / "erasures").iterdir())]
    assert names == ["2026-11-28T12-00-05Z-2.json", "2026-11-28T12-00-05Z.json"]
    assert Archive(out).manifest() == {}
    assert verified(out).findings == []


def test_an_erasure_with_json_prints_figures_and_no_id(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, _ = ran(capsys, "erase", out, "--session", *sessions, "--json")
    told = json.loads(said)
    assert (code, told["sessions"], told["dry_run"], told["set_aside"]) == (0, 2, False, [])
    assert not any(session_id in said for session_id in sessions)


def test_status_says_how_many_sessions_were_erased(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(DiskShelf(out)).erased == 0
    assert "erased" not in ran(capsys, "status", out)[1]
    main(["erase", str(out), "--session", sessions[1], "-q"])
    assert "1 session erased: no download brings them back" in ran(capsys, "status", out)[1]
    assert json.loads(ran(capsys, "status", out, "--json")[1])["erased_sessions"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "{0}\n{1}\n",
        "session_id\n{0}\nsession_id\n{1}\n",
        "session_id,view_id\n{0},a\n{1},b\n",
        "view;@session.id\na;{0}\n\nb;{1}\n",
        "\ufeff{0}\r\n{1}",
        '{{"session_id": "{0}"}}\n{{"session_id": "{1}"}}\n',
        "https://app.datadoghq.eu/rum/replay/sessions/{0}?seed=x\n{1}\n",
    ],
)
def test_the_sessions_of_a_file_are_erased(out: Path, sessions: list[str], tmp_path: Path, text: str) -> None:
    path = tmp_path / "ids"
    path.write_text(text.format(*sessions), "utf-8")
    assert main(["erase", str(out), "--sessions", str(path), "-q"]) == 0
    assert session_files(out) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("session_id\nabc\n../../etc\n", "line 3: session id: the id '../../etc' has a character outside"),
        ("session_id\nabc\n,\nnull\n", "line 4: the session id is missing: 'null' stands for none"),
        ("view_id,session_id\nabc\n", "line 2: the session id is missing"),
        ("session_id\n", "holds no id"),
        ("\n\n", "is empty"),
    ],
)
def test_a_row_that_is_no_id_refuses_the_whole_list(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    path, before = tmp_path / "ids", Archive(out).everything()
    path.write_text(text)
    code, said, warned = ran(capsys, "erase", out, "--sessions", path)
    assert (code, said) == (2, "")
    assert complaint in warned
    assert Archive(out).everything() == before


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "name the sessions: --session ID, --sessions FILE or --user ID|EMAIL"),
        (["--session", "../x"], "--session: session id: the id '../x' has a character outside"),
        (["--session", "https://app.datadoghq.eu/rum/replay/sessions/"], "--session: "),
        (["--session", "a", "--events", "e"], "--events needs --user"),
        (["--user", "ada"], "names users: a recording carries the ids"),
        (["--sessions", "/nowhere/ids"], "there is no such file"),
    ],
)
def test_a_choice_that_cannot_be_made_is_an_error(
    out: Path, capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    before = Archive(out).everything()
    code, said, warned = ran(capsys, "erase", out, *words)
    assert (code, said) == (2, "")
    assert complaint in warned
    assert Archive(out).everything() == before


def test_the_beginning_of_an_id_is_refused_and_nothing_is_erased(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Told as a session that is not there, it would look erased."""
    before = Archive(out).everything()
    for more in ([], ["--dry-run"]):
        code, said, warned = ran(capsys, "erase", out, "--session", sessions[1], sessions[0][:8], *more)
        assert (code, said) == (2, "")
        assert f"{sessions[0][:8]} is only the beginning of an id, such as {sessions[0]}" in warned
    assert Archive(out).everything() == before | {".replay-fetch/lock": Layout(out).lock.read_bytes()}


@pytest.mark.parametrize("words", [["erase", "--session", "a"], ["prune", "--older-than", "1d"]])
def test_an_erasure_refuses_while_a_run_is_going_on(
    out: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    before = Archive(out).everything()
    with locked(Layout(out).lock):
        code, said, warned = ran(capsys, words[0], out, *words[1:])
        assert ran(capsys, words[0], out, *words[1:], "--dry-run")[0] == 0
    assert (code, said) == (3, "")
    assert "another run is writing to this archive" in warned
    assert Archive(out).everything() == before | {".replay-fetch/lock": Layout(out).lock.read_bytes()}


@pytest.mark.parametrize("words", [["erase", "--session", "a"], ["prune", "--older-than", "1d"]])
def test_a_folder_that_is_no_archive_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    there, nowhere = "is not an archive of replay-fetch", "there is no folder"
    for folder, reason in ((tmp_path, there), (tmp_path / "nowhere", nowhere)):
        for more in ([], ["--dry-run"]):
            code, _, warned = ran(capsys, words[0], folder, *words[1:], *more)
            assert (code, reason in warned) == (3, True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_interrupted_erasure_says_how_it_goes_on(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("replay_fetch.pipeline.opening.remove_erased", interrupted)
        code, said, warned = ran(capsys, "erase", out, "--session", sessions[0])
    assert (code, said) == (130, "")
    assert "interrupted: what had begun is finished by the same command" in warned
    assert Layout(out).session_file(sessions[0]).exists()
    assert [problem for problem, _ in problems(out)] == [Problem.ERASED]
    assert main(["prune", str(out), "--older-than", "36500d", "-q"]) == 0
    assert not Layout(out).session_file(sessions[0]).exists()
    assert problems(out) == []


def test_verify_finds_a_session_that_came_back_and_erasing_it_again_removes_it(
    made: Path, out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["erase", str(out), "--session", sessions[0], "-q"])
    name = Layout(out).session_name(sessions[0])
    shutil.copy(made / name, out / name)
    (out / "raw" / sessions[0] / "v").mkdir(parents=True)
    (out / "raw" / sessions[0] / "v" / "0001.body").write_bytes(b"x")
    (out / "events").mkdir()
    (out / "events" / f"{sessions[0]}.ndjson").write_text("{}\n")
    code, said, _ = ran(capsys, "verify", out)
    assert problems(out) == [
        (Problem.ERASED, name),
        (Problem.ERASED, f"events/{sessions[0]}.ndjson"),
        (Problem.ERASED, f"raw/{sessions[0]}"),
    ]
    assert (code, "its session was erased" in said, "erase OUT --session ID" in said) == (1, True, True)
    capsys.readouterr()
    assert json.loads(ran(capsys, "erase", out, "--session", sessions[0], "--json")[1])["files"] == 3
    assert problems(out) == []
    assert not (out / "raw").exists()


def test_a_manifest_that_names_an_erased_session_again_is_a_finding(made: Path, out: Path, sessions: list[str]) -> None:
    main(["erase", str(out), "--session", sessions[0], "-q"])
    shutil.copy(made / "manifest.ndjson", out / "manifest.ndjson")
    assert (Problem.ERASED, "manifest.ndjson") in problems(out)


@pytest.mark.parametrize("reports", [True, False])
def test_a_rebuilt_ledger_keeps_the_tombstones(
    made: Path,
    out: Path,
    sessions: list[str],
    reports: bool,  # noqa: FBT001 - from the table
) -> None:
    """From the old ledger, or from the reports where that is lost; what came back meanwhile is set aside."""
    main(["erase", str(out), "--session", sessions[0], "-q"])
    if reports:
        Layout(out).ledger.write_bytes(b"garbage" * 1000)
    else:
        shutil.rmtree(out / "erasures")
        with closing(Ledger.open(Layout(out).ledger)) as ledger, ledger._transaction():
            ledger._db.execute("UPDATE result SET sha256 = 'x'")
    for name in ("manifest.ndjson", Layout(out).session_name(sessions[0])):
        shutil.copy(made / name, out / name)
    rebuild(out, Processes(1), None)
    with closing(Ledger.open_read_only(Layout(out).ledger)) as ledger:
        assert ledger.is_erased(sessions[0].upper())
        assert not ledger.is_erased(sessions[1])
        assert {view.planned.view.session_id for view in ledger.views()} == {sessions[1]}
    assert verified(out).findings == []


def test_files_that_a_rebuild_set_aside_are_removed_or_named(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = Layout(out).session_file(sessions[0])
    path.write_bytes(path.read_bytes() + b"more")
    rebuild(out, Processes(1), None)
    aside = Layout(out).private / "damaged-1"
    assert (aside / path.name).exists()
    code, said, _ = ran(capsys, "erase", out, "--session", sessions[0])
    assert not (aside / path.name).exists()
    assert (code, str(aside) in said, "may hold any session" in " ".join(said.split())) == (1, True, True)
    shutil.rmtree(aside)
    assert ran(capsys, "erase", out, "--session", sessions[0])[0] == 0


def _dated(out: Path, session_id: str, at: datetime | None) -> None:
    """Make a session's recording begin at a time, or at none that is known."""
    start = None if at is None else round(at.timestamp() * 1000)
    with closing(Ledger.open(Layout(out).ledger)) as ledger:
        views = [each.earlier for each in ledger.planned_session(session_id) if each.earlier is not None]
        ledger.record(replace(view, recording=replace(view.recording, start_ms=start)) for view in views)


def test_prune_erases_by_the_first_moment_of_a_recording(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    old, young = sessions
    _dated(out, old, NOW - timedelta(days=400, seconds=1))
    _dated(out, young, NOW - timedelta(days=400))
    code, said, _ = ran(capsys, "prune", out, "--older-than", "400d", "--dry-run")
    assert (code, f"  {old}  " in said, young in said) == (0, True, False)
    code, said, _ = ran(capsys, "prune", out, "--older-than", "400d")
    assert (code, said.startswith(f"erased from {out}: 1 session, ")) == (0, True)
    assert {view.session_id for view in Archive(out).manifest()} == {young}
    assert json.loads((out / "erasures" / "2026-11-28T12-00-05Z.json").read_bytes())["chosen_by"] == "age"


def test_prune_keeps_and_counts_sessions_of_unknown_time(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for session_id in sessions:
        _dated(out, session_id, None)
    before = Archive(out).sessions()
    code, said, _ = ran(capsys, "prune", out, "--older-than", "1s")
    assert (code, said.splitlines()) == (
        0,
        [f"erased from {out}: 0 sessions, 0 views, 0 files of 0 B", "2 sessions of unknown time: kept"],
    )
    assert Archive(out).sessions() == before
    assert not (out / "erasures").exists()


@pytest.mark.parametrize("age", ["0d", "-1d", "400", "nand", "infd", "soon"])
def test_an_age_that_is_none_is_refused(out: Path, capsys: pytest.CaptureFixture[str], age: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["prune", str(out), f"--older-than={age}"])
    assert repr(age) in capsys.readouterr().err
