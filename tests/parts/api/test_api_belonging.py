"""Segments of another view than was asked for: seen in every order of keys, and in nothing that is no other id."""

from __future__ import annotations

import json

import pytest

from replay_fetch.api.belonging import other_id, stranger
from replay_fetch.api.page import PageDecoder
from replay_fetch.errors import GarbledBody
from replay_fetch.model import Response, View
from replay_fetch.settings import ApiSettings
from replay_fetch.simulator.recordings import load_harder_recordings, load_recordings

ASKED = View("5251d8e8-474f-4e79-999f-254c5cb8db86", "80cae6ae-07c9-46ea-85e6-9f6501301fca")
OTHER = View("cda51fa0-6d45-46fc-8b7c-ba2ee5c857c6", "bb157721-f411-450d-be48-4e7ab3592769")


def _browser(session: object, view: object) -> bytes:
    return json.dumps({"records": [{"a": [1]}], "start": 1, "session": session, "view": view}).encode()


def _mobile(session: object, view: object) -> bytes:
    return json.dumps({"application": {"id": "a"}, "session": session, "view": view, "records": [{"a": [1]}]}).encode()


def _compact(session: object, view: object) -> bytes:
    return _browser(session, view).replace(b": ", b":").replace(b", ", b",")


def _surrogate(session: object, view: object) -> bytes:
    return _browser(session, view).replace(b'"a"', b'"\\ud83d"')


FORMS = [_browser, _mobile, _compact, _surrogate]


@pytest.mark.parametrize("form", FORMS)
def test_a_segment_of_another_view_or_session_is_named_with_both_ids(form: object) -> None:
    assert callable(form)
    own = form({"id": ASKED.session_id}, {"id": ASKED.view_id})
    of_view = form({"id": ASKED.session_id}, {"id": OTHER.view_id})
    of_session = form({"id": OTHER.session_id}, {"id": ASKED.view_id})
    assert stranger([own], ASKED) is None
    assert stranger([own, of_view], ASKED) == f"segment 1 is of view {OTHER.view_id} instead of {ASKED.view_id}"
    assert other_id(of_session, ASKED) == f"session {OTHER.session_id} instead of {ASKED.session_id}"


@pytest.mark.parametrize("form", FORMS)
def test_case_and_dashes_of_a_uuid_make_no_other_id(form: object) -> None:
    assert callable(form)
    written = form({"id": ASKED.session_id.upper()}, {"id": ASKED.view_id.replace("-", "")})
    assert stranger([written], ASKED) is None


@pytest.mark.parametrize("raw", [b'{"records":[]}', b"[1]", b"7", b'"view"', b'{"view":', b'{"session":5,"view":[]}'])
def test_a_segment_that_names_no_id_belongs_to_any_view(raw: bytes) -> None:
    assert stranger([raw], ASKED) is None


@pytest.mark.parametrize("named", [None, {}, {"id": None}, {"id": 5}, {"id": ""}, "x", [1]])
def test_an_id_in_no_known_form_is_no_other_id(named: object) -> None:
    assert stranger([_browser(named, named), _mobile(named, named)], ASKED) is None


def test_ids_inside_of_records_are_not_the_segment_s_own() -> None:
    inside = {"session": {"id": OTHER.session_id}, "view": {"id": OTHER.view_id}}
    raw = {"records": [{"data": inside}], "session": {"id": ASKED.session_id}, "view": {"id": ASKED.view_id}}
    assert stranger([json.dumps(raw).encode()], ASKED) is None
    # And the right ids inside of records do not vouch for a segment of another view.
    turned = {"records": [{"data": raw}], **inside}
    assert stranger([json.dumps(turned, separators=(",", ":")).encode()], ASKED) is not None


def test_every_recorded_segment_is_of_its_view_and_of_no_other() -> None:
    recordings = [*load_recordings(), *load_harder_recordings()]
    assert all(stranger(each.segments, each.view) is None for each in recordings)
    assert all((stranger(each.segments, OTHER) is None) == (not each.segments) for each in recordings)


def test_a_page_with_a_segment_of_another_view_is_refused_and_kept() -> None:
    own, other = (_compact({"id": view.session_id}, {"id": view.view_id}) for view in (ASKED, OTHER))
    decoder = PageDecoder(ApiSettings())
    good = Response(200, {}, b'{"segments":[' + own + b"]}")
    mixed = Response(200, {}, b'{"segments":[' + own + b"," + other + b"]}")
    for _ in range(3):  # by the rules first, then in the fast way
        assert len(decoder.decode(good, ASKED).segments) == 1
        with pytest.raises(GarbledBody, match=f"segment 1 is of session {OTHER.session_id} instead of") as refused:
            decoder.decode(mixed, ASKED)
        assert refused.value.answer is mixed
    assert len(decoder.decode(mixed).segments) == 2
