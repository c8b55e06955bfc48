"""An archive's folder: ours or untouched, one run at a time."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from replay_fetch.archive import folder
from replay_fetch.archive.folder import check_ledger_is_there, existing, opened
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import holder, locked
from replay_fetch.archive.shelf import DiskShelf, readable
from replay_fetch.errors import ArchiveError
from replay_fetch.shard import ShardId


def tree(root: Path) -> dict[str, bytes]:
    """All files below, by name, and folders."""
    return {path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else b"" for path in root.rglob("*")}


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    with opened(tmp_path / "out") as layout:
        yield layout


def test_a_new_archive_is_made_with_its_folders(tmp_path: Path) -> None:
    with opened(tmp_path / "a" / "b") as layout:
        assert all(folder.is_dir() for folder in (layout.sessions, layout.parts, layout.temporary))


def test_an_empty_folder_becomes_one(tmp_path: Path) -> None:
    with opened(tmp_path) as layout:
        assert layout.private.is_dir()


def test_an_archive_is_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        with opened(tmp_path) as layout:
            (layout.sessions / "s.ndjson").write_bytes(b"kept")
    assert (tmp_path / "sessions" / "s.ndjson").read_bytes() == b"kept"


@pytest.mark.parametrize("content", ["photo.jpg", ".hidden", "sessions/s.ndjson"])
def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / content).parent.mkdir(exist_ok=True)
    (tmp_path / content).write_bytes(b"theirs")
    before = tree(tmp_path)
    with pytest.raises(ArchiveError, match="holds something else"), opened(tmp_path):
        pytest.fail("opened")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("at", ["is_folder", "iterdir"])
def test_a_shard_is_not_refused_while_another_shard_makes_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """The other shard makes the archive's folders just before, or just after, this one looks for them."""
    owner, name = {"is_folder": (folder, "is_folder"), "iterdir": (Path, "iterdir")}[at]
    look = getattr(owner, name)

    def meanwhile(path: Path) -> object:
        found = look(path) if at == "is_folder" else None
        if path in (tmp_path, tmp_path / ".replay-fetch"):
            Layout(tmp_path, shard=ShardId(1, 2)).parts.mkdir(parents=True, exist_ok=True)
        return look(path) if found is None else found

    monkeypatch.setattr(owner, name, meanwhile)
    with opened(tmp_path, ShardId(0, 2)) as layout:
        assert layout.private.is_dir()


def test_a_file_in_the_archives_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"theirs")
    with pytest.raises(ArchiveError, match="out is a file"), opened(tmp_path / "out"):
        pytest.fail("opened")


def test_a_place_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(ArchiveError, match=r"opening the archive .*: Not a directory"),
        opened(tmp_path / "file" / "out"),
    ):
        pytest.fail("opened")


def test_a_second_run_is_told_who_holds_the_archive(layout: Layout) -> None:
    before = tree(layout.root)
    with pytest.raises(ArchiveError, match=rf"another run is writing .*: pid {os.getpid()} on "), opened(layout.root):
        pytest.fail("opened")
    assert tree(layout.root) == before


def test_the_lock_is_free_again_however_a_run_ended(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a defect"), locked(tmp_path / "lock"):
        raise ValueError("a defect")
    with locked(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text().startswith(f"pid {os.getpid()} on ")


def test_a_lock_that_names_a_longer_holder_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("pid 4194304 on a-machine-with-a-very-long-name-indeed.example.org\n" * 3)
    with locked(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text().count("\n") == 1


def test_an_empty_folder_is_refused_for_reading_and_stays_empty(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"not an archive of replay-fetch: it has no \.replay-fetch/ledger\.sqlite"):
        existing(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_without_a_ledger_are_no_reason_to_begin_a_new_one(layout: Layout) -> None:
    check_ledger_is_there(layout)
    (layout.sessions / "s.ndjson").write_bytes(b"{}\n")
    with pytest.raises(ArchiveError, match="has files but no ledger; `replay-fetch verify --rebuild"):
        check_ledger_is_there(layout)


@pytest.mark.parametrize(
    "open_for_reading", [lambda root: readable(DiskShelf(root)), existing], ids=["readable", "existing"]
)
def test_a_folder_that_is_not_there_is_said_to_be_not_there(
    tmp_path: Path, open_for_reading: Callable[[Path], object]
) -> None:
    with pytest.raises(ArchiveError, match=f"^there is no folder {tmp_path}/nosuch$"):
        open_for_reading(tmp_path / "nosuch")
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="file is a file, not an archive's folder"):
        open_for_reading(tmp_path / "file")


def test_the_holder_of_a_lock_is_named_unless_it_is_gone_or_nobody_can_tell(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    def gone(*_: object) -> None:
        raise ProcessLookupError

    ours = f"pid {os.getpid()} on {socket.gethostname()}"
    assert holder(layout.lock) == ours
    monkeypatch.setattr(os, "kill", refused)  # somebody else's process
    assert holder(layout.lock) == ours
    monkeypatch.setattr(os, "kill", gone)
    assert holder(layout.lock) is None
    layout.lock.write_text("pid 1 on another.example")
    assert holder(layout.lock) == "pid 1 on another.example"
    monkeypatch.setattr(fcntl, "flock", refused)  # a file system that knows no locks
    assert holder(layout.lock) is None
    layout.lock.unlink()
    assert holder(layout.lock) is None
