"""How a search finds the length of window that the server can hold, and what finding it costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.fetch.searching import Stride

HOUR = 3_600_000
DAY = 24 * HOUR
MONTH = 30 * DAY


def searched(whole: int, holds: int) -> tuple[int, int]:
    """Windows that held and windows that did not, until all of ``whole`` is searched."""
    stride, at, held, failed = Stride(whole), 0, 0, 0
    while at < whole:
        length = min(stride.length_ms, whole - at)
        if length > holds:
            stride.too_long(length)
            failed += 1
        else:
            stride.held(length)
            at += length
            held += 1
    return held, failed


@pytest.mark.parametrize(
    ("holds", "windows", "trials"), [(MONTH, 1, 0), (DAY, 33, 9), (HOUR, 1030, 30), (6 * HOUR, 130, 15)]
)
def test_a_month_costs_few_windows_that_are_too_long(holds: int, windows: int, trials: int) -> None:
    held, failed = searched(MONTH, holds)
    assert held <= windows
    assert failed <= trials


def test_the_next_window_has_the_length_that_held() -> None:
    stride = Stride(MONTH)
    for length in (MONTH, MONTH // 2, MONTH // 4):
        assert stride.length_ms == length
        stride.too_long(length)
    for _ in range(3):
        stride.held(MONTH // 8)
        assert stride.length_ms == MONTH // 8


def test_windows_grow_again_where_the_crowd_has_passed() -> None:
    stride = Stride(1000)
    for _ in range(4):
        stride.held(1000)
    assert stride.length_ms == 2000
    for _ in range(4):
        stride.held(2000)
    assert stride.length_ms == 4000


def test_quiet_hours_between_crowds_do_not_lure_a_search_into_long_windows_again_and_again() -> None:
    """Every sixth hour is a crowd that holds by the hour alone; the five between hold at any length."""
    stride, at, failed = Stride(MONTH), 0, 0
    while at < MONTH:
        length = min(stride.length_ms, MONTH - at)
        crowded = (at + length - 1) // (6 * HOUR) > (at - 1) // (6 * HOUR)
        if crowded and length > HOUR:
            stride.too_long(length)
            failed += 1
        else:
            stride.held(length)
            at += length
    assert failed < 80


def test_a_short_last_window_does_not_lengthen_the_next() -> None:
    stride = Stride(1000)
    for _ in range(100):
        stride.held(999)
    assert stride.length_ms == 1000


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_every_stretch_is_searched_to_its_end(whole: int, holds: int) -> None:
    held, failed = searched(whole, holds)
    assert held >= 1
    assert failed <= 21 + held // 4
