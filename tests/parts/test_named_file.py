"""Files that a user names: what is no regular file is written to and stays what it is."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from archives import write_list
from made_archives import write_archive
from made_recordings import full, meta, segment
from made_snapshots import snapshot
from processes import COMMAND, HANGS, environment, run, served

from replay_fetch.archive.layout import Layout
from replay_fetch.cli import main
from replay_fetch.errors import ReplayFetchError, SettingsError
from replay_fetch.named_file import ARCHIVES_OWN, NamedFile, require_outside_archives
from replay_fetch.progress.metrics import MetricsFile
from replay_fetch.shard import ShardId
from replay_fetch.simulator import SimulatorSettings

PAGE = b"a page\n"


@pytest.fixture
def sink(tmp_path: Path) -> Path:
    """A /dev/null of our own; where none may be made, a pipe that somebody reads."""
    path = tmp_path / "sink"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        os.mkfifo(path)
        threading.Thread(target=path.read_bytes, daemon=True).start()
    return path


def kind(path: Path) -> tuple[int, int]:
    about = path.stat()
    return stat.S_IFMT(about.st_mode), about.st_rdev


def test_a_device_is_written_to_and_stays_one(sink: Path) -> None:
    before = kind(sink)
    NamedFile("--out", sink).write([PAGE])
    assert kind(sink) == before
    assert [path.name for path in sink.parent.iterdir()] == [sink.name]


def test_a_pipe_gets_what_is_written(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    NamedFile("--out", pipe).write([PAGE, PAGE * 20_000])
    reader.join()
    assert read == [PAGE * 20_001]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("there", [b"old", None], ids=["to a file", "to none yet"])
def test_a_link_is_followed(tmp_path: Path, there: bytes | None) -> None:
    (tmp_path / "behind").mkdir()
    target, link = tmp_path / "behind" / "page", tmp_path / "link"
    if there is not None:
        target.write_bytes(there)
    (tmp_path / "between").symlink_to("behind/page")
    link.symlink_to(tmp_path / "between")
    NamedFile("--out", link).write([PAGE])
    assert (link.is_symlink(), target.read_bytes()) == (True, PAGE)
    assert [path.name for path in target.parent.iterdir()] == ["page"]


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("other")
    (tmp_path / "other").symlink_to("one")
    with pytest.raises(SettingsError, match="symbolic links"):
        NamedFile("--out", tmp_path / "one")


def test_a_regular_file_is_replaced_whole_and_a_reader_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_bytes(b"the old page")
    path.chmod(0o644)
    with path.open("rb") as reader:
        NamedFile("--out", path).write([PAGE])
        assert reader.read() == b"the old page"
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (PAGE, 0o600)


def test_a_file_that_cannot_be_finished_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_bytes(b"the old page")

    def pieces() -> Iterator[bytes]:
        yield PAGE
        raise OSError(28, "No space left on device")

    with pytest.raises(ReplayFetchError, match=r"--out '.*page' cannot be written: No space left on device"):
        NamedFile("--out", path).write(pieces())
    assert [entry.name for entry in tmp_path.iterdir()] == ["page"]
    assert path.read_bytes() == b"the old page"


def a_folder(path: Path) -> Path:
    path.mkdir()
    return path


NOWHERE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a folder": (a_folder, "it is a folder"),
    "a folder that is not there": (lambda path: path / "page", "there is no folder"),
    "a descriptor that is not open": (lambda _: Path("/dev/fd/987"), "Bad file descriptor"),
}


@pytest.mark.parametrize(("made", "said"), NOWHERE.values(), ids=NOWHERE)
def test_a_name_where_no_file_can_be_written_is_refused_at_once(
    tmp_path: Path, made: Callable[[Path], Path], said: str
) -> None:
    with pytest.raises(SettingsError, match=f"--out '.*' cannot be written: {said}"):
        NamedFile("--out", made(tmp_path / "there"))


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
@pytest.mark.parametrize("redirected", [">", ">>", "|"])
def test_stdout_by_its_name_is_where_the_shell_sends_it(tmp_path: Path, name: str, redirected: str) -> None:
    """A file that the shell opened is neither replaced nor written over, and what follows stands behind."""
    if not Path("/proc/self/fd").exists() and name.startswith("/proc"):
        name = "/dev/fd/1"
    (tmp_path / "link").symlink_to("/dev/stdout")
    out = tmp_path / "out"
    out.write_bytes(b"before\n")
    script = (
        "import sys; from pathlib import Path; from replay_fetch.named_file import NamedFile; "
        "print('first', flush=True); NamedFile('--out', Path(sys.argv[1])).write([b'a page\\n']); print('last')"
    )
    there = "| cat >" if redirected == "|" else redirected
    subprocess.run(  # noqa: S603 - our own script
        ["/bin/sh", "-c", f'"$0" -c "$1" "$2" {there} out', COMMAND[0], script, name],
        cwd=tmp_path,
        env=environment(),
        check=True,
        timeout=HANGS,
    )
    assert out.read_text() == ("before\n" if redirected == ">>" else "") + "first\na page\nlast\n"


def test_metrics_into_a_device_or_a_pipe_without_a_reader_cost_the_run_nothing(
    sink: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    before = kind(sink), kind(pipe)
    for path in (sink, pipe):
        file = MetricsFile(path)
        file.refresh(snapshot())
        file.finish(snapshot(), 0)
    assert (kind(sink), kind(pipe)) == before
    assert [record.getMessage().count("No such device or address") for record in caplog.records] == [1]


def test_every_commands_file_goes_through_this_door(tmp_path: Path) -> None:
    """A pipe each, all of them read: none is replaced, and none hangs."""
    pipes = {name: tmp_path / name for name in ("list", "metrics", "log", "page", "player")}
    read: dict[str, bytes] = {}
    with served(SimulatorSettings()) as simulator:
        for pipe in pipes.values():
            os.mkfifo(pipe)
        held = [os.open(pipes[name], os.O_RDWR) for name in ("metrics", "log")]  # open, so that writers find a reader
        readers = [
            threading.Thread(target=lambda name=name: read.update({name: pipes[name].read_bytes()}))
            for name in ("list", "page", "player")
        ]
        for reader in readers:
            reader.start()
        url = ("--base-url", simulator.base_url)
        found = run("discover", *url, "--out", pipes["list"])
        assert found.code == 0, found
        views = write_list(tmp_path / "views.csv", simulator.views[:2])
        out = tmp_path / "out"
        files = ("--metrics-file", pipes["metrics"], "--log-file", pipes["log"])
        fetched = run("download", views, out, *url, *files)
        assert fetched.code == 0, fetched
        assert run("report", out, "--out", pipes["page"]).stdout == ""
        (session, *_) = (view.session_id for view in simulator.views)
        played = run("play", out, session, "--html", pipes["player"])
        assert (played.code, played.stdout) == (0, "")
        for reader in readers:
            reader.join()
        read |= {name: os.read(at, 2**20) for name, at in zip(("metrics", "log"), held, strict=True)}
        for at in held:
            os.close(at)
    assert all(stat.S_ISFIFO(pipe.stat().st_mode) for pipe in pipes.values())
    assert read["list"].startswith(b"session_id,view_id")
    assert read["page"].startswith(b"<!")
    assert read["player"].startswith(b"<!")
    assert b"# EOF" in read["metrics"]
    assert b"INFO" in read["log"]


_PAGES = (("play", "A", "one", "--html"), ("report", "A", "--out"))


@pytest.mark.parametrize("words", _PAGES, ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("folder", "it is a folder, and must be a file"),
        ("x" * 300, "cannot be written: File name too long"),
        ("nowhere/page", "there is no folder"),
    ],
)
def test_a_page_that_cannot_be_written_there_is_refused_at_once(
    played: Path, words: tuple[str, ...], place: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(played.parent.rglob("*"))
    assert main([word.replace("A", str(played)) for word in words] + [str(played.parent / place)]) == 2
    assert said in capsys.readouterr().err
    assert sorted(played.parent.rglob("*")) == before


def test_a_page_for_a_device_that_is_full_ends_with_3_and_leaves_the_device(
    played: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full_device = played.with_name("full")
    full_device.symlink_to("/dev/full")
    before = sorted(played.parent.rglob("*"))
    assert main(["play", str(played), "one", "--html", str(full_device)]) == 3
    captured = capsys.readouterr()
    assert (captured.out, "cannot be written: No space left on device" in captured.err) == ("", True)
    assert stat.S_ISCHR(full_device.stat().st_mode)
    assert sorted(played.parent.rglob("*")) == before


@pytest.fixture
def played(tmp_path: Path) -> Path:
    """An archive of one view that plays, beside a folder."""
    (tmp_path / "folder").mkdir()
    return write_archive(tmp_path / "archive", {("one", "v1"): [segment(meta(), full())]})


@pytest.mark.parametrize(
    "words", [("export", "A", "--parquet"), ("export", "A", "--rrweb"), ("scrub", "A")], ids=lambda words: words[-1]
)
@pytest.mark.parametrize("place", ["pipe", "file", "/dev/stdout", "x" * 300])
def test_a_folder_that_cannot_be_made_is_refused_at_once(
    archive: Path, tmp_path: Path, words: tuple[str, ...], place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"mine")
    before = sorted(tmp_path.rglob("*"))
    assert main([word.replace("A", str(archive)) for word in words] + [str(tmp_path / place)]) == 2
    said = capsys.readouterr().err
    assert any(why in said for why in ("it must be a folder", "is there already", "cannot be written: File name"))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of one view, with the private folder that a run leaves."""
    archive = write_archive(tmp_path / "archive", {("one", "v1"): [b"{}"]})
    (archive / ".replay-fetch").mkdir(exist_ok=True)
    return archive


