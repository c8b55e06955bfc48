"""Recovery: the commit in which a run was killed is finished, and what nobody needs is cleared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace
from pieces import FakeCommitLog, planned

from replay_fetch.archive.folder import opened
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.recovery import clear, recover
from replay_fetch.model import Span, View, ViewRecord


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    with opened(tmp_path / "out") as layout:
        yield layout


@dataclass
class Knows(FakeCommitLog):
    """A ledger that says of every session where its one view lies."""

    parts: set[tuple[int, int]] = field(default_factory=set)
    partial_files: bool = True
    places: list[Span | None] = field(default_factory=lambda: [Span(0, 3, "")])
    """Where in their files the views of every session lie; None for a view that lies in no file."""

    def session_views(self, session: int) -> list[ViewRecord]:
        return [replace(ViewRecord(planned(1, session)), whole=span) for span in self.places]

    def has_part(self, row: int, part: int) -> bool:
        return (row, part) in self.parts

    def forget_partial_files(self) -> None:
        self.partial_files = False


def test_a_staged_file_that_the_redo_list_names_is_published(layout: Layout) -> None:
    """The run was killed behind the record of both; the second one was published already."""
    layout.session_file("s1").write_bytes(b"old")
    layout.session_file("s2").write_bytes(b"new")
    Path(layout.session_on_its_way(1)).write_bytes(b"new")
    knows = Knows(redo=[1, 2])
    recover(layout, knows)
    assert [layout.session_file(name).read_bytes() for name in ("s1", "s2")] == [b"new", b"new"]
    assert knows.redo == []


def test_a_staged_file_that_no_record_names_never_happened(layout: Layout) -> None:
    layout.session_file("a").write_bytes(b"old")
    Path(layout.session_on_its_way(1)).write_bytes(b"half")
    recover(layout, Knows())
    clear(layout, Knows())
    assert layout.session_file("a").read_bytes() == b"old"
    assert list(layout.temporary.iterdir()) == []


def test_a_file_that_its_last_view_has_left_is_removed(layout: Layout) -> None:
    """The run was killed behind the record that says so."""
    layout.session_file("s1").write_bytes(b"old")
    recover(layout, Knows(redo=[1], places=[]))
    assert layout.session_file("s1").exists(), "of a session without views nothing is known"
    knows = Knows(redo=[1], places=[None])
    recover(layout, knows)
    assert not layout.session_file("s1").exists()


def test_raw_pages_of_what_is_understood_are_removed_for_a_killed_run(layout: Layout) -> None:
    """Of three views one is removed in part, and of one only its session's folder is left."""
    views = [View("s1", "v1"), View("s1", "v2"), View("s2", "v1"), View("s3", "v1")]
    for view in views[:3]:
        layout.raw_folder(view).mkdir(parents=True)
        (layout.raw_folder(view) / "0001.body").write_bytes(b"?")
    layout.raw_folder(views[3]).parent.mkdir()
    knows = Knows(understood_views=views[1:])
    recover(layout, knows)
    assert [path.relative_to(layout.raw).as_posix() for path in sorted(layout.raw.rglob("*"))] == [
        "s1",
        "s1/v1",
        "s1/v1/0001.body",
    ]
    assert knows.understood_views == []


def test_files_that_a_killed_run_of_an_older_version_published_too_early_are_cut_back(layout: Layout) -> None:
    """Also where its note is half written: any session may be held against the ledger."""
    layout.session_file("s1").write_bytes(b"oldnew")
    layout.session_file("s2").write_bytes(b"old")
    (layout.temporary / "to-be-named").write_bytes(b"1\n2\n3")
    recover(layout, Knows())
    assert {path.name: path.read_bytes() for path in layout.sessions.iterdir()} == {
        "s1.ndjson": b"old",
        "s2.ndjson": b"old",
    }


def test_files_that_the_ledger_does_not_name_are_cleared_and_the_rest_stays(layout: Layout) -> None:
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
    recover(layout, knows)
    assert [path.name for path in layout.sessions.iterdir()] == ["s.ndjson"]
    assert not knows.partial_files
