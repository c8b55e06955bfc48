"""Searching for views: chains of result pages, one after another, until a stretch of time is behind the search."""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from replay_fetch.api.events import FoundPage, found_page
from replay_fetch.api.search import (
    PAGE_LIMIT,
    PLAYLIST_PAGE,
    Window,
    playlist_sessions,
    playlist_url,
    search_body,
    search_url,
)
from replay_fetch.errors import ChainCut, GaveUp, RequestError, ServerError, ServerTimeout, Stalled, TokenRefused
from replay_fetch.fetch.chain import Chain
from replay_fetch.fetch.fetcher import ApiRequest, Fetcher
from replay_fetch.model import Response
from replay_fetch.timestamps import iso

log = logging.getLogger(__name__)

# How long a cursor lives is not documented; a million events is more than one should have to.
_MOST_PAGES = 1000
# What cannot be had of a stretch this short cannot be had.
_SHORTEST_MS = 1000
# A window that timed out so often is too long: each time takes as long as the server is patient.
_TIMEOUTS = 2
# Windows of half the length, and again half, in which the server fails without a word of time: less would not help.
_FUTILE = 3
# Windows that must hold before a longer one is tried; twice as many where the longer one did not last, half as many
# where it did. A month that holds by the hour costs 1,024 windows and some 25 that time out; by the day 32 and eight.
_FEWEST, _MOST = 4, 64


