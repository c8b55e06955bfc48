"""A view's view part: what it goes on from, what it keeps, and what may be removed when."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from pieces import arrived, content, ended, planned, refuse_to_open, segment, sha256

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.write.view_part import ViewPart
from replay_fetch.model import Outcome, Page, PlannedView, Source, ViewRecord, Warnings


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.parts.mkdir(parents=True)
    return layout


def add(
    view_part: ViewPart, count: int, *, first: int = 0, then: str | None = None, source: Source = Source.BLOB
) -> None:
    view_part.add(arrived(view_part.planned, count, first=first, then=then).page, source)


def read(view_part: ViewPart) -> bytes:
    return b"".join(view_part.read())


def left_behind(layout: Layout, count: int, then: str | None, outcome: Outcome | None = None) -> PlannedView:
    """A view of which an earlier run kept ``count`` segments."""
    view_part = ViewPart.begin(planned(), layout)
    add(view_part, count, then=then)
    view_part.save()
    record = view_part.settle(None if outcome is None else ended(view_part.planned, outcome))
    return planned(earlier=record)


def test_a_new_view_begins_with_nothing(layout: Layout) -> None:
    view_part = ViewPart.begin(planned(), layout)
    assert (read(view_part), view_part.chain.text.size, view_part.chain.pages) == (b"", 0, 0)


def test_a_views_lines_are_the_same_however_often_the_view_is_saved(layout: Layout) -> None:
    view_part = ViewPart.begin(planned(), layout)
    for first in range(4):
        add(view_part, 1, first=first)
        if first % 2:
            view_part.save()
    assert read(view_part) == content(planned(), 4)
    record = view_part.settle(ended(planned()))
    assert (record.segments, record.pages, record.sha256) == (4, 4, sha256(content(planned(), 4)))
    assert record.size == view_part.chain.text.size == len(content(planned(), 4))


def test_a_save_is_new_once(layout: Layout) -> None:
    view_part = ViewPart.begin(planned(), layout)
    add(view_part, 1)
    assert [view_part.save(), view_part.save()] == [True, False]
    add(view_part, 1, first=1)
    assert view_part.save() is False
    assert view_part.chain.part.read_bytes() == content(planned(), 2)


def test_a_chain_goes_on_behind_what_is_saved(layout: Layout) -> None:
    view_part = ViewPart.begin(left_behind(layout, 2, "t2"), layout)
    add(view_part, 1, first=2)
    record = view_part.settle(ended(planned()))
    assert (record.segments, record.pages, record.outcome) == (3, 2, Outcome.FETCHED)
    assert record.sha256 == sha256(content(planned(), 3))
    assert read(view_part) == content(planned(), 3)
    assert not record.warnings, "indexes of both runs count as one chain"


def test_bytes_of_a_killed_run_behind_the_recorded_part_are_cut_off(layout: Layout) -> None:
    view = left_behind(layout, 2, "t2")
    part = layout.part(1, 0)
    part.write_bytes(part.read_bytes() + b'{"half a li')
    view_part = ViewPart.begin(view, layout)
    add(view_part, 1, first=2)
    view_part.save()
    assert part.read_bytes() == content(planned(), 3)


def _missing(part: Path) -> None:
    part.unlink()


def _short(part: Path) -> None:
    part.write_bytes(part.read_bytes()[:-1])


def _altered(part: Path) -> None:
    part.write_bytes(part.read_bytes().replace(b'"of":1', b'"of":2', 1))


@pytest.mark.parametrize("damage", [_missing, _short, _altered])
def test_a_damaged_part_fails_the_view_and_is_fetched_anew_by_the_next_run(layout: Layout, damage: object) -> None:
    view = left_behind(layout, 2, "t2")
    assert callable(damage)
    damage(layout.part(1, 0))
    view_part = ViewPart.begin(view, layout)
    add(view_part, 1, first=2)
    record = view_part.settle(ended(planned()))
    assert (record.outcome, record.size, record.token) == (Outcome.FAILED, 0, None)
    assert "damaged" in record.reason
    view_part.remove_stale(in_file=False)
    assert list(layout.parts.iterdir()) == []


def test_a_part_that_cannot_be_opened_for_now_is_not_given_up(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold segments that the API has no more."""
    view = left_behind(layout, 2, "t2")
    refuse_to_open(monkeypatch, layout.part(1, 0))
    with pytest.raises(OSError, match="Too many open files"):
        ViewPart.begin(view, layout)


