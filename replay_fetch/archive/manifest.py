"""The manifest: one line a view, made anew from the ledger at the end of a run, and read by all other commands.

A line depends on nothing but the ledger's record of its view: not on when or how often something was asked. So the
same list gives the same manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct, json

from replay_fetch.archive.durable import explained, write_atomically
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.shelf import Shelf
from replay_fetch.blocks import lines_of
from replay_fetch.model import ID, Outcome, PlannedView, Recording, Span, View, ViewRecord, Warnings
from replay_fetch.printable import printable
from replay_fetch.settings import Compression

ReadLine = Callable[[int, bytes], "Entry | BadLine"]

_LINES_A_WRITE = 1000
# Of gaps and repeats a hundred each are named; a reason is cut to a few hundred characters.
_LONGEST_LINE = 2**20

_Id = Annotated[str, Meta(pattern=rf"^{ID}\Z")]
_Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # as much as the ledger can hold
_Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


_Text = bytes  # as in the class ``bytes`` is a key


class ManifestLine(Struct, frozen=True, gc=False):
    """A line of the manifest, written and read here: its keys in their order, and the values that each key may have.

    Every line has all keys. Unknown keys are passed over, so newer versions may add some.
    """

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
    """Of the bytes as they lie in the file; None where nothing is compressed, for it is ``sha256`` then."""
    start_ms: _Count | None
    end_ms: _Count | None
    records: _Count | None
    gaps: list[_Count]
    repeats: list[_Count]
    lacks_full_snapshot: bool
    segments_expected: _Count | None

    @classmethod
    def of(cls, layout: Layout, record: ViewRecord) -> ManifestLine:
        """Make the line of a view from the ledger's record alone, so `verify` can make it again and compare."""
        span = record.whole or record.partial
        session_id, view_id = record.planned.view
        recording, warnings = record.recording, record.warnings
        return cls(
            session_id=session_id,
            view_id=view_id,
            outcome=record.outcome,
            reason=record.reason or None,
            source=record.source or None,
            shape=record.shape or None,
            pages=record.pages,
            segments=record.segments,
            bytes=record.size,
            sha256=record.sha256 or None,
            file=layout.session_name(session_id, partial=record.whole is None) if span else None,
            offset=span.offset if span else None,
            length=span.length if span else None,
            stored_sha256=span.sha256 if span and layout.compression is not Compression.NONE else None,
            start_ms=recording.start_ms,
            end_ms=recording.end_ms,
            records=recording.records,
            gaps=warnings.gaps,
            repeats=warnings.repeats,
            lacks_full_snapshot=warnings.lacks_full_snapshot,
            segments_expected=warnings.segments_expected,
        )

    def encode(self) -> _Text:
        """Encode the line as JSON, with its newline, as it stands in the manifest."""
        return json.encode(self) + b"\n"

    @classmethod
    def decode(cls, text: _Text) -> ManifestLine:
        """Decode a line; raises ValueError where a key is lacking or has a value that it cannot have."""
        return _decoder.decode(text)

    def record(self, row: int, *, whole: Span | None = None, partial: Span | None = None) -> ViewRecord:
        """Make the record of the view, as far as the line tells of it; ``row`` is the line's number."""
        return ViewRecord(
            PlannedView(row, 0, View(self.session_id, self.view_id)),
            outcome=self.outcome,
            reason=self.reason or "",
            source=self.source or "",
            shape=self.shape or "",
            pages=self.pages,
            segments=self.segments,
            size=self.bytes,
            sha256=self.sha256 or "",
            warnings=Warnings(self.gaps, self.repeats, self.lacks_full_snapshot, self.segments_expected),
            recording=Recording(self.start_ms, self.end_ms, self.records),
            whole=whole,
            partial=partial,
        )


_decoder = json.Decoder(ManifestLine)

# By what follows the session's id in the name of its file: partial or not, and how it is compressed.
_KINDS = {
    Layout(Path(), compression).session_name("-", partial=partial).removeprefix("sessions/-"): (partial, compression)
    for compression in Compression
    for partial in (False, True)
}


class Entry(NamedTuple):
    """An entry of the manifest: a view's record, whose row is the line's number, and the file with its lines."""

    record: ViewRecord
    file: str | None = None
    """The name of the file that its lines lie in, relative to the archive."""
    compression: Compression = Compression.NONE

    @property
    def span(self) -> Span | None:
        """Return the place of the view's lines in the file; None where there are no lines."""
        return self.record.whole or self.record.partial

    @property
    def waiting(self) -> bool:
        """True where segments came that lie in no file yet: the session is not whole, and the run has not ended."""
        return self.span is None and self.record.segments > 0


