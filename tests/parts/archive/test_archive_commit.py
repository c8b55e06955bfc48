"""A commit's order: whatever the ledger says is on the disk already, whatever it needs is still there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace
from pieces import FakeCommitLog, arrived, content, ended, planned, sha256

from replay_fetch.api.trail import Trail, mark
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.write.buffer import WriteBuffer
from replay_fetch.archive.write.commit import Committer
from replay_fetch.archive.write.messages import ChainRestarted, Message, PageArrived
from replay_fetch.errors import ArchiveError
from replay_fetch.model import Outcome, Page, PlannedView, Response, Source, View, ViewRecord

ANSWER = Response(200, {"content-type": "text/html"}, b"<html>")
ONE, TWO = planned(1), planned(2)


@dataclass
class WatchfulCommitLog(FakeCommitLog):
    """Holds every record, at the moment it is made, against what lies on the disk."""

    layout: Layout = field(default_factory=lambda: Layout(Path()))
    refuse: bool = False

    def record(self, records: Iterable[ViewRecord], redo: Iterable[int] = (), understood: Sequence[View] = ()) -> None:
        if self.refuse:
            raise ArchiveError("the ledger cannot be written")
        batch, staged = list(records), list(redo)
        for needed in (self.views | {record.planned.row: record for record in batch}).values():
            assert self.on_disk(needed, staged), f"not on the disk: {needed}"
        super().record(batch, staged, understood)

    def on_disk(self, record: ViewRecord, redo: Sequence[int] = ()) -> bool:
        if not record.size:
            return True
        if record.whole is None:
            return (
                sha256(self.layout.part(record.planned.row, record.part).read_bytes()[: record.size]) == record.sha256
            )
        path = self.layout.session_file(record.planned.view.session_id)
        if record.planned.session in redo:
            path = Path(self.layout.session_on_its_way(record.planned.session))
        offset, length, _ = record.whole
        return sha256(path.read_bytes()[offset : offset + length]) == record.sha256


@dataclass
class Bench:
    """A committer with its buffer and commit log, and the archive they write."""

    layout: Layout
    commit_log: WatchfulCommitLog
    committer: Committer
    buffer: WriteBuffer = field(default_factory=WriteBuffer)

    def commit(self, *messages: Message, close: bool = False) -> list[ViewRecord]:
        for message in messages:
            self.buffer.take(message, 0.0)
        return self.committer.commit(self.buffer.close() if close else self.buffer.batch(float("inf")))

    def parts(self) -> list[str]:
        return sorted(path.name for path in self.layout.parts.iterdir())

    def sessions(self) -> list[str]:
        return sorted(path.name for path in self.layout.sessions.iterdir())

    def raw(self, view: PlannedView) -> list[str]:
        folder = self.layout.raw_folder(view.view)
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    yield from _bench(tmp_path, keep_raw=False)


@pytest.fixture
def hoarder(tmp_path: Path) -> Iterator[Bench]:
    yield from _bench(tmp_path, keep_raw=True)


def _bench(root: Path, *, keep_raw: bool) -> Iterator[Bench]:
    layout = Layout(root)
    for folder in (layout.parts, layout.temporary, layout.sessions):
        folder.mkdir(parents=True)
    commit_log = WatchfulCommitLog({view.row: ViewRecord(view) for view in (ONE, TWO)}, layout=layout)
    bench = Bench(layout, commit_log, Committer(layout, commit_log, keep_raw=keep_raw))
    bench.buffer.expect(1, views=2)
    yield bench
    bench.committer.close()


def test_a_session_that_ends_in_one_batch_never_sees_a_part(bench: Bench) -> None:
    committed = bench.commit(arrived(ONE), ended(ONE), arrived(TWO, 2), ended(TWO))
    assert [(record.planned, record.outcome) for record in committed] == [
        (ONE, Outcome.FETCHED),
        (TWO, Outcome.FETCHED),
    ]
    assert (bench.parts(), bench.sessions()) == ([], ["s1.ndjson"])
    assert bench.layout.session_file("s1").read_bytes() == content(ONE, 1) + content(TWO, 2)


def test_a_view_waits_in_its_part_until_the_session_is_whole(bench: Bench) -> None:
    bench.commit(arrived(ONE), ended(ONE))
    assert (bench.parts(), bench.sessions()) == (["1-0.ndjson"], [])
    bench.commit(ended(TWO, Outcome.EMPTY))
    assert (bench.parts(), bench.sessions()) == ([], ["s1.ndjson"])
    assert bench.commit_log.views[1].whole is not None


def test_a_growing_view_is_recorded_page_by_page_and_reported_once(bench: Bench) -> None:
    assert bench.commit(arrived(ONE, then="t1")) == []
    assert bench.commit(arrived(ONE, first=1, then="t2")) == []
    growing = bench.commit_log.views[1]
    assert (growing.outcome, growing.segments, growing.token) == (None, 2, "t2")
    (record,) = bench.commit(arrived(ONE, first=2), ended(ONE))
    assert (record.outcome, record.segments, record.pages) == (Outcome.FETCHED, 3, 3)


def test_a_growing_view_is_recorded_with_the_trail_of_its_chain(bench: Bench) -> None:
    """For the next run, which begins where this one was cut off; a view that has ended needs none."""
    bench.commit(arrived(ONE, then="t1"), PageArrived(ONE, Page((), "t2")))
    bench.commit(PageArrived(ONE, Page((), "t3")))
    trail = Trail.of(bench.commit_log.views[1])
    assert (trail.marks, trail.empty) == ([mark("t1"), mark("t2"), mark("t3")], 2)
    bench.commit(ChainRestarted(ONE), arrived(ONE, then="t4"))
    bench.commit(ended(ONE, Outcome.FAILED))
    assert Trail.of(bench.commit_log.views[1]).marks == [mark("t4")]
    (record,) = bench.commit(arrived(TWO, then="t1"), arrived(TWO, first=1), ended(TWO))
    assert record.recording.trail is None


def test_a_session_unfinished_at_the_end_is_shown_as_a_partial_file(bench: Bench) -> None:
    bench.commit(arrived(ONE), ended(ONE), arrived(TWO, then="t1"), close=True)
    assert (bench.parts(), bench.sessions()) == (["1-0.ndjson", "2-0.ndjson"], ["s1.partial.ndjson"])
    assert [bench.commit_log.views[row].partial is not None for row in (1, 2)] == [True, True]


def test_the_finished_file_takes_the_partial_ones_place(bench: Bench) -> None:
    bench.commit(arrived(ONE), ended(ONE), close=True)
    later = Bench(bench.layout, bench.commit_log, bench.committer)
    later.buffer.expect(1, views=1)
    later.commit(arrived(TWO), ended(TWO))
    assert (later.parts(), later.sessions()) == ([], ["s1.ndjson"])
    assert all(view.partial is None for view in bench.commit_log.views.values())


def test_a_partial_file_of_which_nothing_is_left_is_removed(bench: Bench) -> None:
    """Its only view's part turned out damaged: nothing of it counts any more."""
    bench.commit(arrived(ONE, then="t1"), close=True)
    bench.layout.part(1, 0).write_bytes(b"damaged")
    later = Bench(bench.layout, bench.commit_log, bench.committer)
    later.buffer.expect(1, views=1)
    bench.committer._view_parts.clear()  # the next run
    again = planned(1, earlier=bench.commit_log.views[1])
    bench.commit_log.views[1] = ViewRecord(ONE)  # which the watchful commit log would find damaged as well
    later.commit(ended(again, Outcome.FAILED), close=True)
    assert (later.parts(), later.sessions()) == ([], [])


