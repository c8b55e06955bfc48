"""A proxy in front of a store's server that loses requests and answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum


class Lost(Enum):
    """What a proxy loses."""

    NOTHING = "nothing"
    REQUEST = "503 before it is done"
    ANSWER = "503 though it was done"
    CONNECTION = "the connection, though it was done"
    WAY = "the connection, before it is done"


@asynccontextmanager
async def losing(target: int, lost: Callable[[int, bytes], Lost | bytes]) -> AsyncIterator[int]:
    """A proxy on a port of its own; ``lost`` is asked with the number and the first line of each request.

    It may give an answer of its own, whole, in place of the server's.
    """
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        to_server: asyncio.StreamWriter | None = None
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", target)
            while True:
                request, head = await _message(reader)
                count += 1
                fate = lost(count, head)
                if fate in {Lost.REQUEST, Lost.WAY} or isinstance(fate, bytes):
                    writer.write(fate if isinstance(fate, bytes) else _BUSY if fate is Lost.REQUEST else b"")
                    return
                to_server.write(request)
                answer, _ = await _message(from_server, of_head=head.startswith(b"HEAD"))
                if fate is Lost.CONNECTION:
                    writer.transport.abort()
                    return
                writer.write(_BUSY if fate is Lost.ANSWER else answer)
                if fate is Lost.ANSWER or b"\r\nconnection: close\r\n" in answer.lower():  # as moto ends each answer
                    return
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):  # cancelled at the loop's end
            pass
        finally:
            for each in (writer, to_server):
                if each is not None:
                    each.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()  # and no wait for connections, which clients of a later test may hold on to


_BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def _message(reader: asyncio.StreamReader, *, of_head: bool = False) -> tuple[bytes, bytes]:
    """A request or an answer, whole, and its first line."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *headers = head.lower().split(b"\r\n")
    lengths = [int(line.partition(b":")[2]) for line in headers if line.startswith(b"content-length:")]
    body = b""
    if any(line.startswith(b"transfer-encoding:") for line in headers):
        while True:
            size = await reader.readuntil(b"\r\n")
            body += size + await reader.readexactly(int(size, 16) + 2)
            if int(size, 16) == 0:
                break
    elif lengths and not of_head:
        body = await reader.readexactly(lengths[0])
    return head + body, first.upper()


def accepted() -> bytes:
    """An answer to any write, whether its condition holds or not."""
    return b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'


def refusal(status: int, code: str) -> bytes:
    """An answer of S3 or Azure that refuses a request, whole; it repeats an access key, as S3's do."""
    body = f"<Error><Code>{code}</Code><AWSAccessKeyId>loopkey</AWSAccessKeyId></Error>".encode() if code else b""
    return b"HTTP/1.1 %d No\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(body), body)
