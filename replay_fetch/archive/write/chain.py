"""One chain of pages on its way: its lines, in memory and in its part, and what is known of them."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct, field

from replay_fetch.api import Continuity, Trail, facts
from replay_fetch.archive.durable import write_file
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lines import file_range, lines, segment_of, whole_lines
from replay_fetch.archive.write.endings import open_since
from replay_fetch.archive.write.messages import ViewEnded
from replay_fetch.model import Outcome, Page, PlannedView, Recording, Segment, View, ViewRecord, Warnings


class ChainText:
    """What is known of a view's lines so far; the lines themselves are the caller's."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes of all lines."""
        self.segments = 0
        self._hash = hashlib.sha256()
        self._continuity = Continuity()

    def made(self, view: View, segments: Sequence[Segment]) -> bytes:
        """The lines of the next segments."""
        chunk = lines(view, self.segments, segments)
        self._continuity.add_all([segment.raw for segment in segments])
        self._count(chunk, len(segments))
        return chunk

    def counted(self, whole_lines: Iterable[bytes]) -> Iterator[bytes]:
        """The next lines, which are made already, each with its end."""
        for line in whole_lines:
            self._continuity.add(facts(segment_of(line)))
            self._count(line, 1)
            yield line

    @property
    def sha256(self) -> str:
        """Of all lines; empty where there is none."""
        return self._hash.hexdigest() if self.size else ""

    @property
    def end_ms(self) -> int | None:
        """When the latest segment ended, in milliseconds since 1970."""
        return self._continuity.end_ms

    @property
    def seen(self) -> Continuity:
        """The facts of all segments so far."""
        return self._continuity

    def _count(self, text: bytes, segments: int) -> None:
        self.size += len(text)
        self.segments += segments
        self._hash.update(text)


def warnings_of(seen: Continuity, expected: int | None = None) -> Warnings:
    """The warnings that the facts of a view's segments give rise to; ``expected`` is the list's larger count."""
    return Warnings(seen.gaps, seen.repeats, seen.lacks_full_snapshot, expected)


class ChainPart(Struct, eq=False):
    """The lines of one chain of a view; its part has a number of its own."""

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
        """Where its lines are, or would be, saved."""
        return self.layout.part(self.planned.row, self.number)

    def take_up(self, earlier: ViewRecord) -> bool:
        """Go on from what an earlier run saved; False where that is not what the ledger says."""
        self.pages, self.shape, self.saved = earlier.pages, earlier.shape, earlier.size
        self.token, self.source, self._trail = earlier.token, earlier.source, Trail.of(earlier)
        try:
            if earlier.size:  # else there is no part
                deque(self.text.counted(whole_lines(self.part, earlier.size)), maxlen=0)
        except (OSError, ValueError):
            return False
        return self.text.sha256 == earlier.sha256

    def add(self, page: Page, source: str) -> None:
        """Append a page's segments."""
        self._added += page.segments
        self.pages += 1
        self.shape = self.shape or page.shape
        self.token, self.source = page.token, source

    def leave_trail(self, pages: Iterable[Page]) -> None:
        """Note how it came through the latest pages, for the run that goes on where this one is cut off."""
        self._trail = self._trail or Trail()
        self._trail.extend(pages)

    def make_lines(self) -> bytes:
        """Make the lines of what was added since; returns them."""
        if not self._added:
            return b""
        chunk = self.text.made(self.planned.view, self._added)
        self._added = []
        self._chunks.append(chunk)
        return chunk

    def write(self) -> bool:
        """Put the lines that are in memory behind those in the part, durably; True where the part is new.

        A new name in the folder is the caller's to sync.
        """
        new = bool(self._chunks) and not self.saved
        if self._chunks:
            self.saved += write_file(self.part, self._chunks, append_at=self.saved)
            self._chunks = []
        return new

    def write_lines(self, whole_lines: Iterable[bytes]) -> None:
        """Write lines that are made already, and no others, to the part, durably."""
        self.saved = write_file(self.part, self.text.counted(whole_lines))

    def read(self) -> Iterator[bytes]:
        """All lines that are made, from the part and from memory, in blocks."""
        if self.saved:
            yield from file_range(self.part, 0, self.saved)
        yield from self._chunks

    def drop(self) -> None:
        """Forget the lines that are in memory."""
        self._chunks = []

    def record(self, ended: ViewEnded | None) -> ViewRecord:
        """The chain as far as it came; one that cannot be followed does not go on from where it is cut."""
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
