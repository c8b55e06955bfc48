"""Thresholds of the rate controller on the benchmark's servers, in virtual time."""

from __future__ import annotations

from statistics import mean

import pytest

from benchmarks.simulation.controllers import Ours
from benchmarks.simulation.scenarios import BEYOND, SCENARIOS
from benchmarks.simulation.trial import run

# Scenario, least goodput and most 429s in percent, means of two seeds.
THRESHOLDS = [
    ("headers", 99.5, 0.03),
    ("headers_floor", 99.5, 0.03),
    ("headers_half", 99.5, 0.03),
    ("headers_429", 99.3, 0.35),
    ("headers_noise", 96.6, 0.06),
    ("blind", 98.5, 0.85),
    ("neighbour", 96.8, 0.4),
    ("neighbour_burst", 98.9, 0.05),
    ("neighbour_blind", 93.5, 2.2),
    ("twins", 99.0, 0.25),
    ("twins_blind", 98.0, 1.6),
    ("change", 99.0, 0.1),
    ("change_blind", 93.0, 1.3),
    ("rise_blind", 94.0, 0.8),
    ("jitter", 97.2, 0.1),
    ("jitter_blind", 94.0, 2.1),
    ("bucket_blind", 99.0, 0.6),
    ("log_blind", 94.5, 0.85),
    ("few_workers", 99.5, 0.03),
    ("short", 96.8, 0.5),
    ("long", 98.9, 0.03),
    ("long_blind", 98.0, 1.2),
    # Limits that look like a calendar-aligned window and are none.
    ("log", 95.0, 0.5),
    ("log_long", 98.0, 0.1),
    ("counter", 92.0, 0.5),
    ("first", 97.5, 0.3),
    ("bucket", 98.0, 0.1),
    ("bucket_full", 96.0, 0.1),
    ("reset_period", 99.0, 0.1),
    ("reset_zero", 99.0, 0.1),
    ("epoch", 99.0, 0.05),
    ("late", 95.0, 0.2),
    ("hidden", 91.0, 1.5),
    ("nodes", 75.0, 1.2),
    ("gossip", 95.5, 0.2),
    ("log_429", 97.0, 1.0),
    ("counter_429", 96.0, 1.2),
    ("first_429", 97.5, 1.2),
    ("bucket_429", 98.5, 0.3),
    ("hidden_429", 96.0, 1.6),
    ("nodes_429", 74.0, 1.2),
    # Large limits of which nothing tells.
    ("large_blind", 97.0, 0.5),
    ("slow_blind", 96.0, 0.7),
]


@pytest.mark.parametrize(("name", "goodput", "rejected"), THRESHOLDS)
def test_the_limit_is_taken_and_hardly_ever_passed(name: str, goodput: float, rejected: float) -> None:
    results = [run((SCENARIOS | BEYOND)[name], Ours, seed) for seed in (1, 2)]
    assert 100 * mean(result.goodput for result in results) >= goodput
    assert 100 * mean(result.rejected for result in results) <= rejected


@pytest.mark.parametrize("name", ["neighbour", "neighbour_burst"])
def test_a_neighbour_keeps_its_requests(name: str) -> None:
    assert mean(run(SCENARIOS[name], Ours, seed).neighbour for seed in (1, 2)) >= 0.98


@pytest.mark.parametrize(
    ("name", "fairness"),
    [("twins", 0.88), ("twins_blind", 0.6), ("four", 0.85), ("twins_200_blind", 0.65), ("four_blind", 0.55)],
)
def test_copies_share_one_limit(name: str, fairness: float) -> None:
    assert mean(run((SCENARIOS | BEYOND)[name], Ours, seed).fairness for seed in range(3)) >= fairness


def test_eight_copies_without_headers_starve_none_of_them() -> None:
    """With a request of each at the very end of a window the smallest took a quarter of what the largest did."""
    results = [run(BEYOND["eight_blind"], Ours, seed) for seed in range(3)]
    assert mean(result.goodput for result in results) >= 0.98
    assert mean(result.rejected for result in results) <= 0.03
    assert mean(result.fairness for result in results) >= 0.5


def test_five_copies_slow_down_as_far_as_they_must() -> None:
    """Each may take a fifth; a margin that ended at a half left 37 % of 429s."""
    results = [run(BEYOND["five_short"], Ours, seed) for seed in (1, 2)]
    assert mean(result.goodput for result in results) >= 0.98
    assert mean(result.rejected for result in results) <= 0.04
    assert mean(result.fairness for result in results) >= 0.7
