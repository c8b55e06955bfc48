"""``verify``: whatever is wrong with an archive is found, and nothing where nothing is."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio
import pytest
from archives import WIDE, downloaded
from damaged_archives import VIEWS, flipped, make, manifest, session_files, verified
from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.archive.read.verify import Problem
from replay_fetch.cli.main import main
from replay_fetch.cli.verify_summary import findings_text
from replay_fetch.settings import Compression
from replay_fetch.simulator import PagingSettings, SimulatorSettings
from replay_fetch.simulator.choices import PageChain

# What the manifest says of a view that neither its lines nor its hashes bear witness to.
_HEARSAY = {"outcome", "reason", "source", "shape", "pages", "segments_expected"}

somewhere = st.floats(0, 1, exclude_max=True)
bits = st.integers(0, 7)


@pytest.fixture(scope="module", params=list(Compression))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of a few views for each compression; left as it was by every test."""
    return make(tmp_path_factory.mktemp("made") / "archive", request.param)


@pytest.fixture(scope="module")
def copied(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without what is ours alone."""
    copy = tmp_path_factory.mktemp("copied") / "archive"
    return Path(shutil.copytree(made, copy, ignore=shutil.ignore_patterns(".replay-fetch", "report*")))


def test_verify_finds_an_archive_sound_as_it_is_made(made: Path) -> None:
    found = verified(made)
    assert found.findings == []
    assert (found.views, found.unfinished) == (VIEWS, 0)
    assert "not finished" not in findings_text(found)
    assert found.size == sum(file.stat().st_size for file in session_files(made))


def test_verify_needs_manifest_and_sessions_alone(copied: Path) -> None:
    assert {path.name for path in copied.iterdir()} == {"manifest.ndjson", "sessions"}
    assert verified(copied).findings == []


def test_an_unfinished_archive_is_as_sound_as_a_finished_one(tmp_path: Path) -> None:
    paging = PagingSettings(page_bytes=16_000, chain=PageChain.REPEATED, chain_share=0.5)
    ran = anyio.run(downloaded, SimulatorSettings(limit=WIDE, paging=paging), tmp_path / "cut")
    assert ran.report.unfinished
    assert any(".partial." in file.name for file in session_files(tmp_path / "cut"))
    found = verified(tmp_path / "cut")
    assert (found.findings, found.unfinished) == ([], ran.report.unfinished)
    said = findings_text(found).splitlines()
    assert said[-1] == f"not finished: {found.unfinished} views, see `replay-fetch status {tmp_path / 'cut'}`"


def test_a_manifest_that_was_removed_is_missed_and_nothing_else(tmp_path: Path) -> None:
    """The ledger bears witness to everything else."""
    out = make(tmp_path / "archive")
    (out / "manifest.ndjson").unlink()
    found = verified(out)
    assert [(finding.problem, finding.file) for finding in found.findings] == [(Problem.MISSING, "manifest.ndjson")]
    assert found.views == VIEWS
    assert "run the same download again; it goes on" in " ".join(findings_text(found).split())


@settings(max_examples=40)
@given(place=somewhere, bit=bits)
def test_any_flipped_bit_of_a_session_file_is_found(made: Path, place: float, bit: int) -> None:
    """Headers and trailers of compressed files among them."""
    files = session_files(made)
    file = files[int(place * len(files))]
    at = int((place * len(files) % 1) * file.stat().st_size)
    with flipped(file, at, bit):
        found = {finding.file for finding in verified(made).findings}
    assert found == {f"sessions/{file.name}"}


@settings(max_examples=40)
@given(place=somewhere, bit=bits)
def test_any_flipped_bit_of_the_manifest_is_found(made: Path, place: float, bit: int) -> None:
    path = made / "manifest.ndjson"
    with flipped(path, int(place * path.stat().st_size), bit):
        assert verified(made).findings


@settings(max_examples=40)
@given(place=somewhere, bit=bits)
def test_without_a_ledger_too_unless_it_is_hearsay(copied: Path, place: float, bit: int) -> None:
    """What nothing else bears witness to may change unseen: how a view ended, and all of a view without lines."""
    path = copied / "manifest.ndjson"
    before = manifest(copied)
    with flipped(path, int(place * path.stat().st_size), bit):
        if not verified(copied).findings:
            for was, is_now in zip(before, manifest(copied), strict=True):
                changed = {key for key in was if was[key] != is_now[key]}
                assert changed <= _HEARSAY or not was["bytes"]


def test_verify_names_an_archive_as_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["verify", "nowhere"]) == 3
    assert "there is no folder nowhere" in capsys.readouterr().err
