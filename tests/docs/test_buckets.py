"""The guide to buckets: its commands are taken, its policy is JSON, and its Dockerfile says what the guide promises."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import obstore
import pytest
from archives import write_list
from dockerless import Image, require_layers
from memory_stores import names
from obstore.store import MemoryStore
from processes import run_here, served
from readme import GUIDES, ROOT
from store_buckets import SIMULATED, Bucket
from stored_runs import local_files, over, stored_files

from benchmarks.stores import StoreServer
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.cli.main import command_parser
from replay_fetch.store.shelf import StoreShelf

GUIDE = GUIDES["buckets"]
DOCKERFILE = (ROOT / "replay_fetch" / "guides" / "Dockerfile").read_text()
TYPED = [shlex.split(line, comments=True)[1:] for line in re.findall(r"^\$ (replay-fetch .*)$", GUIDE, re.MULTILINE)]
ARGUMENTS = [[word.strip().strip('"') for word in found.split(",")] for found in re.findall(r"args: \[(.*)\]", GUIDE)]


@pytest.mark.parametrize("words", [*TYPED, *ARGUMENTS], ids=" ".join)
def test_each_command_of_the_guide_is_taken(words: list[str]) -> None:
    options = command_parser(words[0]).parse_args(words[1:])
    place = options.out.place() if isinstance(options.out, StoreShelf | DiskShelf) else str(options.out)
    # The last commands of the guide's part on reading are of a copy on a disk.
    assert place == next((word for word in reversed(words) if "://" in word), "season")


def test_both_kinds_of_job_and_the_shell_are_in_the_guide() -> None:
    assert (len(TYPED), len(ARGUMENTS)) == (16, 2)


def test_the_policy_allows_what_a_run_does_and_nothing_else() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    actions = [action for each in json.loads(text)["Statement"] for action in [each["Action"]]]
    assert actions == [
        ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
        "s3:ListBucket",
    ]


def test_the_image_has_two_stages_and_a_user_that_is_not_root() -> None:
    steps = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    words = [word for word, _ in steps]
    assert words.count("FROM") == 2
    assert words.index("USER") > [at for at, word in enumerate(words) if word == "RUN"][-1]
    assert dict(steps)["USER"] == "10001"
    copied = [name for word, rest in steps if word == "COPY" and "--from" not in rest for name in rest.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {project["readme"], project["license-files"][0]} <= set(copied)
    assert "store" in project["optional-dependencies"]


def test_a_demo_goes_into_a_store_as_it_stands_in_the_guide(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = MemoryStore()
    (words,) = (words for words in TYPED if words[0] == "demo")
    with over(monkeypatch, store):
        assert main([*words, "-q"]) == 0
    assert "the recordings are in s3://bucket/demo/sessions/" in capsys.readouterr().out
    assert len([name for name in stored_files(store) if name.startswith("sessions/")]) == 8
    assert "report.json" in names(store)


def test_the_image_downloads_into_a_bucket_as_a_user_that_is_not_root(seaweedfs: StoreServer, tmp_path: Path) -> None:
    """Each step of the Dockerfile is carried out; the list lies in the bucket, as in the guide's job."""
    require_layers()
    with served(SIMULATED) as simulator:
        bucket = Bucket(seaweedfs, tmp_path)
        views = write_list(tmp_path / "views.csv", simulator.views)
        obstore.put(bucket.store, "lists/season.csv", views.read_bytes(), use_multipart=False)
        words = ["download", f"{bucket.url}/lists/season.csv", f"{bucket.url}/season", "--base-url", simulator.base_url]
        credentials = {name: text for name, text in bucket.environment().items() if name != "TMPDIR"}
        done = Image(DOCKERFILE, ROOT, tmp_path / "image").run(
            "id -u; pwd; echo $TMPDIR; touch /scratch/mine; ! touch /image/mine; ls /src /wheels || true",
            [*words, "-q"],
            [],
            environment=credentials,
        )
        assert done.code == 0, done
        out = tmp_path / "out"
        assert run_here("download", views, out, "--base-url", simulator.base_url, "-q").code == 0
    told = done.stdout.splitlines()
    assert told[:3] == ["10001", "/home/replay", "/scratch"]
    assert told[3].startswith(f"27 views in {bucket.url}/season")
    assert "usage: replay-fetch COMMAND" in done.stdout
    season = {name.removeprefix("season/"): text for name, text in bucket.files().items() if "sessions/" in name}
    assert season == {name: text for name, text in local_files(out).items() if name.startswith("sessions/")}
