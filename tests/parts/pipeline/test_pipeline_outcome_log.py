"""The slowest views of a run, however many there were."""

from __future__ import annotations

import logging
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.model import Outcome, PlannedView, View, ViewRecord
from replay_fetch.pipeline.outcome_log import OutcomeLog, Slowest, SlowView, count_records
from replay_fetch.progress.stats import RunStats


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1e6), max_size=60))
def test_the_slowest_twenty_are_kept_slowest_first(seconds: list[float]) -> None:
    slowest = Slowest()
    for number, took in enumerate(seconds):
        slowest.note(SlowView(took, View("s", str(number)), Outcome.FETCHED, ""))
    assert [slow.seconds for slow in slowest] == sorted(seconds, reverse=True)[:20]


def test_bad_endings_are_warnings_as_long_as_they_are_few_and_good_ones_are_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stats, complaints = RunStats(), OutcomeLog()
    planned = PlannedView(1, 1, View("s", "v"))
    unasked = ViewRecord(planned, None)
    bad = ViewRecord(planned, Outcome.UNRECOGNISED, reason="no list of segments")
    with caplog.at_level(logging.WARNING):
        count_records(stats, complaints, [unasked, ViewRecord(planned, Outcome.FETCHED, size=7), *[bad] * 40])
    assert stats.views_ended == {Outcome.FETCHED: 1, Outcome.UNRECOGNISED: 40}
    assert stats.segment_bytes == 7
    said = Counter(caplog.messages)
    aloud = said.pop(f"{planned.view} unrecognised: no list of segments")
    assert 1 < aloud < 40
    assert set(said.values()) == {1}
    assert [words for words in said if "kept under raw/" in words or "in the manifest only" in words] == list(said)