def test_kept_lines_that_cannot_be_read_for_now_do_not_give_way_to_a_new_answer(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = left_behind(layout, 3, None, Outcome.FAILED)
    refuse_to_open(monkeypatch, layout.part(1, 0))
    with pytest.raises(OSError, match="Too many open files"):
        asked_anew(layout, view, 0, 1, Outcome.FETCHED)


def test_a_chain_that_begins_anew_heals_a_damaged_part(layout: Layout) -> None:
    view = left_behind(layout, 2, "t2")
    _altered(layout.part(1, 0))
    view_part = ViewPart.begin(view, layout)
    view_part.start_over()
    add(view_part, 3)
    record = view_part.settle(ended(planned()))
    assert (record.outcome, read(view_part)) == (Outcome.FETCHED, content(planned(), 3))


def test_a_void_part_is_kept_until_the_ledger_has_the_new_one(layout: Layout) -> None:
    view_part = ViewPart.begin(left_behind(layout, 2, "t2"), layout)
    old = view_part.chain.part
    view_part.start_over()
    add(view_part, 3)
    view_part.save()
    record = view_part.settle(ended(planned()))
    assert old.exists(), "a kill right now finds the ledger's old part"
    view_part.remove_stale(in_file=False)
    assert not old.exists()
    assert layout.part(1, record.part).read_bytes() == content(planned(), 3)


def test_an_earlier_run_that_got_further_is_kept(layout: Layout) -> None:
    view = left_behind(layout, 3, "t3", Outcome.FAILED)
    view_part = ViewPart.begin(view, layout)
    view_part.start_over()
    add(view_part, 1, then="t1")
    record = view_part.settle(ended(planned(), Outcome.FAILED, "attempts spent"))
    view_part.save()
    view_part.remove_stale(in_file=False)
    assert (record.segments, record.token, record.reason) == (3, "t3", "attempts spent")
    assert [path.name for path in layout.parts.iterdir()] == [layout.part(1, record.part).name]
    assert layout.part(1, record.part).read_bytes() == content(planned(), 3)


def test_a_token_stays_with_the_source_that_gave_it(layout: Layout) -> None:
    """The recent store's chain was kept; that the run ended in the other store changes nothing of it."""
    view_part = ViewPart.begin(planned(), layout)
    add(view_part, 3, then="t3", source=Source.EVENT_PLATFORM)
    view_part.save()
    again = ViewPart.begin(planned(earlier=view_part.settle(ended(planned(), Outcome.FAILED))), layout)
    again.start_over()
    record = again.settle(replace(ended(planned(), Outcome.FAILED), source=Source.BLOB))
    assert (record.token, record.source) == ("t3", Source.EVENT_PLATFORM)


# --- an answer takes the place of what is there only if it holds all of it


def asked_anew(layout: Layout, view: PlannedView, first: int, count: int, outcome: Outcome | None) -> ViewRecord:
    """The record of a chain begun anew, of some segments, once it is saved and the rest is cleared up."""
    view_part = ViewPart.begin(view, layout)
    if view.earlier is not None and view.earlier.token is not None:
        view_part.start_over()
    add(view_part, count, first=first)
    record = view_part.settle(None if outcome is None else ended(planned(), outcome, "because"))
    view_part.save()
    view_part.remove_stale(in_file=False)
    return record


def saved(layout: Layout, record: ViewRecord) -> list[int]:
    """The indexes of the segments in a view's part, whose positions and hash are right; and no other part is there."""
    (part,) = layout.parts.iterdir()
    assert part == layout.part(1, record.part)
    body = part.read_bytes()[: record.size]
    found = [json.loads(line) for line in body.splitlines()]
    assert [line["position"] for line in found] == list(range(record.segments))
    assert sha256(body) == record.sha256
    return [line["segment"]["index_in_view"] for line in found]


@pytest.mark.parametrize("then", [None, "t4"])
def test_a_shorter_whole_answer_stands_behind_what_a_cut_off_one_had_brought(layout: Layout, then: str | None) -> None:
    record = asked_anew(layout, left_behind(layout, 4, then, Outcome.FAILED), 5, 1, Outcome.FETCHED)
    assert (record.outcome, record.token, saved(layout, record)) == (Outcome.INCOMPLETE, None, [0, 1, 2, 3, 5])
    assert record.reason == "the API's latest answer lacks 4 of the 5 segments here; those came earlier, and stay first"
    assert record.warnings == Warnings(gaps=[4])


def test_the_same_answer_once_more_changes_nothing(layout: Layout) -> None:
    """So a run that was killed behind the commit and is repeated ends in the same archive."""
    once = asked_anew(layout, left_behind(layout, 4, None, Outcome.FAILED), 3, 3, Outcome.FETCHED)
    assert saved(layout, once) == [0, 1, 2, 3, 4, 5]
    again = asked_anew(layout, planned(earlier=once), 3, 3, Outcome.FETCHED)
    assert again == replace(once, planned=again.planned)
    assert saved(layout, again) == [0, 1, 2, 3, 4, 5]


def test_an_answer_that_holds_everything_heals_what_was_put_together(layout: Layout) -> None:
    both = asked_anew(layout, left_behind(layout, 4, None, Outcome.FAILED), 5, 1, Outcome.FETCHED)
    healed = asked_anew(layout, planned(earlier=both), 0, 6, Outcome.FETCHED)
    assert (healed.outcome, saved(layout, healed)) == (Outcome.FETCHED, [0, 1, 2, 3, 4, 5])


def test_an_answer_that_only_holds_less_changes_nothing_and_is_no_success(layout: Layout) -> None:
    record = asked_anew(layout, left_behind(layout, 3, None, Outcome.INCOMPLETE), 0, 1, Outcome.FETCHED)
    assert (record.outcome, saved(layout, record)) == (Outcome.INCOMPLETE, [0, 1, 2])
    assert "lacks 2 of the 3 segments" in record.reason


def test_a_chain_that_went_in_circles_is_healed_by_one_that_has_each_segment_once(layout: Layout) -> None:
    circling = ViewPart.begin(planned(), layout)
    for _ in range(3):
        add(circling, 2)
    record = circling.settle(ended(planned(), Outcome.INCOMPLETE))
    circling.save()
    healed = asked_anew(layout, planned(earlier=record), 0, 3, Outcome.FETCHED)
    assert (healed.outcome, saved(layout, healed)) == (Outcome.FETCHED, [0, 1, 2])


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INCOMPLETE, Outcome.UNRECOGNISED])
def test_two_chains_that_broke_off_both_stand(layout: Layout, outcome: Outcome) -> None:
    """How the latest one ended is what the view ends as."""
    record = asked_anew(layout, left_behind(layout, 2, "t2", Outcome.FAILED), 1, 3, outcome)
    assert (record.outcome, record.reason, record.token) == (outcome, "because", None)
    assert saved(layout, record) == [0, 1, 2, 3]


