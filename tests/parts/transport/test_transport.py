"""The door to aiohttp: whole answers or plain errors, and nothing of the request in any of them."""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rude_server import Behaviour, Server, answer, dripping, saying, serving, stalling
from virtual_clock import VirtualClockLoop

from replay_fetch.errors import Rejected, SettingsError, Stalled, TransportError, Unreachable
from replay_fetch.memory import Hold, Memory
from replay_fetch.model import Response
from replay_fetch.settings import ApiSettings, FetchSettings
from replay_fetch.transport import Transport, open_transport

pytestmark = pytest.mark.anyio

SECRET = "key-that-nobody-may-see"  # noqa: S105 - looked for in what comes out
BOUND = 2**20
HEADERS = {"DD-API-KEY": SECRET}
FETCH = FetchSettings(workers=4, connect_timeout=60.0, read_timeout=60.0)  # no race where the machine is busy


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def asking(behaviour: Behaviour) -> AsyncIterator[tuple[Transport, Server]]:
    async with (
        serving(behaviour) as server,
        open_transport(ApiSettings(base_url=server.url, max_page_bytes=BOUND), FETCH, HEADERS) as transport,
    ):
        yield transport, server


async def get(behaviour: Behaviour) -> Response:
    async with asking(behaviour) as (transport, server):
        return await transport.get(f"{server.url}/page?paging=a%2Bb")


async def test_an_answer_is_given_whole_and_as_it_came() -> None:
    """Header names in lower case, repeats joined; a compressed body is not opened here."""
    body = b"\x1f\x8bnot really gzip"
    got = await get(saying(answer(body, b"Content-Encoding: gzip", b"X-A: 1", b"x-a: 2", status=b"418 Teapot")))
    assert (got.status, got.body) == (418, body)
    assert (got.headers["x-a"], got.headers["content-encoding"]) == ("1, 2", "gzip")
    assert got.received_at >= got.sent_at > 0


async def test_header_bytes_that_are_no_text_are_replaced() -> None:
    """They come as lone surrogates, which neither a file nor the database takes."""
    got = await get(saying(answer(b"{}", b"X-A: caf\xe9", "X-B: caf\N{LATIN SMALL LETTER E WITH ACUTE}".encode())))
    assert (got.headers["x-a"], got.headers["x-b"]) == (
        "caf\N{REPLACEMENT CHARACTER}",
        "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
    )


async def test_the_url_goes_out_as_it_is_with_the_keys_in_headers() -> None:
    async with asking(saying(answer())) as (transport, server):
        await transport.get(f"{server.url}/a%2Fb?paging=a%2Bb%3D%25")
        head = server.heads[0]
    assert head.startswith(b"GET /a%2Fb?paging=a%2Bb%3D%25 HTTP/1.1\r\n")
    assert f"DD-API-KEY: {SECRET}\r\n".encode() in head
    assert SECRET.encode() not in head.split(b"\r\n", 1)[0]


@pytest.mark.parametrize("url", ["http://{elsewhere}/page", "http://{ours}@{elsewhere}/page"])
async def test_whatever_the_url_no_other_origin_is_asked(url: str) -> None:
    async with serving(saying(answer())) as elsewhere, asking(saying(answer())) as (transport, server):
        ours, other = (each.url.removeprefix("http://") for each in (server, elsewhere))
        with pytest.raises(ValueError, match="is not of"):
            await transport.get(url.format(ours=ours, elsewhere=other))
    assert server.heads == elsewhere.heads == []


async def test_a_base_url_in_capitals_is_the_same() -> None:
    async with (
        serving(saying(answer(b"{}"))) as server,
        open_transport(ApiSettings(base_url=server.url.upper()), FETCH, HEADERS) as transport,
    ):
        assert (await transport.get(f"{server.url.upper()}/page")).body == b"{}"


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary", b"308 Permanent"])
async def test_a_redirect_is_an_answer_and_is_not_followed(status: bytes) -> None:
    async with serving(saying(answer())) as elsewhere:
        got = await get(saying(answer(b"", b"Location: " + elsewhere.url.encode(), status=status)))
    assert (got.status, elsewhere.heads) == (int(status[:3]), [])


async def test_cookies_are_not_kept() -> None:
    async with asking(saying(answer(b"{}", b"Set-Cookie: a=1; Path=/", b"Connection: close"))) as (transport, server):
        await transport.get(server.url)
        await transport.get(server.url)
        assert not any(b"cookie" in head.lower() for head in server.heads)


async def test_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with asking(saying(answer())) as (transport, server):
        await transport.get(server.url)
        assert b"authorization" not in server.heads[0].lower()


