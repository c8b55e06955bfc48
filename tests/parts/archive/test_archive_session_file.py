"""A session's file: from view parts, parts and what is there already; ranges that open one view alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from archives import opened
from msgspec.structs import replace
from pieces import arrived, content, ended, planned, refuse_to_open, sha256

from replay_fetch.archive.durable import Unsynced
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.write.session_file import DamagedPart, Kind, SessionFile, StagedSession
from replay_fetch.archive.write.view_part import ViewPart
from replay_fetch.errors import ArchiveError
from replay_fetch.model import Outcome, Span, ViewRecord
from replay_fetch.settings import Compression


@pytest.fixture(params=list(Compression))
def layout(tmp_path: Path, request: pytest.FixtureRequest) -> Layout:
    layout = Layout(tmp_path, request.param)
    for folder in (layout.parts, layout.temporary, layout.sessions):
        folder.mkdir(parents=True)
    return layout


def drafted(
    layout: Layout, row: int, count: int, outcome: Outcome | None = Outcome.FETCHED
) -> tuple[ViewPart, ViewRecord]:
    """A view that has just been fetched, its lines in memory."""
    view_part = ViewPart.begin(planned(row), layout)
    if count:
        view_part.add(arrived(view_part.planned, count).page, "blob")
    return view_part, view_part.settle(None if outcome is None else ended(view_part.planned, outcome))


def saved(layout: Layout, row: int, count: int, outcome: Outcome | None = Outcome.FETCHED) -> ViewRecord:
    """A view whose lines lie in its part."""
    view_part, record = drafted(layout, row, count, outcome)
    view_part.save()
    return record


def write(layout: Layout, views: Sequence[ViewRecord], view_parts: Sequence[ViewPart] = ()) -> list[ViewRecord]:
    """Stage and publish a file; returns the views that lie in it."""
    kind = Kind.WHOLE if all(view.finished for view in views) else Kind.PARTIAL
    file = SessionFile(layout, kind, views, {view_part.planned.row: view_part for view_part in view_parts})
    staged = on_disk(file)
    if staged is None:
        return []
    file.publish()
    return list(staged.records)


def on_disk(file: SessionFile) -> StagedSession | None:
    """A file as it is staged, still under its temporary name."""
    with Unsynced() as unsynced:
        return file.stage(unsynced)


def lines_of(layout: Layout, span: Span | None, *, partial: bool = False) -> bytes:
    """What a range of the session's file holds, read alone."""
    assert span is not None
    path = layout.session_file("s1", partial=partial)
    stored = path.read_bytes()[span.offset : span.offset + span.length]
    assert sha256(stored) == span.sha256
    return opened(path, stored)


def test_views_lie_in_list_order_each_open_to_itself(layout: Layout) -> None:
    first, (view_part, second) = saved(layout, 1, 2), drafted(layout, 2, 3)
    written = write(layout, [first, second], [view_part])
    assert [lines_of(layout, view.whole) for view in written] == [content(planned(1), 2), content(planned(2), 3)]
    whole = opened(layout.session_file("s1"), layout.session_file("s1").read_bytes())
    assert whole == content(planned(1), 2) + content(planned(2), 3)


def test_where_the_lines_come_from_changes_no_byte(layout: Layout) -> None:
    view_parts, views = zip(*(drafted(layout, row, 2) for row in (1, 2)), strict=True)
    write(layout, views, view_parts)
    straight = layout.session_file("s1").read_bytes()
    write(layout, [saved(layout, row, 2) for row in (1, 2)])
    assert layout.session_file("s1").read_bytes() == straight


def test_views_without_segments_are_not_in_the_file(layout: Layout) -> None:
    missing = ViewRecord(planned(1), Outcome.MISSING)
    written = write(layout, [missing, saved(layout, 2, 1)])
    assert [view.planned.row for view in written] == [2]


def test_a_session_without_segments_has_no_file(layout: Layout) -> None:
    assert write(layout, [ViewRecord(planned(1), Outcome.EMPTY), ViewRecord(planned(2), Outcome.MISSING)]) == []
    assert list(layout.sessions.iterdir()) == list(layout.temporary.iterdir()) == []


def test_a_view_that_is_not_finished_makes_the_file_a_partial_one(layout: Layout) -> None:
    unasked = ViewRecord(planned(3))
    views = [saved(layout, 1, 1), saved(layout, 2, 2, Outcome.INCOMPLETE), unasked]
    written = write(layout, views)
    assert not layout.session_file("s1").exists()
    assert [(view.planned.row, view.whole) for view in written] == [(1, None), (2, None)]
    parts = [lines_of(layout, view.partial, partial=True) for view in written]
    assert parts == [content(planned(1), 1), content(planned(2), 2)]


def test_a_view_that_still_grows_is_shown_as_far_as_it_is_saved(layout: Layout) -> None:
    growing = saved(layout, 1, 2, outcome=None)
    part = layout.part(1, 0)
    part.write_bytes(part.read_bytes() + b"more than the ledger knows\n")
    (shown,) = write(layout, [growing])
    assert lines_of(layout, shown.partial, partial=True) == content(planned(1), 2)