@dataclass(slots=True)
class Stride:
    """The length, in ms, at which the last window held; doubled now and then, halved where a window is too long."""

    length_ms: int
    _held: int = 0
    """Windows of this length that held, in a row."""
    _patience: int = _FEWEST
    _grown: bool = False
    """Whether it was doubled since it was last halved."""

    def held(self, length_ms: int) -> None:
        """Note a window that was searched to its end.

        The last window of a search may be shorter, and proves nothing.
        """
        if length_ms < self.length_ms:
            return
        self._held += 1
        if self._held >= self._patience:
            if self._grown:
                self._patience = max(self._patience // 2, _FEWEST)
            self.length_ms, self._held, self._grown = 2 * self.length_ms, 0, True

    def too_long(self, length_ms: int) -> None:
        """Note a window that the server could not hold: the next one is half as long."""
        if self._grown:
            self._patience = min(2 * self._patience, _MOST)
        self.length_ms, self._held, self._grown = max(length_ms // 2, 1), 0, False


@dataclass(slots=True)
class Search:
    """Runs one query over a window, which is split by time wherever the search cannot hold the whole."""

    fetcher: Fetcher
    query: str
    window: Window
    stride: Stride
    """Shared by searches that follow one another: the next begins at the length that held."""
    read: Callable[[Response], FoundPage] = found_page
    """Reads an answer; `events_page` keeps the events' own texts, too."""
    reached_ms: int = field(init=False)
    """What lies before is found."""
    _futile: int = field(init=False, default=0)
    """Windows in a row that the server failed over without a page."""

    def __post_init__(self) -> None:
        self.reached_ms = self.window.start_ms

    async def pages(self) -> AsyncGenerator[FoundPage, None]:
        """Yield result pages from the oldest events to the newest; where the window was split, events come twice.

        A chain of pages ends early where its cursor is refused or cannot be read, where the chain goes in circles
        or on for too long, where the last page is a full one, or where the server fails to the last attempt. Then
        the search goes on from the last event that was seen or, where the chain got nowhere or the events are not
        in order, with half the window. Windows that time out are halved at the second time, and the next begins at
        the length that held. A chain that ends on a page with events is asked on from its last event: only a page
        without events proves an end. Raises a RequestError where the API refuses, or where even a second of time
        cannot be had.
        """
        begin, end = self.window
        while begin < end:
            window = Window(begin, min(begin + self.stride.length_ms, end))
            reached: int | None = begin  # None once events came out of order: then none of them tells how far it is
            ends_on_events = False
            try:
                async with aclosing(self._chain(window)) as pages:
                    async for page in pages:
                        self._futile = 0
                        ends_on_events = page.events > 0
                        reached = _reached(reached, page)
                        self.reached_ms = max(self.reached_ms, reached or 0)
                        yield page
            except (ChainCut, TokenRefused, GaveUp) as cut:  # a chain that breaks costs a new one, not the search
                begin = self._go_on(window, reached, cut)
                log.info("searching on from %s: %s", iso(begin), cut)
            else:
                self.stride.held(window.length_ms)
                begin = _behind(window, reached) if ends_on_events else window.end_ms
                self.reached_ms = max(self.reached_ms, begin)

    def _go_on(self, window: Window, reached: int | None, cut: RequestError) -> int:
        """The time from which to search on, in ms; raises ``cut`` where no shorter window would help."""
        cause = cut.__cause__
        timed_out = isinstance(cause, (ServerTimeout, Stalled))
        if isinstance(cut, GaveUp) and not timed_out:
            self._futile += 1
            if not isinstance(cause, ServerError) or self._futile > _FUTILE:
                raise cut
        # From the last event's own millisecond: others of the same one may lie behind it, and doubles are dropped.
        begin = window.start_ms if reached is None else min(reached, window.end_ms - 1)
        got_on = begin > window.start_ms
        if not got_on and window.length_ms <= _SHORTEST_MS:
            raise cut
        if timed_out or not got_on:
            self.stride.too_long(window.length_ms)
        return begin

    async def _chain(self, window: Window) -> AsyncGenerator[FoundPage, None]:
        chain, token, full = Chain(_MOST_PAGES), None, PAGE_LIMIT
        while True:
            page = await self._page(window, token)
            yield page
            token = chain.lead_on(page.token, empty=not page.events)
            if token is None:
                if page.more:
                    raise ChainCut(f"the search {page.more}")
                if page.events >= full:
                    raise ChainCut(f"the search stops on a full page of {page.events} events")
                return
            # How large a page may be is the server's choice: the smallest that led on is taken for a full one.
            full = min(full, page.events or full)

    async def _page(self, window: Window, token: str | None) -> FoundPage:
        request = ApiRequest(
            "the events search",
            search_url(self.fetcher.endpoint.origin),
            self.read,
            search_body(self.query, window, token),
            first_page=token is None,
            what="the events search",
            timeouts=_TIMEOUTS if window.length_ms > _SHORTEST_MS else None,
        )
        page, _ = await self.fetcher.ask(request)
        return page


async def sessions_of(fetcher: Fetcher, playlist: str) -> list[str]:
    """The ids of a playlist's sessions, each once; raises NotFound where there is no such playlist.

    Pages are asked for until one brings nothing new: how large the API lets a page be is not known. Raises ChainCut
    where a full page comes again: the end of the playlist can then not be found.
    """
    what = f"playlist {playlist}"
    sessions: dict[str, None] = {}
    for page in itertools.count():
        url = playlist_url(fetcher.endpoint.origin, playlist, page)
        listed, _ = await fetcher.ask(ApiRequest(what, url, playlist_sessions, what=what))
        known = len(sessions)
        sessions |= dict.fromkeys(listed)
        if len(sessions) == known:
            if len(listed) >= PLAYLIST_PAGE:
                raise ChainCut(f"{what} repeats a full page of {len(listed)} sessions, so its end cannot be found")
            break
    return list(sessions)


def _reached(reached: int | None, page: FoundPage) -> int | None:
    """The time, in ms, up to which events are found; None once events have come out of order."""
    if not page.events or reached is None:
        return reached
    in_order = page.first_ms is not None and page.first_ms >= reached
    return page.last_ms if in_order else None


def _behind(window: Window, reached: int | None) -> int:
    """Return the time, in ms, from which a search goes on behind a chain that ended on a page with events.

    The API ends a search by a page without events, so such a chain may have stopped without a word. First the search
    goes on from the last event's own millisecond, other events of which may lack; where nothing newer comes, from the
    next one. The window's end says that nothing of the window is left to ask for.
    """
    if reached is None or reached >= window.end_ms:
        return window.end_ms
    return reached if reached > window.start_ms else reached + 1
