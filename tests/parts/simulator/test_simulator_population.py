"""Made sessions: any number of them, without remembering one."""

from __future__ import annotations

import io
import itertools
import re
import tracemalloc
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.api.belonging import stranger
from replay_fetch.model import Source, View
from replay_fetch.simulator import HoldingSettings, PagingSettings, Population, SimulatorSettings, Truth
from replay_fetch.simulator.recordings import load_harder_recordings, load_recordings

_RECORDED = load_recordings()


def _truth(holding: HoldingSettings, paging: PagingSettings | None = None) -> tuple[Truth, Population]:
    made = SimulatorSettings(holding=holding, paging=paging or PagingSettings())
    views = Population(holding.sessions, made.seed)
    return Truth(made, views), views


def test_without_a_number_the_recordings_are_served_under_their_own_ids() -> None:
    assert list(Population(0, 0)) == [recorded.view for recorded in _RECORDED]


@pytest.mark.parametrize(("sessions", "views"), [(1, 4), (8, 27), (9, 31), (80, 270)])
def test_made_sessions_take_the_recorded_ones_in_turn(sessions: int, views: int) -> None:
    population = Population(sessions, seed=3)
    assert len(population) == views == len(set(population))
    assert len({view.session_id for view in population}) == sessions
    origins = [population.recorded(view) for view in population]
    assert origins == list(itertools.islice(itertools.cycle(_RECORDED), views))


def test_made_ids_look_like_random_uuids() -> None:
    uuid4_text = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    ids = {id_ for view in Population(100, 0) for id_ in view}
    assert len(ids) == 100 + len(Population(100, 0))
    assert all(uuid4_text.fullmatch(id_) for id_ in ids)


def test_another_seed_makes_other_ids() -> None:
    assert not set(Population(10, 1)) & set(Population(10, 2))


@settings(max_examples=50)
@given(st.integers(0, 2**24), st.integers(0, 2**32))
def test_a_view_leads_back_to_its_recording(number: int, seed: int) -> None:
    population = Population(10**7, seed)
    assert population.recorded(population[number]) == _RECORDED[number % 27]


def test_views_that_were_not_made_do_not_exist() -> None:
    population, larger = Population(8, 0), Population(9, 0)
    view, other = population[0], population[5]
    for wrong in (
        _RECORDED[0].view,
        larger[27],
        View(view.session_id, other.view_id),
        View(view.view_id, view.session_id),
        View(str(uuid4()), str(uuid4())),
        View("", "x"),
    ):
        assert population.recorded(wrong) is None


def test_a_million_sessions_take_no_memory() -> None:
    tracemalloc.start()
    population = Population(10**6, 0)
    list(itertools.islice(population, 1000))[-1]
    population.recorded(population[len(population) - 1])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(population) == 3_375_000
    assert peak < 2_000_000


def test_the_list_is_written_as_csv() -> None:
    file = io.StringIO()
    population = Population(0, 0)
    population.write(file)
    lines = file.getvalue().splitlines()
    assert lines[0] == "session_id,view_id"
    assert lines[1:] == [",".join(view) for view in population]


def test_made_views_hold_the_same_bytes_but_for_their_own_ids() -> None:
    truth, views = _truth(HoldingSettings(sessions=20))
    for view, recorded in zip(views[27:54], _RECORDED, strict=True):
        segments = truth.expected_segments(view)
        assert [stranger([segment], view) for segment in segments] == [None] * len(recorded.segments)
        again = [
            segment.replace(view.session_id.encode(), recorded.view.session_id.encode()).replace(
                view.view_id.encode(), recorded.view.view_id.encode()
            )
            for segment in segments
        ]
        assert tuple(again) == recorded.segments


@pytest.mark.parametrize("length", [1, 5, 500])
def test_views_are_made_as_long_as_asked_for(length: int) -> None:
    truth, views = _truth(HoldingSettings(segments_per_view=length))
    for view, recorded in zip(views, _RECORDED, strict=True):
        segments = truth.expected_segments(view)
        assert len(segments) == (length if recorded.segments else 0)
        assert segments[: len(recorded.segments)] == recorded.segments[:length]


@pytest.mark.parametrize("overlap", [False, True])
def test_each_view_is_in_one_store_or_blob_has_all(*, overlap: bool) -> None:
    truth, views = _truth(HoldingSettings(sessions=80, blob_share=0.3, overlap=overlap))
    recent = {view for view in views if truth.held(view, Source.EVENT_PLATFORM) is not None}
    blob = {view for view in views if truth.held(view, Source.BLOB) is not None}
    assert recent | blob == set(views)
    assert blob == set(views) if overlap else not recent & blob
    assert 0.2 < 1 - len(recent) / len(views) < 0.4
    assert all(truth.expected_segments(view) == truth.held(view, Source.BLOB) for view in blob - recent)


def test_harder_recordings_are_served_by_their_ids_and_listed_nowhere() -> None:
    harder = load_harder_recordings()
    assert (len(harder), sum(len(each.segments) for each in harder)) == (12, 38)
    for population in (Population(0, 0), Population(9, 1)):
        assert [population.recorded(each.view) for each in harder] == list(harder)
        assert {each.view for each in harder} & set(population) == set()
