"""``scrub``: a copy of an archive that may be handed on, its place, its exit codes and its words."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hostile import addresses, by_changes, nested
from made_archives import ended, write_archive
from made_recordings import click, element, end, full, increment, meta, segment, text
from planted import PLANTED, found_in

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import locked
from replay_fetch.archive.read.views import entries
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.errors import ArchiveError
from replay_fetch.model import Outcome
from replay_fetch.pipeline import scrubbed_copy
from replay_fetch.settings import Compression

PAGE = full(element(5, "button", {"title": PLANTED}, text(6, PLANTED)), element(7, "input", {"value": PLANTED}))
FIRST = segment(meta(f"https://shop.example/{PLANTED}"), PAGE, click(6, 1200), increment(5, 2000, id=7, text=PLANTED))
LAST = segment(end(9000), index=1, start=5000, until=9000)
VIEWS = {
    ("aaaa1111", "v1"): [FIRST, LAST],
    ("aaaa1111", "v2"): [FIRST, FIRST],
    ("bbbb2222", "v1"): [segment(meta(), {"type": 77, "timestamp": 1, "data": PLANTED}, PAGE)],
}
FAILED = ended("cccc3333", "v9", Outcome.FAILED, f"503: {PLANTED}")


@pytest.fixture(params=Compression)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_archive(tmp_path / "archive", VIEWS, [FAILED], request.param)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return write_archive(tmp_path / "archive", VIEWS, [FAILED])


def ran(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([*map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def all_of(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_copy_is_an_archive_that_verify_accepts_and_every_reader_reads(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    code, said, warned = ran(capsys, "scrub", archive, copy)
    assert (code, warned) == (0, "")
    assert said.splitlines()[0] == str(copy)
    assert said.splitlines()[1].startswith("3 sessions, 3 views, 11 records, ")
    assert said.splitlines()[2:] == [
        "1 view has no recording",
        "left out: a segment that came twice (1)",
        "left out: a type of record that is not known (1)",
    ]
    assert ran(capsys, "verify", copy)[0] == 0
    code, told, _ = ran(capsys, "transcript", copy, "aaaa", "--view", "v1")
    assert (code, "click" in told, "field" in told) == (0, True, True)
    assert ran(capsys, "show", copy, "aaaa")[0] == 0
    assert ran(capsys, "snapshot", copy, "aaaa", "--view", "v1", "--at", "3")[0] == 0
    assert ran(capsys, "export", copy, "--rrweb", tmp_path / "events", "-q")[0] == 0
    assert ran(capsys, "play", copy, "aaaa", "--html", tmp_path / "page.html", "-q")[0] == 0
    for read in (told.encode(), all_of(tmp_path / "events"), (tmp_path / "page.html").read_bytes()):
        assert b"Zq7J" not in read


def test_texts_that_were_read_or_typed_are_in_no_file_of_the_copy(plain: Path, tmp_path: Path) -> None:
    """Nor in its names: the reason of a view that failed quotes an answer, so that is left out too."""
    (plain / "raw" / "aaaa1111").mkdir(parents=True)
    (plain / "raw" / "aaaa1111" / "0001.body").write_text(PLANTED)
    (plain / "events").mkdir()
    (plain / "events" / "aaaa1111.ndjson").write_text(PLANTED)
    (plain / "report.json").write_text(PLANTED)
    assert main(["scrub", str(plain), str(tmp_path / "copy"), "-q"]) == 0
    copy = tmp_path / "copy"
    assert sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()) == [
        "manifest.ndjson",
        "report.json",
        "sessions/aaaa1111.ndjson",
        "sessions/bbbb2222.ndjson",
    ]
    lines = b"".join(path.read_bytes() for path in copy.rglob("*.ndjson"))
    assert found_in(lines) == set()
    assert b"Zq7J" not in all_of(copy)


def test_manifest_and_report_say_that_it_is_a_scrubbed_copy(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["scrub", str(plain), str(tmp_path / "copy"), "-q"])
    copy = tmp_path / "copy"
    manifest = [json.loads(line) for line in (copy / "manifest.ndjson").read_text().splitlines()]
    assert [line["scrubbed"] for line in manifest] == [True] * 4
    before = [entry.record.planned.view for entry in entries(DiskShelf(plain))]
    assert [entry.record.planned.view for entry in entries(DiskShelf(copy))] == before
    assert [(line["outcome"], line["reason"]) for line in manifest[2:]] == [("fetched", None), ("failed", None)]
    report = json.loads((copy / "report.json").read_text())
    assert (report["scrubbed"]["sessions"], report["scrubbed"]["views"], report["views"]) == (3, 3, 4)
    assert report["outcomes"] == {"fetched": 3, "failed": 1}
    assert main(["report", str(copy), "--out", str(tmp_path / "report.html")]) == 0
    assert "scrubbed copy" in (tmp_path / "report.html").read_text()
    assert "this is a scrubbed copy; no run made it" in ran(capsys, "status", copy)[1]


def test_a_copy_is_for_the_user_alone_and_the_same_each_time(plain: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert main(["scrub", str(plain), str(tmp_path / name), "-q"]) == 0
    assert all_of(tmp_path / "one") == all_of(tmp_path / "two")
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "one").rglob("*")}
    assert modes == {0}
    assert not list(tmp_path.glob(".*unfinished*"))


def test_a_session_or_a_view_that_is_named_is_copied_alone(plain: Path, tmp_path: Path) -> None:
    assert main(["scrub", str(plain), str(tmp_path / "session"), "--session", "aaaa", "-q"]) == 0
    assert main(["scrub", str(plain), str(tmp_path / "view"), "--session", "aaaa", "--view", "v2", "-q"]) == 0
    views = [
        [str(each.record.planned.view) for each in entries(DiskShelf(tmp_path / to))] for to in ("session", "view")
    ]
    assert views == [["aaaa1111/v1", "aaaa1111/v2"], ["aaaa1111/v2"]]
    assert main(["verify", str(tmp_path / "view")]) == 0


def test_the_result_is_told_as_json(plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, warned = ran(capsys, "scrub", plain, tmp_path / "copy", "--json")
    told = json.loads(said)
    assert (code, warned, told.pop("copy")) == (0, "", str(tmp_path / "copy"))
    assert told == json.loads((tmp_path / "copy" / "report.json").read_text())["scrubbed"]
    assert told["left_out"] == {"a segment that came twice": 1, "a type of record that is not known": 1}


@pytest.mark.parametrize(
    "refused",
    [
        (["{archive}"], 2, "is there already"),
        (["{archive}/copy"], 2, "lies in the archive"),
        (["{tmp}/no/copy"], 2, "there is no folder"),
        (["{tmp}/copy", "--view", "v1"], 2, "--view needs --session"),
        (["{tmp}/copy", "--session", "zzzz"], 2, "no session in"),
        (["{tmp}/copy", "--session", "aaaa", "--view", "v7"], 2, "no view of the session"),
        (["{tmp}/copy", "--session", "cccc"], 1, "there is no recording to copy"),
    ],
)
def test_a_copy_that_cannot_be_made_is_named_and_leaves_no_file(
    refused: tuple[list[str], int, str], plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, code, said = refused
    told = [word.format(archive=plain, tmp=tmp_path) for word in words]
    before = all_of(tmp_path)
    ended_with, out, warned = ran(capsys, "scrub", plain, *told)
    assert (ended_with, out) == (code, "")
    assert said in warned
    assert all_of(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_a_folder_that_is_no_archive_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, warned = ran(capsys, "scrub", tmp_path, tmp_path.parent / "copy")
    assert (code, "is not an archive" in warned) == (3, True)


def test_a_damaged_session_file_ends_the_copy_with_3_and_leaves_nothing(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = plain / "sessions" / "bbbb2222.ndjson"
    file.write_bytes(file.read_bytes()[:-40])
    code, said, warned = ran(capsys, "scrub", plain, tmp_path / "copy", "-q")
    assert (code, said) == (3, "")
    assert "bbbb2222" in warned
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_a_disk_that_refuses_ends_the_copy_with_3_and_leaves_nothing(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(scrubbed_copy, "replace", full_disk)
    code, _, warned = ran(capsys, "scrub", plain, tmp_path / "copy", "-q")
    assert (code, "free some room" in warned) == (3, True)
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_a_copy_that_was_killed_begins_anew(plain: Path, tmp_path: Path) -> None:
    left = tmp_path / ".copy.unfinished" / "sessions"
    left.mkdir(parents=True)
    (left / "zzzz.ndjson").write_text(PLANTED)
    (left.parent / "temporary").write_text(PLANTED)
    assert main(["scrub", str(plain), str(tmp_path / "copy"), "-q"]) == 0
    assert main(["verify", str(tmp_path / "copy")]) == 0
    assert b"Zq7J" not in all_of(tmp_path / "copy")
    assert not left.parent.exists()


def test_two_copies_to_one_place_do_not_mix(plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    building = tmp_path / ".copy.unfinished"
    building.mkdir()
    with locked(building / "lock"):
        code, _, warned = ran(capsys, "scrub", plain, tmp_path / "copy", "-q")
    assert (code, "another run is writing" in warned) == (3, True)
    assert not (tmp_path / "copy").exists()


def test_a_run_that_is_pointed_at_a_copy_refuses(plain: Path, tmp_path: Path) -> None:
    """It would fill a scrubbed archive with recordings as they are."""
    main(["scrub", str(plain), str(tmp_path / "copy"), "-q"])
    from replay_fetch.archive.folder import check_ledger_is_there  # noqa: PLC0415 - what download calls first

    with pytest.raises(ArchiveError, match="copy is a scrubbed copy: no run adds to it"):
        check_ledger_is_there(Layout(tmp_path / "copy"))


def test_a_scrubbed_copy_gets_no_ledger_by_which_a_run_could_add_to_it(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["scrub", str(plain), str(tmp_path / "copy"), "-q"])
    assert main(["verify", "--rebuild", str(tmp_path / "copy")]) == 3
    assert "is a scrubbed copy" in capsys.readouterr().err
    assert not (tmp_path / "copy/.replay-fetch").exists()


def test_a_copy_of_a_hostile_recording_plays_without_its_words(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a", {("story", "v1"): [nested()], ("story", "v2"): [by_changes()]})
    assert main(["scrub", str(archive), str(tmp_path / "copy"), "-q"]) == 0
    page = tmp_path / "page.html"
    assert main(["play", str(tmp_path / "copy"), "story", "--html", str(page), "-q"]) == 0
    assert [*addresses()][1].encode() not in all_of(tmp_path / "copy") + page.read_bytes()
