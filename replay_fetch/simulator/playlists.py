"""Playlists: number N holds the first N sessions of the list.

So a test names a list of any length by its number, and nothing is stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from replay_fetch.model import Source, View
from replay_fetch.simulator.replies import RefusalError, Reply, json_body
from replay_fetch.simulator.requests import Asked, Call
from replay_fetch.simulator.truth import Population

PATH = re.compile(r"/api/v2/rum/replay/playlists/([^/]+)/sessions")
_MOST = 1000
_USUAL_SIZE = 100


@dataclass(frozen=True, slots=True)
class PlaylistRequest:
    """A request for one page of a playlist; ``number`` counts pages from 0, ``size`` is in sessions."""

    playlist: int
    number: int
    size: int

    @classmethod
    def read(cls, asked: Asked, playlist: str) -> PlaylistRequest:
        """Read a request for a playlist; raises RefusalError: 405 for another method, 400 for bad parameters."""
        if asked.method != "GET":
            raise RefusalError(405)
        try:
            number = int(asked.query.get("page[number]", "0"))
            request = cls(int(playlist), number, int(asked.query.get("page[size]", str(_USUAL_SIZE))))
        except ValueError:
            raise RefusalError(400, "Invalid parameter") from None
        if request.number < 0 or not 1 <= request.size <= _MOST:
            raise RefusalError(400, "Invalid parameter")
        return request


class Playlists:
    """The service for playlists: answers pages of session ids, from page 0 on, the last of them short or empty."""

    def __init__(self, views: Population) -> None:
        self._views = views

    def call(self, request: PlaylistRequest) -> Call:
        """Prepare the answer to a request; faults are drawn for the playlist and the page."""
        about = View("playlist", str(request.playlist))
        return Call(about, Source.EVENT_PLATFORM, request.number + 1, partial(self._page, request))

    def _page(self, request: PlaylistRequest) -> Reply:
        if not 1 <= request.playlist <= self._views.sessions:
            raise RefusalError(404)
        first = request.number * request.size
        numbers = range(first, min(first + request.size, request.playlist))
        sessions = [
            {"id": self._views.session_id(number), "type": "rum_replay_session", "attributes": {"track": "rum"}}
            for number in numbers
        ]
        return Reply(200, json_body({"data": sessions}))
