"""Recorded pages, rebuilt, show what the real ones showed: words, fields and scrolling, by SDK."""

from __future__ import annotations

from collections import Counter

import pytest
from recorded_views import Recorded, recorded_views
from truth import moments

SDKS = sorted({view.sdk for view in recorded_views()})
# Moments of truth that the samples hold, and how often they show what the SDK never recorded.
MOMENTS = {"5.35.1": 33, "6.33.0": 31, "7.16.2": 56, "7.6.1": 30}


def views_of(sdk: str) -> list[Recorded]:
    return [view for view in recorded_views() if view.sdk == sdk]


@pytest.mark.parametrize("sdk", SDKS)
def test_all_that_was_recorded_and_not_masked_is_shown(sdk: str) -> None:
    found = [moment for view in views_of(sdk) for moment in moments(view)]
    assert len(found) == MOMENTS[sdk]
    assert [(moment.scenario, each) for moment in found for each in moment.differences if not each.reason] == []


def test_only_content_that_the_sdk_never_records_differs() -> None:
    """A fault that took one of these for its reason would change their number."""
    found = Counter(each.reason for view in recorded_views() for moment in moments(view) for each in moment.differences)
    assert found == {
        "all but the first choice of a multiple select": 28,
        "form.reset()": 76,
        "masked": 58,
        "progress and meter values": 104,
        "attachShadow on an element that is recorded already": 40,
        "behind the last record": 5,
        "masked or hidden by its attribute": 14,
    }
