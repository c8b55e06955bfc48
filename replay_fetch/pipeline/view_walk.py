"""The walk of a view: pages become messages, and the end becomes an outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from replay_fetch.archive.write.messages import ChainRestarted, Message, PageArrived, ViewEnded
from replay_fetch.errors import BadBody, ChainCut, Forbidden, GarbledBody, GaveUp, NotFound, RequestError
from replay_fetch.fetch.paginator import Paginator, Restarted
from replay_fetch.model import Outcome, PlannedView, Response

# By class, the first that fits; what is in no class here may be had by a later run.
_OUTCOMES: tuple[tuple[type[RequestError], Outcome], ...] = (
    (NotFound, Outcome.MISSING),
    (Forbidden, Outcome.FORBIDDEN),
    (BadBody, Outcome.UNRECOGNISED),
    (ChainCut, Outcome.INCOMPLETE),
)

# Takes the messages of a view in their order; returns when there is room for another.
Put = Callable[[Message], Awaitable[None]]


def outcome_of(error: RequestError) -> Outcome:
    """The outcome of a view whose chain ended in ``error``; FAILED for errors without an outcome of their own.

    A body garbled in all attempts counts as unrecognised: there was an answer.
    """
    if isinstance(error, GaveUp) and isinstance(error.__cause__, GarbledBody):
        return Outcome.UNRECOGNISED
    return next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), Outcome.FAILED)


def answer_of(error: RequestError) -> Response | None:
    """The answer understood by no rule, for errors with an answer; the writer keeps the answer under ``raw/``."""
    culprit = error.__cause__ if isinstance(error, GaveUp) else error
    return culprit.answer if isinstance(culprit, (BadBody, GarbledBody)) else None


async def walk_view(planned: PlannedView, paginator: Paginator, put: Put, segments: int = 0) -> ViewEnded:
    """Walk a view's pages to the end, put each page, and return the ending without putting it.

    ``segments`` were on the pages before the paginator's first. An error about the view is an outcome; an error in
    the way of every view is raised.
    """
    try:
        segments = await _put_pages(planned, paginator, put, segments)
    except RequestError as error:
        return ViewEnded(planned, outcome_of(error), str(error), paginator.source, answer_of(error))
    finally:
        paginator.let_go()
    return ViewEnded(planned, Outcome.FETCHED if segments else Outcome.EMPTY, source=paginator.source)


async def _put_pages(planned: PlannedView, paginator: Paginator, put: Put, segments: int) -> int:
    """Put all pages; returns the number of segments in the last chain of the view."""
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
