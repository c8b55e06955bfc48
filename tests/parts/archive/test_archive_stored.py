"""Stored views are read as if a stranger had written them: no byte too many, no line without an end."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_archives import segment, write_archive

from replay_fetch.archive.compress import compressed, stored_text
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.manifest import BadLine, Entry, read_manifest
from replay_fetch.archive.raw import RawPage, RawPages, keep_raw
from replay_fetch.archive.read.verify import complaint
from replay_fetch.archive.read.views import view_segments
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.archive.write.kept import compared
from replay_fetch.blocks import lines_of, whole_file, whole_lines
from replay_fetch.cli import main
from replay_fetch.errors import ArchiveError
from replay_fetch.model import Response, Span
from replay_fetch.settings import Compression

MIB = 2**20
SQUEEZED = [Compression.GZIP, Compression.ZSTD]
TEXT = b'{"position":0}\n\n{"position":1,"segment":{}}\n'


@settings(max_examples=50)
@given(st.lists(st.integers(0, len(TEXT)), max_size=8))
def test_lines_are_the_same_wherever_the_blocks_are_cut(cuts: list[int]) -> None:
    blocks = [TEXT[start:end] for start, end in pairwise([0, *sorted(cuts), len(TEXT)])]
    assert list(lines_of(blocks)) == TEXT.splitlines()


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([b"whole\nbegun"], "breaks off"),
        ([b"begun"] * 3, "more than 12 bytes"),
        ([b"whole\n", b"a longer one than allowed"], "more than 12 bytes"),
    ],
)
def test_a_line_without_an_end_is_an_error(blocks: list[bytes], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        list(lines_of(blocks, longest=12))


def test_a_line_without_an_end_is_given_up_before_its_file_ends() -> None:
    taken: list[int] = []

    def endless() -> Iterable[bytes]:
        while True:
            taken.append(MIB)
            yield bytes(MIB)

    with pytest.raises(ValueError, match="more than"):
        list(lines_of(endless(), longest=8 * MIB))
    assert sum(taken) <= 9 * MIB


def test_lines_are_read_up_to_where_one_ends(tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.write_bytes(TEXT + b"and more\n")
    assert b"".join(whole_lines(path, len(TEXT))) == TEXT
    with pytest.raises(ValueError, match="breaks off"):
        list(whole_lines(path, len(TEXT) + 3))


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize(("size", "said"), [(0, None), (-1, "more than the"), (1, "bytes where there should be")])
def test_stored_text_has_as_many_bytes_as_it_should(
    compression: Compression, size: int, said: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "stored"
    stored = b"".join(compressed([TEXT], compression))
    path.write_bytes(b"before" + stored + b"behind")
    text = stored_text(path, Span(6, len(stored), ""), compression, len(TEXT) + size)
    if said is None:
        assert b"".join(text) == TEXT
    else:
        with pytest.raises(ValueError, match=said):
            list(text)


def bomb(root: Path, compression: Compression) -> Entry:
    """An archive of one view whose file inflates to 300 MiB more than the manifest says; its entry."""
    write_archive(root, {("s", "v"): [segment()]}, compression=compression)
    (file,) = (root / "sessions").iterdir()
    file.write_bytes(b"".join(compressed((bytes(MIB) for _ in range(300)), compression)))
    line = json.loads((root / "manifest.ndjson").read_bytes())
    (root / "manifest.ndjson").write_text(json.dumps(line | {"length": file.stat().st_size}) + "\n", "utf-8")
    (entry,) = read_manifest(DiskShelf(root))
    assert isinstance(entry, Entry)
    return entry


def verify(root: Path, entry: Entry) -> None:
    assert "more than the" in str(complaint(whole_file(root / str(entry.file)), entry))


def show_export_and_report(root: Path, entry: Entry) -> None:
    with pytest.raises(ArchiveError, match=r"more than the \d+ bytes .* run `replay-fetch verify"):
        list(view_segments(DiskShelf(root), entry))


def refresh(root: Path, entry: Entry) -> None:
    with pytest.raises(ArchiveError, match="more than the"):
        compared(entry.record, Layout(root, entry.compression))


@pytest.mark.parametrize("read", [verify, show_export_and_report, refresh], ids=lambda read: read.__name__)
@pytest.mark.parametrize("compression", SQUEEZED)
def test_a_bomb_is_named_without_being_held(
    compression: Compression, read: Callable[[Path, Entry], None], tmp_path: Path
) -> None:
    entry = bomb(tmp_path / "archive", compression)
    tracemalloc.start()
    try:
        read(tmp_path / "archive", entry)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * MIB


def test_a_manifest_line_without_an_end_is_the_last_bad_line(tmp_path: Path) -> None:
    root = write_archive(tmp_path / "archive", {("s", "v"): [segment()]})
    with (root / "manifest.ndjson").open("ab") as manifest:
        manifest.write(b" " * 8 * MIB)
    good, bad = read_manifest(DiskShelf(root))
    assert isinstance(good, Entry)
    assert bad == BadLine(2, f"a line of more than {MIB} bytes")


def grown(path: Path, size: int) -> None:
    """Larger on the outside than on the disk."""
    with path.open("ab") as file:
        file.truncate(size)


@pytest.mark.parametrize("command", ["status", "report"])
def test_a_report_that_is_no_report_is_not_read(command: str, tmp_path: Path) -> None:
    root = write_archive(tmp_path / "archive", {("s", "v"): [segment()]})
    grown(root / "report.json", 2**40)
    words = {"status": ["status", str(root)], "report": ["report", str(root), "--out", str(tmp_path / "page.html")]}
    assert main(words[command]) == {"status": 0, "report": 3}[command]


@pytest.mark.parametrize("suffix", ["json", "body"])
def test_raw_pages_that_are_no_pages_are_passed_over(suffix: str, tmp_path: Path) -> None:
    answer = Response(200, {}, b"{}")
    keep_raw(tmp_path, [RawPage(answer, 1, "blob"), RawPage(answer, 2, "blob", "T")])
    grown(tmp_path / f"0001.{suffix}", 2**40)
    pages = RawPages(tmp_path)
    assert pages.find("blob", None) is None
    assert pages.find("blob", "T") == 2


@pytest.mark.parametrize("words", [["show", "{}", "s"], ["show", "{}", "--pages"]], ids=" ".join)
def test_commands_that_read_a_damaged_line_end_with_3_and_point_to_verify(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_archive(tmp_path / "archive", {("s", "v"): [segment()]})
    (file,) = (root / "sessions").iterdir()
    file.write_bytes(file.read_bytes().replace(b'"segment"', b'"sigment"'))
    assert main([word.format(root) for word in words]) == 3
    assert "run `replay-fetch verify" in capsys.readouterr().err