def test_a_chain_that_is_still_growing_takes_over_once_it_holds_everything(layout: Layout) -> None:
    view_part = ViewPart.begin(left_behind(layout, 2, None, Outcome.FAILED), layout)
    kept: list[int] = []
    for first in (1, 2, 0):
        add(view_part, 1, first=first, then="t")
        kept.append(view_part.settle(None).segments)
        view_part.save()
        view_part.remove_stale(in_file=False)
    assert kept == [2, 2, 3]


def test_segments_of_a_chain_stay_where_the_chain_begins_anew_within_a_run(layout: Layout) -> None:
    """Nothing of it had been saved."""
    view_part = ViewPart.begin(planned(), layout)
    add(view_part, 4, then="t4")
    view_part.start_over()
    add(view_part, 1, first=5)
    record = view_part.settle(ended(planned()))
    view_part.save()
    view_part.remove_stale(in_file=False)
    assert (record.outcome, saved(layout, record)) == (Outcome.INCOMPLETE, [0, 1, 2, 3, 5])


def test_three_chains_of_one_run_all_stand(layout: Layout) -> None:
    view_part = ViewPart.begin(left_behind(layout, 2, "t2"), layout)
    add(view_part, 1, first=2, then="t3")
    view_part.start_over()
    add(view_part, 2, first=2, then="t4")
    view_part.start_over()
    add(view_part, 1, first=7)
    record = view_part.settle(ended(planned()))
    view_part.save()
    view_part.remove_stale(in_file=False)
    assert (record.outcome, saved(layout, record)) == (Outcome.INCOMPLETE, [0, 1, 2, 3, 7])


