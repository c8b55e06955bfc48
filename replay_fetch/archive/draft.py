"""One view's lines while it is fetched, in memory and, where it grows large, in a file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from replay_fetch.api import Continuity, facts
from replay_fetch.archive.durable import replace, write_file
from replay_fetch.archive.lines import lines
from replay_fetch.archive.messages import ViewEnded
from replay_fetch.model import Page, PlannedView, ViewRecord

_READ = 2**20


@dataclass(slots=True)
class Draft:
    """A view on its way into the archive; belongs to the writer's thread.

    ``path`` is where it spills to: a temporary file that becomes the view's part if it must wait
    for the rest of its session.
    """

    planned: PlannedView
    path: Path
    size: int = 0
    """Bytes of all lines so far."""
    raw_pages: int = 0
    _chunks: list[bytes] = field(default_factory=list)
    _spilled: int = 0
    _segments: int = 0
    _pages: int = 0
    _shape: str = ""
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    _continuity: Continuity = field(default_factory=Continuity)

    def add(self, page: Page) -> None:
        """Append a page's segments as lines."""
        chunk = lines(self.planned.view, self._segments, page.segments)
        self._pages += 1
        self._segments += len(page.segments)
        self._shape = self._shape or page.shape
        for segment in page.segments:
            self._continuity.add(facts(segment.raw))
        if chunk:
            self._chunks.append(chunk)
            self.size += len(chunk)
            self._hash.update(chunk)

    def start_over(self) -> None:
        """Forget every page so far; the file, if there is one, is overwritten or left to be removed."""
        self._chunks, self._spilled, self.size = [], 0, 0
        self._segments, self._pages, self._shape = 0, 0, ""
        self._hash, self._continuity = hashlib.sha256(), Continuity()

    def spill(self) -> None:
        """Move what is in memory behind what is in the file, durably."""
        self._spilled += write_file(self.path, self._chunks, append_at=self._spilled)
        self._chunks = []

    def keep_as(self, part: Path) -> None:
        """Spill the rest and give the file the name of the view's part; its folder is not yet synced."""
        self.spill()
        replace(self.path, part)

    def read(self) -> Iterator[bytes]:
        """All lines, from the file and from memory, in blocks."""
        if self._spilled:
            with self.path.open("rb") as file:
                yield from read_exactly(file.read, self._spilled)
        yield from self._chunks

    def discard(self) -> None:
        """Remove the file, if there is one."""
        if self._spilled:
            self.path.unlink(missing_ok=True)

    def record(self, ended: ViewEnded) -> ViewRecord:
        """What the ledger keeps of the view as it ended."""
        return ViewRecord(
            self.planned,
            outcome=ended.outcome,
            reason=ended.reason,
            source=ended.source,
            shape=self._shape,
            pages=self._pages,
            segments=self._segments,
            size=self.size,
            sha256=self._hash.hexdigest() if self.size else "",
            checks=self._checks(),
            about=self._about(),
        )

    def _checks(self) -> dict[str, object]:
        """What a reader should be warned of; empty where the recording looks whole."""
        noticed: dict[str, object] = {
            "gaps": self._continuity.gaps,
            "repeats": self._continuity.repeats,
            "lacks_full_snapshot": self._continuity.lacks_full_snapshot,
        }
        expected = self.planned.expected
        if expected is not None and expected > self._segments:
            noticed["segments_expected"] = expected
        return {name: value for name, value in noticed.items() if value}

    def _about(self) -> dict[str, object]:
        known = {
            "start_ms": self._continuity.start_ms,
            "end_ms": self._continuity.end_ms,
            "records": self._continuity.records,
        }
        return {name: value for name, value in known.items() if value is not None}


def read_exactly(read: Callable[[int], bytes], length: int) -> Iterator[bytes]:
    """Blocks of together exactly ``length`` bytes; raises OSError where the file is shorter."""
    while length:
        block = read(min(length, _READ))
        if not block:
            raise OSError("a file of the archive is shorter than the ledger says")
        length -= len(block)
        yield block
