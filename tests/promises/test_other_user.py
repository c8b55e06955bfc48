"""An archive that cannot be looked at: another user's, behind a link to nowhere, with too few open files allowed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import KEYS, write_list
from processes import COMMAND, Done, run, served

from replay_fetch.archive.folder import check_ledger_is_there, existing
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.shelf import DiskShelf, readable
from replay_fetch.cli import main
from replay_fetch.cli.defect import confess
from replay_fetch.errors import ArchiveError
from replay_fetch.simulator import Simulator, SimulatorSettings

# Root may look everywhere: without these capabilities (of Linux: to override, to search, to act as an owner) it is a
# user like any other, and keeps the right to its own Python.
_AS_ANYBODY = (
    "import ctypes, os, sys\n"
    "if not os.geteuid():\n"
    "    for capability in (1, 2, 3):\n"
    "        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)
AS_ANYBODY = (sys.executable, "-c", _AS_ANYBODY, *COMMAND)
SOMEBODY = 54321
COMMANDS = {
    "status": ("status", "OUT"),
    "status --unfinished": ("status", "OUT", "--unfinished"),
    "show": ("show", "OUT"),
    "show SESSION": ("show", "OUT", "1f46e825-067f-4850-9b0a-58b0ef0c14f1"),
    "report": ("report", "OUT", "--out", "PAGE"),
    "export": ("export", "OUT", "--parquet", "TABLES"),
    "verify": ("verify", "OUT"),
    "verify --rebuild": ("verify", "--rebuild", "OUT"),
    "decode": ("decode", "OUT", "--segments-path", "a"),
    "demo": ("demo", "OUT"),
    "download": ("download", "VIEWS", "OUT", "--base-url", "http://127.0.0.1:9"),
    "download --dry-run": ("download", "VIEWS", "OUT", "--dry-run"),
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with served(SimulatorSettings()) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def archive(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two views, beside its list."""
    folder = tmp_path_factory.mktemp("others")
    views = write_list(folder / "views.csv", simulator.views[:2])
    assert run("download", views, folder / "out", "--base-url", simulator.base_url).code == 0
    return folder / "out"


@pytest.fixture(params=[".replay-fetch", "sessions"])
def closed(archive: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder inside of the archive is for another user only; where we are no root, for no user."""
    folder = archive / request.param
    if os.geteuid() == 0:
        os.chown(folder, SOMEBODY, SOMEBODY)
    else:
        folder.chmod(0)
    yield folder
    if os.geteuid() == 0:
        os.chown(folder, 0, 0)
    folder.chmod(0o700)


def words(archive: Path, name: str, tmp_path: Path) -> list[str]:
    """The words of a command, with the paths of this test."""
    places = {"OUT": archive, "VIEWS": archive.with_name("views.csv"), "PAGE": tmp_path / "p", "TABLES": tmp_path / "t"}
    return [str(places.get(word, word)) for word in COMMANDS[name]]


def asked(archive: Path, name: str, tmp_path: Path, command: tuple[str, ...] = AS_ANYBODY) -> Done:
    return run(*words(archive, name, tmp_path), command=command)


@pytest.mark.parametrize("name", COMMANDS)
def test_another_users_archive_is_refused_in_a_line_that_says_why(archive: Path, tmp_path: Path, name: str) -> None:
    owner = archive.stat().st_uid
    if os.geteuid() == 0:
        os.chown(archive, SOMEBODY, SOMEBODY)
    else:
        archive.chmod(0)
    try:
        done = asked(archive, name, tmp_path)
    finally:
        os.chown(archive, owner, -1)
        archive.chmod(0o700)
    assert done.code == 3, done
    assert done.stderr.count("\n") == 1
    assert "Permission denied" in done.stderr
    assert archive.name in done.stderr
    assert "defect" not in done.stderr


def test_a_closed_folder_in_an_archive_makes_no_command_fail_as_if_by_a_defect(
    archive: Path, closed: Path, tmp_path: Path
) -> None:
    ended = {name: asked(archive, name, tmp_path) for name in COMMANDS}
    assert not {name: done for name, done in ended.items() if "Traceback" in done.stderr or "defect" in done.stderr}
    assert {done.code for done in ended.values()} <= {0, 1, 3}
    assert closed.name in ended["verify"].stdout + ended["verify"].stderr


@pytest.mark.parametrize("number", [13, 24])
def test_a_question_that_the_system_does_not_answer_is_no_no(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Neither "there is no archive", nor an error of the interpreter's, which it is in some of its versions."""

    def refuse(path: object, *_: object, **__: object) -> os.stat_result:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(os, "stat", refuse)
    for look in (existing, lambda root: readable(DiskShelf(root)), lambda root: check_ledger_is_there(Layout(root))):
        with pytest.raises(ArchiveError, match=os.strerror(number)):
            look(tmp_path)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_link_to_nowhere_as_out_is_told_from_a_new_archive(
    archive: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There a disk is to be mounted, perhaps: nothing is made in its place."""
    link = archive.with_name("link")
    link.symlink_to(tmp_path / "nowhere")
    monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
    monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
    try:
        code = main(words(link, name, tmp_path))
    finally:
        link.unlink()
    said = capsys.readouterr().err
    assert code == 3, said
    assert "Traceback" not in said
    if name in ("download", "download --dry-run", "demo"):
        assert f"link is a link to {tmp_path / 'nowhere'}, which is not there" in said
    assert not (tmp_path / "nowhere").exists()


# Counts of open files, and the commands that had too few of them when this was written: at 5 the first four had enough,
# at 8 all that only read. Repeating those with more files would show nothing but that they work.
HARDLY_ANY = {
    5: COMMANDS.keys() - {"demo"},
    6: COMMANDS.keys() - {"demo", "status", "status --unfinished", "show", "show SESSION"},
    7: COMMANDS.keys() - {"demo", "status", "status --unfinished", "show", "show SESSION", "report"},
    8: {"decode", "download", "download --dry-run"},
    10: {"decode", "download", "download --dry-run"},
}


@pytest.mark.parametrize("allowed", HARDLY_ANY)
def test_hardly_any_open_files_are_no_defect(archive: Path, tmp_path: Path, allowed: int) -> None:
    limited = ("/bin/sh", "-c", f'ulimit -n {allowed} && exec "$@"', "sh", *COMMAND)
    ended = {name: asked(archive, name, tmp_path, limited) for name in sorted(HARDLY_ANY[allowed])}
    assert not {name: done for name, done in ended.items() if "Traceback" in done.stderr or "defect" in done.stderr}
    assert {done.code for name, done in ended.items()} <= {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(24, "Too many open files"), "stopped: Too many open files; allow more open files: see `ulimit -n`"),
        (ExceptionGroup("", [PermissionError(13, "Permission denied", "/a")]), "stopped: Permission denied (/a)"),
        (FileNotFoundError(2, "No such file", "/a"), "a defect in replay-fetch"),
    ],
    ids=["too many files", "in a group", "not there"],
)
def test_a_refusal_of_the_system_is_no_defect_of_ours(
    error: Exception, said: str, capsys: pytest.CaptureFixture[str]
) -> None:

    confess(error, argparse.Namespace(quiet=1, verbose=0))
    assert said in capsys.readouterr().err
