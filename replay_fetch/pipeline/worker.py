"""A worker: walks one view after another and tells the writer, page by page; and the walk of one view."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from replay_fetch.archive import ChainRestarted, Message, PageArrived, ViewEnded, Writer
from replay_fetch.clock import now
from replay_fetch.errors import BadBody, ChainCut, Forbidden, GarbledBody, GaveUp, NotFound, RequestError
from replay_fetch.fetch import Fetcher, Paginator, Restarted, Start
from replay_fetch.model import Outcome, PlannedView, Response, Source
from replay_fetch.pipeline.outcome_log import Slowest, SlowView
from replay_fetch.pipeline.producer import Producer
from replay_fetch.pipeline.verdicts import Verdicts
from replay_fetch.settings import Settings

_NOT_THERE = frozenset({Outcome.EMPTY, Outcome.MISSING})
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


class Worker:
    """Turns planned views into messages; a view's failure is a value, a run's an exception."""

    def __init__(
        self,
        fetcher: Fetcher,
        settings: Settings,
        writer: Writer,
        verdicts: Verdicts,
        slowest: Slowest,
    ) -> None:
        self._fetcher = fetcher
        self._settings = settings
        self._writer = writer
        self._verdicts = verdicts
        self._slowest = slowest

    async def work(self, producer: Producer) -> None:
        """Fetch views until there are no more.

        The writer keeps one waiting while the disk is behind: then nobody asks.
        """
        while (planned := await self._verdicts.next_view(producer)) is not None:
            began = now()
            paginator = Paginator(
                self._fetcher, planned.view, self._settings.api.source, self._settings.fetch.max_pages
            )
            ended = await self._fetch(planned, paginator)
            took = now() - began
            self._slowest.note(SlowView(took, planned.view, ended.outcome, ended.reason))
            absent = paginator.rests_on_absence and ended.outcome in _NOT_THERE
            await self._verdicts.ended(ended, absent=absent)

    async def _fetch(self, planned: PlannedView, paginator: Paginator) -> ViewEnded:
        """Walk a view from where its chain is to begin: anew, or behind what an earlier run kept."""
        earlier, segments = planned.earlier, 0
        if self._verdicts.asked_before(planned):
            await self._writer.put(ChainRestarted(planned))
        elif earlier is not None and earlier.token is not None:
            paginator.go_on(Source(earlier.source), Start.behind(earlier))
            segments = earlier.segments
        before = None if earlier is None else earlier.outcome
        if before is Outcome.FAILED:
            paginator.suspect = self._fetcher.pacer.breaker.doubts()
        with self._fetcher.keys.known_forbidden(planned.view, known=before is Outcome.FORBIDDEN):
            ended = await walk_view(planned, paginator, self._put, segments)
        return replace(ended, at=int(self._fetcher.epoch()))

    async def _put(self, message: Message) -> None:
        if isinstance(message, PageArrived) and not message.page.bodiless and self._verdicts.is_well():
            await self._verdicts.pass_on()
        await self._writer.put(message)
