"""Errors as objects: one manner for all, and whole on the other side of a process."""

from __future__ import annotations

import copy
import pickle

import pytest

from replay_fetch import errors
from replay_fetch.errors import BadBody, Forbidden, GarbledBody, GaveUp, RateLimited, ReplayFetchError
from replay_fetch.model import RateLimit, Response
from replay_fetch.store import failures

ANSWER = Response(200, {"x-secret": "key"}, b"a recording")
ERRORS = [
    (GaveUp("503 (after 9 attempts)"), "GaveUp('503 (after 9 attempts)')"),
    (Forbidden("no", status=401), "Forbidden('no')"),
    (RateLimited(RateLimit(limit=7)), "RateLimited('rate limited (429)')"),
    (GarbledBody("cut", ANSWER), "GarbledBody('cut')"),
    (BadBody("no list", ANSWER), "BadBody('no list')"),
]


@pytest.mark.parametrize(("error", "shown"), ERRORS, ids=[shown for _, shown in ERRORS])
def test_an_error_shows_its_message_and_nothing_of_an_answer(error: ReplayFetchError, shown: str) -> None:
    assert repr(error) == shown
    assert error.args == (str(error),)


@pytest.mark.parametrize("error", [error for error, _ in ERRORS], ids=lambda error: type(error).__name__)
def test_an_error_comes_out_of_a_worker_process_as_it_went_in(error: ReplayFetchError) -> None:
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own
        assert (type(other), other.args, vars(other)) == (type(error), error.args, vars(error))


def test_the_docstring_has_every_error_of_the_tree() -> None:
    named = {**vars(errors), **vars(failures)}
    kinds = {name for name, kind in named.items() if isinstance(kind, type) and issubclass(kind, ReplayFetchError)}
    assert kinds > {"StoreError", "Fenced", "LeaseHeld", "StoreDead", "GaveUp"}
    assert [name for name in kinds if f" {name} " not in f" {errors.__doc__} ".replace("\n", " ")] == []