def test_a_later_list_puts_its_views_behind_those_that_are_there(layout: Layout) -> None:
    (first,) = write(layout, [saved(layout, 1, 2)])
    before = layout.session_file("s1").read_bytes()
    layout.part(1, 0).unlink()
    written = write(layout, [first, saved(layout, 2, 1)])
    assert layout.session_file("s1").read_bytes().startswith(before)
    assert written[0].whole == first.whole
    assert lines_of(layout, written[1].whole) == content(planned(2), 1)


def test_a_finished_file_stands_while_added_views_are_not_finished(layout: Layout) -> None:
    (first,) = write(layout, [saved(layout, 1, 2)])
    before = layout.session_file("s1").read_bytes()
    written = write(layout, [first, saved(layout, 2, 1, Outcome.FAILED)])
    assert layout.session_file("s1").read_bytes() == before
    assert [view.planned.row for view in written] == [2], "a partial file holds only what no finished file has"


def test_a_finished_file_to_which_nothing_came_is_not_written_again(layout: Layout) -> None:
    (first,) = write(layout, [saved(layout, 1, 2)])
    inode = layout.session_file("s1").stat().st_ino
    assert write(layout, [first, ViewRecord(planned(2), Outcome.EMPTY)]) == []
    assert layout.session_file("s1").stat().st_ino == inode


def test_the_partial_place_is_forgotten_when_the_file_is_whole(layout: Layout) -> None:
    record = replace(saved(layout, 1, 1), partial=Span(0, 1, ""))
    (written,) = write(layout, [record])
    assert written.partial is None


def test_a_staged_file_leaves_the_present_one_alone_until_it_is_published(layout: Layout) -> None:
    """Between two views that are there, one became longer: the old file fits the old ledger until then."""
    first, second = write(layout, [saved(layout, 1, 1), saved(layout, 2, 1)])
    before = layout.session_file("s1").read_bytes()
    view_part, longer = drafted(layout, 1, 2)
    file = SessionFile(layout, Kind.WHOLE, [longer, second], {1: view_part})
    staged = on_disk(file)
    assert staged is not None
    assert layout.session_file("s1").read_bytes() == before
    assert first.whole is not None
    file.publish()
    assert [lines_of(layout, view.whole) for view in staged.records] == [
        content(planned(1), 2),
        content(planned(2), 1),
    ]


@pytest.mark.parametrize("grown", [0, 1, 2])
def test_a_file_that_a_view_has_left_is_written_without_it(layout: Layout, grown: int) -> None:
    views = write(layout, [saved(layout, row, row) for row in (1, 2, 3)])
    before = layout.session_file("s1").read_bytes()
    views[grown] = saved(layout, grown + 1, 4)
    file = SessionFile(layout, Kind.EARLIER, [*views, ViewRecord(planned(4), Outcome.FAILED)])
    written = on_disk(file)
    assert written is not None
    assert layout.session_file("s1").read_bytes() == before
    file.publish()
    rows = [row for row in (1, 2, 3) if row != grown + 1]
    assert [lines_of(layout, view.whole) for view in written.records] == [content(planned(row), row) for row in rows]
    again = SessionFile(layout, Kind.EARLIER, [*written.records, views[grown]])
    assert on_disk(again) is None, "every byte of it belongs to a view"


def test_a_file_that_its_only_view_has_left_is_removed(layout: Layout) -> None:
    write(layout, [saved(layout, 1, 1)])
    file = SessionFile(layout, Kind.EARLIER, [saved(layout, 1, 2), ViewRecord(planned(2), Outcome.FAILED)])
    written = on_disk(file)
    assert written is not None
    assert written.records == []
    file.publish()
    assert list(layout.sessions.iterdir()) == []
    assert on_disk(file) is None


def test_saved_lines_that_are_not_what_the_ledger_says_are_not_copied(layout: Layout) -> None:
    record = saved(layout, 1, 2)
    part = layout.part(1, 0)
    part.write_bytes(part.read_bytes().replace(b'"of":1', b'"of":2', 1))
    with pytest.raises(DamagedPart, match="run the same command again") as caught:
        write(layout, [record])
    assert caught.value.view is record
    assert list(layout.sessions.iterdir()) == []


def test_saved_lines_that_cannot_be_opened_for_now_are_not_given_up_as_damaged(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = saved(layout, 1, 2)
    refuse_to_open(monkeypatch, layout.part(1, 0))
    with pytest.raises(ArchiveError, match="allow more open files") as caught:
        write(layout, [record])
    assert not isinstance(caught.value, DamagedPart)


def test_a_view_of_which_lines_are_missing_gets_into_no_file(layout: Layout) -> None:
    view_part, record = drafted(layout, 1, 2)
    view_part.chain.drop()
    with pytest.raises(ArchiveError, match=r"0 bytes instead of .*: a defect"):
        write(layout, [record], [view_part])
    assert list(layout.sessions.iterdir()) == []


@pytest.mark.parametrize("lost", ["part", "file"])
def test_a_source_that_is_gone_stops_the_commit_and_leaves_the_name_alone(layout: Layout, lost: str) -> None:
    (first,) = write(layout, [saved(layout, 1, 2)])
    before = layout.session_file("s1").read_bytes()
    second = saved(layout, 2, 1)
    if lost == "part":
        layout.part(2, 0).unlink()
    else:
        before = before[:-1]
        layout.session_file("s1").write_bytes(before)
    with pytest.raises(ArchiveError, match=r"s1\.ndjson|2-0\.ndjson"):
        write(layout, [first, second])
    assert layout.session_file("s1").read_bytes() == before
