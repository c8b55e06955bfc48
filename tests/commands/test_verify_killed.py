"""``verify`` of an archive whose last run was killed, or is still going on: the ledger knows more than the manifest."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from archives import WIDE, Archive, Job, download
from crash.harness import staged
from crash.points import BEFORE, Crash
from crash.scenarios import SCENARIOS
from damaged_archives import flipped, make, manifest, problems, session_files, verified, write_manifest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import locked
from replay_fetch.archive.read.readers import Processes
from replay_fetch.archive.read.verify import Problem
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.errors import ArchiveError
from replay_fetch.inspect.rebuild import rebuild
from replay_fetch.inspect.verify import Verifying
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.model import View
from replay_fetch.settings import ArchiveSettings, Compression, FetchSettings
from replay_fetch.simulator import Fault, Simulator, SimulatorSettings

# Some views fail, so that others of their sessions wait in parts.
_SIMULATED = SimulatorSettings(limit=WIDE, faults=(Fault.parse("500:sticky,rate=0.2"),))
somewhere = st.floats(0, 1, exclude_max=True)
bits = st.integers(0, 7)


def job(compression: Compression) -> Job:
    return Job(fetch=FetchSettings(workers=8, retries=0), archive=ArchiveSettings(compression))


async def two_lists(out: Path, compression: Compression, *, kill: bool) -> None:
    """One view of each session, then all; the second run may be without what it does at its end."""
    async with Simulator(_SIMULATED) as simulator:
        first = list({view.session_id: view for view in simulator.views}.values())
        await download(simulator, out, job(compression), views=first)
        with pytest.MonkeyPatch.context() as patch:
            if kill:
                patch.setattr("replay_fetch.pipeline.run.bring_manifest_up_to_date", lambda *_, **__: None)
            await download(simulator, out, job(compression))


@pytest.fixture(scope="module", params=list(Compression))
def killed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive whose second run did not write its manifest; left as it was by every test."""
    out = tmp_path_factory.mktemp("killed") / "archive"
    anyio.run(lambda: two_lists(out, request.param, kill=True))
    return out


@pytest.fixture
def archive(killed: Path, tmp_path: Path) -> Path:
    """A copy to work on."""
    return Path(shutil.copytree(killed, tmp_path / "archive"))


def parts(root: Path) -> list[Path]:
    return sorted(Layout(root).parts.iterdir())


