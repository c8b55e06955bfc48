"""The service: decides the API's answer to one request after another, at once and without I/O.

The order in which a request is judged:

1. an outage meets every request;
2. a path or parameters that are not as documented, then wrong credentials, are refused;
3. the rate limit;
4. a paging token or cursor that was not given in this chain, or has expired, is refused;
5. faults meet the pages they are meant for;
6. the page: of a view's segments, of the events search, or of a playlist.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist

from replay_fetch.simulator import faults
from replay_fetch.simulator.chance import draw
from replay_fetch.simulator.choices import Body429
from replay_fetch.simulator.counts import Counts
from replay_fetch.simulator.events import Events
from replay_fetch.simulator.faults import Attempt, FaultScript
from replay_fetch.simulator.limits import Quota, limit_headers
from replay_fetch.simulator.pages import Pager
from replay_fetch.simulator.playlists import PATH as PLAYLIST_PATH
from replay_fetch.simulator.playlists import PlaylistRequest, Playlists
from replay_fetch.simulator.replies import EMPTY, HTML, RefusalError, Reply, json_body
from replay_fetch.simulator.requests import Asked, Auth, Call, PageRequest
from replay_fetch.simulator.search import PATH as SEARCH_PATH
from replay_fetch.simulator.search import EventsSearch, SearchRequest
from replay_fetch.simulator.settings import LatencySettings, SimulatorSettings
from replay_fetch.simulator.shapes import Body
from replay_fetch.simulator.truth import Truth

_BODIES_429 = {
    Body429.JSON: json_body({"errors": ["Too many requests"]}),
    Body429.HTML: HTML,
    Body429.EMPTY: EMPTY,
}
# A body that can be cut or broken off, so that no outage looks like an answer without segments.
_DEAD = json_body({"errors": ["The service is not available"]})

_INSTEAD = {
    faults.HTML: Reply(200, HTML),
    faults.GATEWAY_404: Reply(404, HTML),
    faults.ERRORS: Reply(200, json_body({"errors": ["Internal timeout, try again"]})),
    faults.NO_BODY: Reply(200, EMPTY),
    faults.NOT_READY: Reply(202, json_body({"status": "pending"})),
}

_NORMAL = NormalDist()
_SMALLEST = 1e-12  # the inverse of the normal distribution is infinite at 0

_Request = PageRequest | SearchRequest | PlaylistRequest


class Service:
    """The simulated API; ``clock`` tells seconds, ``wall`` the time of day for headers that hold dates."""

    def __init__(
        self,
        settings: SimulatorSettings,
        truth: Truth,
        clock: Callable[[], float],
        wall: Callable[[], float] | None = None,
    ) -> None:
        self.counts = Counts()
        self.quota = Quota(settings.limit, clock())
        self._settings = settings
        self._clock = clock
        self._wall = wall = wall or time.time
        self._started = clock()
        self._auth = Auth(settings.auth)
        self._pager = Pager(settings, truth)
        events = Events(truth.views, settings.search.events_span, int((wall() - settings.search.events_age) * 1000))
        self._search = EventsSearch(settings.search, settings.paging, events, settings.seed)
        self._playlists = Playlists(truth.views)
        self._faults = FaultScript(settings.faults, settings.seed)
        # Counts by page grow with the list. Faults and drawn latencies need them: both depend on the attempt's number.
        self._remembers = settings.count_views or bool(settings.faults) or settings.latency.tail > 0

    def answer(self, asked: Asked) -> Reply:
        """Answer a request that arrives now; errors are replies too, so nothing is raised."""
        now = self._clock()
        outage = self._faults.outage(now - self._started)
        try:
            # Before all else: an API that is down knows no keys, and counts no request against the limit.
            if outage:
                return self._spoilt(Reply(200, _DEAD), outage)
            request = self._request(asked)
            self._auth.check(asked.headers, asked.query)
        except RefusalError as refusal:
            return refusal.reply(self._settings.error_body)
        # After the credentials: a refused request costs nothing. Before token and faults: both cost a request.
        verdict = self.quota.ask(now)
        if verdict is None:
            return self._accepted(request)
        form = self._settings.limit_headers
        headers = limit_headers(verdict, form, self._wall, self.counts.requests)
        if not verdict.accepted:
            return Reply(429, _BODIES_429[form.body_429], headers)
        # On faults, too: the limit is counted in front of what fails behind it.
        return replace(self._accepted(request), limit_headers=headers)

    def _request(self, asked: Asked) -> _Request:
        """Read a request by the call that its path names; raises RefusalError for a bad request."""
        if asked.path == SEARCH_PATH:
            return SearchRequest.read(asked, int(self._wall() * 1000))
        if playlist := PLAYLIST_PATH.fullmatch(asked.path):
            return PlaylistRequest.read(asked, playlist[1])
        return PageRequest.read(asked)

    def _call(self, request: _Request) -> Call:
        match request:
            case SearchRequest():
                return self._search.call(request)
            case PlaylistRequest():
                return self._playlists.call(request)
            case PageRequest():
                return self._pager.call(request)

    def _accepted(self, request: _Request) -> Reply:
        """Answer a request that the rate limit has let through, with its fault and its latency."""
        delay = self._settings.latency.median
        try:
            call = self._call(request)
            attempt = self._attempt(call, about_view=isinstance(request, PageRequest))
            delay = _latency(self._settings.latency, self._settings.seed, attempt)
            reply = self._reply(call, self._faults.fault(attempt))
        except RefusalError as refusal:
            reply = refusal.reply(self._settings.error_body)
        return replace(reply, delay=reply.delay + delay) if delay else reply

    def _reply(self, call: Call, fault: str | None) -> Reply:
        reply = call.reply()
        if fault is not None:
            return self._spoilt(reply, fault)
        # Not for a spoilt page, whose token never reached the client: the chain has not begun.
        if call.done:
            call.done()
        return reply

    def _spoilt(self, reply: Reply, fault: str) -> Reply:
        """Apply a fault to a reply and count the fault; raises RefusalError where the fault is a status."""
        self.counts.faults[fault] += 1
        if fault.isdigit():
            raise RefusalError(int(fault))
        return _spoilt_body(reply, fault) or replace(reply, fault=fault)

    def _attempt(self, call: Call, *, about_view: bool) -> Attempt:
        """Count one more attempt at a page; without faults and counts by view, each attempt is number 1."""
        number = 1
        if self._remembers:
            count = self.counts.page if about_view else self.counts.other
            number = count(call.view, call.source, call.page)
        return Attempt(call.view, call.source, call.page, number)


def _spoilt_body(reply: Reply, fault: str) -> Reply | None:
    """Make the reply that a fault puts in place of the good one; None for a fault of the wire."""
    match fault:
        case faults.TRUNCATED:
            return replace(reply, body=_part(reply.body))
        case faults.PARTIAL:
            body = _part(reply.body)
            told = f"bytes 0-{max(len(body.octets), 1) - 1}/{len(reply.body.octets)}"
            return Reply(206, replace(body, headers={**body.headers, "Content-Range": told}))
    return _INSTEAD.get(fault)


def _part(body: Body) -> Body:
    """Cut a body to its first two thirds, so JSON breaks off in the middle."""
    return replace(body, octets=body.octets[: len(body.octets) * 2 // 3])


def _latency(settings: LatencySettings, seed: int, attempt: Attempt) -> float:
    """Draw the seconds before the answer to an attempt begins; log-normal: most are short, a few very long."""
    if not settings.median or not settings.tail:
        return settings.median
    chance = max(_SMALLEST, draw(seed, "latency", *attempt))
    return settings.median * math.exp(settings.tail * _NORMAL.inv_cdf(chance))
