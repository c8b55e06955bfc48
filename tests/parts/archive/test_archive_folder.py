"""An archive's folder: ours or untouched, one run at a time, made good after a kill."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace
from pieces import planned

from replay_fetch.archive import Layout, clear, existing, make_good, opened
from replay_fetch.archive.folder import check_ledger_is_there
from replay_fetch.archive.lock import locked
from replay_fetch.archive.standing import note_of
from replay_fetch.errors import ArchiveError
from replay_fetch.model import Span, View, ViewRecord


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


def test_only_an_archive_is_there_for_reading(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"not an archive of replay-fetch: it has no \.replay-fetch/ledger\.sqlite"):
        existing(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_without_a_ledger_are_no_reason_to_begin_a_new_one(layout: Layout) -> None:
    check_ledger_is_there(layout)
    (layout.sessions / "s.ndjson").write_bytes(b"{}\n")
    with pytest.raises(ArchiveError, match="has files but no ledger; `replay-fetch verify --rebuild"):
        check_ledger_is_there(layout)


@dataclass
class Knows:
    """What a ledger knows of the files."""

    parts: set[tuple[int, int]] = field(default_factory=set)
    waiting: list[tuple[int, str]] = field(default_factory=list)
    understood_views: list[View] = field(default_factory=list)
    partial_files: bool = True
    places: list[Span] = field(default_factory=lambda: [Span(0, 3, "")])
    """Where in their files the views of every session lie."""

    def unnamed(self) -> list[tuple[int, str]]:
        return self.waiting

    def named(self) -> None:
        self.waiting = []

    def understood(self) -> list[View]:
        return self.understood_views

    def raw_removed(self) -> None:
        self.understood_views = []

    def session_views(self, session: int) -> list[ViewRecord]:
        return [replace(ViewRecord(planned(1, session)), whole=span) for span in self.places]

    def has_part(self, row: int, part: int) -> bool:
        return (row, part) in self.parts

    def forget_partial_files(self) -> None:
        self.partial_files = False


def test_a_file_that_waits_for_its_name_gets_it(layout: Layout) -> None:
    """The ledger knew of it when the run was killed; a second one had its name already."""
    layout.session_file("a").write_bytes(b"old")
    layout.session_file("b").write_bytes(b"new")
    Path(layout.session_on_its_way(1)).write_bytes(b"new")
    knows = Knows(waiting=[(1, "a"), (2, "b")])
    make_good(layout, knows)
    assert [layout.session_file(name).read_bytes() for name in "ab"] == [b"new", b"new"]
    assert knows.waiting == []


def test_raw_pages_of_what_is_understood_are_removed_for_a_killed_run(layout: Layout) -> None:
    """Of three views one is removed in part, and of one only its session's folder is left."""
    views = [View("s1", "v1"), View("s1", "v2"), View("s2", "v1"), View("s3", "v1")]
    for view in views[:3]:
        layout.raw_folder(view).mkdir(parents=True)
        (layout.raw_folder(view) / "0001.body").write_bytes(b"?")
    layout.raw_folder(views[3]).parent.mkdir()
    knows = Knows(understood_views=views[1:])
    make_good(layout, knows)
    assert [path.relative_to(layout.raw).as_posix() for path in sorted(layout.raw.rglob("*"))] == [
        "s1",
        "s1/v1",
        "s1/v1/0001.body",
    ]
    assert knows.understood_views == []


def test_what_a_killed_run_named_before_the_ledger_knew_is_cut_back(layout: Layout) -> None:
    """Also where its note is half written: any session may be held against the ledger."""
    layout.session_file("s1").write_bytes(b"oldnew")
    layout.session_file("s2").write_bytes(b"old")
    note_of(layout).write_bytes(b"1\n2\n3")
    make_good(layout, Knows())
    assert {path.name: path.read_bytes() for path in layout.sessions.iterdir()} == {
        "s1.ndjson": b"old",
        "s2.ndjson": b"old",
    }


def test_what_nobody_needs_is_removed_and_what_is_needed_stays(layout: Layout) -> None:
    for row, number in ((1, 0), (1, 1), (2, 0)):
        layout.part(row, number).write_bytes(b"lines")
    (layout.parts / "odd").write_bytes(b"?")
    (layout.temporary / "session-7").write_bytes(b"half")
    for partial in (False, True):
        layout.session_file("s", partial=partial).write_bytes(b"lines")
    knows = Knows(parts={(1, 1)})
    clear(layout, knows)
    assert [path.name for path in layout.parts.iterdir()] == ["1-1.ndjson"]
    assert list(layout.temporary.iterdir()) == []
    assert knows.partial_files
    make_good(layout, knows)
    assert [path.name for path in layout.sessions.iterdir()] == ["s.ndjson"]
    assert not knows.partial_files
