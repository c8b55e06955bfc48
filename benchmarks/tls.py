"""A certificate made on the spot: the server of ``--tls`` shows it, and all that it starts trust it."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.programs import FailedError
from benchmarks.scratch import scratch

_TRUSTED = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")  # OpenSSL's with Python, curl's, requests'
_NAMES = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Certificate:
    """The server's, and that of the CA which signed it, in a folder of their own, as trustme names them."""

    folder: Path

    @property
    def ca_file(self) -> Path:
        return self.folder / "client.pem"

    @property
    def chain_file(self) -> Path:
        return self.folder / "server.pem"

    @property
    def key_file(self) -> Path:
        return self.folder / "server.key"

    @property
    def environment(self) -> Mapping[str, str]:
        """Tells a program of the CA, which it trusts instead of the system's."""
        return dict.fromkeys(_TRUSTED, str(self.ca_file))

    def trusting(self) -> ssl.SSLContext:
        """For a client in this process."""
        return ssl.create_default_context(cafile=self.ca_file)


@contextmanager
def certified(*, wanted: bool) -> Iterator[Certificate | None]:
    """A fresh certificate, gone afterwards, where one is wanted; raises FailedError where trustme is not installed."""
    if not wanted:
        yield None
        return
    if not find_spec("trustme"):
        raise FailedError("--tls is left out, since trustme is not installed, which makes the certificate")
    with scratch(None) as folder:
        # In a process of its own, as the pages are cut: what is loaded here counts as every program's memory.
        command = [sys.executable, "-m", "trustme", "--quiet", "--dir", str(folder), "--identities", *_NAMES]
        subprocess.run(command, check=True)  # noqa: S603 - ours
        yield Certificate(folder)