def everything(archive: Path) -> dict[str, bytes]:
    return {str(path.relative_to(archive)): path.read_bytes() for path in archive.rglob("*") if path.is_file()}


def test_the_names_that_are_refused_are_those_of_the_layout() -> None:
    layouts = [Layout(Path("a")), Layout(Path("a"), shard=ShardId(0, 2))]
    places = ("sessions", "raw", "events", "events_manifest", "erasures", "manifest", "report", "reports", "home")
    paths = [getattr(layout, name) for layout in layouts for name in places]
    assert {path.relative_to("a").parts[0] for path in paths} == ARCHIVES_OWN


@pytest.mark.parametrize("own", sorted(ARCHIVES_OWN))
@pytest.mark.parametrize("below", ["", "new"])
def test_a_file_of_an_archives_own_is_refused(archive: Path, own: str, below: str) -> None:
    before = everything(archive)
    with pytest.raises(SettingsError, match=r"^--out '.*' lies among the files of the archive .*: name another place"):
        require_outside_archives("--out", archive / own / below)
    with pytest.raises(SettingsError):
        NamedFile("--out", archive / own / below)
    assert everything(archive) == before


def test_a_file_of_a_copy_without_the_private_folder_is_refused(archive: Path) -> None:
    shutil.rmtree(archive / ".replay-fetch")
    with pytest.raises(SettingsError, match="lies among the files of the archive"):
        NamedFile("--out", archive / "report.json")


