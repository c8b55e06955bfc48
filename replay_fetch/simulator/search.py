"""The events search: a query, a window of time, and pages that lead on by a cursor until an empty page ends them."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from urllib.parse import urlencode

from replay_fetch.model import Source, View
from replay_fetch.simulator.choices import SearchChain
from replay_fetch.simulator.events import Events
from replay_fetch.simulator.pages import BadTokenError, Cursor, Tokens
from replay_fetch.simulator.query import Matches, compiled, sessions_named
from replay_fetch.simulator.replies import RefusalError, Reply, json_body
from replay_fetch.simulator.requests import Asked, Call
from replay_fetch.simulator.settings import PagingSettings, SearchSettings

PATH = "/api/v2/rum/events/search"
# The API's own numbers: the most events that a page holds, and how many come where a request does not say.
_MOST = 1000
_USUAL_LIMIT = 10
_AGO = re.compile(r"now(?:-(\d+)([smhd]))?")
_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A request for one page of a search; times are milliseconds since 1970, both included.

    ``limit`` is in events; the API answers ten where a client names none.
    """

    query: str
    matches: Matches = field(repr=False)
    start_ms: int
    end_ms: int
    limit: int
    cursor: str | None

    @classmethod
    def read(cls, asked: Asked, now_ms: int) -> SearchRequest:
        """Read a request for a search; raises RefusalError: 405 for another method, 400 for a bad body."""
        if asked.method != "POST":
            raise RefusalError(405)
        try:
            body = json.loads(asked.body)
            wanted, page = body.get("filter", {}), body.get("page", {})
            query = str(wanted.get("query", "*"))
            start_ms = _time_ms(wanted.get("from", "now-15m"), now_ms)
            end_ms = _time_ms(wanted.get("to", "now"), now_ms)
            limit, cursor, sort = int(page.get("limit", _USUAL_LIMIT)), page.get("cursor"), body.get("sort")
        except (ValueError, AttributeError, TypeError, OverflowError):
            raise RefusalError(400, "Invalid body") from None
        if not (1 <= limit <= _MOST and start_ms < end_ms and sort in (None, "timestamp")):
            raise RefusalError(400, "Invalid limit, sort or time range")
        if cursor is not None and not isinstance(cursor, str):
            raise RefusalError(400, "Invalid cursor")
        return cls(query, compiled(query), start_ms, end_ms, limit, cursor)

    @property
    def chain(self) -> str:
        """Name all that must stay the same from page to page of a search; cursors are bound to this name."""
        return f"{self.start_ms}\x1f{self.end_ms}\x1f{self.limit}\x1f{self.query}"

    @property
    def about(self) -> View:
        """Name the search for draws of faults and latency, in place of a view, which a search does not have."""
        return View("search", blake2b(self.chain.encode(), digest_size=8).hexdigest())


class EventsSearch:
    """The service for searches: answers pages of events, or fails as the settings ask."""

    def __init__(self, settings: SearchSettings, paging: PagingSettings, events: Events, seed: int) -> None:
        self._settings = settings
        self._paging = paging
        self._events = events
        self._tokens = Tokens(seed)

    def call(self, request: SearchRequest) -> Call:
        """Prepare the answer to a request; raises RefusalError for a cursor of another search or an expired cursor."""
        at = self._cursor(request)
        return Call(request.about, Source.EVENT_PLATFORM, at.page, partial(self._page, request, at))

    def _cursor(self, request: SearchRequest) -> Cursor:
        if request.cursor is None:
            return Cursor()
        try:
            at = self._tokens.take(request.cursor, request.chain)
        except BadTokenError:
            raise RefusalError(400, "Invalid cursor") from None
        if at.page == self._paging.expire_page:
            raise RefusalError(self._paging.expire_status, "Cursor has expired")
        return at

    def _candidates(self, query: str, numbers: range) -> Sequence[int]:
        """Find the numbers in a range whose events a query may match: all, or those of the sessions it names."""
        sessions = sessions_named(query)
        if sessions is None:
            return numbers
        return [number for number in self._events.of_sessions(sessions) if number in numbers]

    def _page(self, request: SearchRequest, at: Cursor) -> Reply:
        most = min(request.limit, self._settings.page_events or _MOST)
        window = self._events.between(request.start_ms, request.end_ms)
        numbers = self._candidates(request.query, range(max(window.start, at.position), window.stop))
        found = (number for number in numbers if request.matches(self._events.event(number)))
        events = list(itertools.islice(found, most))
        if not events:
            return Reply(200, json_body({"data": []}))
        chain = self._settings.search_chain
        if at.page > 1 and chain in (SearchChain.ERRORS, SearchChain.PARTIAL):
            return _half([self._events.answered(number) for number in events[: len(events) // 2]], chain)
        body: dict[str, object] = {}
        meta: dict[str, object] = {"elapsed": 7, "request_id": "simulated", "status": "done"}
        delay = 0.0
        if request.end_ms - request.start_ms > self._settings.search_timeout * 1000 > 0:
            meta["status"], events, delay = "timeout", events[: len(events) // 2], self._settings.search_patience
        if not self._settings.search_pages or at.page < self._settings.search_pages:
            cursor = self._tokens.give(Cursor(at.page + 1, events[-1] + 1 if events else 0), request.chain)
            if chain is SearchChain.LINK:
                body["links"] = {"next": f"https://simulated.example{PATH}?{urlencode({'page[cursor]': cursor})}"}
            else:
                meta["page"] = {"after": at.page if chain is SearchChain.NUMBER else cursor}
        data = [self._events.answered(number) for number in events]
        return Reply(200, json_body({"data": data, "meta": meta, **body}), delay=delay)


def _half(events: Sequence[Mapping[str, object]], chain: SearchChain) -> Reply:
    """Make a page with half of the events, and a status or ``errors`` that tell of missing events."""
    body: dict[str, object] = {"data": events}
    if chain is SearchChain.PARTIAL:
        return Reply(206, json_body(body))
    return Reply(200, json_body({**body, "errors": ["A shard is down"]}))


def _time_ms(value: object, now_ms: int) -> int:
    text = str(value)
    ago = _AGO.fullmatch(text)
    if ago:
        return now_ms - (int(ago[1]) * _UNIT_MS[ago[2]] if ago[1] else 0)
    # The API takes times as dates, as milliseconds, and as a distance from now.
    if text.isdecimal():
        return int(text)
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
