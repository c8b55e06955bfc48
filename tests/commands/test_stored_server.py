"""The commands that read an archive, over a real S3 server: ranges, processes, refusals, and no secret shown."""

from __future__ import annotations

import re
import socket
import uuid
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
from made_archives import segment, write_archive

from benchmarks.stores import KEY, SECRET, StoreServer
from replay_fetch.cli import main
from replay_fetch.settings import Compression
from replay_fetch.store import door
from replay_fetch.store import shelf as module
from replay_fetch.store.location import parse
from replay_fetch.store.shelf import StoreShelf

VIEWS = {(f"session{number}", view): [segment(), segment(1, 5, 9)] for number in range(4) for view in "ab"}


@pytest.fixture
def url(seaweedfs: StoreServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place of the test's own on the server, whose credentials are in the environment."""
    for name, value in seaweedfs.environment().items():
        monkeypatch.setenv(name, value)
    retries = {"max_retries": 1, "retry_timeout": timedelta(milliseconds=50)}
    monkeypatch.setattr(door, "_RETRIES", retries)
    return seaweedfs.url(uuid.uuid4().hex)


@pytest.fixture
def archive(url: str, tmp_path: Path) -> Path:
    """An archive in a folder, and a copy of it on the server."""
    root = write_archive(tmp_path / "archive", VIEWS, compression=Compression.GZIP)
    for name in ("manifest.ndjson", *(f"sessions/{file.name}" for file in (root / "sessions").iterdir())):
        put(url, name, (root / name).read_bytes())
    return root


def put(url: str, name: str, body: bytes) -> None:
    obstore.put(door.connected(parse(url))._store, name, body, use_multipart=False)


def ran(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main([*words])
    said = capfd.readouterr()
    return code, said.out + said.err


def test_commands_say_the_same_of_an_archive_on_a_server(
    url: str, archive: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for words in map(str.split, ("verify", "verify --jobs 2", "verify --quick", "status", "show --json --pages")):
        stored, local = (
            (code, re.sub(r"[\d.]+ m?s$", "", said.replace(out, "OUT")))
            for out in (url, str(archive))
            for code, said in [ran(capfd, *words, out)]
        )
        assert stored == local
        assert stored[0] == 0


def test_a_view_behind_the_end_of_an_object_ends_with_3_and_verify_names_it(
    url: str, archive: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = "sessions/session2.ndjson.gz"
    for left in (10, (archive / name).stat().st_size - 10):
        put(url, name, (archive / name).read_bytes()[:left])
        code, said = ran(capfd, "show", url, "session2")
        assert code == 3
        assert f"{url}/{name} is shorter than the manifest says" in " ".join(said.split())
    code, said = ran(capfd, "verify", url)
    assert code == 1
    assert said.startswith(f"{name}\n  cut off   view b: the file ends 10 bytes before the view does\n")


def test_a_bucket_without_the_archive_ends_with_3(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    code, said = ran(capfd, "status", url)
    assert (code, f"{url} is not an archive of replay-fetch" in " ".join(said.split())) == (3, True)


def test_wrong_credentials_and_a_dead_server_end_with_3_and_show_no_secret(
    url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    for words in (["status"], ["verify", "-v"]):
        code, said = ran(capfd, *words, url)
        assert code == 3
        assert f"{url}: the bucket" in " ".join(said.split())
        assert not {secret for secret in ("another-secret", KEY) if secret in said}
    monkeypatch.setattr(module, "GIVE_UP_AFTER", 0)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        code, said = ran(capfd, "verify", "-v", url)
    assert code == 3
    assert f"{url}: nothing but faults" in " ".join(said.split())
    assert not {secret for secret in ("another-secret", KEY) if secret in said}


def test_a_shelf_shows_no_secret(url: str) -> None:
    shelf = StoreShelf(parse(url))
    assert not {
        secret for secret in (KEY, SECRET) if secret in repr(shelf) + repr(vars(shelf)) + repr(shelf.__reduce__())
    }
