"""``verify`` names what is wrong, by file and view, to people and to programs."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from damaged_archives import VIEWS, make, manifest, problems, session_files, verified, write_manifest

from replay_fetch.archive.manifest import BadLine, Entry, read_manifest
from replay_fetch.archive.read.readers import Processes
from replay_fetch.archive.read.sweep import sweep
from replay_fetch.archive.read.verify import Problem
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.errors import ArchiveError, SettingsError
from replay_fetch.inspect.verify import Verifying
from replay_fetch.settings import Compression


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("made") / "archive")


@pytest.fixture
def archive(made: Path, tmp_path: Path) -> Path:
    """A copy to damage, without a ledger that would know better."""
    return Path(shutil.copytree(made, tmp_path / "archive", ignore=shutil.ignore_patterns(".replay-fetch")))


def cut(root: Path) -> None:
    file = session_files(root)[0]
    file.write_bytes(file.read_bytes()[:-1])


def emptied(root: Path) -> None:
    session_files(root)[0].write_bytes(b"")


def removed(root: Path) -> None:
    session_files(root)[0].unlink()


def a_folder(root: Path) -> None:
    file = session_files(root)[0]
    file.unlink()
    file.mkdir()


def longer(root: Path) -> None:
    with session_files(root)[0].open("ab") as file:
        file.write(b'{"a":1}\n')


def added(root: Path) -> None:
    (root / "sessions" / "another.ndjson").touch()


def swapped(root: Path) -> None:
    first, second = session_files(root)[:2]
    first.rename(root / "x")
    second.rename(first)
    (root / "x").rename(second)


def manifest_removed(root: Path) -> None:
    (root / "manifest.ndjson").unlink()
    (root / ".replay-fetch").mkdir()
    (root / ".replay-fetch" / "ledger.sqlite").touch()


def manifest_cut(root: Path) -> None:
    path = root / "manifest.ndjson"
    path.write_bytes(path.read_bytes()[:-1])


def line_removed(root: Path) -> None:
    write_manifest(root, manifest(root)[1:])


def line_doubled(root: Path) -> None:
    lines = manifest(root)
    write_manifest(root, [lines[0], *lines])


def session_doubled(root: Path) -> None:
    lines = manifest(root)
    write_manifest(root, [*lines, lines[0]])


def lines_exchanged(root: Path) -> None:
    first, second, *rest = manifest(root)
    write_manifest(root, [second, first, *rest])


def another_count(root: Path) -> None:
    first, *rest = manifest(root)
    write_manifest(root, [first | {"segments": first["segments"] + 1}, *rest])


def another_start(root: Path) -> None:
    first, *rest = manifest(root)
    write_manifest(root, [first | {"start_ms": 1, "gaps": [7]}, *rest])


def another_file(root: Path) -> None:
    first, *rest = manifest(root)
    write_manifest(root, [first | {"file": "sessions/../../elsewhere"}, *rest])


D, M, C, U, E = Problem.DAMAGED, Problem.MISSING, Problem.CUT_OFF, Problem.UNCLAIMED, Problem.EXTRA


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (cut, [(C, 0)]),
        (emptied, [(C, 0)] * 4),
        (removed, [(M, 0)]),
        (a_folder, [(M, 0)]),
        (longer, [(U, 0)]),
        (added, [(E, "sessions/another.ndjson")]),
        (manifest_removed, [(M, "manifest.ndjson"), (D, ".replay-fetch/ledger.sqlite")]),
        (manifest_cut, [(D, "manifest.ndjson"), (E, 1)]),
        (line_removed, [(U, 0)]),
        (line_doubled, [(D, "manifest.ndjson")]),
        (session_doubled, [(D, "manifest.ndjson")]),
        (lines_exchanged, [(U, 0)] * 3),
        (another_count, [(D, 0)]),
        (another_start, [(D, 0)]),
        (another_file, [(D, "manifest.ndjson"), (U, 0)]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_verify_names_the_problem_and_the_file_of_each_damage(
    archive: Path, damage: Callable[[Path], None], expected: list[tuple[Problem, int | str]]
) -> None:
    names = [f"sessions/{file.name}" for file in session_files(archive)]
    damage(archive)
    assert problems(archive) == [(problem, names[at] if isinstance(at, int) else at) for problem, at in expected]


@pytest.mark.parametrize("folder", ["sessions", "events"])
@pytest.mark.parametrize("name", [".DS_Store", "._aaaa.ndjson", ".nfs000000000a1b2c3d"])
def test_a_file_that_a_system_leaves_in_a_folder_is_no_damage(archive: Path, folder: str, name: str) -> None:
    (archive / folder).mkdir(exist_ok=True)
    (archive / folder / name).write_bytes(b"the Finder's")
    assert problems(archive) == []


def test_a_view_in_the_place_of_another_is_not_taken_for_it(archive: Path) -> None:
    """Not even where the manifest has its hash."""
    first, second, *rest = manifest(archive)
    ids = first["view_id"], second["view_id"]
    write_manifest(archive, [first | {"view_id": ids[1]}, second | {"view_id": ids[0]}, *rest])
    found = verified(archive).findings
    assert [finding.detail for finding in found] == ["line 1 is not segment 0 of this view"] * 2


def test_swapped_files_hold_other_views_lines(archive: Path) -> None:
    swapped(archive)
    found = verified(archive).findings
    assert {finding.file for finding in found} == {f"sessions/{file.name}" for file in session_files(archive)}
    assert {finding.view.view_id for finding in found if finding.view} == {
        line["view_id"] for line in manifest(archive) if line["bytes"]
    }


def test_keys_of_a_newer_version_are_passed_over(archive: Path) -> None:
    write_manifest(archive, [line | {"colour": "green"} for line in manifest(archive)])
    assert problems(archive) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"session_id": "../x"}, "session_id"),
        ({"view_id": ""}, "view_id"),
        ({"outcome": "lost"}, "outcome"),
        ({"outcome": "failed"}, "not finished"),
        ({"bytes": -1}, "bytes"),
        ({"sha256": "0"}, "sha256"),
        ({"sha256": None}, "do not agree"),
        ({"segments": 0}, "do not agree"),
        ({"length": 3}, "do not agree"),
        ({"stored_sha256": "0" * 64}, "do not agree"),
        ({"offset": None}, "do not agree"),
        ({"file": None, "offset": None, "length": None}, "no file"),
        ({"file": "sessions/x.ndjson"}, "not one of its session"),
        ({"gaps": None}, "gaps"),
    ],
    ids=str,
)
def test_a_line_that_contradicts_itself_is_no_entry(archive: Path, change: dict[str, object], reason: str) -> None:
    write_manifest(archive, [manifest(archive)[0] | change])
    (line,) = read_manifest(DiskShelf(archive))
    assert isinstance(line, BadLine)
    assert reason in line.reason


def test_the_command_tells_people_in_80_columns(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    swapped(archive)
    added(archive)
    assert main(["verify", str(archive)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert max(map(len, said)) <= 80 + len(str(archive))
    assert said[0] == f"sessions/{session_files(archive)[0].name}"
    assert said[1].startswith("  cut off   view ")
    assert said[-1].startswith(f"{len(verified(archive).findings)} wrong: {VIEWS} views of 2 sessions, ")
    assert any("verify --rebuild" in line for line in said)


def test_the_command_tells_programs(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut(archive)
    assert main(["verify", "--json", str(archive)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["good"] is False
    assert told["views"] == VIEWS
    (finding,) = told["findings"]
    assert finding["problem"] == "cut off"
    assert finding["view_id"] in {line["view_id"] for line in manifest(archive)}


def test_a_sound_archive_exits_with_0_and_one_line(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(made)]) == 0
    assert capsys.readouterr().out.startswith(f"nothing wrong: {VIEWS} views of 2 sessions, ")


@pytest.mark.parametrize(("arguments", "code"), [(["nowhere"], 3), (["--jobs", "0", "nowhere"], 2)])
def test_a_file_that_cannot_be_read_is_no_finding(tmp_path: Path, arguments: list[str], code: int) -> None:
    *options, name = arguments
    assert main(["verify", *options, str(tmp_path / name)]) == code


def test_a_file_that_may_not_be_read_is_not_called_damaged(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebuild would set it aside."""

    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("replay_fetch.archive.shelf.file_range", refuse)
    with pytest.raises(ArchiveError, match="permission denied; verify as the user"):
        verified(archive)


def test_verify_refuses_an_archive_whose_compression_library_is_not_installed(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Compression) -> None:
        raise SettingsError("needs the zstd extra")

    monkeypatch.setattr("replay_fetch.inspect.verify.require", refuse)
    with pytest.raises(SettingsError, match="zstd"):
        verified(archive)


def test_processes_find_the_same_in_the_same_order(tmp_path: Path) -> None:
    root = make(tmp_path / "archive", Compression.GZIP)
    swapped(root)
    added(root)
    alone, together = verified(root).findings, Verifying(DiskShelf(root), Processes(2), None).run().findings
    assert alone
    assert together == alone


def test_the_manifest_is_read_no_faster_than_it_is_checked(made: Path) -> None:
    """What is held does not grow with the archive: sessions are taken in as they are given back."""
    (*_, session) = ([entry] for entry in read_manifest(DiskShelf(made)) if isinstance(entry, Entry))
    taken = itertools.count()
    checked = sweep(DiskShelf(made), (session for _ in taken), Processes(1), 0)
    for _ in range(10):
        assert next(checked).verdict.findings == []
    assert next(taken) < 2000
