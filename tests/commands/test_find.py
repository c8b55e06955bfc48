"""``find``, and ``erase --user``: the sessions in whose events a user appears."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from archives import Archive
from damaged_archives import session_files
from small_archives import made, out, sessions

from replay_fetch.archive.compress import compressed
from replay_fetch.cli import main
from replay_fetch.settings import Compression

__all__ = ["made", "out", "sessions"]

ADA = {"id": "4711", "email": "Ada@Example.com"}


def event(session_id: str, **usr: object) -> dict[str, Any]:  # Any: JSON
    """An event as the SDK wrote it."""
    return {"type": "view", "session": {"id": session_id}, "usr": usr}


def found(inner: dict[str, Any]) -> dict[str, Any]:
    """The same as the events search answers it."""
    return {"id": "1", "type": "rum", "attributes": {"service": "shop", "attributes": inner}}


def write(path: Path, *lines: object) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def told(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, Any]:  # Any: JSON
    code = main([*map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("user", ["4711", "ada@example.com", " ADA@EXAMPLE.COM "])
def test_a_user_is_found_by_id_or_address_in_the_archives_own_events(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str], user: str
) -> None:
    write(out / "events" / f"{sessions[0]}.ndjson", found(event(sessions[0])), found(event(sessions[0], **ADA)))
    code, answer = told(capsys, "find", out, "--user", user)
    assert code == answer["exit_code"] == 1
    assert [each["session_id"] for each in answer["sessions"]] == sessions[:1]
    assert (answer["sessions_total"], answer["sessions_without_events"], answer["not_in_archive"]) == (2, 1, [])


def test_find_answers_a_persons_name_with_the_ids_of_the_users_of_that_name(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for number, session in enumerate(sessions):
        write(out / "events" / f"{session}.ndjson", found(event(session, id=number, name="Ada King")))
    assert main(["find", str(out), "--user", "ada king"]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed == [
        f"0 sessions of {out} name this user",
        "it is a name, and not an id or an address, of 2 users; their ids: 0, 1",
    ]
    code, answer = told(capsys, "find", out, "--user", "Ada King")
    assert (code, answer["sessions"], answer["user_ids_of_this_name"]) == (1, [], ["0", "1"])
    assert main(["erase", str(out), "--user", "Ada King", "--dry-run"]) == 1
    assert "it is a name, and not an id or an address, of 2 users; their ids: 0, 1" in capsys.readouterr().err
    # Where the text is one user's id, nothing is said of the others who bear it as a name.
    write(out / "events" / f"{sessions[0]}.ndjson", found(event(sessions[0], id="Ada King")))
    assert main(["find", str(out), "--user", "Ada King"]) == 0
    assert "it is a name" not in capsys.readouterr().out


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
def test_events_that_are_stored_compressed_are_read(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str], compression: Compression
) -> None:
    path = out / "events" / f"{sessions[0]}.ndjson{compression.suffix}"
    path.parent.mkdir()
    line = json.dumps(found(event(sessions[0], **ADA))).encode() + b"\n"
    path.write_bytes(b"".join(compressed([line], compression)))
    code, answer = told(capsys, "find", out, "--user", "4711")
    assert (code, [each["session_id"] for each in answer["sessions"]]) == (1, sessions[:1])
    path.write_bytes(path.read_bytes()[:-4])
    assert main(["find", str(out), "--user", "4711"]) == 3
    said = capsys.readouterr().err
    assert f"{path.name}: " in said
    assert f"run `replay-fetch verify {out}`" in said


@pytest.mark.parametrize("form", ["sdk", "search", "answer"])
def test_a_user_is_found_in_each_form_of_events(
    out: Path, sessions: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    events = [event(sessions[1], id=4711), event("elsewhere", **ADA), event(sessions[0], id="47110")]
    searched = list(map(found, events))
    lines = {"sdk": events, "search": searched, "answer": [{"data": searched, "meta": {}}]}[form]
    path = write(tmp_path / "events", *lines)
    code, answer = told(capsys, "find", out, "--user", "4711", "--events", path)
    assert code == 0
    assert [each["session_id"] for each in answer["sessions"]] == [sessions[1]]
    assert (answer["not_in_archive"], answer["sessions_without_events"]) == (["elsewhere"], 0)


def test_find_prints_a_line_for_each_session(
    out: Path, sessions: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "events", event(sessions[0], **ADA), event("elsewhere", **ADA))
    assert main(["find", str(out), "--user", "4711", "--events", str(path)]) == 0
    first, session, other, there, untold = capsys.readouterr().out.splitlines()
    assert first == f"1 session of {out} names this user"
    assert session.startswith(f"  {sessions[0]}  20")
    assert (other, there) == (f"1 session of this user not in {out}:", "  elsewhere")
    assert untold == "1 of 2 sessions have no events and were not looked through: nothing tells whose they are"


def test_find_ends_with_0_where_all_sessions_were_looked_through(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for session_id, usr in zip(sessions, (ADA, {"id": "4712"}), strict=True):
        write(out / "events" / f"{session_id}.ndjson", found(event(session_id, **usr)))
    assert main(["find", str(out), "--user", "4711"]) == 0
    assert "no events" not in capsys.readouterr().out
    (out / "events" / f"{sessions[1]}.ndjson").unlink()
    assert main(["find", str(out), "--user", "4711"]) == 1
    *_, untold, way = capsys.readouterr().out.splitlines()
    assert untold == "1 of 2 sessions have no events and were not looked through: nothing tells whose they are"
    assert way.startswith("store their events with `replay-fetch events OUT`")


def test_a_user_of_no_session_ends_with_1(
    out: Path, sessions: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "events", event(sessions[0], **ADA))
    code, answer = told(capsys, "find", out, "--user", "4712", "--events", path)
    assert (code, answer["sessions"]) == (1, [])
    before = Archive(out).everything()
    assert main(["erase", str(out), "--user", "4712", "--events", str(path)]) == 1
    warned = capsys.readouterr().err
    assert f"no session of this user is known in {out}" in warned
    assert "1 of 2 sessions have no events and" in warned
    assert Archive(out).everything() == before


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("[1]", "line 2: no JSON object; such a file has one RUM event a line"),
        ("{", "line 2: no JSON object"),
        ("[" * 100_000, "line 2: no JSON object"),
    ],
    ids=["list", "cut", "deep"],
)
def test_a_file_that_holds_no_events_is_an_error_with_its_line(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, complaint: str
) -> None:
    path = tmp_path / "events"
    path.write_text(f"\n{line}\n")
    assert main(["find", str(out), "--user", "a", "--events", str(path)]) == 2
    assert f"--events {path}, {complaint}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("events", "complaint"),
    [("nowhere", "cannot be read: No such file or directory"), ("empty", "holds no event of a session")],
)
def test_events_that_are_not_there_are_an_error(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], events: str, complaint: str
) -> None:
    write(tmp_path / "empty", {"type": "view"}, {"data": [None, 7]})
    assert main(["find", str(out), "--user", "a", "--events", str(tmp_path / events)]) == 2
    assert complaint in capsys.readouterr().err


def test_an_archive_without_events_names_the_ways_out(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find", str(out), "--user", "ada@example.com"]) == 2
    warned = " ".join(capsys.readouterr().err.split())
    assert f"nothing in {out} names users" in warned
    assert "--events FILE" in warned
    assert f"`replay-fetch events {out}`" in warned
    assert f"go by the ids of sessions, which `replay-fetch show {out}` lists" in warned


def test_damaged_events_of_the_archive_end_with_3(
    out: Path, sessions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(out / "events" / f"{sessions[0]}.ndjson", "text")
    assert main(["find", str(out), "--user", "a"]) == 3
    said = capsys.readouterr().err
    assert f"{sessions[0]}, line 1: no event; run `replay-fetch verify {out}`" in said


def test_all_sessions_of_a_user_are_erased_with_their_events_and_the_user_is_named_nowhere(
    out: Path, sessions: list[str]
) -> None:
    for session_id, usr in zip(sessions, (ADA, {"id": "4712"}), strict=True):
        write(out / "events" / f"{session_id}.ndjson", found(event(session_id, **usr)))
    assert main(["erase", str(out), "--user", "ada@example.com", "-q"]) == 0
    assert [path.name for path in session_files(out)] == [f"{sessions[1]}.ndjson"]
    assert [path.name for path in (out / "events").iterdir()] == [f"{sessions[1]}.ndjson"]
    (report,) = (out / "erasures").iterdir()
    assert json.loads(report.read_bytes())["chosen_by"] == "user"
    everything = [path.read_bytes() for path in out.rglob("*") if path.is_file()]
    assert not any(b"Example.com" in body or b"4711" in body for body in everything)


@pytest.fixture
def own_events(out: Path, sessions: list[str]) -> None:
    """The archive has events of its first session alone, which is the user's."""
    (out / "events").mkdir(exist_ok=True)
    write(out / "events" / f"{sessions[0]}.ndjson", found(event(sessions[0], **ADA)))


