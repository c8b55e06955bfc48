"""Reading an archive by its manifest: what each line says, held against what a line can say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from replay_fetch.archive.blocks import lines_of, whole_file
from replay_fetch.archive.durable import explained, is_file, is_folder
from replay_fetch.archive.layout import Layout
from replay_fetch.errors import ArchiveError
from replay_fetch.model import ID, Outcome, PlannedView, Span, View, ViewRecord
from replay_fetch.printable import printable
from replay_fetch.settings import Compression

_Id = Annotated[str, Meta(pattern=rf"^{ID}\Z")]
_Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # as much as the ledger can hold
_Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class _Line(msgspec.Struct, gc=False):
    """A line's keys as the manifest writes them; others are passed over, so that newer ones may come."""

    session_id: _Id
    view_id: _Id
    outcome: Outcome | None
    reason: str | None
    source: str | None
    shape: str | None
    pages: _Count
    segments: _Count
    bytes: _Count
    sha256: _Hash | None
    file: str | None
    offset: _Count | None
    length: _Count | None
    stored_sha256: _Hash | None
    start_ms: _Count | None
    end_ms: _Count | None
    records: _Count | None
    gaps: list[_Count]
    repeats: list[_Count]
    lacks_full_snapshot: bool
    segments_expected: _Count | None


# Of gaps and repeats a hundred each are named; a reason is cut to a few hundred characters.
_LONGEST_LINE = 2**20

_CHECKS = ("gaps", "repeats", "lacks_full_snapshot", "segments_expected")
_ABOUT = ("start_ms", "end_ms", "records")
_decoder = msgspec.json.Decoder(_Line)

# By what follows the session's id in the name of its file: partial or not, and how it is compressed.
_KINDS = {
    Layout(Path(), compression).session_name("-", partial=partial).removeprefix("sessions/-"): (partial, compression)
    for compression in Compression
    for partial in (False, True)
}


class Entry(NamedTuple):
    """What the manifest says of one view; its row is the number of its line."""

    record: ViewRecord
    file: str | None = None
    """The name of the file that its lines lie in, relative to the archive."""
    compression: Compression = Compression.NONE

    @property
    def span(self) -> Span | None:
        """Where in the file its lines lie."""
        return self.record.whole or self.record.partial


class BadLine(NamedTuple):
    """A line of the manifest that cannot be right, and why; the reason is safe to print."""

    number: int
    reason: str


def readable(root: Path) -> Layout:
    """An archive that is there, for reading; its manifest or its ledger may be missing, or both for the moment.

    Raises ArchiveError where there is none.
    """
    layout = Layout(root)
    with explained(f"reading {root}"):
        there = is_file(layout.manifest) or is_folder(layout.private)
    if not there:
        raise ArchiveError(f"{root} is not an archive of replay-fetch: it has no {layout.manifest.name}")
    return layout


def read_manifest(layout: Layout) -> Iterator[Entry | BadLine]:
    """The manifest's lines in order; raises ArchiveError where it cannot be read."""
    number = 0
    with explained(f"reading {layout.manifest}"):
        try:
            for number, line in enumerate(lines_of(whole_file(layout.manifest), _LONGEST_LINE), start=1):
                yield read_line(number, line)
        except ValueError as error:  # where a line has no end, there is none behind it
            yield BadLine(number + 1, str(error))


def read_line(number: int, line: bytes) -> Entry | BadLine:
    """What a line of the manifest says, numbered from 1."""
    try:
        return _entry(number, line)
    # msgspec's own errors are ValueErrors, and so is text that is not UTF-8; deep nesting is not.
    except (ValueError, RecursionError) as error:
        return BadLine(number, printable(str(error), 300))


def _entry(number: int, text: bytes) -> Entry:
    """A line's entry; ValueError where it contradicts itself."""
    line = _decoder.decode(text)
    if not bool(line.bytes) == bool(line.segments) == bool(line.sha256):
        raise ValueError("its segments, bytes and sha256 do not agree")
    if line.file is None or line.offset is None or line.length is None:
        if {line.file, line.offset, line.length, line.stored_sha256} != {None}:
            raise ValueError("its file and its place in it do not agree")
        record = _record(number, line)
        if record.size and record.finished:
            raise ValueError("it has no file for a finished view's bytes")
        return Entry(record)
    span = Span(line.offset, line.length, line.stored_sha256 or line.sha256 or "")
    partial, compression = _kind_of_file(line.session_id, line.file)
    record = _record(number, line, partial=span) if partial else _record(number, line, whole=span)
    plain = compression is Compression.NONE
    if plain != (line.stored_sha256 is None) or (plain and line.length != line.bytes) or not line.bytes:
        raise ValueError("its bytes, length and hashes do not agree")
    if not (partial or record.finished):
        raise ValueError("a view that is not finished cannot lie in a finished file")
    return Entry(record, line.file, compression)


def _record(number: int, line: _Line, *, whole: Span | None = None, partial: Span | None = None) -> ViewRecord:
    return ViewRecord(
        PlannedView(number, 0, View(line.session_id, line.view_id)),
        outcome=line.outcome,
        reason=line.reason or "",
        source=line.source or "",
        shape=line.shape or "",
        pages=line.pages,
        segments=line.segments,
        size=line.bytes,
        sha256=line.sha256 or "",
        checks=_known(line, _CHECKS),
        about=_known(line, _ABOUT),
        whole=whole,
        partial=partial,
    )


def _kind_of_file(session_id: str, name: str) -> tuple[bool, Compression]:
    """Whether the file is a partial one, and how it is compressed; ValueError for a name we would not give."""
    stem = f"sessions/{session_id}"
    kind = _KINDS.get(name[len(stem) :]) if name.startswith(stem) else None
    if kind is None:
        raise ValueError("its file is not one of its session")
    return kind


def _known(line: _Line, names: Iterable[str]) -> dict[str, object]:
    """The line's values under these names, without those that say nothing."""
    known: dict[str, object] = {}
    for name in names:
        value = getattr(line, name)
        if value is not None and value is not False and value != []:
            known[name] = value
    return known
