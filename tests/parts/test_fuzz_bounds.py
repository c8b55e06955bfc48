"""Input that is made to be costly costs no more memory and work than a page may."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import zstandard
from anyio.from_thread import start_blocking_portal
from archives import Archive, write_list
from fuzz.bounded import run_bounded
from rude_server import serving

from replay_fetch.api.page import PageDecoder
from replay_fetch.errors import BadBody
from replay_fetch.model import Response, View
from replay_fetch.settings import ApiSettings

MIB = 2**20
LIMIT = 8 * MIB

# Python, the libraries and what they map take some 300 MiB of addresses before anything is decoded.
MEMORY = 700 * MIB

_DECODE = """
from replay_fetch.api.page import PageDecoder
from replay_fetch.errors import BadBody, GarbledBody
from replay_fetch.model import Response
from replay_fetch.settings import ApiSettings
body = {body}
try:
    page = PageDecoder(ApiSettings()).decode(Response(200, {{"content-length": "9"}}, body))
    print("page of", len(page.segments))
except (BadBody, GarbledBody) as error:
    print(type(error).__name__, error)
"""

CODECS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("outer", CODECS)
@pytest.mark.parametrize("inner", CODECS)
def test_a_bomb_within_a_bomb_is_refused_without_being_held(inner: str, outer: str) -> None:
    """The inner stream alone is 100 MiB; on the wire it is some kilobytes at most."""
    bomb = CODECS[outer](CODECS[inner](bytes(100 * MIB)))
    decoder = PageDecoder(ApiSettings(max_page_bytes=LIMIT))
    tracemalloc.start()
    try:
        with pytest.raises(BadBody, match="more than the 8388608 bytes allowed"):
            decoder.decode(Response(200, {}, bomb))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # zstd makes up to 16 MiB at a time out of 512 bytes.
    assert peak < LIMIT + 40 * MIB


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('b"[" * 10**6', "GarbledBody JSON"),
        ('b"[" * 10**6 + b"]" * 10**6', "GarbledBody JSON nested more than"),
        ("b'{\"segments\":[' + b'{\"a\":' * 10**6", "GarbledBody JSON"),
        ('b\'{"errors":\' + b"[" * 10**6 + b"]" * 10**6 + b"}"', "GarbledBody JSON nested more than"),
        ('b\'{"segments":[{"records":\' + b"[" * 50_000 + b"]" * 50_000 + b"}]}"', "page of 1"),
        ('b"\\n" * 10**6 + b"{}" + b"\\n" * 10**6', "an empty object"),
        ('(b"\\n" * 10**3 + b\'{"records":[],"start":1}\') * 10**3', "page of 1000"),
        ("b'{\"records\":[]}\\n' * 300_000", "page of 300000"),
        ('b"{}\\n" * 300_000', "is no segment: an empty object"),
        ('b"<" * 10**7', "GarbledBody an HTML page"),
        ('b\'{"segments":[{"a":"\' + b"\\\\ud83d" * 10**6', "GarbledBody"),
        ('b"1" * 10**7', "the body is number"),
    ],
    ids=[
        "open",
        "closed",
        "objects",
        "errors",
        "segment",
        "blank",
        "blank-between",
        "many",
        "many-empty",
        "html",
        "surrogates",
        "digits",
    ],
)
def test_a_page_made_to_be_costly_costs_little(body: str, said: str) -> None:
    printed = run_bounded(_DECODE.format(body=body), memory=MEMORY, seconds=20)
    assert said in printed, printed


# 8 kB each, as much as a header may have.
_PIECES = ["a", "a=", "a =", '"', ";", ",", "<", "<a>;", "; rel", " ", "9", "9.", "\\", "(", "Mon, ", "next "]
_STARTS = ["", '<a>;rel="', '"default";r=', "limit=1", "1"]


_READ = """
from fuzz.answers import headers, status
limits = ["x-ratelimit-limit", "x-ratelimit-reset", "x-ratelimit-name", "retry-after", "ratelimit", "ratelimit-policy"]
names = [*limits, "date", "link", "location", "content-encoding", "content-type"]
for text in {texts}:
    head = "".join(f"{{name}}: {{text}}\\n" for name in names)
    headers(f"HTTP 200\\n{{head}}\\n[]".encode())
    status(f"HTTP 429\\n{{head}}\\n{{text}}".encode())
print("read")
"""


def test_garbage_in_headers_costs_work_in_line_with_its_length() -> None:
    """At 16 times the length a header can have, work that grows with its square would take minutes."""
    texts = [start + piece * (16 * 8192 // len(piece)) for start in _STARTS for piece in _PIECES]
    assert run_bounded(_READ.format(texts=texts), memory=MEMORY, seconds=20) == "read\n"


_DOWNLOAD = """
from replay_fetch.cli import main
raise SystemExit(main({words}) - {code})
"""


async def _zeros(length: int | None, writer: asyncio.StreamWriter) -> AsyncIterator[int]:
    """An answer of a gigabyte, with or without its length; the bytes that were taken, time after time."""
    said = b"Connection: close" if length is None else b"Content-Length: %d" % length
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%b\r\n\r\n" % said)
    for _ in range(1024):
        writer.write(bytes(MIB))
        await writer.drain()
        yield MIB


@pytest.mark.parametrize(
    ("length", "most"), [(None, 300 * MIB), (1024 * MIB, 64 * MIB)], ids=["without its length", "announced"]
)
def test_a_page_of_a_gigabyte_is_refused_without_being_held(tmp_path: Path, length: int | None, most: int) -> None:
    """One whose length is announced is not even taken; what is in the sockets' buffers was sent all the same."""
    asked: list[int] = []

    async def behave(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(0)
        async for size in _zeros(length, writer):
            asked[-1] += size

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving(behave)) as server:
        views = write_list(tmp_path / "views.csv", [View("s", "v")])
        words = ["download", str(views), str(tmp_path / "out"), "--base-url", server.url, "--retries", "3"]
        run_bounded(_DOWNLOAD.format(words=words, code=1), memory=900 * MIB, seconds=30)
    (line,) = Archive(tmp_path / "out").manifest().values()
    assert line["outcome"] == "failed"
    assert "larger than a page may be" in line["reason"]
    (taken,) = asked
    assert taken < most
    assert Archive(tmp_path / "out").sessions() == {}
