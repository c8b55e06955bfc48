"""One view's lines, read from its session's file by the range that the manifest gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from replay_fetch.archive.blocks import file_range
from replay_fetch.archive.compress import decompressed
from replay_fetch.archive.durable import explained
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.reading import BadLine, Entry, read_manifest
from replay_fetch.errors import ArchiveError


def entries(layout: Layout) -> Iterator[Entry]:
    """The manifest's views in order.

    Raises ArchiveError where there is no manifest yet, and at the first line that cannot be read.
    """
    if not layout.manifest.is_file():
        raise ArchiveError(f"{layout.root} has no {layout.manifest.name} yet: it is written when a run ends")
    for found in read_manifest(layout):
        if isinstance(found, BadLine):
            raise ArchiveError(f"{layout.manifest}, line {found.number}: {found.reason}; run `replay-fetch verify`")
        yield found


def by_session(views: Iterable[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    """The views of one session after another; the manifest has them side by side."""
    for session_id, together in groupby(views, lambda entry: entry.record.planned.view.session_id):
        yield session_id, list(together)


def view_lines(root: Path, entry: Entry) -> Iterator[bytes]:
    """The view's lines, none where nothing of it is stored; no more is read than is taken.

    Raises ArchiveError where the file is not what the manifest says.
    """
    if entry.span is None or entry.file is None:
        return
    path = root / entry.file
    with explained(f"reading {path}"):
        stored = file_range(path, entry.span.offset, entry.span.length)
        try:
            yield from _cut(decompressed(stored, entry.compression))
        except ValueError as error:
            raise ArchiveError(f"{path}: {error}; run `replay-fetch verify {root}`") from None


def _cut(blocks: Iterable[bytes]) -> Iterator[bytes]:
    begun: list[bytes] = []
    for block in blocks:
        *ends, rest = block.split(b"\n")
        for end in ends:
            yield b"".join((*begun, end))
            begun = []
        if rest:
            begun.append(rest)
