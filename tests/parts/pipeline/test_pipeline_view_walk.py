"""The outcome that an error gives a view; every class of error has its row."""

from __future__ import annotations

import pytest

from replay_fetch.errors import (
    BadBody,
    ChainCut,
    Forbidden,
    GarbledBody,
    GaveUp,
    NotFound,
    RateLimited,
    Rejected,
    RequestError,
    RetryableError,
    ServerError,
    ServerTimeout,
    Stalled,
    TokenRefused,
    TransportError,
    Unreachable,
)
from replay_fetch.model import Outcome, Response
from replay_fetch.pipeline.view_walk import answer_of, outcome_of

ANSWER = Response(200, {}, b"?")


def gave_up(cause: RetryableError) -> GaveUp:
    error = GaveUp(f"{cause} (after 9 attempts)")
    error.__cause__ = cause
    return error


# A retryable error never reaches the table by itself: it is asked again, or a GaveUp carries it.
TABLE: list[tuple[RequestError, Outcome, Response | None]] = [
    (RequestError("?"), Outcome.FAILED, None),
    (RetryableError("?"), Outcome.FAILED, None),
    (RateLimited(), Outcome.FAILED, None),
    (ServerError("503"), Outcome.FAILED, None),
    (ServerTimeout("504"), Outcome.FAILED, None),
    (TransportError("reset"), Outcome.FAILED, None),
    (Stalled("no byte"), Outcome.FAILED, None),
    (Unreachable("no name"), Outcome.FAILED, None),
    (GarbledBody("cut", ANSWER), Outcome.FAILED, ANSWER),
    (NotFound("404"), Outcome.MISSING, None),
    (Forbidden("403"), Outcome.FORBIDDEN, None),
    (Rejected("400"), Outcome.FAILED, None),
    (TokenRefused("410"), Outcome.FAILED, None),
    (BadBody("shape", ANSWER), Outcome.UNRECOGNISED, ANSWER),
    (ChainCut("loop"), Outcome.INCOMPLETE, None),
    (gave_up(ServerError("503")), Outcome.FAILED, None),
    (gave_up(TransportError("reset")), Outcome.FAILED, None),
    (gave_up(GarbledBody("cut", ANSWER)), Outcome.UNRECOGNISED, ANSWER),
]


@pytest.mark.parametrize(("error", "outcome", "answer"), TABLE, ids=lambda value: type(value).__name__)
def test_each_request_error_ends_a_view_with_one_outcome(
    error: RequestError, outcome: Outcome, answer: Response | None
) -> None:
    assert (outcome_of(error), answer_of(error)) == (outcome, answer)


def subclasses(kind: type[RequestError]) -> set[type[RequestError]]:
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


def test_the_table_has_every_error_of_the_package() -> None:
    ours = {kind for kind in subclasses(RequestError) if kind.__module__.startswith("replay_fetch")}
    assert ours == {type(error) for error, _, _ in TABLE}