HEAD = b"HTTP/1.1 200 OK\r\n"
RUDE = {
    "closed without a word": (saying(), "the server closed the connection without an answer"),
    "reset before the answer": (saying(reset=True), "connection reset by peer"),
    "cut inside the head": (saying(HEAD + b"Content-Le"), "the server closed the connection without an answer"),
    "body shorter than said": (saying(HEAD + b"Content-Length: 9\r\n\r\n{}"), "the answer's body ended early"),
    "last chunk missing": (
        saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        "the answer's body ended early",
    ),
    "chunk size is no number": (
        saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
        "the answer is not valid HTTP (invalid character in chunk size)",
    ),
    "another protocol": (saying(b"SSH-2.0-OpenSSH_9.6\r\n"), "the answer is not valid HTTP (bad status line)"),
    "two lengths": (
        saying(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        "the answer is not valid HTTP (duplicate content-length)",
    ),
    "a length beside chunks": (
        saying(HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        "the answer is not valid HTTP (transfer-encoding can't be present with content-length)",
    ),
    "status is no number": (saying(b"HTTP/1.1 OK 200\r\n\r\n"), "the answer is not valid HTTP (bad status line)"),
}


def with_headers(longest: int, many: int) -> bytes:
    return answer(
        b"{}", b"Content-Security-Policy: " + b"x" * longest, *[b"X-%d: 1" % number for number in range(many)]
    )


@pytest.mark.parametrize(("longest", "many"), [(9_000, 200), (65_000, 3), (3, 990)])
async def test_long_and_many_headers_as_gateways_send_are_read(longest: int, many: int) -> None:
    """The library's own bounds are 8,190 bytes and 128 headers."""
    got = await get(saying(with_headers(longest, many)))
    assert (len(got.headers["content-security-policy"]), len(got.headers)) == (longest, many + 2)


@pytest.mark.parametrize("sent", [with_headers(70_000, 3), with_headers(3, 1_100), HEAD + b"X: " + b"x" * 100_000])
async def test_headers_past_the_bounds_are_refused_and_the_bounds_named(sent: bytes) -> None:
    with pytest.raises(Rejected, match="a header over 64 kB, or more than 1,000 headers"):
        await get(saying(sent))


async def test_a_name_that_is_not_resolved_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with open_transport(ApiSettings(base_url="https://nowhere.invalid"), FETCH, HEADERS) as transport:
        with pytest.raises(Unreachable, match=r"nowhere\.invalid cannot be resolved: name or service not known"):
            await transport.get("https://nowhere.invalid/page")


@pytest.mark.parametrize(("behaviour", "words"), RUDE.values(), ids=RUDE)
async def test_a_broken_answer_is_named_in_plain_words(behaviour: Behaviour, words: str) -> None:
    with pytest.raises(TransportError) as caught:
        await get(behaviour)
    assert str(caught.value) == words


async def test_a_kept_connection_that_breaks_costs_one_request() -> None:
    """The library would ask again by itself on a new connection: past the pacer, and uncounted."""
    on_kept: list[bytes] = []

    async def answering_once(_head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer())
        on_kept.append(await reader.readuntil(b"\r\n\r\n"))

    async with asking(answering_once) as (transport, server):
        await transport.get(f"{server.url}/first")
        with pytest.raises(TransportError, match="the server closed the connection without an answer"):
            await transport.get(f"{server.url}/second")
    assert [head.split()[1] for head in server.heads + on_kept] == [b"/first", b"/second"]


async def test_a_port_where_nobody_listens_is_a_transport_error() -> None:
    async with serving(saying()) as gone:
        pass
    async with open_transport(ApiSettings(base_url=gone.url), FETCH, HEADERS) as transport:
        with pytest.raises(TransportError, match="connect call failed"):
            await transport.get(gone.url)


@pytest.mark.parametrize("begun", [b"", HEAD, HEAD + b"Content-Length: 100\r\n\r\nbegun"])
async def test_a_stall_ends_after_the_read_timeout(begun: bytes, virtual_clock: VirtualClockLoop) -> None:
    """Silence before the answer, inside its head, inside its body."""
    began = virtual_clock.time()
    with pytest.raises(Stalled, match="stalled: no byte within --read-timeout"):
        await get(stalling(begun))
    assert virtual_clock.time() - began == pytest.approx(FETCH.read_timeout, abs=1.0)


@pytest.mark.parametrize(
    ("begun", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        (HEAD, b"X-More: 1\r\n"),
        (HEAD + b"Content-Length: 900\r\n\r\n", b"x"),
        (HEAD + b"Content-Length: 900000\r\n\r\n", b"x" * 10),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["header", "headers", "short body", "long body", "chunks"],
)
async def test_an_answer_that_drips_counts_as_stalled(
    begun: bytes, drop: bytes, virtual_clock: VirtualClockLoop
) -> None:
    """A drop each half second: no read is ever without a byte for long."""
    began = virtual_clock.time()
    with pytest.raises(Stalled, match="after --read-timeout, the answer still comes at under 1 kB a second"):
        await get(dripping(begun, drop, 0.5))
    assert virtual_clock.time() - began == pytest.approx(FETCH.connect_timeout + FETCH.read_timeout, abs=5.0)


@pytest.mark.parametrize("told", [b"Content-Length: 400000\r\n\r\n", b"\r\n"], ids=["length", "no length"])
async def test_a_slow_answer_that_keeps_the_least_speed_is_read_to_its_end(
    told: bytes, virtual_clock: VirtualClockLoop
) -> None:
    async def slow(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + told)
        for _ in range(200):
            await writer.drain()
            await asyncio.sleep(2.0)
            writer.write(b"x" * 2_000)

    began = virtual_clock.time()
    assert len((await get(slow)).body) == 400_000
    assert virtual_clock.time() - began > 5 * FETCH.read_timeout


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_past_the_bound_is_not_read_to_its_end(chunked: bool) -> None:  # noqa: FBT001 - a table's column
    much = b"x" * BOUND
    head = HEAD + (b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"Content-Length: %d\r\n\r\n" % 2**30)
    block = b"100000\r\n" + much + b"\r\n" if chunked else much
    with pytest.raises(Rejected, match="larger than a page may be; ask for smaller ones with --max-list-size"):
        await get(saying(head, *[block] * 16))


async def test_a_body_up_to_the_bound_is_read() -> None:
    body = b"x" * BOUND
    assert (await get(saying(answer(body)))).body == body


def _told(error: BaseException | None) -> Iterator[str]:
    """All that an exception and what hangs on it can give away."""
    while error is not None:
        yield repr(error)
        yield str(error)
        yield repr(vars(error))
        yield "".join(traceback.format_exception(error))
        assert error.__context__ is error.__cause__ is None
        error = error.__cause__


@pytest.mark.parametrize("behaviour", [rude for rude, _ in RUDE.values()], ids=RUDE)
async def test_no_error_gives_the_keys_away(behaviour: Behaviour) -> None:
    """The library's own exceptions hold the request: neither cause nor context may keep one."""
    with pytest.raises(TransportError) as caught:
        await get(behaviour)
    assert not any(SECRET in told for told in _told(caught.value))


async def test_a_cancelled_question_is_just_cancelled() -> None:
    async with asking(stalling()) as (transport, server):
        question = asyncio.ensure_future(transport.get(server.url))
        while not server.heads:  # noqa: ASYNC110 - its arrival is the server's to note, which has no event
            await asyncio.sleep(0)
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file or directory"), (b"no pem", "no certificate")])
async def test_a_ca_file_that_cannot_be_used_is_a_settings_error(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=rf"--ca-file .*ca\.pem.*{reason}"):
        async with open_transport(ApiSettings(), FetchSettings(ca_file=path), HEADERS):
            pytest.fail("opened")


class WatchedMemory(Memory):
    """Tells when somebody wants some."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.wants = asyncio.Event()

    async def take(self, size: int) -> None:
        self.wants.set()
        await super().take(size)


@pytest.mark.parametrize("there", [1_000_000, 600_000], ids=["whole", "cut while it waits"])
async def test_a_large_body_waits_for_room(there: int) -> None:
    memory = WatchedMemory(4_000_000)
    large, second = Hold(memory), Hold(memory)
    await large.take(3_000_000)
    memory.wants.clear()
    sent = answer(b"x" * 1_000_000)
    async with asking(saying(sent[: len(sent) - 1_000_000 + there])) as (transport, server):
        asked = asyncio.ensure_future(transport.get(server.url, second))
        await memory.wants.wait()
        await asyncio.wait([asked], timeout=0.05)  # the server has gone meanwhile
        assert (asked.done(), second.size) == (False, 0)
        large.change(0)
        if there == 1_000_000:
            assert len((await asked).body) == there
        else:
            with pytest.raises(TransportError, match="ended early"):
                await asked
    assert memory.held == second.size == 3_000_000


@pytest.mark.parametrize(
    ("sent", "held"),
    [
        (answer(b"x" * 80_000), 0),
        (answer(b"x" * 90_000), 270_000),
        (answer(b"x" * 10_000, b"Content-Encoding: gzip"), 0),
        (answer(b"x" * 12_000, b"Content-Encoding: gzip"), 288_000),
    ],
    ids=["small", "large", "small, packed", "large, packed"],
)
async def test_a_large_body_holds_the_memory_that_decoding_takes(sent: bytes, held: int) -> None:
    hold = Hold(Memory(2**40))
    async with asking(saying(sent)) as (transport, server):
        await transport.get(server.url, hold)
    assert hold.size == held


async def test_a_body_that_does_not_tell_its_length_is_held_as_it_grows() -> None:
    hold = Hold(Memory(2**40))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [b"x" * 400_000] * 4) + b"0\r\n\r\n"
    told = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    async with asking(saying(told)) as (transport, server):
        assert len((await transport.get(server.url, hold)).body) == 1_600_000
    assert hold.size == 3 * 1_600_000
