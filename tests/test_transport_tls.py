"""TLS and proxies: who is trusted, whom the environment puts in between, and what the proxy gets to see."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from rude_server import Server, answer, saying, serving, tunnelling

from replay_fetch.cli.main import exit_code_of
from replay_fetch.errors import RetryableError, SettingsError, TransportError, TrustError
from replay_fetch.model import Answer
from replay_fetch.settings import ApiSettings, FetchSettings
from replay_fetch.transport import open_transport

pytestmark = pytest.mark.anyio

HEADERS = {"DD-API-KEY": "key-1"}


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
async def server(authority: trustme.CA) -> AsyncIterator[Server]:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    async with serving(saying(answer(b"[]")), tls) as served:
        yield served


@pytest.fixture
async def proxy() -> AsyncIterator[Server]:
    async with serving(tunnelling) as served:
        yield served


async def get(url: str, ca_file: Path | None = None) -> Answer:
    async with open_transport(ApiSettings(base_url=url), FetchSettings(ca_file=ca_file), HEADERS) as transport:
        return await transport.get(f"{url}/page")


async def test_a_ca_file_is_trusted_beside_the_systems(server: Server, ca_file: Path) -> None:
    assert (await get(server.tls_url, ca_file)).body == b"[]"


async def test_an_untrusted_certificate_stops_the_run_and_says_what_to_do(server: Server) -> None:
    """It is no RetryableError, so it is not asked again, and the command ends with 3."""
    with pytest.raises(TrustError, match=r"certificate is not trusted .*; name its CA with --ca-file") as caught:
        await get(server.tls_url)
    assert not isinstance(caught.value, RetryableError)
    assert exit_code_of(caught.value) == 3
    assert server.heads == []


async def test_a_certificate_for_another_name_is_not_trusted(authority: trustme.CA, ca_file: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("example.org").configure_cert(tls)
    async with serving(saying(answer()), tls) as other:
        with pytest.raises(TrustError, match="localhost"):
            await get(other.tls_url, ca_file)


@pytest.mark.usefixtures("virtual_clock")
async def test_a_server_without_tls_is_a_transport_error() -> None:
    async with serving(saying(answer())) as plain:
        with pytest.raises(TransportError):
            await get(plain.tls_url)


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


async def test_what_no_proxy_exempts_is_asked_directly(
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


async def test_a_proxy_that_refuses_is_named(server: Server, ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(saying(answer(b"", status=b"407 Proxy Authentication Required"))) as strict:
        monkeypatch.setenv("https_proxy", f"http://user:proxy-password@127.0.0.1:{strict.port}")
        with pytest.raises(TransportError, match="the proxy refused the connection") as caught:
            await get(server.tls_url, ca_file)
        assert b"Proxy-Authorization: Basic" in strict.heads[0]
    assert "proxy-password" not in repr(caught.value)


async def test_a_proxy_of_another_kind_is_a_settings_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://user:proxy-password@127.0.0.1:1080")
    with pytest.raises(SettingsError, match="socks5") as caught:
        await get("https://localhost:1")
    assert "proxy-password" not in str(caught.value)
