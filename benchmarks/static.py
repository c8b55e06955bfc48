"""Serves the benchmark's pages where nginx is not installed: see ``--help``."""

from __future__ import annotations

import argparse
import asyncio
import re
import ssl
from functools import partial
from pathlib import Path

from benchmarks.server import HEADERS, PAGES
from benchmarks.tls import Certificate

_PAGING = re.compile(rb"[?&]paging=p(\d)")
_ASKED = b"HTTP/1.1 200 OK\r\n\r\nserver accepts handled requests\n 0 0 %d \n"  # as nginx words it
_LIMIT = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())


class Pages(asyncio.Protocol):
    """One connection; the whole answers lie ready in memory."""

    asked = 0
    """Requests so far, on all ports."""

    def __init__(self, answers: dict[int, bytes]) -> None:
        self._answers = answers
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for request in requests:
            Pages.asked += 1
            if request.startswith(b"GET /asked "):
                self._transport.write(_ASKED % Pages.asked)
                self._transport.close()
                return
            paging = _PAGING.search(request.partition(b"\r\n")[0])
            self._transport.write(self._answers[int(paging[1]) if paging else 1])


def answers(folder: Path) -> dict[int, bytes]:
    coding = "" if folder.name == "plain" else f"Content-Encoding: {folder.name}\r\n"
    found = {}
    for page in range(1, PAGES + 1):
        body = (folder / f"{page}.json").read_bytes()
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{coding}{_LIMIT}Content-Length: {len(body)}\r\n\r\n"
        )
        found[page] = head.encode() + body
    return found


def showing(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate.chain_file, certificate.key_file)
    return context


async def main(folder: Path, places: list[str], tls: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    for place in places:
        what, _, port = place.partition("=")
        ready = answers(folder / what)
        await loop.create_server(partial(Pages, ready), "127.0.0.1", int(port), ssl=tls)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.static")
    parser.add_argument("folder", type=Path)
    parser.add_argument("places", nargs="+", metavar="WHAT=PORT", help="a folder of pages below, and its port")
    parser.add_argument("--tls", type=Path, metavar="FOLDER", help="of a certificate")
    options = parser.parse_args()
    asyncio.run(main(options.folder, options.places, showing(Certificate(options.tls)) if options.tls else None))
