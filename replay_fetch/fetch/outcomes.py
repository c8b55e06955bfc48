"""Which outcome an error gives a view; by class, in one place."""

from __future__ import annotations

from replay_fetch.errors import BadBody, ChainCut, Forbidden, GarbledBody, GaveUp, NotFound, RequestError
from replay_fetch.model import Outcome, Response

_OUTCOMES: tuple[tuple[type[RequestError], Outcome], ...] = (
    (NotFound, Outcome.MISSING),
    (Forbidden, Outcome.FORBIDDEN),
    (BadBody, Outcome.UNRECOGNISED),
    (ChainCut, Outcome.INCOMPLETE),
)


def outcome_of(error: RequestError) -> Outcome:
    """The outcome of a view whose chain ended in ``error``.

    A body that stayed garbled through all attempts counts as unrecognised: it was answered.
    """
    if isinstance(error, GaveUp) and isinstance(error.__cause__, GarbledBody):
        return Outcome.UNRECOGNISED
    return next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), Outcome.FAILED)


def answer_of(error: RequestError) -> Response | None:
    """The answer that nobody understood, where that is what went wrong."""
    culprit = error.__cause__ if isinstance(error, GaveUp) else error
    return culprit.answer if isinstance(culprit, (BadBody, GarbledBody)) else None