class BadLine(NamedTuple):
    """A line of the manifest that cannot be right, and the reason, which is safe to print."""

    number: int
    reason: str


def write_manifest(layout: Layout, views: Iterable[ViewRecord]) -> None:
    """Write the manifest of all ``views`` in their order; the old manifest stays until the new is whole."""
    with explained(f"writing {layout.manifest}"):
        write_atomically(layout.manifest, _blocks(layout, views), layout.temporary / "manifest")


def _blocks(layout: Layout, views: Iterable[ViewRecord]) -> Iterator[bytes]:
    block: list[bytes] = []
    for view in views:
        block.append(ManifestLine.of(layout, view).encode())
        # Lines share a system call, and a manifest of millions of views is never held whole.
        if len(block) == _LINES_A_WRITE:
            yield b"".join(block)
            block = []
    yield b"".join(block)


def read_manifest(shelf: Shelf, read: ReadLine | None = None) -> Iterator[Entry | BadLine]:
    """Read the manifest line by line, bad lines as such; raises ArchiveError where the file cannot be read.

    ``read`` makes the entry of a line, given its number from 1; `read_line` does where there is none.
    """
    number = 0
    with explained(f"reading {shelf.place(shelf.manifest)}"):
        try:
            for number, line in enumerate(lines_of(shelf.blocks(shelf.manifest), _LONGEST_LINE), start=1):
                yield (read or read_line)(number, line)
        except ValueError as error:  # where a line has no end, there is none behind it
            yield BadLine(number + 1, str(error))


def read_line(number: int, text: bytes, made: tuple[ViewRecord, ManifestLine] | None = None) -> Entry | BadLine:
    """Read a line of the manifest, numbered from 1, into its entry; a line that cannot be right is a BadLine.

    A text that is the very line ``made`` from a ledger's record says nothing more, and is not decoded.
    """
    try:
        record, line = made or (None, ManifestLine.decode(text))
        return entry_of(number, line, record)
    # msgspec's own errors are ValueErrors, and so is text that is not UTF-8; deep nesting is not.
    except (ValueError, RecursionError) as error:
        return BadLine(number, printable(str(error), 300))


def session_of(line: bytes) -> str:
    """Return the session's id of a manifest's line: it stands first, and holds neither a comma nor a quote."""
    return line.partition(b",")[0].partition(b":")[2].strip(b'" ').decode("ascii", "replace")


def entry_of(number: int, line: ManifestLine, record: ViewRecord | None = None) -> Entry:
    """Make a line's entry; raises ValueError where the line contradicts itself, or names a file of another session.

    The entry has the ``record`` that the line was made from where that is at hand, else one made from the line.
    """
    # Held here, where a stranger's manifest comes in: all code behind it may rely on these.
    if not bool(line.bytes) == bool(line.segments) == bool(line.sha256):
        raise ValueError("its segments, bytes and sha256 do not agree")
    if line.file is None or line.offset is None or line.length is None:
        if {line.file, line.offset, line.length, line.stored_sha256} != {None}:
            raise ValueError("its file and its place in it do not agree")
        record = record or line.record(number)
        if record.size and record.finished:
            raise ValueError("it has no file for a finished view's bytes")
        return Entry(record)
    span = Span(line.offset, line.length, line.stored_sha256 or line.sha256 or "")
    partial, compression = _kind_of_file(line.session_id, line.file)
    record = record or (line.record(number, partial=span) if partial else line.record(number, whole=span))
    plain = compression is Compression.NONE
    if plain != (line.stored_sha256 is None) or (plain and line.length != line.bytes) or not line.bytes:
        raise ValueError("its bytes, length and hashes do not agree")
    # A finished file holds finished views only: a reader may trust the name alone.
    if not (partial or record.finished):
        raise ValueError("a view that is not finished cannot lie in a finished file")
    return Entry(record, line.file, compression)


def _kind_of_file(session_id: str, name: str) -> tuple[bool, Compression]:
    """Tell from a file's name whether it is partial, and how compressed; ValueError for a foreign name."""
    # Held against the session's own name, so that no line of a stranger's manifest leads a reader out of the archive.
    stem = f"sessions/{session_id}"
    kind = _KINDS.get(name[len(stem) :]) if name.startswith(stem) else None
    if kind is None:
        raise ValueError("its file is not one of its session")
    return kind
