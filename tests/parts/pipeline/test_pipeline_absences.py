"""When it is believed that a view is not there: between two witnesses, or when it is said again."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from replay_fetch.archive.write.messages import ViewEnded
from replay_fetch.model import Outcome, PlannedView, Recording, View, ViewRecord
from replay_fetch.pipeline.absences import FEW, LONG, MOST, SHORTLY, Absences

NOON = 1_800_000_000


def gone(row: int, at: int = NOON, since: int | None = None) -> ViewEnded:
    """A view that is not there, and perhaps was not before."""
    planned = PlannedView(row, row, View(f"s{row}", "v"))
    if since is not None:
        earlier = ViewRecord(planned, Outcome.UNCONFIRMED, recording=Recording(open_since=since))
        planned = replace(planned, earlier=earlier)
    return ViewEnded(planned, Outcome.MISSING, "not there (404)", at=at)


def outcomes(absences: Absences) -> list[tuple[int, Outcome]]:
    """What is decided, by row."""
    return [(ended.planned.row, ended.outcome) for ended in absences.ready]


def test_views_between_two_witnesses_are_missing() -> None:
    absences = Absences()
    absences.well(0.0)
    for row in range(3):
        absences.note(gone(row))
    assert outcomes(absences) == []
    absences.well(1.0)
    assert outcomes(absences) == [(0, Outcome.MISSING), (1, Outcome.MISSING), (2, Outcome.MISSING)]
    assert not len(absences)


def test_views_before_the_first_witness_are_asked_for_again_and_then_believed() -> None:
    absences = Absences()
    absences.note(gone(0))
    absences.well(1.0)
    assert outcomes(absences) == []
    again = absences.next_again()
    assert again is not None
    assert absences.asked_before(again)
    assert absences.next_again() is None
    absences.note(gone(0))
    absences.well(2.0)
    assert outcomes(absences) == [(0, Outcome.MISSING)]


def test_absences_told_while_a_witness_failed_are_not_believed() -> None:
    absences = Absences()
    absences.well(0.0)
    for row in range(LONG):
        absences.note(gone(row))
    absences.ill(1.0)
    absences.well(2.0)
    assert outcomes(absences) == []
    assert absences.waiting == LONG


@pytest.mark.parametrize(
    ("views", "seconds", "believed"),
    [(FEW, 10 * SHORTLY, True), (FEW + 1, SHORTLY, True), (FEW + 1, SHORTLY + 1, False)],
    ids=["few behind a slow limit", "more, shortly", "more, over a long time"],
)
def test_witnesses_must_speak_shortly_one_after_the_other(views: int, seconds: float, *, believed: bool) -> None:
    absences = Absences()
    absences.well(0.0)
    for row in range(views):
        absences.note(gone(row))
    absences.well(seconds)
    assert (len(absences.ready), absences.waiting) == ((views, 0) if believed else (0, views))


def test_a_view_is_left_to_the_next_run_where_the_api_falls_ill_again_and_again() -> None:
    absences = Absences()
    absences.well(0.0)
    for _ in range(3):
        absences.note(gone(0))
        absences.ill(1.0)
        absences.well(2.0)
        absences.next_again()
    assert outcomes(absences) == [(0, Outcome.UNCONFIRMED)]


@pytest.mark.parametrize(
    ("since", "others", "outcome"),
    [
        (NOON - 60, True, Outcome.MISSING),
        (NOON - 59, True, Outcome.UNCONFIRMED),
        (None, True, Outcome.UNCONFIRMED),
        (NOON - 86_400, False, Outcome.UNCONFIRMED),
    ],
    ids=["a minute later", "too soon", "never before", "nothing of the list is there"],
)
def test_without_a_witness_a_second_ask_a_minute_later_decides(
    since: int | None, *, others: bool, outcome: Outcome
) -> None:
    absences = Absences()
    absences.note(gone(0, since=since))
    absences.release(others_are_there=others)
    assert outcomes(absences) == [(0, outcome)]


def test_a_long_stretch_wants_a_witness() -> None:
    absences = Absences()
    absences.well(0.0)
    wanted = []
    for row in range(LONG):
        absences.note(gone(row))
        wanted.append(absences.wants_witness(1.0))
    assert wanted == [False] * (LONG - 1) + [True]


def test_a_slow_stretch_wants_a_witness_before_it_has_lasted_too_long() -> None:
    absences = Absences()
    absences.well(0.0)
    for row in range(FEW):
        absences.note(gone(row))
    assert not absences.wants_witness(SHORTLY / 2 - 1)
    assert absences.wants_witness(SHORTLY / 2)


def test_without_any_witness_the_next_trial_comes_at_ten_times_as_many_views() -> None:
    absences = Absences()
    tried = []
    for row in range(LONG * 100):
        absences.note(gone(row))
        if absences.wants_witness(1.0):
            tried.append(row + 1)
            absences.nobody_knows()
    assert tried == [LONG, LONG * 10, LONG * 100]


def test_of_a_list_that_is_gone_altogether_only_so_many_views_are_held() -> None:
    absences = Absences()
    for row in range(MOST + 5):
        absences.note(gone(row))
    assert len(absences) == MOST
    assert outcomes(absences) == [(row, Outcome.UNCONFIRMED) for row in range(5)]


def test_absences_left_at_the_end_of_a_run_are_unconfirmed_and_say_why() -> None:
    absences = Absences()
    absences.note(gone(0))
    absences.well(1.0)
    absences.note(replace(gone(1), outcome=Outcome.EMPTY, reason=""))
    absences.release(others_are_there=True)
    reasons = {ended.planned.row: ended.reason for ended in absences.ready}
    why = "not confirmed: the API was not seen to be well before and after"
    assert reasons == {0: f"not there (404); {why}", 1: f"the answer has no body; {why}"}