def test_files_that_only_the_ledger_knows_of_are_good(killed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = session_files(killed)
    known = {line["file"] for line in manifest(killed)}
    assert {f"sessions/{file.name}" for file in files} - known
    assert parts(killed)
    assert main(["verify", str(killed)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "the last run did not come to its end" in said
    assert "the same download again goes on where it stopped" in said
    assert "--rebuild" not in said
    assert main(["verify", "--json", str(killed)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["good"], told["run_ended"]) == (True, False)
    assert told["views"] > len(manifest(killed))


def test_files_are_good_before_the_end_of_a_first_run(archive: Path) -> None:
    Layout(archive).manifest.unlink()
    found = verified(archive)
    assert (found.findings, found.run_ended) == ([], False)


def test_files_staged_by_a_killed_run_are_unknown_to_the_ledger_and_no_finding(archive: Path) -> None:
    """Parts grow, and session files are written under temporary names, before the record."""
    for path in (*parts(archive), Layout(archive).temporary / "session-1"):
        with path.open("ab") as file:
            file.write(b"more")
    assert problems(archive) == []


def test_nothing_is_published_that_the_ledger_does_not_know(archive: Path) -> None:
    """So bytes behind the last view of a finished session, and the file of one that is not, are found."""
    layout = Layout(archive)
    in_parts = {line["session_id"] for line in manifest(archive) if line["outcome"] != "fetched"}
    finished = next(file for file in session_files(archive) if file.name.partition(".")[0] not in in_parts)
    with finished.open("ab") as file:
        file.write(b"more")
    assert problems(archive) == [(Problem.UNCLAIMED, f"sessions/{finished.name}")]
    (layout.sessions / "of-nobody.ndjson").touch()
    assert (Problem.EXTRA, "sessions/of-nobody.ndjson") in problems(archive)


def test_the_file_of_a_session_that_no_run_has_asked_for_is_extra(archive: Path) -> None:
    """Its partial file is not: of those the ledger's record may be older than the file, or newer."""
    layout = Layout(archive)
    with closing(Ledger.open(layout.ledger)) as ledger:
        ledger.load([(2, View("new", "v1"), None)])
    ending = session_files(archive)[0].name.partition(".ndjson")[2]
    for name in (f"new.ndjson{ending}", f"new.partial.ndjson{ending}"):
        (layout.sessions / name).touch()
    assert problems(archive) == [(Problem.EXTRA, f"sessions/new.ndjson{ending}")]


@settings(max_examples=40)
@given(place=somewhere, bit=bits)
def test_any_flipped_bit_of_what_the_ledger_knows_is_found(killed: Path, place: float, bit: int) -> None:
    """In session files, finished or partial, and in the parts of views that wait for their session."""
    files = [*session_files(killed), *parts(killed)]
    file = files[int(place * len(files))]
    at = int((place * len(files) % 1) * file.stat().st_size)
    with flipped(file, at, bit):
        assert [Path(name).name for _, name in problems(killed)] == [file.name]


def test_the_manifest_behind_a_killed_run_is_not_judged_since_the_next_run_makes_it_anew(archive: Path) -> None:
    lines = manifest(archive)
    write_manifest(archive, [lines[1] | {"segments": 77}, lines[0]])
    assert problems(archive) == []
    anyio.run(_go_on, archive)
    assert problems(archive) == []
    assert 77 not in {line["segments"] for line in manifest(archive)}
    assert len(manifest(archive)) > len(lines)


def test_the_same_download_mends_a_damaged_part(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with parts(archive)[0].open("r+b") as part:
        part.write(b"?")
    assert main(["verify", str(archive)]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "mends what it can of the above, then verify again" in said
    assert "--rebuild" not in said
    anyio.run(_go_on, archive)
    assert (problems(archive), parts(archive)) == ([], [])


async def _go_on(out: Path) -> None:
    async with Simulator(SimulatorSettings(limit=WIDE)) as simulator:
        for _ in range(2):  # a damaged part ends one run, and the next one fetches its view anew
            ran = await download(simulator, out)
    assert ran.exit_code == 0


def test_an_intact_ledger_is_not_replaced_by_what_knows_less(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Archive(archive).everything()
    assert main(["verify", "--rebuild", str(archive)]) == 3
    assert "is intact and knows more than the manifest" in capsys.readouterr().err
    assert Archive(archive).everything() == before
    Layout(archive).manifest.unlink()
    with pytest.raises(ArchiveError, match="run the same download again"):
        rebuild(archive, Processes(1), None)


def test_a_damaged_ledger_is_replaced_by_a_rebuild(archive: Path) -> None:
    """Also where only a value in it cannot be."""
    with closing(Ledger.open(Layout(archive).ledger)) as ledger, ledger._transaction():
        ledger._db.execute("UPDATE result SET outcome = 'fetchee' WHERE row = 1")
    *others, last = verified(archive).findings
    assert (last.problem, last.file) == (Problem.DAMAGED, ".replay-fetch/ledger.sqlite")
    assert "verify --rebuild" in last.detail
    assert {finding.problem for finding in others} <= {Problem.EXTRA, Problem.UNCLAIMED}  # by the manifest
    assert rebuild(archive, Processes(1), None).kept
    assert problems(archive) == []


@pytest.mark.parametrize("options", [[], ["--rebuild"]])
def test_an_archive_that_is_written_to_is_neither_verified_nor_rebuilt(
    archive: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    with locked(Layout(archive).lock):
        assert main(["verify", *options, str(archive)]) == 3
    said = capsys.readouterr().err
    assert f"another run is writing to this archive: pid {os.getpid()} on " in said
    assert "--rebuild" not in said


def test_nothing_is_held_against_a_run_that_begins_meanwhile(archive: Path) -> None:
    session_files(archive)[0].unlink()
    verifying = Verifying(DiskShelf(archive), Processes(1), None)
    with locked(Layout(archive).lock):
        pass
    with pytest.raises(ArchiveError, match="a run wrote to this archive while it was verified"):
        verifying.run()


def test_a_run_may_be_killed_before_it_begins_to_ask(tmp_path: Path) -> None:
    """Its list is in the ledger then, and none of that in the manifest."""
    out = make(tmp_path / "archive")
    views = [View(session, f"another-{at}") for session in ("new", manifest(out)[0]["session_id"]) for at in range(3)]
    with closing(Ledger.open(Layout(out).ledger)) as ledger:
        ledger.load((at, view, None) for at, view in enumerate(views, start=2))
    assert problems(out) == []
    write_manifest(out, manifest(out)[1:])
    assert (Problem.DAMAGED, "manifest.ndjson") in problems(out)


def test_nothing_is_wrong_where_a_run_over_a_second_list_was_killed(tmp_path: Path) -> None:
    """With ``kill -9``, before the ledger's commits, session files' names, and the manifest; the stage looks."""
    (added,) = (scenario for scenario in SCENARIOS if scenario.name == "added views")
    points = [("commit ledger", 6), ("rename session", 2), ("unlink part", 1), ("rename manifest or report", 1)]
    with staged(added, tmp_path / "stage") as stage:
        assert sum(stage.trial(Crash(point, times, BEFORE)) for point, times in points) == len(points)
