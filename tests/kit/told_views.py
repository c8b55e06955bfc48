"""A server of views that says what a test tells it, view by view and request by request."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rude_server import serving

from replay_fetch.model import View

_PATH = re.compile(rb"/sessions/([^/]+)/views/([^/?]+)/segments")

Said = tuple[int, bytes]
"""A status and a body."""


def there(number: int = 1, end_ms: int = 1_700_000_000_000) -> Said:
    """A view with so many segments."""
    segments = [{"records": [], "start": end_ms - 1, "end": end_ms, "index_in_view": index} for index in range(number)]
    return 200, json.dumps({"segments": segments}).encode()


GONE: Said = 404, b'{"errors":["Not Found"]}'
NO_BODY: Said = 200, b""
EMPTY_LIST: Said = 200, b'{"segments":[]}'
REFUSED: Said = 403, b'{"errors":["Forbidden"]}'
UNAUTHORIZED: Said = 401, b'{"errors":["Unauthorized"]}'
ODD: Said = 200, b'{"what":{"ever":1}}'


@dataclass
class ToldViews:
    """Where it listens, and which views it was asked for, in order."""

    base_url: str = ""
    asked: list[View] = field(default_factory=list)

    def times(self, view: View) -> int:
        """How often a view was asked for."""
        return self.asked.count(view)


@asynccontextmanager
async def told_views(say: Callable[[View, int], Said]) -> AsyncIterator[ToldViews]:
    """Serve what ``say`` has for a view and the number of the request, the first being 1."""
    told = ToldViews()

    async def behave(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:  # until the client goes: `serving` takes that as the end
            found = _PATH.search(head)
            assert found
            view = View(found[1].decode(), found[2].decode())
            told.asked.append(view)
            status, body = say(view, len(told.asked))
            start = f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{start}X-RateLimit-Limit: 100000\r\nX-RateLimit-Period: 10\r\n".encode())
            writer.write(b"X-RateLimit-Remaining: 99999\r\nX-RateLimit-Reset: 10\r\n\r\n" + body)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")

    async with serving(behave) as server:
        told.base_url = server.url
        yield told