def test_a_chain_that_begins_anew_within_one_run_and_holds_everything_is_whole(layout: Layout) -> None:
    view_part = ViewPart.begin(planned(), layout)
    add(view_part, 2, then="t2")
    view_part.start_over()
    add(view_part, 3)
    record = view_part.settle(ended(planned()))
    view_part.save()
    view_part.remove_stale(in_file=False)
    assert (record.outcome, saved(layout, record)) == (Outcome.FETCHED, [0, 1, 2])


def test_a_saved_part_that_is_damaged_gives_way_to_a_new_answer(
    layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    view = left_behind(layout, 3, None, Outcome.FAILED)
    _altered(layout.part(1, 0))
    record = asked_anew(layout, view, 0, 1, Outcome.FETCHED)
    assert (record.outcome, saved(layout, record)) == (Outcome.FETCHED, [0])
    assert "is damaged" in caplog.text


def test_a_chain_that_began_with_an_empty_page_goes_on_behind_it(layout: Layout) -> None:
    """There is no part then, and none is missing."""
    earlier = ViewPart.begin(planned(), layout)
    add(earlier, 0, then="t2")
    earlier.save()
    record = earlier.settle(ended(planned(), Outcome.FAILED))
    assert (record.pages, record.token) == (1, "t2")
    view_part = ViewPart.begin(planned(earlier=record), layout)
    add(view_part, 1)
    finished = view_part.settle(ended(planned()))
    assert (finished.outcome, finished.segments, finished.pages) == (Outcome.FETCHED, 1, 2)


@pytest.mark.parametrize("outcome", [Outcome.MISSING, Outcome.EMPTY])
@pytest.mark.parametrize("then", [None, "t2"])
def test_a_saved_part_stays_though_the_api_knows_the_view_no_more(
    layout: Layout, outcome: Outcome, then: str | None
) -> None:
    """It may be the only copy; and it is not whole, so it is no success."""
    view_part = ViewPart.begin(left_behind(layout, 3, then, Outcome.FAILED), layout)
    view_part.start_over()
    record = view_part.settle(ended(planned(), outcome))
    assert (record.outcome, record.segments, record.part) == (Outcome.INCOMPLETE, 3, 0)
    assert (
        record.reason
        == f"an earlier run got 3 segments before it was cut off, which are kept; asked again, the view is {outcome}"
    )
    view_part.remove_stale(in_file=False)
    assert view_part.layout.part(record.planned.row, 0).read_bytes() == content(planned(), 3)


def test_a_list_that_counts_anew_is_believed_though_the_answer_is_the_same(layout: Layout) -> None:
    def asked_again(record: ViewRecord, expected: int | None) -> ViewRecord:
        view_part = ViewPart.begin(replace(planned(earlier=record), expected=expected), layout)
        add(view_part, 2)
        return view_part.settle(ended(planned()))

    first = ViewPart.begin(planned(), layout)
    add(first, 2)
    first.save()
    record = first.settle(ended(planned()))
    for expected, noted in ((5, 5), (None, None), (7, 7), (2, None)):
        record = asked_again(record, expected)
        assert record.warnings == Warnings(segments_expected=noted)


def test_a_growing_chain_loses_nothing_while_an_earlier_one_was_longer(layout: Layout) -> None:
    """It is saved as it grows, while the ledger still counts on the earlier run's part."""
    view = left_behind(layout, 3, None, Outcome.INCOMPLETE)
    view_part = ViewPart.begin(view, layout)
    for first, counted in ((0, 3), (2, 4)):
        add(view_part, 2, first=first, then="t")
        growing = view_part.settle(None)
        view_part.save()
        view_part.remove_stale(in_file=False)
        assert (growing.segments, growing.outcome) == (counted, None)
        kept = layout.part(1, growing.part).read_bytes()[: growing.size]
        assert (kept, sha256(kept)) == (content(planned(), counted), growing.sha256)
    record = view_part.settle(ended(planned()))
    assert (record.segments, read(view_part)) == (4, content(planned(), 4))


def test_a_part_that_grew_past_an_earlier_run_is_the_one_kept_from_then_on(layout: Layout) -> None:
    """The chain begins anew after its longer part replaced the earlier one, whose part is gone by then."""
    view_part = ViewPart.begin(left_behind(layout, 1, "t1"), layout)
    add(view_part, 3, first=1, then="t4")
    view_part.settle(None)
    view_part.save()
    view_part.remove_stale(in_file=False)
    view_part.start_over()
    add(view_part, 2, then="t2")
    record = view_part.settle(ended(planned(), Outcome.FAILED))
    view_part.save()
    view_part.remove_stale(in_file=False)
    assert (record.segments, record.token) == (4, "t4")
    assert layout.part(1, record.part).read_bytes() == content(planned(), 4)
    assert len(list(layout.parts.iterdir())) == 1


def test_a_chain_that_cannot_be_followed_leaves_no_token_to_go_on_from(layout: Layout) -> None:
    view_part = ViewPart.begin(planned(), layout)
    add(view_part, 2, then="loop")
    assert view_part.settle(ended(planned(), Outcome.INCOMPLETE)).token is None


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.FORBIDDEN, Outcome.UNRECOGNISED])
def test_a_chain_that_broke_keeps_its_token(layout: Layout, outcome: Outcome) -> None:
    view_part = ViewPart.begin(planned(), layout)
    add(view_part, 2, then="t2")
    record = view_part.settle(ended(planned(), outcome))
    assert (record.outcome, record.token) == (outcome, "t2")


