"""An API in memory for tests of fetching: it answers what it is told, and notes what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import anyio

from replay_fetch.api.endpoint import Endpoint
from replay_fetch.api.page import PageDecoder
from replay_fetch.fetch.fetcher import Fetcher
from replay_fetch.memory import Hold
from replay_fetch.model import Response, View
from replay_fetch.pacing import Pacer
from replay_fetch.progress.stats import RunStats
from replay_fetch.settings import ApiSettings, FetchSettings
from replay_fetch.transport import Transport

VIEW = View("s", "v")
API = ApiSettings()

Told = Response | Exception
"""What becomes of a request."""


def page(*indexes: int, then: str | None = None, total: int | None = None) -> Response:
    """A page with these segments, and perhaps the next one's token and a count of the view's segments."""
    segments = [{"records": [], "index_in_view": index} for index in indexes]
    paging = {} if then is None else {"paging": {"next": then}}
    counts = {} if total is None else {"meta": {"total": total}}
    return Response(200, {}, json.dumps({"segments": segments, **paging, **counts}).encode())


def status(code: int, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that is an error."""
    return Response(code, headers or {}, b'{"errors":["because"]}')


@dataclass
class FakeTransport(Transport):
    """Answers by a function of (source, token), or one after another; each takes ``latency`` seconds."""

    answers: Callable[[str, str | None], Told] | list[Told]
    latency: float = 0.1
    asked: list[tuple[float, str, str | None]] = field(default_factory=list)
    """When, which source, which token."""

    async def get(self, url: str, hold: Hold | None = None) -> Response:  # noqa: ARG002 - pages here are small
        """As the real one: a whole answer, or an error."""
        query = parse_qs(urlsplit(url).query, keep_blank_values=True)
        source, token = query["source"][0], query.get("paging", [None])[0]
        self.asked.append((anyio.current_time(), source, token))
        await anyio.sleep(self.latency)
        told = self.answers(source, token) if callable(self.answers) else self.answers.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    @property
    def tokens(self) -> list[str | None]:
        """The tokens asked for, in order."""
        return [token for _, _, token in self.asked]

    @property
    def sources(self) -> list[str]:
        """The sources asked, in order, each stretch once."""
        sources = [source for _, source, _ in self.asked]
        return [source for n, source in enumerate(sources) if n == 0 or source != sources[n - 1]]


def asking(transport: FakeTransport, fetch: FetchSettings | None = None) -> Fetcher:
    """All it takes to ask, with a real pacer on the running loop's clock."""
    fetch = fetch or FetchSettings()
    return Fetcher(transport, Pacer(fetch), Endpoint(API), PageDecoder(API), RunStats(), fetch.retries)
