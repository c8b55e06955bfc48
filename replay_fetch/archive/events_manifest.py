"""The manifest of RUM events: one line a session, made from the ledger's records at the end of a run.

It is a file of its own. A line of the manifest tells of a view, its keys are fixed, and events belong to a session;
so an archive without events stays the same to the byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, json

from replay_fetch.archive.durable import explained, is_file, sync_folder, write_atomically
from replay_fetch.archive.layout import EVENTS_MANIFEST, Layout
from replay_fetch.archive.manifest import BadLine
from replay_fetch.archive.shelf import Shelf
from replay_fetch.blocks import lines_of
from replay_fetch.events_record import EventsOutcome, EventsRecord
from replay_fetch.model import ID
from replay_fetch.printable import printable
from replay_fetch.settings import Compression

_LINES_A_WRITE = 1000
# Lines of ours are shorter by far. A stranger's file without an end of a line must not be held whole.
_LONGEST_LINE = 2**16

_Id = Annotated[str, Meta(pattern=rf"^{ID}\Z")]
_Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # as much as the ledger can hold
_Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class EventsLine(Struct, frozen=True, gc=False):
    """A line of the manifest of events; unknown keys are passed over, so newer versions may add some."""

    session_id: _Id
    outcome: EventsOutcome
    reason: str | None
    events: _Count
    bytes: _Count
    sha256: _Hash | None
    file: str | None
    length: _Count | None
    stored_sha256: _Hash | None
    """Of the bytes as they lie in the file; None where nothing is compressed, for it is ``sha256`` then."""

    @classmethod
    def of(cls, layout: Layout, record: EventsRecord) -> EventsLine:
        """Make the line of a session from the ledger's record alone, so `verify` can make it again and compare."""
        there = bool(record.size)
        return cls(
            session_id=record.session_id,
            outcome=record.outcome,
            reason=record.reason or None,
            events=record.events,
            bytes=record.size,
            sha256=record.sha256 or None,
            file=layout.events_name(record.session_id) if there else None,
            length=record.length if there else None,
            stored_sha256=record.stored_sha256 if there and layout.compression is not Compression.NONE else None,
        )

    def record(self, number: int) -> EventsRecord:
        """Make the record of the session; ``number`` stands for its session. ValueError where the line is no line."""
        if not bool(self.bytes) == bool(self.events) == bool(self.sha256) == bool(self.file) == bool(self.length):
            raise ValueError("its events, bytes, hash and file do not agree")
        if bool(self.file) != (self.outcome is EventsOutcome.FETCHED):
            raise ValueError("its outcome and its file do not agree")
        if self.file and self.file != Layout(Path(), self.compression).events_name(self.session_id):
            raise ValueError("its file is not the one of its session")
        return EventsRecord(
            number,
            self.session_id,
            self.outcome,
            self.reason or "",
            self.events,
            self.bytes,
            self.sha256 or "",
            self.length or 0,
            self.stored_sha256 or self.sha256 or "",
        )

    @property
    def compression(self) -> Compression:
        """The compression of the line's file, by the end of its name."""
        kinds = [kind for kind in Compression if kind.suffix and (self.file or "").endswith(kind.suffix)]
        return kinds[0] if kinds else Compression.NONE


_decoder = json.Decoder(EventsLine)


def write_events_manifest(layout: Layout, records: Iterable[EventsRecord]) -> None:
    """Write the manifest of events; no file is made, and an old one goes, where no session's events are known."""
    made = (json.encode(EventsLine.of(layout, record)) + b"\n" for record in records)
    with explained(f"writing {layout.events_manifest}"):
        # Asked for one record before a file is opened: most archives have no events, and get no empty file.
        first = next(made, None)
        if first is not None:
            write_atomically(layout.events_manifest, _blocks(first, made), layout.temporary / "manifest-events")
        elif is_file(layout.events_manifest):
            layout.events_manifest.unlink()
            sync_folder(layout.root)


def _blocks(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    while block := b"".join(islice(rest, _LINES_A_WRITE)):
        yield block


def read_events_manifest(shelf: Shelf) -> Iterator[tuple[EventsRecord, Compression] | BadLine]:
    """Read the manifest of events line by line, bad lines as such; nothing where there is none.

    A record's number is its line's. Raises ArchiveError where the file cannot be read.
    """
    number = 0
    with explained(f"reading {shelf.place(EVENTS_MANIFEST)}"):
        if not shelf.is_file(EVENTS_MANIFEST):
            return
        try:
            for number, text in enumerate(lines_of(shelf.blocks(EVENTS_MANIFEST), _LONGEST_LINE), start=1):
                yield read_events_line(number, text)
        except ValueError as error:  # where a line has no end, there is none behind it
            yield BadLine(number + 1, str(error))


def read_events_line(number: int, text: bytes) -> tuple[EventsRecord, Compression] | BadLine:
    """Read a line, numbered from 1, into its record and its file's compression; a line that is none is a BadLine."""
    try:
        line = _decoder.decode(text)
        return line.record(number), line.compression
    except (ValueError, RecursionError) as error:
        return BadLine(number, printable(str(error), 300))