@pytest.mark.usefixtures("own_events")
def test_an_erasure_that_leaves_sessions_without_events_ends_with_1(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["erase", str(out), "--user", "4711"]
    assert main([*words, "--dry-run"]) == 1
    capsys.readouterr()
    assert main([*words, "--json"]) == 1
    said, warned = capsys.readouterr()
    told = json.loads(said)
    assert (told["sessions"], told["sessions_without_events"]) == (1, 1)
    assert (
        "1 of 2 sessions have no events and were not looked through: nothing tells whose they are. They stay" in warned
    )
    assert "`replay-fetch show OUT`" in warned


@pytest.mark.usefixtures("own_events")
def test_an_erasure_of_a_user_and_of_all_sessions_without_events_ends_with_0(out: Path, sessions: list[str]) -> None:
    assert main(["erase", str(out), "--user", "4711", "--session", sessions[1]]) == 0


def test_an_erasure_by_a_file_of_one_persons_events_ends_with_0_and_names_the_sessions_that_stay(
    out: Path, sessions: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "events", event(sessions[0], **ADA))
    assert main(["erase", str(out), "--user", "4711", "--events", str(path)]) == 0
    assert (
        "1 of 2 sessions have no events and were not looked through: nothing tells whose they are"
        in capsys.readouterr().err
    )
    assert [each.name for each in session_files(out)] == [f"{sessions[1]}.ndjson"]