def test_a_chain_that_begins_anew_replaces_its_part_behind_the_record(bench: Bench) -> None:
    bench.commit(arrived(ONE, 2, then="t2"))
    bench.commit(ChainRestarted(ONE), arrived(ONE, 3), ended(ONE))
    assert bench.parts() == ["1-1.ndjson"]
    assert bench.commit_log.views[1].segments == 3


def test_when_the_ledger_cannot_be_written_nothing_it_needs_is_removed(bench: Bench) -> None:
    bench.commit(arrived(ONE), ended(ONE))
    bench.commit_log.refuse = True
    with pytest.raises(ArchiveError):
        bench.commit(arrived(TWO), ended(TWO))
    assert bench.commit_log.on_disk(bench.commit_log.views[1])


def test_a_disk_that_refuses_records_nothing(bench: Bench) -> None:
    bench.layout.parts.rmdir()
    with pytest.raises(ArchiveError, match=r"parts: No such file or directory; nothing fetched is lost"):
        bench.commit(arrived(ONE), ended(ONE))
    assert bench.commit_log.recorded == []


def refreshed(bench: Bench, *rows: int) -> Bench:
    """The next run, which asks again for finished views."""
    later = Bench(bench.layout, bench.commit_log, bench.committer)
    later.buffer.expect(1, views=len(rows))
    return later


