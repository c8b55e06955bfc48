"""The desk: what is due when, told the time; no clock, no disk."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace
from pieces import arrived, ended, planned

from replay_fetch.archive import ChainRestarted
from replay_fetch.archive.write.buffer import GROWING, LARGE, LINGER, Batch, Desk
from replay_fetch.model import Answer

ONE, TWO, OTHER = planned(1), planned(2), planned(3, session=2)


@pytest.fixture
def desk() -> Desk:
    """A desk that expects two views of one session and two of another."""
    desk = Desk()
    desk.expect(1, views=2)
    desk.expect(2, views=2)
    return desk


def rows(batch: Batch) -> list[int]:
    return [delivery.planned.row for delivery in batch.deliveries]


def test_an_empty_desk_is_never_due(desk: Desk) -> None:
    assert desk.next_due(0.0) == math.inf
    assert desk.batch(math.inf) == Batch([], [], 0)


def test_a_session_is_due_at_once_when_its_last_view_has_ended(desk: Desk) -> None:
    desk.take(ended(ONE), 1.0)
    assert desk.next_due(1.0) == pytest.approx(LINGER)
    desk.take(ended(TWO), 1.1)
    assert desk.next_due(1.1) == 0.0
    batch = desk.batch(1.1)
    assert (rows(batch), batch.sessions) == ([1, 2], [1])


def test_an_ended_view_lingers_for_its_session_and_no_longer(desk: Desk) -> None:
    desk.take(ended(ONE), 1.0)
    assert desk.next_due(1.0 + LINGER / 2) == pytest.approx(LINGER / 2)
    assert rows(desk.batch(1.0 + LINGER / 2)) == []
    batch = desk.batch(1.0 + LINGER)
    assert (rows(batch), batch.sessions) == ([1], [])


def test_a_view_that_lingered_is_not_delivered_again_with_its_session(desk: Desk) -> None:
    desk.take(ended(ONE), 0.0)
    desk.batch(LINGER)
    desk.take(ended(TWO), 1.0)
    batch = desk.batch(1.0)
    assert (rows(batch), batch.sessions) == ([2], [1])


def test_pages_of_a_growing_view_wait_for_each_other(desk: Desk) -> None:
    desk.take(arrived(ONE), 0.0)
    desk.take(arrived(ONE), GROWING - 1)
    assert desk.next_due(GROWING - 1) == 1.0
    (delivery,) = desk.batch(GROWING).deliveries
    assert (len(delivery.pages), delivery.ended) == (2, None)


def test_a_large_view_is_due_while_it_grows(desk: Desk) -> None:
    desk.take(arrived(ONE, size=LARGE // 2), 0.0)
    assert desk.next_due(0.0) > 0
    desk.take(arrived(ONE, size=LARGE // 2), 0.0)
    assert desk.next_due(0.0) == 0.0
    assert rows(desk.batch(0.0)) == [1]
    assert desk.batch(GROWING).deliveries == []


def test_a_delivery_has_only_what_came_since_the_last_one(desk: Desk) -> None:
    first, second = arrived(ONE), arrived(ONE, first=1)
    desk.take(first, 0.0)
    assert desk.batch(GROWING).deliveries[0].pages == [first]
    desk.take(second, GROWING)
    desk.take(ended(ONE), GROWING)
    (delivery,) = desk.batch(2 * GROWING).deliveries
    assert (delivery.pages, delivery.ended) == ([second], ended(ONE))


def test_a_chain_that_begins_anew_takes_its_waiting_pages_along(desk: Desk) -> None:
    before, fresh = arrived(ONE, 3), arrived(ONE)
    for message in (before, ChainRestarted(ONE), fresh, ended(ONE)):
        desk.take(message, 0.0)
    (delivery,) = desk.batch(LINGER).deliveries
    assert (delivery.dropped, delivery.pages) == ([[before]], [fresh])


def test_pages_that_are_kept_raw_are_delivered_though_their_chain_begins_anew(desk: Desk) -> None:
    """Else it would hang on the timing which of them are kept."""
    kept = [replace(arrived(ONE, first=first), answer=Answer(200, {}, b"{}")) for first in range(3)]
    for message in (kept[0], kept[1], ChainRestarted(ONE), ChainRestarted(ONE), kept[2], ended(ONE)):
        desk.take(message, 0.0)
    (delivery,) = desk.batch(LINGER).deliveries
    assert (delivery.dropped, delivery.pages) == ([kept[:2], []], [kept[2]])


def test_a_restart_is_told_once(desk: Desk) -> None:
    desk.take(ChainRestarted(ONE), 0.0)
    desk.take(arrived(ONE), 0.0)
    assert desk.batch(GROWING).deliveries[0].dropped
    desk.take(ended(ONE), GROWING)
    assert not desk.batch(math.inf).deliveries[0].dropped


def test_the_last_batch_has_all_that_waits_and_every_session_with_something_to_show(desk: Desk) -> None:
    desk.expect(3, views=1)
    desk.take(ended(ONE), 0.0)
    desk.take(arrived(OTHER), 0.0)
    batch = desk.close()
    assert (rows(batch), batch.sessions) == ([1, 3], [1, 2])


def test_a_session_that_was_shown_whole_is_not_shown_again(desk: Desk) -> None:
    desk.take(ended(ONE), 0.0)
    desk.take(ended(TWO), 0.0)
    desk.batch(0.0)
    assert desk.close() == Batch([], [], 0)


def test_what_waits_is_counted_until_it_is_written(desk: Desk) -> None:
    page = arrived(ONE, 2, size=100)
    held = sum(len(segment.raw) for segment in page.page.segments)
    desk.take(page, 0.0)
    desk.take(ChainRestarted(ONE), 0.0)
    desk.take(arrived(ONE, 2, size=100), 0.0)
    assert desk.size == 2 * held, "void pages are held until the batch is written"
    batch = desk.batch(math.inf)
    assert (desk.size, batch.size) == (2 * held, 2 * held)
    desk.written(batch)
    assert desk.size == 0


def test_a_batch_comes_to_about_as_much_as_it_may_and_the_rest_stays_due(desk: Desk) -> None:
    """Whole sessions first, then what is large, then the oldest; nothing is delivered twice or lost."""
    for view in (ONE, TWO):
        desk.take(arrived(view, size=1_000), 0.0)
        desk.take(ended(view), 0.0)
    desk.take(arrived(OTHER, size=LARGE), 0.0)
    desk.take(arrived(planned(4, session=2), size=1_000), 0.0)
    whole, large, rest = (desk.batch(math.inf, most=most) for most in (10, 10, math.inf))
    assert (rows(whole), whole.sessions) == ([1, 2], [1])
    assert (rows(large), large.sessions) == ([3], [])
    assert rows(rest) == [4]
    assert desk.size == whole.size + large.size + rest.size
    assert desk.batch(math.inf).deliveries == []


def test_where_too_little_is_due_the_oldest_views_go_before_their_time(desk: Desk) -> None:
    """But not where whole sessions are enough: what goes before its time is written twice."""
    for view in (OTHER, ONE, TWO):
        desk.take(arrived(view, size=100), 0.0)
    assert rows(desk.batch(0.0, least=desk.size / 2)) == [3, 1]
    desk.take(arrived(OTHER, size=100), 0.0)
    for view in (ONE, TWO):
        desk.take(ended(view), 0.0)
    assert rows(desk.batch(0.0, least=100)) == [1, 2]


def test_an_answer_that_nobody_understood_has_its_weight(desk: Desk) -> None:
    desk.take(replace(ended(ONE), answer=Answer(200, {}, b"x" * 500)), 0.0)
    assert desk.size == 500
    desk.written(desk.batch(math.inf))
    assert desk.size == 0


def test_what_has_been_delivered_is_not_kept(desk: Desk) -> None:
    """Else a run that gets a thousand views a second would hold the views of five seconds."""
    for view in (ONE, TWO):
        desk.take(arrived(view), 0.0)
        desk.take(ended(view), 0.0)
    desk.batch(0.0)
    assert (len(desk._lingering), len(desk._growing), len(desk._views)) == (0, 0, 0)
