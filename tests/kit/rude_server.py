"""Servers on loopback that say what a test wants, byte for byte; one of them is a proxy that opens tunnels."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Behaviour = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What a server does with a request's head; the connection is closed behind it."""

_RESET = struct.pack("ii", 1, 0)  # linger for no time: closing breaks the connection off


@dataclass
class Server:
    """A listening server, and the request heads it was sent."""

    port: int = 0
    heads: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens, without TLS."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        """Where it listens, with TLS."""
        return f"https://localhost:{self.port}"


@asynccontextmanager
async def serving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Listen on a free port; each connection carries one request."""
    served = Server()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            served.heads.append(head)
            await behaviour(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went first
        finally:
            writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    served.port = listening.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        listening.close()


def saying(*chunks: bytes, reset: bool = False) -> Behaviour:
    """Answer with these bytes and close the connection, or break it off."""

    async def behave(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        if reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    return behave


def dripping(begun: bytes, drop: bytes, each: float) -> Behaviour:
    """Begin an answer and go on with a drop in so many seconds, for ever."""

    async def behave(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        while True:
            await writer.drain()
            await asyncio.sleep(each)
            writer.write(drop)

    return behave


def stalling(*chunks: bytes) -> Behaviour:
    """Begin an answer and never go on."""

    async def behave(_head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for chunk in chunks:
            writer.write(chunk)
        await reader.read()  # until the client hangs up

    return behave


def answer(body: bytes = b"{}", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole HTTP answer."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", b""]) + body


async def tunnelling(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What a proxy does with ``CONNECT host:port``; whatever the host, the port is one of this machine."""
    port = int(head.split()[1].rpartition(b":")[2])
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await asyncio.gather(_copied(reader, far_writer), _copied(far_reader, writer))


async def _copied(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while block := await source.read(2**16):
            sink.write(block)
            await sink.drain()
    except ConnectionError:
        pass  # one end is gone
    finally:
        sink.close()
