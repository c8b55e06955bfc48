"""``verify`` believes hashes that a sound ledger vouches for, and reads lines as JSON in every other case."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from damaged_archives import VIEWS, make, manifest, session_files, verified, write_manifest

from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.read import verify
from replay_fetch.archive.read.readers import Processes
from replay_fetch.archive.read.verify import Problem
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.inspect.verification import Depth
from replay_fetch.inspect.verify import Verifying
from replay_fetch.settings import Compression


@pytest.fixture(scope="module", params=Compression)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("made") / "archive", request.param)


@pytest.fixture
def archive(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "archive"))


def change_first_result(archive: Path, assignment: str) -> None:
    """Change the ledger's record of the first view."""
    with closing(sqlite3.connect(archive / ".replay-fetch" / "ledger.sqlite")) as ledger, ledger:
        changed = ledger.execute(f"UPDATE result SET {assignment} WHERE row = (SELECT min(row) FROM result)")  # noqa: S608
        assert changed.rowcount == 1


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The views whose lines were read as JSON."""
    views: list[str] = []
    reading = verify.complaint

    def counted(stored: Iterable[bytes], entry: Entry) -> str | None:
        views.append(entry.record.planned.view.view_id)
        return reading(stored, entry)

    monkeypatch.setattr(verify, "complaint", counted)
    return views


def test_lines_whose_hash_the_ledger_vouches_for_are_not_read_as_json(archive: Path, read: list[str]) -> None:
    found = verified(archive)
    assert (found.findings, found.views, read) == ([], VIEWS, [])
    assert found.size == sum(file.stat().st_size for file in session_files(archive))


def test_every_line_is_read_as_json_where_the_archive_has_no_ledger(archive: Path, read: list[str]) -> None:
    stored = [line["view_id"] for line in manifest(archive) if line["length"]]
    shutil.rmtree(archive / ".replay-fetch")
    assert verified(archive).findings == []
    assert read == stored


def test_verify_lines_reads_every_line_as_json_beside_a_sound_ledger(archive: Path, read: list[str]) -> None:
    assert Verifying(DiskShelf(archive), Processes(1), None, Depth.LINES).run().findings == []
    assert read == [line["view_id"] for line in manifest(archive) if line["length"]]


def test_a_session_whose_bytes_changed_is_read_line_by_line_to_tell_what_is_wrong(
    archive: Path, read: list[str]
) -> None:
    file = session_files(archive)[0]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x04
    file.write_bytes(content)
    (finding,) = verified(archive).findings
    assert finding.problem is Problem.DAMAGED
    assert finding.file == f"sessions/{file.name}"
    lines = [line for line in manifest(archive) if line["file"] == finding.file]
    assert finding.view is not None
    assert finding.view.view_id in read
    assert read == [line["view_id"] for line in lines if line["length"]]


def test_a_manifest_that_says_otherwise_than_the_ledger_is_damaged_at_that_line(archive: Path) -> None:
    first, second, *rest = manifest(archive)
    write_manifest(archive, [first, second | {"records": (second["records"] or 0) + 1}, *rest])
    assert [(each.problem, each.file, each.detail) for each in verified(archive).findings] == [
        (Problem.DAMAGED, "manifest.ndjson", "line 2 is not what the ledger says")
    ]


def test_verify_lines_finds_facts_that_ledger_and_manifest_both_state_wrongly(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *rest = manifest(archive)
    end = first["end_ms"]
    change_first_result(archive, f"about = replace(about, '{end}', '{end + 1}')")
    write_manifest(archive, [first | {"end_ms": first["end_ms"] + 1}, *rest])
    assert main(["verify", str(archive)]) == 0
    assert main(["verify", str(archive), "--lines", "--json"]) == 1
    assert "the manifest is wrong about its end_ms" in capsys.readouterr().out


def test_lines_and_quick_together_are_refused(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(archive), "--lines", "--quick"]) == 2
    assert "--lines reads every line, and --quick none" in capsys.readouterr().err


@pytest.mark.parametrize("made", [Compression.GZIP, Compression.ZSTD], indirect=True)
def test_lines_that_inflate_to_other_bytes_than_recorded_are_found_though_the_file_is_as_recorded(
    archive: Path,
) -> None:
    first, *rest = manifest(archive)
    other = hashlib.sha256(b"other lines").hexdigest()
    change_first_result(archive, f"sha256 = '{other}'")
    write_manifest(archive, [first | {"sha256": other}, *rest])
    (finding,) = verified(archive).findings
    assert finding.detail == "its lines are whole, but not the ones of the manifest"
