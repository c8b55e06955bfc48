"""The slowest views of a run, however many there were."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.model import Outcome, View
from replay_fetch.pipeline.outcome_log import Slowest, SlowView


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1e6), max_size=60))
def test_the_slowest_twenty_are_kept_slowest_first(seconds: list[float]) -> None:
    slowest = Slowest()
    for number, took in enumerate(seconds):
        slowest.note(SlowView(took, View("s", str(number)), Outcome.FETCHED, ""))
    assert [slow.seconds for slow in slowest] == sorted(seconds, reverse=True)[:20]
