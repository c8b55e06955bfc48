"""Numbers for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.progress.units import asked, count, duration, few, rate, size, some


@pytest.mark.parametrize(("number", "text"), [(0, "0 views"), (1, "1 view"), (1_200, "1,200 views")])
def test_a_count_of_one_takes_the_singular(number: int, text: str) -> None:
    assert some(number, "view") == text


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((0, 0, 0), "0 requests (0 were 429, 0 retries)"),
        ((1, 1, 1), "1 request (1 was 429, 1 retry)"),
        ((1_200, 2, 30), "1,200 requests (2 were 429, 30 retries)"),
    ],
)
def test_requests_are_told_with_what_became_of_them(counts: tuple[int, int, int], text: str) -> None:
    assert asked(*counts) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (5.5e12, "5.5 TB"),
        (2e18, "2000.0 PB"),
    ],
)
def test_sizes_have_one_decimal_and_never_a_thousand_of_a_unit(number: float, text: str) -> None:
    assert size(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0.04, "0.0 s"),
        (3.24, "3.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (75, "1 min 15 s"),
        (3599.7, "1 h 0 min"),
        (3725, "1 h 2 min"),
        (90_061, "1 d 1 h"),
    ],
)
def test_durations_show_their_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("per_second", "text"),
    [(0, "0.0/s"), (0.033, "2.0/min"), (1, "1.0/s"), (9.83, "9.8/s"), (9.97, "10/s"), (1234.5, "1,234/s")],
)
def test_rates_below_one_a_second_are_told_by_the_minute(per_second: float, text: str) -> None:
    assert rate(per_second) == text


def test_counts_are_grouped() -> None:
    assert count(1_234_567) == "1,234,567"


@given(st.floats(0, 1e17))
def test_a_size_is_short_whatever_it_is(number: float) -> None:
    assert len(size(number)) <= len("999.9 kB")


@pytest.mark.parametrize(
    ("number", "text"), [(0, ""), (1, "0"), (2, "0, 1"), (3, "0, 1 and 1 more"), (1_202, "0, 1 and 1,200 more")]
)
def test_a_long_row_of_names_is_cut_and_the_rest_is_counted(number: int, text: str) -> None:
    assert few(range(number), 2) == text
