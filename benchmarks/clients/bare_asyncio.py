"""A bare asyncio protocol, the floor for Python: counts the bytes of the body, looks at nothing else; ``--uvloop``."""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
from functools import partial
from urllib.parse import urlsplit

from benchmarks.clients.common import KEYS, Work, url, work
from benchmarks.server import PAGES

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Client(asyncio.Protocol):
    """One connection, one request at a time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment] # uvloop's is none by class
        self._left = -1
        self._head = b""

    def get(self, request: bytes) -> asyncio.Future[None]:
        self._answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answered

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            head, end, rest = (self._head + data).partition(b"\r\n\r\n")
            if not end:
                self._head = head
                return
            length = _LENGTH.search(head)
            self._head, self._left = b"", int(length[1]) if length else 0
            data = rest
        self._left -= len(data)
        if self._left <= 0:
            self._left = -1
            self._answered.set_result(None)


def requests(todo: Work) -> list[bytes]:
    headers = "".join(f"{name}: {value}\r\n" for name, value in KEYS.items())
    host = urlsplit(todo.base_url).netloc
    tail = f" HTTP/1.1\r\nHost: {host}\r\n{headers}Accept: application/json\r\n\r\n"
    made = []
    for session_id, view_id in todo.pairs:
        path = url("", session_id, view_id)
        made += [f"GET {path}{f'&paging=p{page}' if page > 1 else ''}{tail}".encode() for page in range(1, PAGES + 1)]
    return made


async def main() -> None:
    todo = work()
    shared = iter(requests(todo))
    place = urlsplit(todo.base_url)
    tls = ssl.create_default_context() if place.scheme == "https" else None
    connect = partial(
        asyncio.get_running_loop().create_connection, Client, place.hostname or "", place.port or 80, ssl=tls
    )

    async def worker() -> None:
        _, client = await connect()
        for request in shared:
            await client.get(request)

    await asyncio.gather(*(worker() for _ in range(todo.workers)))


if __name__ == "__main__":
    if "--uvloop" in sys.argv:
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
