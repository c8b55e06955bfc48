"""Real processes in front of a real S3 server: killed at a request, stopped and woken, and silent about credentials."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import obstore
import pytest
import zstandard
from anyio.from_thread import start_blocking_portal
from archives import KEYS, WIDE, write_list
from obstore.store import S3Store
from processes import Done, ended, run, served, start
from store_servers import KEY, SECRET, Lost, losing, seaweedfs
from stored_runs import local_files

from replay_fetch.pipeline.job import DownloadJob
from replay_fetch.pipeline.place import place
from replay_fetch.settings import Settings
from replay_fetch.simulator import PagingSettings, Simulator, SimulatorSettings

__all__ = ["seaweedfs"]

# A sample; STORED_KILLS=32 takes every request of a run, one by one: it has 32 to 34.
KILLS = range(1, int(os.environ.get("STORED_KILLS", "0")) + 1) or (12, 19)
# Eight sessions of a few views, in several pages each.
SIMULATED = SimulatorSettings(limit=WIDE, paging=PagingSettings(page_segments=2))
FLAGS = ("--commit-every", "0.05", "--workers", "2", "--compress", "zstd")


class Bucket:
    """An archive's place on the server: what lies there, the way to it, and a lease that may be taken away."""

    def __init__(self, port: int, folder: Path) -> None:
        self.folder = folder
        self.prefix = uuid.uuid4().hex
        self.url = f"s3://bucket/{self.prefix}"
        self.port = port
        self.store = S3Store(
            "bucket",
            prefix=self.prefix,
            region="us-east-1",
            endpoint=f"http://127.0.0.1:{port}",
            access_key_id=KEY,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
        )

    def environment(self, port: int | None = None, secret: str = SECRET) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port or self.port}",
            "TMPDIR": str(self.folder),  # a killed process leaves its scratch
            "DD_API_KEY": KEYS.api_key,
            "DD_APP_KEY": KEYS.app_key,
        }

    def all(self) -> dict[str, bytes]:
        names = [meta["path"] for meta in obstore.list(self.store).collect()]
        return {name: bytes(obstore.get(self.store, name).bytes()) for name in names}

    def files(self) -> dict[str, bytes]:
        return {name: text for name, text in self.all().items() if not name.startswith((".", "report"))}

    def forget_lease(self) -> None:
        """As if it had stood still for its minute."""
        with suppress(FileNotFoundError):  # killed before the first request made the bucket
            for name in (name for name in self.all() if name.endswith("/lease.json")):
                obstore.delete(self.store, [name])


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with served(SIMULATED) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def on_a_disk(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("local") / "out"
    views = write_list(out.with_suffix(".csv"), simulator.views)
    assert run("download", views, out, "--base-url", simulator.base_url, "--compress", "zstd").code == 0
    return out


@contextmanager
def hearing(port: int, heard: Callable[[int, bytes], Lost]) -> Iterator[int]:
    """A proxy on a port of its own, which tells of each request before it is sent on."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(losing(port, heard)) as proxy:
        yield proxy


def command(views: Path, url: str, simulator: Simulator, *flags: str) -> tuple[str | Path, ...]:
    return ("download", views, url, "--base-url", simulator.base_url, *FLAGS, *flags)


@pytest.mark.parametrize("lost", [Lost.REQUEST, Lost.CONNECTION], ids=["before", "behind"])
@pytest.mark.parametrize("number", KILLS)
def test_a_killed_process_is_followed_by_one_with_an_empty_disk_that_ends_as_if_none_was_killed(
    number: int, lost: Lost, seaweedfs: int, simulator: Simulator, on_a_disk: Path
) -> None:
    bucket, views = Bucket(seaweedfs, on_a_disk.parent), on_a_disk.with_suffix(".csv")
    victims: list[subprocess.Popen[bytes]] = []
    begun = threading.Event()

    def heard(count: int, _: bytes) -> Lost:
        if count < number:
            return Lost.NOTHING
        begun.wait()
        os.kill(victims[0].pid, signal.SIGKILL)
        return lost

    with hearing(seaweedfs, heard) as proxy:
        victims.append(start(*command(views, bucket.url, simulator), keys=bucket.environment(proxy)))
        begun.set()
        assert ended(victims[0]).code == -signal.SIGKILL
    bucket.forget_lease()
    following = run(*command(views, bucket.url, simulator), keys=bucket.environment())
    assert following.code == 0, following
    assert bucket.files() == local_files(on_a_disk)


def test_shards_side_by_side_one_of_them_killed_and_begun_again_are_merged_into_a_single_runs_archive(
    seaweedfs: int, simulator: Simulator, on_a_disk: Path
) -> None:
    bucket, views = Bucket(seaweedfs, on_a_disk.parent), on_a_disk.with_suffix(".csv")
    victims: list[subprocess.Popen[bytes]] = []
    begun = threading.Event()

    def heard(count: int, _: bytes) -> Lost:
        if count == 12:
            begun.wait()
            os.kill(victims[0].pid, signal.SIGKILL)
        return Lost.NOTHING if count < 12 else Lost.REQUEST

    with hearing(seaweedfs, heard) as proxy:
        first = command(views, bucket.url, simulator, "--shard", "0/3")
        victims.append(start(*first, keys=bucket.environment(proxy)))
        begun.set()
        assert ended(victims[0]).code == -signal.SIGKILL
    bucket.forget_lease()
    keys = bucket.environment()
    side_by_side = [
        start(*command(views, bucket.url, simulator, "--shard", f"{index}/3"), keys=keys) for index in range(3)
    ]
    assert [ended(process).code for process in side_by_side] == [0, 0, 0]
    assert run("merge", bucket.url, keys=keys).code == 0
    assert run("verify", bucket.url, keys=keys).code == 0
    files = {name: text for name, text in bucket.files().items() if not name.startswith(("manifest/", "report/"))}
    assert files == local_files(on_a_disk)


def test_a_stopped_process_that_wakes_behind_a_takeover_ends_with_3_and_harms_nothing(
    seaweedfs: int, simulator: Simulator, on_a_disk: Path
) -> None:
    bucket, views = Bucket(seaweedfs, on_a_disk.parent), on_a_disk.with_suffix(".csv")
    sleeping: list[subprocess.Popen[bytes]] = []
    begun, stopped = threading.Event(), threading.Event()

    def heard(_: int, first: bytes) -> Lost:
        if first.startswith(b"PUT") and b"/SESSIONS/" in first and not stopped.is_set():
            begun.wait()
            os.kill(sleeping[0].pid, signal.SIGSTOP)
            stopped.set()
        return Lost.NOTHING

    with hearing(seaweedfs, heard) as proxy:
        sleeping.append(start(*command(views, bucket.url, simulator), keys=bucket.environment(proxy)))
        begun.set()
        assert stopped.wait(60)
        bucket.forget_lease()
        assert run(*command(views, bucket.url, simulator), keys=bucket.environment()).code == 0
        os.kill(sleeping[0].pid, signal.SIGCONT)
        woken = ended(sleeping[0])
    assert woken.code == 3, woken
    assert "taken over" in woken.stderr or "taken this archive over" in woken.stderr
    assert bucket.files() == local_files(on_a_disk)


@pytest.mark.parametrize("secret", [SECRET, "Zq9/wrong+secret"])
def test_credentials_of_the_store_appear_nowhere(
    secret: str, seaweedfs: int, simulator: Simulator, on_a_disk: Path, tmp_path: Path
) -> None:
    bucket, log = Bucket(seaweedfs, on_a_disk.parent), tmp_path / "log"
    flags = ("-v", "--log-file", str(log), "--metrics-file", str(tmp_path / "metrics"), "--keep-raw")
    scratch = ("--scratch", str(tmp_path / "scratch"))
    views = command(on_a_disk.with_suffix(".csv"), bucket.url, simulator, *flags, *scratch)
    done = run(*views, keys={**bucket.environment(secret=secret), "AWS_SESSION_TOKEN": ""})
    assert done.code == (0 if secret == SECRET else 3), done
    texts = [done.stdout.encode(), done.stderr.encode(), *_opened(bucket.all())]
    texts += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(texts) > 4
    assert [text for text in texts if secret.encode() in text or KEY.encode() in text] == []


def test_a_job_that_is_sent_to_another_machine_has_the_address_and_no_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    job = DownloadJob("views.csv", place("s3://bucket/season"), Settings(), KEYS)
    assert SECRET.encode() not in pickle.dumps((job.out, job.settings))
    assert SECRET not in repr(job)


def test_a_run_that_holds_the_archive_sends_the_next_one_away_with_3(
    seaweedfs: int, simulator: Simulator, on_a_disk: Path
) -> None:
    bucket, views = Bucket(seaweedfs, on_a_disk.parent), on_a_disk.with_suffix(".csv")
    lease = b'{"holder":"worker-7/31/5f0c9a1b","epoch":1}'
    obstore.put(bucket.store, ".replay-fetch/lease.json", lease)
    refused: Done = run(*command(views, bucket.url, simulator), keys=bucket.environment())
    assert refused.code == 3, refused
    assert "another run is writing to" in refused.stderr
    assert "--wait-for-lock 60" in refused.stderr


def _opened(files: dict[str, bytes]) -> list[bytes]:
    """Each object, and its text where it is packed."""
    packed = [content for content in files.values() if content.startswith(b"\x28\xb5\x2f\xfd")]
    return [*files.values(), *(zstandard.ZstdDecompressor().decompressobj().decompress(each) for each in packed)]


def test_a_list_of_sessions_with_events_and_an_erasure_are_on_a_server_what_they_are_on_a_disk(
    seaweedfs: int, simulator: Simulator, tmp_path: Path
) -> None:
    bucket, ids, out = Bucket(seaweedfs, tmp_path), tmp_path / "ids.txt", tmp_path / "out"
    sessions = list(dict.fromkeys(view.session_id for view in simulator.views))
    ids.write_text("\n".join(sessions) + "\n", "ascii")
    flags = ("--sessions", ids, "--base-url", simulator.base_url, "--compress", "zstd", "--events")
    for archive in (out, bucket.url):
        # Of views that are younger than a day, more may come: that is no failure, and both say it.
        assert run("download", archive, *flags, keys=bucket.environment()).code in {0, 1}
    assert bucket.files() == local_files(out)
    for archive in (out, bucket.url):
        assert run("erase", archive, "--session", sessions[0], keys=bucket.environment()).code == 0
    assert _without_erasures(bucket.files()) == _without_erasures(local_files(out))
    assert [text for text in _opened(bucket.all()) if sessions[0].encode() in text] == []
    assert run("verify", bucket.url, keys=bucket.environment()).code == 0


def _without_erasures(files: dict[str, bytes]) -> dict[str, bytes]:
    """All but the reports of erasures, which are named and dated by the second."""
    return {name: text for name, text in files.items() if not name.startswith("erasures/")}
