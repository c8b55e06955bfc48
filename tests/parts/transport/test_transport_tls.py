"""TLS: who is trusted, and what helps where somebody is not."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from rude_server import Server, answer, saying, serving

from replay_fetch.cli.main import exit_code_of
from replay_fetch.errors import RetryableError, SettingsError, TransportError, TrustError
from replay_fetch.model import Response
from replay_fetch.settings import ApiSettings, FetchSettings
from replay_fetch.transport import open_transport

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_proxies")]

HEADERS = {"DD-API-KEY": "key-1"}


async def get(url: str, ca_file: Path | None = None) -> Response:
    async with open_transport(ApiSettings(base_url=url), FetchSettings(ca_file=ca_file), HEADERS) as transport:
        return await transport.get(f"{url}/page")


async def test_a_ca_file_is_trusted_beside_the_systems(server: Server, ca_file: Path) -> None:
    assert (await get(server.tls_url, ca_file)).body == b"[]"


@pytest.mark.parametrize(("scheme", "readings"), [("http", 0), ("HTTP", 0), ("https", 1), ("HTTPS", 1)])
async def test_the_systems_cas_are_read_for_https_alone(
    monkeypatch: pytest.MonkeyPatch, scheme: str, readings: int
) -> None:
    usual, made = ssl.create_default_context, []

    def counted() -> ssl.SSLContext:
        made.append(usual())
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", counted)
    async with open_transport(ApiSettings(base_url=f"{scheme}://127.0.0.1:1"), FetchSettings(), HEADERS):
        assert len(made) == readings


async def test_a_ca_file_that_cannot_be_read_is_refused_for_plain_http_too(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--ca-file"):
        await get("http://127.0.0.1:1", tmp_path / "nothing.pem")


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


@pytest.mark.parametrize(
    ("begins", "ends", "reason"),
    [
        (None, datetime(2001, 1, 1, tzinfo=UTC), "has expired"),
        (datetime(2998, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC), "not yet valid"),
    ],
    ids=["expired", "not yet valid"],
)
async def test_a_certificate_out_of_its_time_is_not_helped_by_another_ca(
    authority: trustme.CA, ca_file: Path, begins: datetime | None, ends: datetime, reason: str
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", not_before=begins, not_after=ends).configure_cert(tls)
    async with serving(saying(answer()), tls) as stale:
        with pytest.raises(TrustError, match=f"{reason}.*this machine's clock") as caught:
            await get(stale.tls_url, ca_file)
    assert "--ca-file" not in str(caught.value)


async def test_a_certificate_for_another_name_names_what_leads_there(authority: trustme.CA, ca_file: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("example.org").configure_cert(tls)
    async with serving(saying(answer()), tls) as other:
        with pytest.raises(TrustError, match="look at --site and --base-url"):
            await get(other.tls_url, ca_file)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_a_bundle_that_other_programs_read_is_hinted_at(
    server: Server, ca_file: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(ca_file))
    with pytest.raises(TrustError, match=f"{variable} is not read here: --ca-file {ca_file}$"):
        await get(server.tls_url)


def certificate(subject: str, issuer: str, key: ec.EllipticCurvePublicKey, *, ca: bool) -> x509.CertificateBuilder:
    """A certificate as many a company makes them: without key identifiers and key usage."""
    return (
        x509.CertificateBuilder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]),
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]),
            key,
            x509.random_serial_number(),
            datetime(2000, 1, 1, tzinfo=UTC),
            datetime(2999, 1, 1, tzinfo=UTC),
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=False)
    )


async def test_a_companys_ca_without_key_identifiers_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.13 checks strictly by default, which refuses such a CA; here every version does at first."""
    key, ca_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate("ca", "ca", ca_key.public_key(), ca=True).sign(ca_key, hashes.SHA256())
    leaf = certificate("localhost", "ca", key.public_key(), ca=False).sign(ca_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (tmp_path / "ca.pem").write_bytes(root.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "leaf.pem").write_bytes(leaf.public_bytes(pem) + private)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "leaf.pem")
    usual = ssl.create_default_context

    def strict(*purpose: ssl.Purpose) -> ssl.SSLContext:
        context = usual(*purpose)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    async with serving(saying(answer(b"[]")), tls) as company:
        assert (await get(company.tls_url, tmp_path / "ca.pem")).body == b"[]"
        with pytest.raises(TrustError, match="name its CA with --ca-file"):
            await get(company.tls_url)
