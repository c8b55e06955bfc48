"""A chain of pages on its way into the archive: lines in memory and in the part, and the facts of its segments."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct, field

from replay_fetch.api.segment import Continuity, facts
from replay_fetch.api.trail import Trail
from replay_fetch.archive.durable import write_file
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lines import lines, segment_of
from replay_fetch.archive.write.endings import open_since
from replay_fetch.archive.write.messages import ViewEnded
from replay_fetch.blocks import file_range, is_damage, whole_lines
from replay_fetch.model import Outcome, Page, PlannedView, Recording, Segment, View, ViewRecord, Warnings


class ChainText:
    """Counts, hashes and looks into a view's lines as they are made; the lines themselves are the caller's.

    One pass gives all figures of a record, so no line is read again before it is committed.
    """

    def __init__(self) -> None:
        self.size = 0
        """Bytes of all lines."""
        self.segments = 0
        self._hash = hashlib.sha256()
        self._continuity = Continuity()

    def made(self, view: View, segments: Sequence[Segment]) -> bytes:
        """Make the lines of the next segments, and count them in; returns the lines as one block of bytes."""
        chunk = lines(view, self.segments, segments)
        self._continuity.add_all([segment.raw for segment in segments])
        self._count(chunk, len(segments))
        return chunk

    def counted(self, whole_lines: Iterable[bytes]) -> Iterator[bytes]:
        """Count in lines that are made already, each with its newline, and give them back line by line."""
        for line in whole_lines:
            self._continuity.add(facts(segment_of(line)))
            self._count(line, 1)
            yield line

    @property
    def sha256(self) -> str:
        """Return the hexadecimal hash of all lines so far; empty where there is no line."""
        return self._hash.hexdigest() if self.size else ""

    @property
    def end_ms(self) -> int | None:
        """Return when the latest segment ended, in milliseconds since 1970; None where no segment says so."""
        return self._continuity.end_ms

    @property
    def seen(self) -> Continuity:
        """Return the facts of all segments so far, from which a record's warnings and recording are made."""
        return self._continuity

    def _count(self, text: bytes, segments: int) -> None:
        self.size += len(text)
        self.segments += segments
        self._hash.update(text)


def warnings_of(seen: Continuity, expected: int | None = None) -> Warnings:
    """Make a view's warnings out of its segments' facts; ``expected`` is the list's count where that is larger."""
    return Warnings(seen.gaps, seen.repeats, seen.lacks_full_snapshot, expected)


class ChainPart(Struct, eq=False):
    """Holds the lines of a chain of pages; each chain of a view has a part with a number of its own.

    Belongs to the writer's thread. Lines are in memory until `write` puts them behind the lines in the part.
    """

    planned: PlannedView
    layout: Layout
    number: int = 0
    pages: int = 0
    shape: str = ""
    source: str = ""
    token: str | None = None
    """Where its next page lies."""
    text: ChainText = field(default_factory=ChainText)
    saved: int = 0
    """Bytes of its lines that are in the part."""
    _added: list[Segment] = field(default_factory=list)
    """Segments of which no lines are made yet; those of several pages are made, hashed and looked into at once."""
    _chunks: list[bytes] = field(default_factory=list)
    _trail: Trail | None = None

    @property
    def part(self) -> Path:
        """Return the path of the chain's part, a file of plain lines, which is there once something was saved."""
        return self.layout.part(self.planned.row, self.number)

    def take_up(self, earlier: ViewRecord) -> bool:
        """Go on from the part that an earlier run saved; False where the part is not what the ledger says.

        All lines are read and counted in once more, since the hash and the facts of the whole view need them. Raises
        OSError where the system refuses to read a part that may be sound.
        """
        self.pages, self.shape, self.saved = earlier.pages, earlier.shape, earlier.size
        self.token, self.source, self._trail = earlier.token, earlier.source, Trail.of(earlier)
        try:
            if earlier.size:  # else there is no part
                deque(self.text.counted(whole_lines(self.part, earlier.size)), maxlen=0)
        except OSError as error:
            if not is_damage(error):
                raise
            return False
        except ValueError:
            return False
        # Checked before anything is appended: else damage would get a fresh hash together with the new lines.
        return self.text.sha256 == earlier.sha256

    def add(self, page: Page, source: str) -> None:
        """Append a page's segments; their lines are made later, those of several pages at once."""
        self._added += page.segments
        self.pages += 1
        self.shape = self.shape or page.shape
        self.token, self.source = page.token, source

    def leave_trail(self, pages: Iterable[Page]) -> None:
        """Note the tokens of the latest pages for the run that goes on where this run is cut off."""
        # The trail of an earlier run goes on: a circle of pages shows in the tokens of all runs together.
        self._trail = self._trail or Trail()
        self._trail.extend(pages)

    def make_lines(self) -> bytes:
        """Make the lines of the segments that were added since the last call; returns them as bytes."""
        # Lines are made late, so that pages of a growing view that arrive together are hashed in one go.
        if not self._added:
            return b""
        chunk = self.text.made(self.planned.view, self._added)
        self._added = []
        self._chunks.append(chunk)
        return chunk

    # A part grows behind ``saved``, and is cut to that length first: a killed run may have appended lines that it never
    # recorded.
    def write(self) -> bool:
        """Append the lines in memory to the part and bring them to the disk; True where the part is new.

        A new name in the folder is the caller's to sync.
        """
        new = bool(self._chunks) and not self.saved
        if self._chunks:
            self.saved += write_file(self.part, self._chunks, append_at=self.saved, lasting=self.layout.lasting)
            self._chunks = []
        return new

    def write_lines(self, whole_lines: Iterable[bytes]) -> None:
        """Write lines that are made already as the whole content of the part, and bring them to the disk.

        The lines are counted in, as new ones are, so the record's hash and facts are those of the part.
        """
        self.saved = write_file(self.part, self.text.counted(whole_lines), lasting=self.layout.lasting)

    def read(self) -> Iterator[bytes]:
        """Read all lines that are made, from the part and from memory, in blocks of about a megabyte."""
        if self.saved:
            yield from file_range(self.part, 0, self.saved)
        yield from self._chunks

    def drop(self) -> None:
        """Forget the lines in memory: they are in a file, or another chain stands in their place."""
        self._chunks = []

    def record(self, ended: ViewEnded | None) -> ViewRecord:
        """Make the view's record as far as the chain came; one that ended well or cannot be followed has no token.

        ``ended`` is None while the view grows: the record then has no outcome, and the next run goes on behind it.
        """
        # A chain that was cut (a loop of tokens, a cap on pages) would be cut again at the same place, so the next run
        # begins anew.
        goes_on = ended is None or not (ended.outcome.finished or ended.outcome is Outcome.INCOMPLETE)
        token = self.token if goes_on else None
        trail = self._trail.fields() if token is not None and self._trail is not None else None
        seen = self.text.seen
        return ViewRecord(
            self.planned,
            outcome=ended.outcome if ended else None,
            reason=ended.reason if ended else "",
            source=self.source or (ended.source if ended else ""),
            shape=self.shape,
            pages=self.pages,
            segments=self.text.segments,
            size=self.text.size,
            sha256=self.text.sha256,
            warnings=warnings_of(seen, self.planned.lacking(self.text.segments)),
            recording=Recording(seen.start_ms, seen.end_ms, seen.records, trail, open_since(self.planned, ended)),
            token=token,
            part=self.number,
        )