def test_gaps_repeats_and_a_missing_snapshot_become_warnings(layout: Layout) -> None:
    view_part = ViewPart.begin(replace(planned(), expected=9), layout)
    pages = [segment(1, 1), segment(1, 3), segment(1, 3)]
    view_part.add(Page(pages), Source.BLOB)
    noted = view_part.settle(ended(planned())).warnings
    assert noted == Warnings([0, 2], [3], lacks_full_snapshot=True, segments_expected=9)


def test_a_list_that_expects_fewer_segments_is_not_contradicted(layout: Layout) -> None:
    view_part = ViewPart.begin(replace(planned(), expected=1), layout)
    add(view_part, 2)
    assert not view_part.settle(ended(planned())).warnings


def test_a_part_that_lies_in_the_file_now_is_removed(layout: Layout) -> None:
    view_part = ViewPart.begin(left_behind(layout, 2, "t2"), layout)
    view_part.settle(ended(planned()))
    view_part.remove_stale(in_file=True)
    assert list(layout.parts.iterdir()) == []


def test_a_view_that_is_empty_has_no_digest(layout: Layout) -> None:
    record = ViewPart.begin(planned(), layout).settle(ended(planned(), Outcome.EMPTY))
    assert record == ViewRecord(planned(), Outcome.EMPTY, source=Source.EVENT_PLATFORM, recording=record.recording)
