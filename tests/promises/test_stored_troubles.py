"""What may go wrong around a download into a store: each end says what, where and what to do, and harms nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from crash.mixtures import impatient
from processes import run
from small_disks import ROOT, limited, mounted
from store_buckets import SIMULATED, Bucket, command, hearing
from store_faults import Lost, accepted, refusal
from stored_commands import on_a_disk, simulator
from stored_runs import local_files

from benchmarks.stores import SECRET, StoreServer
from replay_fetch.cli import main
from replay_fetch.simulator import Simulator

__all__ = ["SIMULATED", "on_a_disk", "simulator"]


class Downloads:
    """Downloads in this process, of one list; their words are held to show neither a traceback nor a secret."""

    def __init__(self, out: Path, simulator: Simulator, patch: pytest.MonkeyPatch) -> None:
        self.out, self.views = out, out.with_suffix(".csv")
        self.simulator = simulator
        self._patch = patch

    def command(self, bucket: Bucket, *flags: str) -> tuple[str | Path, ...]:
        return command(self.views, bucket.url, self.simulator, "-q", "--give-up-after", "0.5", *flags)

    def run(self, bucket: Bucket, *flags: str, port: int | None = None) -> int:
        for name, value in bucket.environment(port).items():
            self._patch.setenv(name, value)
        return main([*map(str, self.command(bucket, *flags))])

    def go_on(self, bucket: Bucket, *flags: str) -> None:
        """Run the same command again, which makes the archive that one without trouble makes."""
        assert self.run(bucket, *flags) == 0
        assert bucket.files() == local_files(self.out)


@pytest.fixture
def downloads(
    simulator: Simulator, on_a_disk: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Downloads]:
    impatient(monkeypatch)
    yield Downloads(on_a_disk, simulator, monkeypatch)
    said = "".join(capfd.readouterr())
    assert "Traceback" not in said
    assert SECRET not in said


class Refused(NamedTuple):
    """A store's answer, the exit code where it is the first one, and what a user is told."""

    status: int
    code: str
    exits: int
    says: str


REFUSED = [
    Refused(404, "NoSuchBucket", 2, "does not exist (NoSuchBucket); make it, or correct the address or the endpoint"),
    Refused(301, "PermanentRedirect", 2, "lies in another region; set AWS_REGION to the bucket's own"),
    Refused(400, "AuthorizationHeaderMalformed", 2, "lies in another region (AuthorizationHeaderMalformed); set AWS_"),
    Refused(501, "NotImplemented", 2, "cannot write on a condition (NotImplemented); use a store with If-None-Match"),
    Refused(403, "AccessDenied", 3, "is not open to these credentials (AccessDenied); allow reading and listing"),
    Refused(403, "InvalidAccessKeyId", 3, "does not know these credentials (InvalidAccessKeyId); set those of this"),
    Refused(400, "ExpiredToken", 3, "says that the credentials have expired (ExpiredToken); renew them and run the"),
    Refused(403, "RequestTimeTooSkewed", 3, "says that this machine's clock is wrong (RequestTimeTooSkewed); set the"),
    Refused(503, "SlowDown", 3, "the last one: status 503; run the same command again when the store is well"),
]


@pytest.mark.parametrize("first", [1, 25], ids=["at first", "in a run"])
@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.code)
def test_a_store_that_refuses_ends_a_download_with_its_words_and_the_next_one_goes_on(
    refused: Refused, first: int, seaweedfs: StoreServer, downloads: Downloads, capfd: pytest.CaptureFixture[str]
) -> None:
    """A mistake in settings is one as long as nothing was asked of the API; a run that is under way ends with 3."""
    bucket, asked = Bucket(seaweedfs, downloads.out.parent), downloads.simulator.counts.requests
    answer = refusal(refused.status, refused.code)
    with hearing(seaweedfs, lambda number, _: answer if number >= first else Lost.NOTHING) as proxy:
        assert downloads.run(bucket, port=proxy) == (refused.exits if first == 1 else 3)
    assert (downloads.simulator.counts.requests > asked) == (first > 1)
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith(f"replay-fetch: {bucket.url}: ")
    assert refused.says in last
    bucket.forget_lease()
    downloads.go_on(bucket)


@pytest.mark.parametrize("any_store", ["azurite", "moto"], indirect=True)
def test_a_bucket_that_is_not_there_ends_a_download_with_2(
    any_store: StoreServer, downloads: Downloads, capfd: pytest.CaptureFixture[str]
) -> None:
    bucket = Bucket(any_store, downloads.out.parent)
    bucket.url = f"{any_store.scheme}://missing/season"
    assert downloads.run(bucket) == 2
    assert f"{bucket.url}: the bucket does not exist" in capfd.readouterr().err


def test_a_store_that_takes_no_notice_of_conditions_ends_a_download_with_2(
    moto: StoreServer, downloads: Downloads, capfd: pytest.CaptureFixture[str]
) -> None:
    bucket, asked = Bucket(moto, downloads.out.parent), downloads.simulator.counts.requests
    with hearing(moto, lambda _, first: accepted() if first.startswith(b"PUT") else Lost.NOTHING) as proxy:
        assert downloads.run(bucket, port=proxy) == 2
    assert f"{bucket.url}: the store takes writes whose condition does not hold" in capfd.readouterr().err
    assert downloads.simulator.counts.requests == asked
    assert bucket.all() == {}


@pytest.mark.skipif(not ROOT, reason="only root can mount a small disk")
@pytest.mark.parametrize("size", ["40k", "120k"])
def test_a_full_scratch_ends_a_download_with_3_and_room_lets_it_go_on(
    size: str, seaweedfs: StoreServer, downloads: Downloads, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bucket, disk = Bucket(seaweedfs, downloads.out.parent), tmp_path / "disk"
    with mounted(disk, f"size={size}") as remount:
        assert downloads.run(bucket, "--scratch", str(disk / "scratch")) == 3
        last = capfd.readouterr().err.splitlines()[-1]
        assert str(disk) in last
        assert "free some room" in last
        assert last.endswith("run the same command again")
        remount("size=20m")
        downloads.go_on(bucket, "--scratch", str(disk / "scratch"))


@pytest.mark.parametrize("blocks", [16, 200])
def test_a_limit_on_the_size_of_files_ends_a_download_with_3_and_without_it_the_next_goes_on(
    blocks: int, seaweedfs: StoreServer, downloads: Downloads
) -> None:
    bucket = Bucket(seaweedfs, downloads.out.parent)
    done = run(*downloads.command(bucket), keys=bucket.environment(), command=limited(f"-f {blocks}"))
    assert done.code == 3, done
    assert "Traceback" not in done.stderr, done
    downloads.go_on(bucket)
