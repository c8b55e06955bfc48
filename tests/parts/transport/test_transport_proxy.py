"""Proxies: whom the environment puts in between, what the proxy gets to see, and what it refuses."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path

import anyio
import pytest
from rude_server import Server, answer, saying, serving, tunnelling

from replay_fetch.cli.main import exit_code_of
from replay_fetch.errors import (
    ProxyRefused,
    ReplayFetchError,
    RetryableError,
    SettingsError,
    TransportError,
    Unreachable,
)
from replay_fetch.model import Response
from replay_fetch.settings import ApiSettings, FetchSettings
from replay_fetch.transport import check_connection, open_transport

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_proxies")]

HEADERS = {"DD-API-KEY": "key-1"}


@pytest.fixture
async def proxy() -> AsyncIterator[Server]:
    async with serving(tunnelling) as served:
        yield served


async def get(url: str, ca_file: Path | None = None) -> Response:
    async with open_transport(ApiSettings(base_url=url), FetchSettings(ca_file=ca_file), HEADERS) as transport:
        return await transport.get(f"{url}/page")


@pytest.mark.parametrize("setting", ["https_proxy=http://", "HTTPS_PROXY=http://", "all_proxy=http://", "https_proxy="])
async def test_a_proxy_of_the_environment_carries_what_it_cannot_read(
    server: Server, proxy: Server, ca_file: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    name, _, scheme = setting.partition("=")
    monkeypatch.setenv(name, f"{scheme}127.0.0.1:{proxy.port}")
    assert (await get(server.tls_url, ca_file)).body == b"[]"
    assert [head.split()[:2] for head in proxy.heads] == [[b"CONNECT", b"localhost:%d" % server.port]]
    assert b"key-1" not in proxy.heads[0]
    assert b"DD-API-KEY: key-1" in server.heads[0]


async def test_a_host_exempted_by_no_proxy_is_asked_directly(
    server: Server, proxy: Server, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "example.org,localhost")
    assert (await get(server.tls_url, ca_file)).status == 200
    assert proxy.heads == []


async def test_plain_http_to_loopback_passes_no_proxy(monkeypatch: pytest.MonkeyPatch, proxy: Server) -> None:
    """A proxy in between would read the keys."""
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("all_proxy", proxy.url)
    async with serving(saying(answer(b"[]"))) as plain:
        assert (await get(plain.url)).body == b"[]"
    assert proxy.heads == []


async def test_a_proxy_of_another_kind_is_a_settings_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://user:proxy-password@127.0.0.1:1080")
    with pytest.raises(SettingsError, match="socks5") as caught:
        await get("https://localhost:1")
    assert "proxy-password" not in str(caught.value)


REFUSALS: dict[str, tuple[bytes, type[ReplayFetchError], int]] = {
    "wants a user": (b"407 Proxy Authentication Required", ProxyRefused, 3),
    "does not let us there": (b"403 Not for you", Unreachable, 3),
    "is tired": (b"503 Busy", TransportError, 3),
}


@pytest.mark.parametrize("wants", [b"", b'Proxy-Authenticate: Basic realm="corp, proxy-password"'], ids=["", "realm"])
@pytest.mark.parametrize(("status", "kind", "code"), REFUSALS.values(), ids=REFUSALS)
async def test_a_proxys_refusal_is_told_in_its_words_and_without_its_password(
    monkeypatch: pytest.MonkeyPatch, status: bytes, kind: type[ReplayFetchError], code: int, wants: bytes
) -> None:
    async with serving(saying(answer(b"", *filter(None, [wants]), status=status))) as strict:
        monkeypatch.setenv("https_proxy", f"http://user:proxy-password@127.0.0.1:{strict.port}")
        with pytest.raises(ReplayFetchError) as caught:
            await get("https://localhost:1")
        assert b"Proxy-Authorization: Basic dXNlcjpwcm94eS1wYXNzd29yZA==" in strict.heads[0]
    assert (type(caught.value), exit_code_of(caught.value)) == (kind, code)
    assert f"the proxy 127.0.0.1:{strict.port} refused the connection: {status.decode()}" in str(caught.value)
    assert ("corp, ***" in str(caught.value)) == bool(wants)
    assert "proxy-password" not in repr(caught.value)
    assert isinstance(caught.value, RetryableError) == (kind is not ProxyRefused)


@pytest.mark.usefixtures("virtual_clock")
async def test_a_proxy_that_let_requests_through_must_refuse_for_three_minutes_before_it_is_believed(
    server: Server, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuses = [False, True, False, True, True, True]

    async def behave(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if refuses.pop(0):
            writer.write(answer(b"", status=b"407 Proxy Authentication Required"))
        else:
            await tunnelling(head, reader, writer)

    async with serving(behave) as moody:
        monkeypatch.setenv("https_proxy", moody.url)
        api = ApiSettings(base_url=server.tls_url)
        async with open_transport(api, FetchSettings(ca_file=ca_file), HEADERS) as transport:
            for wait, kind in ((0, None), (0, Unreachable), (179, None), (90, Unreachable), (179, Unreachable)):
                await anyio.sleep(wait)
                with pytest.raises(kind) if kind else nullcontext():
                    await transport.get(f"{server.tls_url}/page")
            await anyio.sleep(2)
            with pytest.raises(ProxyRefused):
                await transport.get(f"{server.tls_url}/page")


async def test_a_password_in_any_script_is_sent_as_utf_8(
    server: Server, proxy: Server, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"http://us%C3%A9r:p%23%E2%82%AC@127.0.0.1:{proxy.port}/")
    assert (await get(server.tls_url, ca_file)).body == b"[]"
    assert base64.b64encode("us\u00e9r:p#\u20ac".encode()) in proxy.heads[0]
    assert b"Proxy-Authorization" not in server.heads[0]


async def test_a_proxy_that_nobody_listens_at_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(saying()) as gone:
        pass
    monkeypatch.setenv("all_proxy", f"127.0.0.1:{gone.port}")
    with pytest.raises(TransportError, match=f"the proxy 127.0.0.1:{gone.port}, which ALL_PROXY names"):
        await get("https://localhost:1")


WRONG = {
    "a port past the last": "http://proxy.example:99999",
    "port 0": "http://proxy.example:0",
    "a port that is a word": "http://proxy.example:http",
    "no host": "http://:3128",
    "a host with a space": "http://proxy example:3128",
    "half an IPv6 address": "http://[::1",
    "# in a password": "http://maria:sesa#me@proxy.example:3128",
    "/ in a password": "http://maria:sesa/me@proxy.example:3128",
    "/ behind a number": "http://maria:80/sesa@proxy.example:3128",
    "? in a password": "http://maria:sesa?me@proxy.example:3128",
    "a colon in a user": "http://mar%3Aia:sesa@proxy.example:3128",
    "a label too long": f"http://{'a' * 64}.example:3128",
}


@pytest.mark.parametrize("url", WRONG.values(), ids=WRONG)
async def test_an_unusable_proxy_url_is_found_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(SettingsError, match="HTTPS_PROXY cannot be used") as caught:
        check_connection(ApiSettings(), FetchSettings())
    assert not [part for part in ("mar", "sesa", "example") if part in str(caught.value)]
    assert exit_code_of(caught.value) == 2
