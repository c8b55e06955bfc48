"""A server whose recordings grow, lose their beginning, break and come back from day to day.

Its answer hangs on the day and the request alone: a run that is killed and repeated on one day is told the same.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from anyio.from_thread import start_blocking_portal

from replay_fetch.model import View

_PATH = re.compile(r"/sessions/([^/]+)/views/([^/?]+)/segments")
# Told of a wide limit, a run asks at once.
_HEADERS = (
    b"Content-Type: application/json\r\nX-RateLimit-Limit: 100000\r\nX-RateLimit-Period: 10\r\n"
    b"X-RateLimit-Remaining: 99999\r\nX-RateLimit-Reset: 10\r\n"
)
_REASONS = {200: b"OK", 400: b"Bad Request", 404: b"Not Found", 500: b"Internal Server Error"}
# What becomes of a view on a day, and how often.
_MOODS = {"whole": 12, "breaks": 5, "refuses": 3, "unknown": 3, "loops": 2, "empty": 1, "gone": 1}
# The session that sequences erase. Three others always stay: where nearly all views are absent, a run that is killed
# and repeated asks a second time, and may then believe what the undisturbed run does not.
ERASED = "s3"
_STORES = ("event_platform", "blob")


class Mood(NamedTuple):
    """What a view is like on one day."""

    kind: str
    first: int
    """The segments before this one are gone."""
    behind: int
    """It has segments up to this one."""
    a_page: int
    """Segments a page."""
    at: int
    """The page where something happens, from 0."""
    store: str
    """Where it lies; the other one has nothing."""


class World:
    """Views of a few sessions, and what becomes of them; ``day`` is set from outside."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.day = 1
        self.url = ""
        rng = random.Random(seed)  # noqa: S311 - chance, not secrets
        self.views = [View(f"s{s}", f"v{s}-{v}") for s in range(4) for v in range(rng.randint(1, 3))]

    def mood(self, view: View) -> Mood:
        """What the view is like today."""
        rng = random.Random(f"{self.seed} {view} {self.day}")  # noqa: S311 - as above
        lasting = random.Random(f"{self.seed} {view}")  # noqa: S311 - as above
        behind = lasting.randint(1, 7) + (self.day if lasting.random() < 0.4 else 0)
        first = rng.randint(0, behind) if rng.random() < 0.25 else 0
        (kind,) = rng.choices(list(_MOODS), list(_MOODS.values()))
        return Mood(kind, first, behind, rng.randint(1, 3), rng.randint(0, 2), rng.choice(_STORES))

    def answer(self, target: str) -> tuple[int, bytes]:
        """Status and body for a request."""
        found = _PATH.search(target)
        query = parse_qs(urlsplit(target).query)
        view = View(*found.groups()) if found else None
        if view not in self.views:
            return 404, b'{"errors":["Not Found"]}'
        mood = self.mood(view)
        if mood.kind == "gone":
            return 404, b'{"errors":["Not Found"]}'
        if mood.kind == "empty" or query["source"] != [mood.store]:
            return 200, b'{"data":[]}'
        day, _, number = query.get("paging", [f"{self.day}:0"])[0].partition(":")
        if day != str(self.day):
            return 400, b'{"errors":["expired"]}'
        return self._page(view, mood, int(number))

    def _page(self, view: View, mood: Mood, number: int) -> tuple[int, bytes]:
        if number == mood.at and mood.kind == "breaks":
            return 500, b'{"errors":["boom"]}'
        if number == max(mood.at, 1) and mood.kind == "refuses":
            return 400, b'{"errors":["no such page"]}'
        begin = mood.first + number * mood.a_page
        end = min(begin + mood.a_page, mood.behind)
        token = f"{self.day}:{number + 1}" if end < mood.behind else None
        if mood.kind == "loops" and number == mood.at:
            token = f"{self.day}:{number}"
        found = [_segment(view, index) for index in range(begin, end)]
        if mood.kind == "unknown" and number == mood.at:
            return 200, json.dumps({"payload": {"chunks": found, "after": token}}).encode()
        return 200, json.dumps({"data": found, "meta": {"page": {"after": token}}}).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                status, body = self.answer(head.split(b" ", 2)[1].decode())
                line = b"HTTP/1.1 %d %b\r\nContent-Length: %d\r\n" % (status, _REASONS[status], len(body))
                writer.write(line + _HEADERS + b"\r\n" + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone, or was killed
        finally:
            writer.close()


def _segment(view: View, index: int) -> dict[str, object]:
    return {
        "records": [{"type": 3, "timestamp": index, "data": {"of": str(view)}}],
        "start": index,
        "end": index + 1,
        "records_count": 1,
        "index_in_view": index,
        "has_full_snapshot": index == 0,
    }


@contextmanager
def world(seed: int) -> Iterator[World]:
    """A world that is served on loopback, from another thread."""
    made = World(seed)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(_served(made)):
        yield made


@asynccontextmanager
async def _served(made: World) -> AsyncIterator[None]:
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield
    finally:
        server.close()
