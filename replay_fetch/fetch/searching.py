"""Searching for views: one chain of pages after another, until a stretch of time is behind us."""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from replay_fetch.api import FoundPage, Window, found_page, playlist_sessions, playlist_url, search_body, search_url
from replay_fetch.api.search import PAGE_LIMIT
from replay_fetch.errors import ChainCut, GaveUp, RequestError, ServerError, TokenRefused
from replay_fetch.fetch.asking import Asking, Question
from replay_fetch.fetch.chain import Chain
from replay_fetch.moments import iso

log = logging.getLogger(__name__)

# How long a cursor lives is not documented; a million events is more than one should have to.
_MOST_PAGES = 1000
# What cannot be had of a stretch this short cannot be had.
_SHORTEST_MS = 1000


@dataclass(slots=True)
class Search:
    """One query over a window, which is split by time wherever the search cannot hold it."""

    asking: Asking
    query: str
    window: Window
    reached_ms: int = field(init=False)
    """What lies before is found."""

    def __post_init__(self) -> None:
        self.reached_ms = self.window.start_ms

    async def pages(self) -> AsyncGenerator[FoundPage, None]:
        """Pages from the oldest events to the newest; where the window was split, events come twice.

        A chain of pages ends early where its cursor is refused, where it goes in circles or on for
        too long, where it stops on a full page, or where the server fails to the last attempt. Then
        the search begins anew with the last event that was seen, or, where the chain got nowhere or the
        events are not in order, with both halves of the window. Raises a RequestError where the API
        refuses, or where even a second cannot be had.
        """
        pending = [self.window]
        while pending:
            window = pending.pop()
            reached: int | None = window.start_ms
            try:
                async with aclosing(self._chain(window)) as pages:
                    async for page in pages:
                        reached = _reached(reached, page)
                        self.reached_ms = max(self.reached_ms, reached or 0)
                        yield page
            except (ChainCut, TokenRefused, GaveUp) as cut:
                rest = _rest(window, reached, cut)
                log.info("searching on from %s: %s", iso(rest[0].start_ms), cut)
                pending += reversed(rest)
            else:
                self.reached_ms = window.end_ms

    async def _chain(self, window: Window) -> AsyncGenerator[FoundPage, None]:
        chain, token, full = Chain(_MOST_PAGES), None, PAGE_LIMIT
        while True:
            page = await self._page(window, token)
            yield page
            token = chain.lead_on(page.token, empty=not page.events)
            if token is None:
                if page.events >= full:
                    raise ChainCut(f"the search stops on a full page of {page.events} events")
                return
            full = min(full, page.events or full)

    async def _page(self, window: Window, token: str | None) -> FoundPage:
        question = Question(
            "the events search",
            search_url(self.asking.endpoint.origin),
            found_page,
            search_body(self.query, window, token),
            first_page=token is None,
            what="the events search",
        )
        page, _ = await self.asking.ask(question)
        return page


async def sessions_of(asking: Asking, playlist: str) -> list[str]:
    """The ids of a playlist's sessions, each once; raises NotFound where there is no such playlist.

    Pages are asked for until one brings nothing new: how large the API lets a page be is not known.
    """
    what = f"playlist {playlist}"
    sessions: dict[str, None] = {}
    for page in itertools.count():
        url = playlist_url(asking.endpoint.origin, playlist, page)
        listed, _ = await asking.ask(Question(what, url, playlist_sessions, what=what))
        known = len(sessions)
        sessions |= dict.fromkeys(listed)
        if len(sessions) == known:
            break
    return list(sessions)


def _reached(reached: int | None, page: FoundPage) -> int | None:
    """The time up to which events are found; None once they have come out of order."""
    if not page.events or reached is None:
        return reached
    in_order = page.first_ms is not None and page.first_ms >= reached
    return page.last_ms if in_order else None


def _rest(window: Window, reached: int | None, cut: RequestError) -> list[Window]:
    """What is to be searched still, in order; raises ``cut`` where no split would help."""
    if isinstance(cut, GaveUp) and not isinstance(cut.__cause__, ServerError):
        raise cut  # less to search would not mend the network
    start = window.start_ms if reached is None else min(reached, window.end_ms - 1)
    if start > window.start_ms:
        return [Window(start, window.end_ms)]
    if window.length_ms <= _SHORTEST_MS:
        raise cut
    return list(window.halves())
