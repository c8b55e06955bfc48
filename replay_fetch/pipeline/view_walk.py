"""The walk of one view: its pages become messages, and its end an outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from replay_fetch.archive import ChainRestarted, Message, PageArrived, ViewEnded
from replay_fetch.errors import BadBody, ChainCut, Forbidden, GarbledBody, GaveUp, NotFound, RequestError
from replay_fetch.fetch import Paginator, Restarted
from replay_fetch.model import Outcome, PlannedView, Response

_OUTCOMES: tuple[tuple[type[RequestError], Outcome], ...] = (
    (NotFound, Outcome.MISSING),
    (Forbidden, Outcome.FORBIDDEN),
    (BadBody, Outcome.UNRECOGNISED),
    (ChainCut, Outcome.INCOMPLETE),
)

Put = Callable[[Message], Awaitable[None]]
"""Takes the messages of a view in their order; returns when there is room for another."""


def outcome_of(error: RequestError) -> Outcome:
    """The outcome of a view whose chain ended in ``error``; FAILED where the class of the error names no other.

    A body that stayed garbled through all attempts counts as unrecognised: it was answered.
    """
    if isinstance(error, GaveUp) and isinstance(error.__cause__, GarbledBody):
        return Outcome.UNRECOGNISED
    return next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), Outcome.FAILED)


def answer_of(error: RequestError) -> Response | None:
    """The answer that no rule understood, where that is the error; it is kept under ``raw/``."""
    culprit = error.__cause__ if isinstance(error, GaveUp) else error
    return culprit.answer if isinstance(culprit, (BadBody, GarbledBody)) else None


async def walk_view(planned: PlannedView, paginator: Paginator, put: Put, segments: int = 0) -> ViewEnded:
    """Walk a view's pages to their end, each put as it comes, and return how the view ended, which is not put.

    ``segments`` were on the pages before those of the paginator. An error about this view is an outcome; an error
    that would meet every view is raised.
    """
    try:
        segments = await _put_pages(planned, paginator, put, segments)
    except RequestError as error:
        return ViewEnded(planned, outcome_of(error), str(error), paginator.source, answer_of(error))
    finally:
        paginator.let_go()
    return ViewEnded(planned, Outcome.FETCHED if segments else Outcome.EMPTY, source=paginator.source)


async def _put_pages(planned: PlannedView, paginator: Paginator, put: Put, segments: int) -> int:
    """Put all pages; returns how many segments the last chain of the view held."""
    while (page := await paginator.next_page()) is not None:
        if isinstance(page, Restarted):
            segments = 0
            await put(ChainRestarted(planned))
            continue
        segments += len(page.segments)
        arrived = PageArrived(planned, page, paginator.source, paginator.answer)
        # A slow disk keeps the worker waiting here, with the segments alone: the body need not wait with them.
        del page
        await put(arrived)
        # No name refers to the page any more when the next one is asked for, which may need the room.
        del arrived
        paginator.let_go()
    return segments
