"""``verify --rebuild`` killed at any instant: it is repeated as if it had not been, and nothing is lost."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import anyio
import pytest
from archives import WIDE, Archive, Job, download
from damaged_archives import manifest, problems, session_files, verified
from kills import Killed, killed_at

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.read.readers import Processes
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.cli import main
from replay_fetch.errors import ArchiveError
from replay_fetch.inspect.rebuild import rebuild
from replay_fetch.inspect.status import status
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.settings import ArchiveSettings, Compression, FetchSettings, PlanSettings
from replay_fetch.simulator import Fault, Simulator, SimulatorSettings

# Some views fail, so that others of their sessions wait in parts and partial files.
_FAILING = SimulatorSettings(limit=WIDE, faults=(Fault.parse("500:sticky,rate=0.3"),))
_JOB = Job(
    fetch=FetchSettings(workers=8, retries=0),
    archive=ArchiveSettings(Compression.GZIP),
    plan=PlanSettings(max_views=12),
)


async def _made(out: Path) -> None:
    async with Simulator(_FAILING) as simulator:
        await download(simulator, out, _JOB)


async def _fetched_again(out: Path) -> None:
    async with Simulator(SimulatorSettings(limit=WIDE)) as simulator:
        await download(simulator, out, _JOB)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive in which nothing is wrong; left as it is."""
    out = tmp_path_factory.mktemp("rebuilt") / "archive"
    anyio.run(_made, out)
    assert any(".partial." in path.name for path in session_files(out))
    assert list(Layout(out).parts.iterdir())
    return out


def _with_garbage(out: Path) -> None:
    Layout(out).ledger.write_bytes(b"garbage" * 1000)


def _gone(out: Path) -> None:
    Layout(out).ledger.unlink()


def _gone_but_for_its_log(out: Path) -> None:
    Layout(out).ledger.rename(f"{Layout(out).ledger}-wal")


def _files_damaged(out: Path) -> None:
    first, second, *_ = (path for path in session_files(out) if ".partial." not in path.name)
    first.write_bytes(first.read_bytes() + b"more")
    second.write_bytes(b"?" + second.read_bytes()[1:])
    with closing(Ledger.open(Layout(out).ledger)) as ledger, ledger._transaction():
        ledger._db.execute("UPDATE result SET outcome = 'fetchee' WHERE row = 1")


def _manifest_gone_too(out: Path) -> None:
    Layout(out).manifest.unlink()
    _with_garbage(out)


# Each is killed at every fifth instant, and each from another one on: together these are all.
_DAMAGES = (_with_garbage, _gone, _gone_but_for_its_log, _files_damaged, _manifest_gone_too)
damages = pytest.mark.parametrize("damage", _DAMAGES)


def contents(out: Path) -> dict[str, bytes]:
    """All of an archive but the ledger, whose bytes hang on more than what is in it, and the last run's report."""
    names = Archive(out).files() - {".replay-fetch/ledger.sqlite", "report.json"}
    return {name: (out / name).read_bytes() for name in names}


def killed(begun: Path, root: Path, damage: Callable[[Path], None]) -> Iterator[Path]:
    """The archive after a kill at instants of a rebuild."""
    for instant in itertools.count(_DAMAGES.index(damage), len(_DAMAGES)):
        out = Path(shutil.copytree(begun, root / "out"))
        with killed_at(instant), suppress(Killed):
            rebuild(out, Processes(1), None)
            return
        yield out
        shutil.rmtree(out)


@damages
def test_a_killed_rebuild_that_is_repeated_ends_as_one_that_was_not(
    sound: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    begun = Path(shutil.copytree(sound, tmp_path / "begun"))
    damage(begun)
    whole = Path(shutil.copytree(begun, tmp_path / "whole"))
    rebuilt = rebuild(whole, Processes(1), None)
    expected, kills = contents(whole), 0
    for out in killed(begun, tmp_path, damage):
        again = rebuild(out, Processes(1), None)
        assert contents(out) == expected
        assert (again.kept, again.dropped, again.aside and again.aside.name) in {
            (rebuilt.kept, rebuilt.dropped, rebuilt.aside and rebuilt.aside.name),
            (len(manifest(out)), 0, None),  # it had come to its end but for a last clearing up
        }
        assert problems(out) == []
        kills += 1
    assert kills >= 3


@damages
def test_a_killed_rebuild_leaves_every_byte_to_a_download_that_comes_instead(
    sound: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """That is refused, or goes on; what the rebuild had not set aside yet is set aside first."""
    begun = Path(shutil.copytree(sound, tmp_path / "begun"))
    damage(begun)
    before = {
        body for name, body in contents(begun).items() if name.startswith("sessions/") and ".partial." not in name
    }
    went_on = 0
    for out in killed(begun, tmp_path, damage):
        try:
            anyio.run(_fetched_again, out)
            went_on += 1
        except ArchiveError:
            rebuild(out, Processes(1), None)
            anyio.run(_fetched_again, out)
        assert problems(out) == []
        there = list(contents(out).values())
        assert all(any(body in each for each in there) for body in before)
    assert went_on


def test_the_way_to_a_new_ledger_all_the_same_throws_nothing_away(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The parts of a killed run may be nowhere else."""
    out = Path(shutil.copytree(sound, tmp_path / "archive"))
    with closing(Ledger.open(Layout(out).ledger)) as ledger:
        ledger.set_setting("state", "running")
    parts = {path.read_bytes() for path in Layout(out).parts.iterdir()}
    assert main(["verify", "--rebuild", str(out)]) == 3
    said = capsys.readouterr().err
    assert f"move {Layout(out).ledger} away first, and nothing else" in said
    Layout(out).ledger.unlink()
    assert rebuild(out, Processes(1), None).kept
    assert parts <= set(contents(out).values())


# --- killed before the first commit


def _begun(out: Path, at: str) -> None:
    layout = Layout(out)
    for folder in (layout.parts, layout.temporary, layout.sessions):
        folder.mkdir(parents=True)
    if at == "made":
        layout.ledger.touch()
    if at == "being filled":
        with closing(Ledger.open(layout.ledger)) as ledger, killed_at(0), suppress(Killed):
            ledger.set_setting("compression", "none")


@pytest.mark.parametrize("at", ["not made", "made", "being filled"])
def test_a_run_killed_before_its_first_commit_leaves_no_damage(
    tmp_path: Path, at: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "archive"
    _begun(out, at)
    assert main(["verify", str(out)]) == 0
    said = capsys.readouterr().out
    assert "the last run did not come to its end" in " ".join(said.split())
    assert "nothing wrong: 0 views" in said
    assert main(["status", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"0 views in {out}\n")
    if at != "being filled":
        assert main(["verify", "--rebuild", str(out)]) == 0
        anyio.run(_fetched_again, out)
    assert verified(out).findings == []


def test_an_empty_ledger_beside_files_is_damage(sound: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(sound, tmp_path / "archive"))
    Layout(out).ledger.write_bytes(b"")
    assert [file for _, file in problems(out)] == [".replay-fetch/ledger.sqlite"]
    assert not status(DiskShelf(out)).by_ledger
    Layout(out).manifest.unlink()
    with pytest.raises(ArchiveError, match="has files but no ledger; `replay-fetch verify --rebuild"):
        status(DiskShelf(out))
