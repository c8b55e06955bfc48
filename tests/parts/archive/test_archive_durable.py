"""Files and folders: whole or absent, for our eyes only, explained when they cannot be."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from replay_fetch.archive import durable, syncing
from replay_fetch.archive.durable import Unsynced, explained, make_folder, write_atomically, write_file
from replay_fetch.archive.layout import Layout
from replay_fetch.errors import ArchiveError
from replay_fetch.model import View
from replay_fetch.settings import Compression


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_files_of_an_archive_are_for_their_owner_whatever_the_umask_allows(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        make_folder(tmp_path / "a" / "b")
        write_atomically(tmp_path / "a" / "b" / "file", [b"x"], tmp_path / "temporary")
    assert [mode(path) for path in (tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "file")] == [
        0o700,
        0o700,
        0o600,
    ]


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_folder(tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_file_that_cannot_be_written_to_its_end_has_no_name(tmp_path: Path) -> None:
    (tmp_path / "final").write_bytes(b"before")

    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path / "final", chunks(), tmp_path / "temporary")
    assert (tmp_path / "final").read_bytes() == b"before"
    assert not (tmp_path / "temporary").exists(), "it takes the room that is lacking"


@pytest.mark.parametrize(("append_at", "content"), [(None, b"new"), (0, b"new"), (3, b"oldnew"), (5, b"old??new")])
def test_bytes_behind_the_place_to_append_are_dropped(tmp_path: Path, append_at: int | None, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old??half a line")
    assert write_file(path, [b"n", b"", b"ew"], append_at=append_at) == 3
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some room and run the same command again"),
        (errno.EDQUOT, "free some room and run the same command again"),
        (errno.EACCES, "run it as the user whose files these are; nothing fetched is lost"),
        (errno.EMFILE, "allow more open files: see `ulimit -n`; nothing fetched is lost"),
        (errno.EIO, "nothing fetched is lost"),
    ],
)
def test_an_error_of_the_system_is_told_with_its_place_and_with_advice(number: int, advice: str) -> None:
    refused = OSError(number, os.strerror(number))
    with pytest.raises(ArchiveError) as caught, explained("writing OUT/sessions"):
        raise refused
    assert str(caught.value) == f"writing OUT/sessions: {os.strerror(number)}; {advice}"


def refusing(monkeypatch: pytest.MonkeyPatch, number: int, *, folders: bool) -> None:
    """Have fsync refuse either files or folders."""
    fsync = os.fsync

    def refuse(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode) == folders:
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    durable._warn_once.cache_clear()


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF])
def test_a_file_system_without_fsync_of_folders_is_told_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    """CIFS, FUSE and VirtualBox's shared folders have none, and hold archives all the same."""
    refusing(monkeypatch, number, folders=True)
    for name in ("a", "b"):
        make_folder(tmp_path / name)
        write_atomically(tmp_path / name / "file", [b"x"], tmp_path / "temporary")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert os.strerror(number) in caplog.text


@pytest.mark.parametrize(("number", "folders"), [(errno.EIO, True), (errno.EIO, False), (errno.EINVAL, False)])
def test_a_disk_that_refuses_is_fatal_and_the_call_and_its_path_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, *, folders: bool
) -> None:
    refusing(monkeypatch, number, folders=folders)
    at = tmp_path if folders else tmp_path / "temporary"
    with pytest.raises(ArchiveError) as caught, explained("committing"):
        write_atomically(tmp_path / "file", [b"x"], tmp_path / "temporary")
    assert str(caught.value) == f"committing: {os.strerror(number)} at the fsync of {at}; nothing fetched is lost"


@pytest.mark.parametrize("number", [0, errno.ENOTSUP, errno.EINVAL, errno.EIO])
def test_bytes_go_past_the_disk_s_own_cache_where_the_system_has_a_call_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """macOS has one, which its network disks refuse; there an fsync is all that can be had."""
    calls: list[str] = []

    def full_fsync(_descriptor: int, command: int) -> None:
        calls.append(f"fcntl {command}")
        if number:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(syncing, "_FULL_FSYNC", 51)
    monkeypatch.setattr(fcntl, "fcntl", full_fsync)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: calls.append("fsync"))
    refused = pytest.raises(OSError, match=f"at the fsync of {tmp_path / 'file'}")
    with refused if number == errno.EIO else nullcontext():
        write_file(tmp_path / "file", [b"x"])
    assert calls == ["fcntl 51"] if number in (0, errno.EIO) else calls == ["fcntl 51", "fsync"]