def test_asked_again_a_view_that_grew_moves_the_others_and_loses_none(bench: Bench) -> None:
    bench.commit(arrived(ONE), ended(ONE), arrived(TWO, 2), ended(TWO))
    one, two = (planned(row, earlier=bench.commit_log.views[row]) for row in (1, 2))
    later = refreshed(bench, 1, 2)
    later.commit(arrived(one, 3), ended(one), arrived(two, 2), ended(two))
    assert bench.layout.session_file("s1").read_bytes() == content(ONE, 3) + content(TWO, 2)
    assert bench.parts() == []
    assert all(bench.commit_log.on_disk(view) for view in bench.commit_log.views.values())


def test_asked_again_a_view_that_shrank_stays_as_it_was(bench: Bench) -> None:
    bench.commit(arrived(ONE, 2), ended(ONE), arrived(TWO, 2), ended(TWO))
    before = bench.layout.session_file("s1").read_bytes()
    one = planned(1, earlier=bench.commit_log.views[1])
    later = refreshed(bench, 1)
    (record,) = later.commit(arrived(one, 1), ended(one))
    assert (record.outcome, record.segments) == (Outcome.FETCHED, 2)
    assert (bench.layout.session_file("s1").read_bytes(), bench.parts()) == (before, [])


def test_of_views_that_shrank_the_first_few_are_named(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """An API that has lost a million views fills nobody's mail."""
    bench.commit(arrived(ONE, 2), ended(ONE), ended(TWO, Outcome.EMPTY))
    for _ in range(9):
        one = planned(1, earlier=bench.commit_log.views[1])
        refreshed(bench, 1).commit(arrived(one, 1), ended(one))
    said = [message for message in caplog.messages if "asked again, it is fetched with 1 segments" in message]
    assert said == [f"{ONE.view}: {said[0].partition(': ')[2]}"] * 3
    assert len(caplog.messages) == 4


def test_asked_again_a_view_that_waits_in_its_part_is_not_lost_when_its_session_is_whole(bench: Bench) -> None:
    bench.commit(arrived(ONE, 2), ended(ONE), ended(TWO, Outcome.FAILED), close=True)
    one, two = (planned(row, earlier=bench.commit_log.views[row]) for row in (1, 2))
    later = refreshed(bench, 1, 2)
    later.commit(arrived(one, 2), ended(one), arrived(two, 1), ended(two))
    assert bench.layout.session_file("s1").read_bytes() == content(ONE, 2) + content(TWO, 1)
    assert (bench.parts(), bench.sessions()) == ([], ["s1.ndjson"])


@pytest.mark.parametrize("whole", [True, False])
def test_asked_again_a_view_keeps_what_the_new_answer_lacks(bench: Bench, *, whole: bool) -> None:
    """As many segments, but others: wherever the old ones lie."""
    bench.commit(arrived(ONE, 2), ended(ONE), ended(TWO, Outcome.EMPTY if whole else Outcome.FAILED), close=True)
    one = planned(1, earlier=bench.commit_log.views[1])
    later = refreshed(bench, 1)
    (record,) = later.commit(arrived(one, 2, first=1), ended(one), close=True)
    assert (record.outcome, record.sha256) == (Outcome.INCOMPLETE, sha256(content(ONE, 3)))
    assert bench.commit_log.on_disk(bench.commit_log.views[1])


@pytest.mark.parametrize("whole", [True, False])
def test_asked_again_a_view_stays_as_it_is_where_the_new_answer_only_holds_less(bench: Bench, *, whole: bool) -> None:
    """Wherever the old one lies."""
    bench.commit(arrived(ONE, 2), ended(ONE), ended(TWO, Outcome.EMPTY if whole else Outcome.FAILED), close=True)
    one = planned(1, earlier=bench.commit_log.views[1])
    later = refreshed(bench, 1)
    (record,) = later.commit(arrived(one, 1, first=1), ended(one), close=True)
    assert (record.outcome, record.sha256) == (Outcome.FETCHED, sha256(content(ONE, 2)))
    assert bench.commit_log.on_disk(bench.commit_log.views[1])


@pytest.mark.parametrize("damage", [b"", b"{}\n" * 100])
def test_asked_again_a_view_whose_copy_is_damaged_stops_the_run(bench: Bench, damage: bytes) -> None:
    bench.commit(arrived(ONE, 2), ended(ONE), ended(TWO, Outcome.EMPTY))
    bench.layout.session_file("s1").write_bytes(damage)
    one = planned(1, earlier=bench.commit_log.views[1])
    with pytest.raises(ArchiveError, match=r"what the archive has of s1/v1 is damaged .* verify"):
        refreshed(bench, 1).commit(arrived(one, 3), ended(one))
    assert len(bench.commit_log.recorded) == 1


def test_where_a_sessions_file_is_damaged_the_others_are_recorded_and_the_end_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.commit(arrived(ONE, 2), ended(ONE), ended(TWO, Outcome.EMPTY))
    bench.layout.session_file("s1").write_bytes(b"damaged")
    added, other = planned(3), planned(4, session=2)
    damaged = bench.commit_log.views.pop(1)  # which the watchful commit log would find damaged as well
    bench.commit_log.views |= {view.row: ViewRecord(view) for view in (added, other)}
    views = {1: [damaged, bench.commit_log.views[2], bench.commit_log.views[3]], 2: [bench.commit_log.views[4]]}
    monkeypatch.setattr(bench.commit_log, "session_views", views.get)
    bench.buffer.expect(1, views=1)
    bench.buffer.expect(2, views=1)
    records = bench.commit(arrived(added), ended(added), arrived(other), ended(other))
    assert [record.outcome for record in records] == [Outcome.FETCHED, Outcome.FETCHED]
    assert (bench.parts(), bench.sessions()) == (["3-0.ndjson"], ["s1.ndjson", "s1.partial.ndjson", "s2.ndjson"])
    assert bench.layout.session_file("s1").read_bytes() == b"damaged"
    with pytest.raises(ArchiveError, match=r"s1\.ndjson is damaged"):
        bench.committer.require_undamaged()


def test_a_page_that_is_not_understood_is_kept_raw_until_its_view_is_finished(bench: Bench) -> None:
    bench.commit(replace(ended(ONE, Outcome.UNRECOGNISED), answer=ANSWER))
    assert bench.raw(ONE) == ["0001.body", "0001.json"]
    later = Bench(bench.layout, bench.commit_log, bench.committer)
    later.buffer.expect(1, views=2)
    again = planned(1, earlier=bench.commit_log.views[1])
    later.commit(arrived(again), ended(again))
    assert not bench.layout.raw.exists()


def test_a_page_that_is_not_understood_has_its_number_in_the_chain_in_every_run(bench: Bench) -> None:
    """Whether the pages before it came in the same run, in an earlier one, or both."""
    unread = replace(ended(ONE, Outcome.UNRECOGNISED), answer=ANSWER)
    bench.commit(arrived(ONE, then="t1"), arrived(ONE, first=1, then="t2"), unread, close=True)
    assert bench.raw(ONE) == ["0003.body", "0003.json"]
    again = planned(1, earlier=bench.commit_log.views[1])
    refreshed(bench, 1).commit(replace(unread, planned=again), close=True)
    assert bench.raw(ONE) == ["0003.body", "0003.json"]


def test_raw_pages_that_go_are_named_with_the_record_that_makes_them_go(bench: Bench) -> None:
    """So that a run which follows a kill removes them."""
    bench.commit(replace(ended(ONE, Outcome.UNRECOGNISED), answer=ANSWER), close=True)
    assert bench.commit_log.understood_views == []
    one = planned(1, earlier=bench.commit_log.views[1])
    later = refreshed(bench, 1)
    later.commit(arrived(one), ended(one))
    assert (later.commit_log.understood_views, later.raw(ONE)) == ([ONE.view], [])


def test_pages_of_two_stores_are_all_kept_raw_and_overwrite_none(hoarder: Bench) -> None:
    empty = PageArrived(ONE, Page([], shape="data"), Source.EVENT_PLATFORM, Response(200, {}, b"recent"))
    pages = [replace(arrived(ONE), source=Source.BLOB, answer=Response(200, {}, b"%d" % number)) for number in (1, 2)]
    hoarder.commit(empty, ChainRestarted(ONE), *pages, ended(ONE), ended(TWO, Outcome.EMPTY))
    folder = hoarder.layout.raw_folder(ONE.view)
    assert [path.read_bytes() for path in sorted(folder.glob("*.body"))] == [b"recent", b"1", b"2"]


def test_a_chain_that_begins_anew_is_kept_raw_from_its_first_page_on(hoarder: Bench) -> None:
    """An empty page of the one store, and then the other store's: when they were written makes no difference."""
    pages = [replace(arrived(ONE, n), answer=replace(ANSWER, body=b"%d" % n)) for n in range(2)]
    hoarder.commit(pages[0])
    hoarder.commit(ChainRestarted(ONE), pages[1], ended(ONE))
    assert hoarder.raw(ONE) == ["0001.body", "0001.json"]
    assert (hoarder.layout.raw_folder(ONE.view) / "0001.body").read_bytes() == b"1"


def test_asked_again_a_view_keeps_the_raw_pages_of_the_answer_that_may_stay(hoarder: Bench) -> None:
    page = replace(arrived(ONE, 2), answer=ANSWER)
    hoarder.commit(page, ended(ONE), ended(TWO, Outcome.EMPTY))
    one = planned(1, earlier=hoarder.commit_log.views[1])
    for _ in range(2):
        refreshed(hoarder, 1).commit(
            replace(page, planned=one, page=Page(()), answer=replace(ANSWER, body=b"{}")),
            replace(ended(one), outcome=Outcome.EMPTY),
        )
        assert hoarder.raw(ONE) == ["0001.body", "0001.json", "0002.body", "0002.json"]


def test_pages_are_kept_raw_when_asked_for_under_their_numbers(hoarder: Bench) -> None:
    pages = [replace(arrived(ONE, first=n), answer=replace(ANSWER, body=b"%d" % n)) for n in range(2)]
    hoarder.commit(pages[0])
    hoarder.commit(pages[1], ended(ONE))
    assert hoarder.raw(ONE) == ["0001.body", "0001.json", "0002.body", "0002.json"]
    assert (hoarder.layout.raw_folder(ONE.view) / "0002.body").read_bytes() == b"1"


@pytest.mark.parametrize("slow", [False, True])
def test_which_pages_are_kept_raw_does_not_hang_on_when_their_chain_began_anew(hoarder: Bench, *, slow: bool) -> None:
    long = [replace(arrived(ONE, first=n, then=f"t{n}"), answer=replace(ANSWER, body=b"%d" % n)) for n in range(3)]
    again = replace(arrived(ONE, 5), answer=replace(ANSWER, body=b"all"))
    if slow:
        hoarder.commit(*long)
        hoarder.commit(ChainRestarted(ONE), again, ended(ONE))
    else:
        hoarder.commit(*long, ChainRestarted(ONE), again, ended(ONE))
    folder = hoarder.layout.raw_folder(ONE.view)
    assert [path.read_bytes() for path in sorted(folder.glob("*.body"))] == [b"all", b"1", b"2"]
