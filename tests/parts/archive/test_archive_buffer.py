"""The buffer: what is due when, told the time; no clock, no disk."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace
from pieces import arrived, ended, planned

from replay_fetch.archive.write.buffer import GROWING, LARGE, LINGER, Batch, WriteBuffer
from replay_fetch.archive.write.messages import ChainRestarted
from replay_fetch.model import Response

ONE, TWO, OTHER = planned(1), planned(2), planned(3, session=2)


@pytest.fixture
def buffer() -> WriteBuffer:
    """A buffer that expects two views of one session and two of another."""
    buffer = WriteBuffer()
    buffer.expect(1, views=2)
    buffer.expect(2, views=2)
    return buffer


def rows(batch: Batch) -> list[int]:
    return [delivery.planned.row for delivery in batch.deliveries]


def test_an_empty_desk_is_never_due(buffer: WriteBuffer) -> None:
    assert buffer.next_due(0.0) == math.inf
    assert buffer.batch(math.inf) == Batch([], [], 0)


def test_a_session_is_due_at_once_when_its_last_view_has_ended(buffer: WriteBuffer) -> None:
    buffer.take(ended(ONE), 1.0)
    assert buffer.next_due(1.0) == pytest.approx(LINGER)
    buffer.take(ended(TWO), 1.1)
    assert buffer.next_due(1.1) == 0.0
    batch = buffer.batch(1.1)
    assert (rows(batch), batch.sessions) == ([1, 2], [1])


def test_an_ended_view_lingers_for_its_session_and_no_longer(buffer: WriteBuffer) -> None:
    buffer.take(ended(ONE), 1.0)
    assert buffer.next_due(1.0 + LINGER / 2) == pytest.approx(LINGER / 2)
    assert rows(buffer.batch(1.0 + LINGER / 2)) == []
    batch = buffer.batch(1.0 + LINGER)
    assert (rows(batch), batch.sessions) == ([1], [])


def test_a_view_that_lingered_is_not_delivered_again_with_its_session(buffer: WriteBuffer) -> None:
    buffer.take(ended(ONE), 0.0)
    buffer.batch(LINGER)
    buffer.take(ended(TWO), 1.0)
    batch = buffer.batch(1.0)
    assert (rows(batch), batch.sessions) == ([2], [1])


def test_pages_of_a_growing_view_wait_for_each_other(buffer: WriteBuffer) -> None:
    buffer.take(arrived(ONE), 0.0)
    buffer.take(arrived(ONE), GROWING - 1)
    assert buffer.next_due(GROWING - 1) == 1.0
    (delivery,) = buffer.batch(GROWING).deliveries
    assert (len(delivery.pages), delivery.ended) == (2, None)


def test_a_large_view_is_due_while_it_grows(buffer: WriteBuffer) -> None:
    buffer.take(arrived(ONE, size=LARGE // 2), 0.0)
    assert buffer.next_due(0.0) > 0
    buffer.take(arrived(ONE, size=LARGE // 2), 0.0)
    assert buffer.next_due(0.0) == 0.0
    assert rows(buffer.batch(0.0)) == [1]
    assert buffer.batch(GROWING).deliveries == []


def test_a_delivery_has_only_what_came_since_the_last_one(buffer: WriteBuffer) -> None:
    first, second = arrived(ONE), arrived(ONE, first=1)
    buffer.take(first, 0.0)
    assert buffer.batch(GROWING).deliveries[0].pages == [first]
    buffer.take(second, GROWING)
    buffer.take(ended(ONE), GROWING)
    (delivery,) = buffer.batch(2 * GROWING).deliveries
    assert (delivery.pages, delivery.ended) == ([second], ended(ONE))


def test_a_chain_that_begins_anew_takes_its_waiting_pages_along(buffer: WriteBuffer) -> None:
    before, fresh = arrived(ONE, 3), arrived(ONE)
    for message in (before, ChainRestarted(ONE), fresh, ended(ONE)):
        buffer.take(message, 0.0)
    (delivery,) = buffer.batch(LINGER).deliveries
    assert (delivery.dropped, delivery.pages) == ([[before]], [fresh])


def test_pages_that_are_kept_raw_are_delivered_though_their_chain_begins_anew(buffer: WriteBuffer) -> None:
    """Else it would hang on the timing which of them are kept."""
    kept = [replace(arrived(ONE, first=first), answer=Response(200, {}, b"{}")) for first in range(3)]
    for message in (kept[0], kept[1], ChainRestarted(ONE), ChainRestarted(ONE), kept[2], ended(ONE)):
        buffer.take(message, 0.0)
    (delivery,) = buffer.batch(LINGER).deliveries
    assert (delivery.dropped, delivery.pages) == ([kept[:2], []], [kept[2]])


def test_a_restart_is_told_once(buffer: WriteBuffer) -> None:
    buffer.take(ChainRestarted(ONE), 0.0)
    buffer.take(arrived(ONE), 0.0)
    assert buffer.batch(GROWING).deliveries[0].dropped
    buffer.take(ended(ONE), GROWING)
    assert not buffer.batch(math.inf).deliveries[0].dropped


def test_the_last_batch_has_all_that_waits_and_every_session_with_something_to_show(buffer: WriteBuffer) -> None:
    buffer.expect(3, views=1)
    buffer.take(ended(ONE), 0.0)
    buffer.take(arrived(OTHER), 0.0)
    batch = buffer.close()
    assert (rows(batch), batch.sessions) == ([1, 3], [1, 2])


def test_a_session_that_was_shown_whole_is_not_shown_again(buffer: WriteBuffer) -> None:
    buffer.take(ended(ONE), 0.0)
    buffer.take(ended(TWO), 0.0)
    buffer.batch(0.0)
    assert buffer.close() == Batch([], [], 0)


def test_pages_that_wait_are_counted_until_they_are_written(buffer: WriteBuffer) -> None:
    page = arrived(ONE, 2, size=100)
    held = sum(len(segment.raw) for segment in page.page.segments)
    buffer.take(page, 0.0)
    buffer.take(ChainRestarted(ONE), 0.0)
    buffer.take(arrived(ONE, 2, size=100), 0.0)
    assert buffer.size == 2 * held, "void pages are held until the batch is written"
    batch = buffer.batch(math.inf)
    assert (buffer.size, batch.size) == (2 * held, 2 * held)
    buffer.written(batch)
    assert buffer.size == 0


def test_a_batch_comes_to_about_as_much_as_it_may_and_the_rest_stays_due(buffer: WriteBuffer) -> None:
    """Whole sessions first, then what is large, then the oldest; nothing is delivered twice or lost."""
    for view in (ONE, TWO):
        buffer.take(arrived(view, size=1_000), 0.0)
        buffer.take(ended(view), 0.0)
    buffer.take(arrived(OTHER, size=LARGE), 0.0)
    buffer.take(arrived(planned(4, session=2), size=1_000), 0.0)
    whole, large, rest = (buffer.batch(math.inf, most=most) for most in (10, 10, math.inf))
    assert (rows(whole), whole.sessions) == ([1, 2], [1])
    assert (rows(large), large.sessions) == ([3], [])
    assert rows(rest) == [4]
    assert buffer.size == whole.size + large.size + rest.size
    assert buffer.batch(math.inf).deliveries == []


def test_where_too_little_is_due_the_oldest_views_go_before_their_time(buffer: WriteBuffer) -> None:
    """But not where whole sessions are enough: what goes before its time is written twice."""
    for view in (OTHER, ONE, TWO):
        buffer.take(arrived(view, size=100), 0.0)
    assert rows(buffer.batch(0.0, least=buffer.size / 2)) == [3, 1]
    buffer.take(arrived(OTHER, size=100), 0.0)
    for view in (ONE, TWO):
        buffer.take(ended(view), 0.0)
    assert rows(buffer.batch(0.0, least=100)) == [1, 2]


def test_an_answer_that_nobody_understood_has_its_weight(buffer: WriteBuffer) -> None:
    buffer.take(replace(ended(ONE), answer=Response(200, {}, b"x" * 500)), 0.0)
    assert buffer.size == 500
    buffer.written(buffer.batch(math.inf))
    assert buffer.size == 0


def test_the_buffer_forgets_messages_that_were_delivered(buffer: WriteBuffer) -> None:
    """Else a run that gets a thousand views a second would hold the views of five seconds."""
    for view in (ONE, TWO):
        buffer.take(arrived(view), 0.0)
        buffer.take(ended(view), 0.0)
    buffer.batch(0.0)
    assert (len(buffer._lingering), len(buffer._growing), len(buffer._views)) == (0, 0, 0)