def test_a_path_that_the_system_refuses_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=f"writing: Is a directory \\({tmp_path}\\); "), explained("writing"):
        write_file(tmp_path, [b"x"])


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not ours"), explained(f"reading {tmp_path}"):
        raise ValueError("not ours")


@pytest.mark.parametrize(
    "text", ["", "..", ".", "a/b", "/etc", "a\\b", "a\0", "a\n", "a\u0308", "A" * 129, "a.ndjson", "%2e%2e", "a b"]
)
def test_no_unchecked_id_becomes_a_path(tmp_path: Path, text: str) -> None:
    layout = Layout(tmp_path)
    for ask in (layout.session_file, layout.session_name):
        with pytest.raises(ValueError, match="not an id"):
            ask(text)
    for view in (View(text, "v"), View("s", text)):
        with pytest.raises(ValueError, match="not an id"):
            layout.raw_folder(view)


@pytest.mark.parametrize(
    ("compression", "partial", "name"),
    [
        (Compression.NONE, False, "sessions/s.ndjson"),
        (Compression.NONE, True, "sessions/s.partial.ndjson"),
        (Compression.GZIP, False, "sessions/s.ndjson.gz"),
        (Compression.ZSTD, True, "sessions/s.partial.ndjson.zst"),
    ],
)
def test_a_session_files_name_tells_what_it_is(
    tmp_path: Path,
    compression: Compression,
    partial: bool,  # noqa: FBT001 - from the table
    name: str,
) -> None:
    layout = Layout(tmp_path, compression)
    assert layout.session_name("s", partial=partial) == name
    assert layout.session_file("s", partial=partial) == tmp_path / name


@pytest.fixture
def helpers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as pool:
        yield pool


class Disk:
    """Notes which file in a folder is brought to it, and whether by us; the ``refused`` one fails."""

    def __init__(self, folder: Path, refused: str = "") -> None:
        self.synced: list[tuple[str, bool]] = []
        self._folder = folder
        self._refused = refused

    def fsync(self, descriptor: int) -> None:
        about = os.fstat(descriptor)
        name = next(path.name for path in self._folder.iterdir() if path.stat().st_ino == about.st_ino)
        self.synced.append((name, threading.current_thread() is threading.main_thread()))
        if name == self._refused:
            raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize(("quick", "alone"), [(1e9, True), (-1.0, False)], ids=["quick disk", "slow disk"])
def test_files_are_brought_to_the_disk_by_one_thread_where_it_is_quick(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    helpers: ThreadPoolExecutor,
    quick: float,
    alone: bool,  # noqa: FBT001 - a table
) -> None:
    disk = Disk(tmp_path)
    monkeypatch.setattr(durable, "_QUICK", quick)
    monkeypatch.setattr(os, "fsync", disk.fsync)
    with Unsynced() as unsynced:
        for name in "abc":
            unsynced.write(tmp_path / name, [b"1", b"2"])
        assert disk.synced == []
        unsynced.sync(helpers)
    assert sorted(disk.synced) == [(name, alone) for name in "abc"]
    assert [(tmp_path / name).read_bytes() for name in "abc"] == [b"12"] * 3


@pytest.mark.parametrize("quick", [1e9, -1.0], ids=["quick disk", "slow disk"])
def test_a_disk_that_refuses_one_of_several_files_is_heard_and_all_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helpers: ThreadPoolExecutor, quick: float
) -> None:
    monkeypatch.setattr(durable, "_QUICK", quick)
    monkeypatch.setattr(os, "fsync", Disk(tmp_path, refused="b").fsync)
    unsynced = Unsynced()
    for name in "abc":
        unsynced.write(tmp_path / name, [b"12"])
    with pytest.raises(OSError, match=os.strerror(errno.EIO)), unsynced:
        unsynced.sync(helpers)
    for descriptor, _ in unsynced._files:
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            os.fstat(descriptor)