def test_links_into_an_archive_and_links_among_its_files_are_refused(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").symlink_to(archive / "manifest.ndjson")
    (tmp_path / "folder").symlink_to(archive / "sessions")
    (archive / "report.json").unlink(missing_ok=True)
    (archive / "report.json").symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path / "page.html", tmp_path / "folder" / "x", archive / "report.json"):
        with pytest.raises(SettingsError, match="lies among the files of the archive"):
            NamedFile("--out", path)


def test_a_file_beside_the_archives_own_is_written(archive: Path) -> None:
    NamedFile("--out", archive / "report.html").write([PAGE])
    assert (archive / "report.html").read_bytes() == PAGE


def test_a_folder_named_as_an_archives_is_free_where_there_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    NamedFile("--out", tmp_path / "reports" / "page.html").write([PAGE])
    assert (tmp_path / "reports" / "page.html").read_bytes() == PAGE


@pytest.mark.parametrize(
    "words",
    [
        ("play", "A", "one", "--html", "A/manifest.ndjson"),
        ("export", "A", "--rrweb", "A/sessions"),
        ("export", "A", "--rrweb", "A/.replay-fetch"),
        ("export", "A", "--rrweb", "A"),
        ("export", "A", "--parquet", "A/sessions"),
        ("report", "A", "--out", "A/report.json"),
        ("discover", "--out", "A/manifest.ndjson"),
        ("discover", "--log-file", "A/sessions/log"),
        ("download", "views.csv", "A", "--log-file", "A/manifest.ndjson"),
        ("download", "views.csv", "A", "--metrics-file", "A/report.json"),
        ("events", "A", "--log-file", "A/manifest.ndjson"),
        ("simulate", "--port", "0", "--write-views", "A/manifest.ndjson"),
        ("scrub", "A", "A/sessions/copy"),
        ("discover", "--sessions", "views.csv", "--out", "views.csv"),
        ("discover", "views.csv", "--log-file", "views.csv"),
        ("download", "views.csv", "A", "--log-file", "views.csv"),
        ("download", "views.csv", "A", "--metrics-file", "views.csv"),
        ("play", "A", "one", "--events", "views.csv", "--html", "views.csv"),
    ],
)
def test_no_command_writes_over_an_archive_or_over_what_it_reads(
    words: tuple[str, ...],
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "views.csv").write_text("session_id,view_id\none,v1\n")
    before = everything(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("DD_API_KEY", "DD_APP_KEY"):
        monkeypatch.setenv(name, "0" * 32)
    assert main([word.replace("A", archive.name, 1) if word.startswith("A") else word for word in words]) == 2
    assert "name another" in capsys.readouterr().err or words[0] == "scrub"
    assert everything(tmp_path) == before
